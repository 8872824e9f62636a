//go:build browser

package console_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/portal/chromium"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// tab is a window of a real browser at a console.
type tab struct {
	*chromium.Tab
	origin string
}

func browse(t *testing.T, h *house) *tab {
	t.Helper()
	b := &tab{Tab: chromium.Open(t, "MAP * 127.0.0.1", chromedp.IgnoreCertErrors)}
	b.to(h)
	return b
}

// to moves to another console.
func (b *tab) to(h *house) { b.origin = "https://localhost:" + must(url.Parse(h.srv.URL)).Port() }

func (b *tab) open(path string) { b.Helper(); b.Go(b.origin + path) }

// TestBrowserSetUp walks from nothing to a protected device with a real browser whose JavaScript is off, and tells clicks
// and seconds.
func TestBrowserSetUp(t *testing.T) {
	t.Parallel()
	h := open(t, "")
	code := must(h.book.Setup(t.Context()))
	b := browse(t, h)
	b.WithoutScript()
	b.open("/")
	b.At("/setup")
	start := time.Now()
	b.Write("[name=code]", code.Code)
	b.Write("[name=name]", "Anna")
	b.Write("[name=passphrase]", passphrase)
	b.Click("main form button")
	b.At("/setup/family")
	b.Choose("[name=country]", "DE")
	b.Write("[name='name.0']", "Mia")
	b.Write("[name='age.0']", "8")
	b.Write("[name='name.1']", "Tom")
	b.Write("[name='age.1']", "14")
	b.Click("main form>button:last-of-type")
	b.At("/setup/times")
	b.Click("[name=take][value=Mia]")
	b.Click("main form>button")
	b.At("/setup/done")
	h.net.mu.Lock()
	h.net.paths = console.Paths{IPv4: h.Clock()}
	h.net.mu.Unlock()
	b.Click(".card a[href='/setup/done']")
	b.Says("Yes, it asks Hearth")
	t.Logf("from nothing to a protected device: %d clicks, %d keys, %.1f seconds of the browser", b.Clicks, b.Keys, time.Since(start).Seconds())
	if b.Clicks > 20 {
		t.Errorf("it takes %d clicks, more than 20", b.Clicks)
	}
}

// TestBrowserWithoutScript is a parent's day with JavaScript off: to join, answer a child, pause it, draw a time into its
// week, let a device in, and sign out.
func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	i := must(h.book.Invite(t.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Parent, Name: "Anna"}))
	b := browse(t, h)
	b.WithoutScript()
	b.open("/join")
	b.Write("[name=code]", i.Code)
	b.Click("main form button")
	b.Says("You are invited")
	b.Write("[name=passphrase]", passphrase)
	b.Click("main form button")
	b.Says("for school")
	b.Click("form[action='/answer'] button[value='30m']")
	b.Comes("is told of it", `document.querySelector(".note.good")`)
	if h.blocks("one", "Mia", "social.example") {
		t.Error("after the answer the site is not open")
	}
	b.open("/child/Mia")
	b.Click("form[action$='/pause'] button[value='30m']")
	b.Says("Help stays reachable")
	b.open("/child/Tom/week")
	b.Click(".days label:nth-child(3)")
	b.Choose("[name='from.0']", "17:30")
	b.Choose("[name='to.0']", "18:30")
	b.Click("main form:last-of-type>button")
	b.Says("The times are saved")
	if !h.blocks("one", "Tom", "news.example") { // it is 18:00 on a Wednesday
		t.Error("a time in the week stops nothing")
	}
	b.open("/devices")
	b.Choose("[name=for]", "member/Mia")
	b.Write("[name=name]", "mia-phone")
	b.Click("form[action='/devices'] button")
	b.Says("Code for")
	b.open("/account")
	b.Click("form[action='/signout'] button")
	b.At("/signin")
}

