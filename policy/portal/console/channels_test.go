package console_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
)

// sent is what a stand-in for home automation was posted.
func sent(t *testing.T) (address string, bodies chan string) {
	bodies = make(chan string, 20)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, bodies
}

// subscription is what a browser sends that messages can reach.
func subscription(t *testing.T, endpoint string) string {
	t.Helper()
	key := must(ecdh.P256().GenerateKey(rand.Reader))
	e := base64.RawURLEncoding.EncodeToString
	return string(must(json.Marshal(map[string]any{"endpoint": endpoint, "expirationTime": nil, "keys": map[string]string{"p256dh": e(key.PublicKey().Bytes()), "auth": e(make([]byte, 16))}})))
}

// json posts JSON, as a script does.
func (p *person) json(path, body string) *answer {
	p.t.Helper()
	return p.read(p.http.Post(p.srv.URL+path, "application/json", strings.NewReader(body)))
}

// TestChannels: a way is added and tried at once, is somebody's, is told of what was ticked, can be tried again and be
// removed; all of it is written down.
func TestChannels(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	address, bodies := sent(t)
	page := anna.get("/channels").says("No messages go out yet", "Get messages here", h.messages.PublicKey(), "E-mail", "ntfy", "Webhook", `value="hearth-`)
	if again := anna.get("/channels"); again.text == page.text {
		t.Error("the proposed topic is the same each time")
	}
	me := must(h.book.Accounts(t.Context(), account.Machine(), "one"))[0].ID
	page = anna.post("/channels", url.Values{"kind": {"webhook"}, "to": {address + "/secret-path"}, "name": {"Kitchen <i>"}, "for": {me}, "of": {"request", "birthday"}}).is(http.StatusOK)
	page.says("shown once", "Kitchen &lt;i&gt;", "for Anna", "A child asks, A birthday brings other rules", "Last message taken just now", address+"/…").lacks("secret-path")
	if got := <-bodies; !strings.Contains(got, `"kind":"test"`) {
		t.Errorf("the test was %s", got)
	}
	kept := must(h.messages.Channels(t.Context(), "one"))
	if len(kept) != 1 || len(kept[0].For) != 1 || kept[0].For[0] != me || len(kept[0].Of) != 2 {
		t.Fatalf("kept is %+v", kept)
	}
	anna.get("/channels").lacks("shown once")
	anna.post("/channels/"+kept[0].ID+"/test", nil).says("test message was taken")
	<-bodies
	anna.post("/channels/"+kept[0].ID+"/eat", nil).is(http.StatusNotFound)
	anna.post("/channels/"+kept[0].ID+"/remove", nil).says("No message goes there", "No messages go out yet")
	anna.post("/channels/"+kept[0].ID+"/test", nil).is(http.StatusNotFound)
	anna.get("/changes").says("Way for messages added", "Way for messages removed", "Webhook", "Anna", "Parent").lacks("secret-path")
}

// TestWrongChannels: what cannot be used is said, and what is kept and does not arrive too.
func TestWrongChannels(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	all := []string{"request", "notice", "sign-in", "birthday", "outcome"}
	for _, form := range []url.Values{
		{"kind": {"mail"}, "to": {"nobody"}}, {"kind": {"webhook"}, "to": {"http://169.254.169.254/latest"}}, {"kind": {"webhook"}, "to": {"file:///etc/passwd"}}, {"kind": {"pigeon"}, "to": {"x"}},
		{"kind": {"ntfy"}, "to": {"a/b"}}, {"kind": {"mail"}, "to": {"alex@home.example"}, "of": {"everything"}},
	} {
		if form["of"] == nil {
			form["of"] = all
		}
		anna.post("/channels", form).is(http.StatusUnprocessableEntity).says("No messages go out yet", "Nothing was added.", form.Get("to"))
	}
	anna.post("/channels", url.Values{"kind": {"mail"}, "to": {"alex@home.example"}, "for": {"nobody"}, "of": all}).is(http.StatusNotFound)
	i := must(h.book.Invite(t.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Child, Name: "Mia"}))
	child := must(h.book.Accept(t.Context(), account.Join{Code: i.Code, Name: "Mia", Passphrase: passphrase})).Session.Account
	anna.post("/channels", url.Values{"kind": {"mail"}, "to": {"alex@home.example"}, "for": {child}, "of": all}).is(http.StatusNotFound).says("No messages go out yet")
	anna.post("/channels", url.Values{"kind": {"mail"}, "to": {"alex@home.example"}}).is(http.StatusUnprocessableEntity).says("at least one kind", "No messages go out yet")
	anna.post("/channels", url.Values{"kind": {"push"}, "to": {"https://push.example/x"}}).is(http.StatusNotFound)
	anna.post("/channels", url.Values{"kind": {"mail"}, "to": {"alex@home.example"}, "of": all}).is(http.StatusOK).says("did not arrive. Nobody answers there", "The way is kept", "alex@home.example", "for everybody", "all messages")
	if kept := must(h.messages.Channels(t.Context(), "one")); len(kept) != 1 || len(kept[0].Of) != 0 {
		t.Errorf("kept is %+v", kept)
	}
}

