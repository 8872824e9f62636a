package console_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestRequestPage: a message leads to the page of its request; to open it answers nothing, one tap on it does; who opens it
// later reads who said what; to another household and to who is not signed in it tells nothing.
func TestRequestPage(t *testing.T) {
	t.Parallel()
	h := open(t, "", family, another)
	id := h.ask("10.0.0.2", "social.example", "for school")
	at := "/requests/" + id
	anna, alex, bert := h.signedIn("one", account.Parent, "Anna"), h.signedIn("one", account.Parent, "Alex"), h.signedIn("two", account.Parent, "Bert")
	anna.get("/").says(`href="`+at+`"`, "Mia asks")
	page := anna.get(at).is(http.StatusOK).says("Mia asks", "social.example", "for school", `value="30m"`, `value="today"`, `value="always"`, `value="no"`, `method="post"`)
	anna.get(at + "?for=30m&id=" + id).is(http.StatusOK)
	anna.get("/answer?id=" + id + "&for=30m").is(http.StatusNotFound)
	if r := h.request(id); !r.Open() {
		t.Fatalf("it was looked at, and is %s", r.Status)
	}
	bert.get(at).is(http.StatusNotFound).lacks("social.example", "Mia")
	bert.post("/answer", url.Values{"id": {id}, "for": {"30m"}, "back": {"request"}}).is(http.StatusNotFound).lacks("social.example", "Mia")
	anna.get("/requests/zzzzzzzz").is(http.StatusNotFound)
	anna.get("/requests").at("/")
	if page.field("id") != id || page.field("back") != "request" {
		t.Error("the form is of another request")
	}
	anna.post("/answer", url.Values{"id": {id}, "for": {"30m"}, "back": {"request"}, "word": {"have <b>fun</b>"}}).at(at).says("Yes was said", "Anna said yes, until 18:30", "have &lt;b&gt;fun").lacks("<button", "action=")
	alex.get(at).is(http.StatusOK).says("Anna said yes, until 18:30").lacks("<button")
	alex.post("/answer", url.Values{"id": {id}, "for": {"no"}, "back": {"request"}}).is(http.StatusConflict).says("answered before you", "Anna said yes").lacks("<button")
	if r := h.request(id); r.Status != parents.Granted || len(r.Answers) != 1 {
		t.Errorf("after two taps it is %+v", r)
	}
}

// TestRequestOutcomes: the page says what became of a request, however that came about.
func TestRequestOutcomes(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "language: en", "language: en\nanswers: two", 1))
	anna, alex := h.signedIn("one", account.Parent, "Anna"), h.signedIn("one", account.Parent, "Alex")
	id := h.ask("10.0.0.2", "social.example", "")
	anna.post("/answer", url.Values{"id": {id}, "for": {"always"}, "back": {"request"}}).at("/requests/"+id).says("Your yes is noted", "another parent agrees too", `value="no"`).lacks(`value="30m"`)
	anna.post("/answer", url.Values{"id": {id}, "for": {"always"}, "back": {"request"}}).is(http.StatusConflict).says("You have agreed").lacks("answered before you")
	alex.get("/requests/"+id).says("Anna has agreed", `value="always"`)
	alex.post("/answer", url.Values{"id": {id}, "for": {"always"}, "back": {"request"}}).says("Yes was said", "Alex said yes, for always")
	id = h.ask("10.0.0.3", "casino.example", "")
	other := h.ask("10.0.0.3", "naked.example", "")
	anna.get("/requests/" + id).says(`<a href="/">1 more request waits`)
	anna.post("/answer", url.Values{"id": {other}, "for": {"no"}})
	anna.get("/requests/" + id).says("Back to today").lacks("more request")
	alex.post("/answer", url.Values{"id": {id}, "for": {"no"}, "back": {"request"}, "word": {"later"}}).at("/requests/"+id).says("No was said", "Alex said no", "later")
	anna.get("/requests/"+id).says("Alex said no", "later")
	id = h.ask("10.0.0.2", "naked.example", "")
	must(h.Withdraw(t.Context(), h.Live().Identify(netip.MustParseAddr("10.0.0.2")), id))
	anna.get("/requests/" + id).says("Mia took it back").lacks("<button")
	id = h.ask("10.0.0.2", "naked.example", "")
	h.Later(7 * 24 * time.Hour)
	h.signedIn("one", account.Parent, "Bo").get("/requests/" + id).says("Nobody answered for seven days").lacks("<button")
}

// TestSignInReturns: who follows a link of a message and is not signed in, comes to its page when they are, and nowhere else.
func TestSignInReturns(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	id := h.ask("10.0.0.2", "social.example", "")
	h.signedIn("one", account.Parent, "Anna")
	in := url.Values{"name": {"Anna"}, "passphrase": {passphrase}}
	p := h.somebody()
	p.get("/requests/"+id).at("/signin").lacks("social.example", id)
	p.post("/signin", url.Values{"name": {"Anna"}, "passphrase": {"something else here"}}).is(http.StatusForbidden)
	p.post("/signin", in).at("/requests/" + id).says("Mia asks")
	p.post("/signout", nil).at("/signin")
	p.post("/signin", in).at("/") // it was good for once
	for _, evil := range []string{"https://evil.example/", "//evil.example", "///evil.example", "evil.example", "/a//evil.example", "/?to=//evil.example", "/@evil.example:1/"} {
		p = h.somebody()
		p.get("/signin?to=" + url.QueryEscape(evil) + "&next=" + url.QueryEscape(evil))
		p.http.Jar.SetCookies(must(url.Parse(h.srv.URL)), []*http.Cookie{{Name: "__Host-hearth-goal", Value: evil, Secure: true, Path: "/"}})
		if a := p.post("/signin", in); a.path != "/" {
			t.Errorf("%q leads to %s", evil, a.path)
		}
	}
}