// TestBrowserPasskey adds a passkey with the browser's own authenticator, signs out, and in with it.
func TestBrowserPasskey(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	b := browse(t, h)
	b.signIn(h)
	if _, err := chromedp.Call(b.Ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, AutomaticPresenceSimulation: true,
	}
	if _, err := chromedp.Call(b.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: options}); err != nil {
		t.Fatal(err)
	}
	b.open("/account")
	b.Click("[data-passkey=add]")
	b.Says("The passkey is added")
	b.Click("form[action='/signout'] button")
	b.At("/signin")
	b.Click("[data-passkey=get]")
	b.At("/")
}

// signIn signs Anna in.
func (b *tab) signIn(h *house) {
	b.Helper()
	i := must(h.book.Invite(b.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Parent, Name: "Anna"}))
	b.open("/join")
	b.Do(chromedp.SendKeys("[name=code]", i.Code), chromedp.Submit("main form"))
	b.Says("You are invited")
	b.Do(chromedp.SendKeys("[name=passphrase]", passphrase), chromedp.Submit("main form"))
	b.At("/")
}

// TestBrowserMessages: a parent lets this browser be told, and what is pushed to it is shown, with what leads elsewhere led
// home. The push service, which is on the internet, is the one thing that is no real one.
func TestBrowserMessages(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	b := browse(t, h)
	b.signIn(h)
	allow := browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: browser.PermissionSettingGranted, Origin: b.origin}
	if _, err := chromedp.Call(b.Ctx, browser.SetPermission, allow); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var worker serviceworker.RegistrationID
	err := chromedp.Listen(b.Ctx, func(ev any) {
		if e, ok := ev.(*serviceworker.EventWorkerRegistrationUpdated); ok && len(e.Registrations) > 0 {
			mu.Lock()
			defer mu.Unlock()
			worker = e.Registrations[0].RegistrationID
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.Ctx, serviceworker.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	b.open("/channels")
	b.Eval(`PushManager.prototype.subscribe = async o => o.applicationServerKey === "` + h.messages.PublicKey() + `" && o.userVisibleOnly ? ` + subscription(t, "https://127.0.0.1:1024/push") + ` : null`)
	if got := b.Eval(`Notification.permission`); got != "granted" {
		t.Fatalf("messages are %s", got)
	}
	b.Eval(`document.querySelector("[data-push]").click()`)
	b.At("/channels?done=channel")
	b.Says("This browser")
	if kept := must(h.messages.Channels(t.Context(), "one")); len(kept) != 1 || kept[0].Kind != notify.Push || !strings.Contains(kept[0].Name, "Chrome") {
		t.Fatalf("kept is %+v", kept)
	}
	b.Until("knows the worker", func() bool { mu.Lock(); defer mu.Unlock(); return worker != "" })
	push := `{"web_push":8030,"notification":{"title":"Mia asks","body":"<b>now</b>","navigate":"https://evil.example/x","tag":"hearth-request","actions":[{"action":"/a","title":"Answer","navigate":"` + b.origin + `/devices"},{"action":"/b","title":"Look","navigate":"` + b.origin + `//evil.example/x"}]}}`
	shown := `navigator.serviceWorker.ready.then(r=>r.getNotifications()).then(l=>JSON.stringify(l.map(n=>[n.title,n.body,n.tag,n.data])))`
	want := `[["Mia asks","<b>now</b>","hearth-request",{"to":"/","by":{"/a":"/devices","/b":"/evil.example/x"}}]]`
	got := ""
	b.Until("shows the message", func() bool { // a worker that is not active yet loses what is pushed; one of the same tag takes the place of the last
		mu.Lock()
		at := serviceworker.DeliverPushMessageParams{Origin: b.origin, RegistrationID: worker, Data: push}
		mu.Unlock()
		if _, err := chromedp.Call(b.Ctx, serviceworker.DeliverPushMessage, at); err != nil {
			t.Fatal(err)
		}
		got = must(chromedp.Run(b.Ctx, chromedp.Evaluate[string](shown, chromedp.EvalAwaitPromise)))
		return got != "[]"
	})
	if !sameJSON(got, want) {
		t.Errorf("shown is %s, want %s", got, want)
	}
}

// sameJSON compares texts of JSON.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && string(must(json.Marshal(x))) == string(must(json.Marshal(y)))
}
