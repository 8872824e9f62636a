//go:build browser

package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
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
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/chromium"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/policy/words"
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
	b.At("/setup/done")
	if text := b.Eval("document.body?.innerText"); !strings.Contains(text, "Yes, it asks Hearth") {
		t.Errorf("the check does not say that the device is protected: %s", text)
	}
	t.Logf("from nothing to a protected device: %d clicks, %d keys, %.1f seconds of the browser", b.Clicks, b.Keys, time.Since(start).Seconds())
	if b.Clicks > 20 {
		t.Errorf("it takes %d clicks, more than 20", b.Clicks)
	}
}

// TestBrowserPasskey adds a passkey with the browser's own authenticator, signs out, and in with it.
func TestBrowserPasskey(t *testing.T) {
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
	push := `{"web_push":8030,"notification":{"title":"Mia asks","body":"<b>now</b>","navigate":"https://evil.example/x","tag":"hearth-request","actions":[{"action":"/a","title":"Answer","navigate":"` + b.origin + `/devices"}]}}`
	if _, err := chromedp.Call(b.Ctx, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{Origin: b.origin, RegistrationID: worker, Data: push}); err != nil {
		t.Fatal(err)
	}
	shown := `navigator.serviceWorker.ready.then(r=>r.getNotifications()).then(l=>JSON.stringify(l.map(n=>[n.title,n.body,n.tag,n.data])))`
	want := `[["Mia asks","<b>now</b>","hearth-request",{"to":"/","by":{"/a":"/devices"}}]]`
	got := ""
	b.Until("shows the message", func() bool {
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

// TestBrowserPages has axe-core look at every page, in light and dark, as on a phone and on a computer; with HEARTH_SHOTS
// it takes a picture of each into that folder:
//
//	HEARTH_SHOTS=/tmp/shots go test -tags browser -run TestBrowserPages ./policy/portal/console
func TestBrowserPages(t *testing.T) {
	axe := chromium.Axe(t)
	h := open(t, "", family)
	h.fill()
	machine := parents.Who{Household: "one", Member: "Tom", Actor: parents.Actor{Role: parents.Machine}, By: "Anna"}
	if _, err := h.Desk.Pause(t.Context(), machine, parents.Span{For: "1h"}); err != nil {
		t.Fatal(err)
	}
	fresh := open(t, "")
	b := browse(t, fresh)
	axe.Into(b.Tab)
	b.look(axe, "setup", "/setup")
	b.found(axe, fresh)
	b.to(h)
	b.signIn(h)
	address, _ := sent(t)
	for _, c := range []notify.Channel{{Kind: notify.Webhook, To: address, Name: "Kitchen", For: []string{"Anna"}, Of: []notify.Kind{notify.Request}}, {Kind: notify.Mail, To: "alex@home.example"}} {
		_ = h.messages.Test(t.Context(), "one", must(h.messages.Add(t.Context(), "one", c)))
	}
	for name, path := range map[string]string{
		"today": "/", "child": "/child/Mia", "child-paused": "/child/Tom", "week": "/child/Mia/week", "limits": "/child/Mia/limits", "devices": "/devices", "device": "/device/mia-tablet",
		"thing": "/device/television", "activity": "/activity", "activity-day": "/activity?of=Mia&day=2026-11-18", "changes": "/changes", "household": "/household", "people": "/people", "account": "/account", "missing": "/nothing",
		"channels": "/channels", "lists": "/lists", "lists-name": "/lists?name=casino.example", "settings": "/settings", "leave": "/member/Mia/erase", "leave-self": "/member/Anna/erase", "request": console.RequestPath(h.asked),
	} {
		b.look(axe, name, path)
	}
	b.open("/channels")
	b.Eval(`document.querySelectorAll("details").forEach(d=>d.open=true)`)
	b.look(axe, "channels-add", "")
	b.open("/devices")
	b.Do(chromedp.Submit("form[action='/devices']"))
	b.Says("Code for")
	b.look(axe, "devices-code", "")
	b.open("/account")
	b.Do(chromedp.Click("form[action='/signout'] button"))
	b.At("/signin")
	b.look(axe, "signin", "/signin")
	b.look(axe, "join", "/join")
}

// TestBrowserLanguages has axe-core look at each page in each language on the narrowest screen, where long words are widest.
func TestBrowserLanguages(t *testing.T) {
	axe := chromium.Axe(t)
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	answered := h.ask("10.0.0.3", "casino.example", "")
	anna.post("/answer", url.Values{"id": {answered}, "for": {"30m"}, "word": {"have fun"}}).is(http.StatusOK)
	b := browse(t, h)
	axe.Into(b.Tab)
	for _, code := range words.Languages() {
		browser, all := anna.asks(code), []chromium.Text{}
		for _, path := range append(slices.Clone(parentsPages), console.RequestPath(h.asked), console.RequestPath(answered)) {
			all = append(all, chromium.Text{Name: path + " in " + code, HTML: browser.get(path).text})
		}
		b.open("/signin")
		b.Screen(chromium.Screens()[0], "light")
		axe.Texts(b.Tab, all, chromium.Everything, chromium.Wide)
	}
}

// found looks at the pages of the set-up on the way to a household.
func (b *tab) found(axe *chromium.Judge, h *house) {
	b.Helper()
	code := must(h.book.Setup(b.Context()))
	b.open("/setup")
	b.Do(chromedp.SendKeys("[name=code]", code.Code), chromedp.SendKeys("[name=name]", "Anna"), chromedp.SendKeys("[name=passphrase]", passphrase), chromedp.Submit("main form"))
	b.At("/setup/family")
	b.look(axe, "setup-family", "/setup/family")
	b.Choose("[name=country]", "DE")
	b.Do(chromedp.SendKeys("[name='name.0']", "Mia"), chromedp.SendKeys("[name='age.0']", "8"), chromedp.SendKeys("[name='name.1']", "Tom"), chromedp.SendKeys("[name='age.1']", "14"))
	b.Do(chromedp.Click("main form>button:last-of-type"))
	b.At("/setup/times")
	b.look(axe, "setup-times", "/setup/times")
	b.look(axe, "setup-done", "/setup/done")
	h.net.mu.Lock()
	h.net.paths = console.Paths{IPv4: h.Clock()}
	h.net.mu.Unlock()
	b.look(axe, "setup-protected", "/setup/done")
}

// look has axe-core look at a page; path "" is the page that is open.
func (b *tab) look(axe *chromium.Judge, name, path string) {
	b.Helper()
	if path != "" {
		b.open(path)
	}
	for _, size := range chromium.Screens() {
		for _, light := range []string{"light", "dark"} {
			b.Screen(size, light)
			which := name + "-" + size.Name + "-" + light
			b.Fits(which)
			b.Picture(which)
			if light == "light" {
				axe.Judge(b.Tab, which, chromium.Everything)
			} else {
				axe.Judge(b.Tab, which, chromium.Colours)
			}
		}
	}
}