// TestPushChannel: a browser is kept for who is signed in, by a script of ours alone, and leads into no network.
func TestPushChannel(t *testing.T) {
	t.Parallel()
	h := open(t, "", family, another)
	anna := h.signedIn("one", account.Parent, "Anna")
	const endpoint = "https://127.0.0.1:1024/push/abc"
	anna.post("/channels/push", url.Values{"endpoint": {endpoint}}).is(http.StatusUnsupportedMediaType)
	anna.json("/channels/push", `{"endpoint":"`+endpoint+`"}`).is(http.StatusUnprocessableEntity)
	anna.json("/channels/push", subscription(t, "http://127.0.0.1:1024/push")).is(http.StatusUnprocessableEntity)
	anna.json("/channels/push", subscription(t, "https://169.254.169.254/")).is(http.StatusUnprocessableEntity)
	anna.json("/channels/push", `{`).is(http.StatusUnprocessableEntity)
	anna.json("/channels/push", subscription(t, endpoint)).is(http.StatusNoContent)
	kept := must(h.messages.Channels(t.Context(), "one"))
	me := must(h.book.Accounts(t.Context(), account.Machine(), "one"))[0].ID
	if len(kept) != 1 || kept[0].Kind != notify.Push || len(kept[0].For) != 1 || kept[0].For[0] != me {
		t.Fatalf("kept is %+v", kept)
	}
	anna.get("/channels").says("This browser", "for Anna", "Last message not delivered")
	bert := h.signedIn("two", account.Parent, "Bert")
	bert.get("/channels").lacks("127.0.0.1:1024")
	bert.post("/channels/"+kept[0].ID+"/remove", nil).is(http.StatusNotFound)
	bert.post("/channels/"+kept[0].ID+"/test", nil).is(http.StatusNotFound)
	otto := h.signedIn("operators", account.Operator, "Otto")
	otto.post("/in", url.Values{"household": {"one"}})
	otto.get("/channels").is(http.StatusOK).lacks("data-push")
	otto.json("/channels/push", subscription(t, endpoint+"d")).is(http.StatusNotFound)
	if n := len(must(h.messages.Channels(t.Context(), "one"))); n != 1 {
		t.Errorf("there are %d channels", n)
	}
}

// TestPushChannelOfCarer: a carer has messages on their own phone, of requests alone, and sees, tries and removes no other
// channel of the household.
func TestPushChannelOfCarer(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna, oma := h.signedIn("one", account.Parent, "Anna"), h.signedIn("one", account.Carer, "Oma")
	theirs := must(h.messages.Add(t.Context(), "one", notify.Channel{Kind: notify.Mail, To: "anna@home.example"}))
	oma.get("/account").says(`href="/channels"`)
	oma.get("/channels").is(http.StatusOK).says("Get messages here").lacks("anna@home.example", "E-mail", "Webhook", `action="/channels/names"`)
	oma.json("/channels/push", subscription(t, "https://127.0.0.1:1024/push/oma")).is(http.StatusNoContent)
	oma.get("/channels").says("This browser", "for Oma", "A child asks").lacks("Anna", "Birthday")
	anna.get("/channels").says("anna@home.example", "for Oma")
	for _, act := range []string{"test", "remove"} {
		oma.post("/channels/"+theirs.ID+"/"+act, nil).is(http.StatusNotFound)
	}
	oma.post("/channels", url.Values{"kind": {"mail"}, "to": {"oma@home.example"}, "of": {"request"}}).is(http.StatusForbidden)
	oma.post("/channels/names", url.Values{"names": {"yes"}}).is(http.StatusForbidden)
	kept := must(h.messages.Channels(t.Context(), "one"))
	if len(kept) != 2 || kept[1].Kind != notify.Push || len(kept[1].Of) != 1 || kept[1].Of[0] != notify.Request {
		t.Fatalf("kept is %+v", kept)
	}
	oma.post("/channels/"+kept[1].ID+"/remove", nil).says("No message goes there")
	anna.get("/channels").says("anna@home.example").lacks("for Oma")
	h.Later(20 * 24 * time.Hour) // past Oma's last day
	oma.json("/channels/push", subscription(t, "https://127.0.0.1:1024/push/oma")).at("/signin")
}

// TestPushChannelOfMany: a browser for which there is no place is not told that it is kept.
func TestPushChannelOfMany(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	for i := range 20 {
		must(h.messages.Add(t.Context(), "one", notify.Channel{Kind: notify.Mail, To: fmt.Sprintf("a%d@home.example", i)}))
	}
	anna.json("/channels/push", subscription(t, "https://127.0.0.1:1024/push/abc")).is(http.StatusUnprocessableEntity)
	if n := len(must(h.messages.Channels(t.Context(), "one"))); n != 20 {
		t.Errorf("there are %d channels", n)
	}
}

// TestNamesInMessages: they name no site until a parent says so.
func TestNamesInMessages(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/channels").lacks(`value="yes" checked`)
	anna.post("/channels/names", url.Values{"names": {"yes"}}).says(`value="yes" checked`)
	if !must(h.messages.Names(t.Context(), "one")) {
		t.Error("messages name no site, and a parent has said that they may")
	}
	anna.post("/channels/names", nil).lacks(`value="yes" checked`)
	if must(h.messages.Names(t.Context(), "one")) {
		t.Error("messages name sites, and a parent has said no")
	}
}

// TestWorker: the script that shows messages may hold for the whole console, and fetches from nowhere else.
func TestWorker(t *testing.T) {
	t.Parallel()
	h := open(t, "")
	a := h.somebody().get("/worker.js").is(http.StatusOK)
	if a.head.Get("Content-Type") != "text/javascript" || !strings.Contains(a.head.Get("Content-Security-Policy"), "worker-src 'self'") || !strings.Contains(a.head.Get("Content-Security-Policy"), "connect-src 'self'") {
		t.Errorf("the worker comes with %v", a.head)
	}
}
