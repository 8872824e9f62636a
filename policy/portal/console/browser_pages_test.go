//go:build browser

package console_test

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/chromium"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/policy/words"
)

// TestBrowserPages has axe-core look at every page, in light and dark, as on a phone and on a computer; with HEARTH_SHOTS
// it takes a picture of each into that folder:
//
//	HEARTH_SHOTS=/tmp/shots go test -tags browser -run TestBrowserPages ./policy/portal/console
func TestBrowserPages(t *testing.T) {
	t.Parallel()
	axe := chromium.Axe(t)
	h := open(t, "", family)
	h.fill()
	machine := parents.Who{Household: "one", Member: "Tom", Actor: parents.Actor{Role: parents.Machine}, By: "Anna"}
	if _, err := h.Pause(t.Context(), machine, parents.Span{For: "1h"}); err != nil {
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
// HEARTH_LANGUAGES names those that are to be looked at alone.
func TestBrowserLanguages(t *testing.T) {
	t.Parallel()
	axe, languages := chromium.Axe(t), words.Languages()
	if only := os.Getenv("HEARTH_LANGUAGES"); only != "" {
		languages = strings.Split(only, ",")
	}
	o := newTour(t)
	b := browse(t, o.family)
	axe.Into(b.Tab)
	b.Screen(chromium.Screens()[0], "light")
	for _, code := range languages {
		start, all := time.Now(), o.pages(code)
		b.open("/signin")
		axe.Texts(b.Tab, all, chromium.Everything, chromium.Wide)
		t.Logf("%s: %d pages, %.1f s", code, len(all), time.Since(start).Seconds())
	}
}

// tour leads past every page of the console, as each of those sees it who may.
type tour struct {
	family, fresh                           *house
	parent, ready, carer, operator, founder *person
	invited                                 account.Invitation
	answered                                string // id of a request
}

func newTour(t *testing.T) *tour {
	t.Helper()
	h, ready, fresh := open(t, "", family), open(t, "", family), open(t, "")
	h.fill()
	ready.net.mu.Lock()
	ready.net.paths = console.Paths{IPv4: ready.Clock()}
	ready.net.mu.Unlock()
	o := &tour{family: h, fresh: fresh, founder: fresh.somebody()}
	o.parent, o.carer, o.operator = h.signedIn("one", account.Parent, "Anna"), h.signedIn("one", account.Carer, "Omi"), h.signedIn("operators", account.Operator, "Otto")
	o.invited = must(h.book.Invite(t.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Parent, Name: "Alex"}))
	o.answered = h.ask("10.0.0.3", "casino.example", "")
	o.parent.post("/answer", url.Values{"id": {o.answered}, "for": {"30m"}, "word": {"have fun"}}).is(http.StatusOK)
	o.founder.post("/setup", url.Values{"code": {must(fresh.book.Setup(t.Context())).Code}, "name": {"Anna"}, "passphrase": {passphrase}}).at("/setup/family")
	o.ready = ready.signedIn("one", account.Parent, "Anna")
	return o
}

// pages are all of them in one language; none changes another.
func (o *tour) pages(code string) []chromium.Text {
	parent, carer, operator, founder, stranger := o.parent.asks(code), o.carer.asks(code), o.operator.asks(code), o.founder.asks(code), o.family.somebody().asks(code)
	var all []chromium.Text
	add := func(name string, a *answer) {
		if !strings.Contains(a.text, `<html lang="`+code+`"`) || a.status >= http.StatusInternalServerError {
			a.t.Errorf("%s in %s answers %d", name, code, a.status)
		}
		all = append(all, chromium.Text{Name: name + " in " + code, HTML: a.text})
	}
	for _, path := range append(slices.Clone(parentsPages), console.RequestPath(o.family.asked), console.RequestPath(o.answered)) {
		add(path, parent.get(path))
	}
	add("a code for a device", parent.post("/devices", url.Values{"for": {"member/Mia"}, "name": {"mia-phone"}}))
	add("a time that is refused", parent.post("/child/Mia/pin", url.Values{"digits": {"1"}}))
	add("a carer's first page", carer.get("/"))
	add("a carer's page of a child", carer.get("/child/Mia"))
	add("a carer's account", carer.get("/account"))
	add("what no carer may", carer.get("/settings"))
	add("an operator's first page", operator.get("/"))
	add("who is invited", stranger.post("/join", url.Values{"code": {o.invited.Code}}))
	add("what needs an account", stranger.get("/devices"))
	add("a form that is refused", stranger.post("/join", url.Values{"code": {"AAAA-AAAA"}}))
	add("nobody's first page", o.fresh.somebody().asks(code).get("/setup"))
	add("the children", founder.get("/setup/family"))
	add("the children, refused", founder.post("/setup/family", url.Values{"rows": {"1"}, "name.0": {"Mia"}}))
	add("the check of who is protected", o.ready.asks(code).get("/setup/done"))
	return all
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
