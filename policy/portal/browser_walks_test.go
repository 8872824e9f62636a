//go:build browser

package portal

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/chromium"
	"github.com/hearthdns/hearth/policy/tickets"
)

// scripts are how a walk is gone: as most people go it, and with JavaScript off.
func scripts(t *testing.T, walk func(t *testing.T, open func(*home, string) *chromium.Tab)) {
	t.Helper()
	t.Parallel()
	chromium.Program(t)
	for name, off := range map[string]bool{"with JavaScript": false, "without JavaScript": true} {
		t.Run(name, func(t *testing.T) {
			walk(t, func(h *home, addr string) *chromium.Tab {
				b := chromium.Open(t, serves(t, from(h, addr)))
				if off {
					b.WithoutScript()
				}
				return b
			})
		})
	}
}

// TestBrowserAsks: a child goes from the block by its button to the form, asks, and waits; with the answer the page changes
// by itself, for an event of the server tells it, counts down, and leads to the site. Without JavaScript the page reads itself again in the place of all that,
// and a link leads to the site.
func TestBrowserAsks(t *testing.T) {
	scripts(t, func(t *testing.T, open func(*home, string) *chromium.Tab) {
		h, desk := withTickets(t, tickets.ToParents)
		start := h.Clock()
		var answered atomic.Pointer[time.Time] // from when on the clock runs: that of the desk stands still
		h.Portal.now = func() time.Time {
			if at := answered.Load(); at != nil {
				return start.Add(time.Since(*at))
			}
			return start
		}
		h.blockTTL = func() time.Duration { return 12 * time.Second } // a slow machine sees the page before it is left
		b, without := open(h, mia), strings.Contains(t.Name(), "without")
		told := b.Events()
		b.Go("http://casino.example/")
		b.Says("This page is not for now.")
		b.Click(".three a.main")
		b.Says("A word to it")
		b.Write("textarea", "please")
		b.Click("form button")
		b.Says("Your question is on its way.")
		page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{})
		if err != nil || len(page.Requests) != 1 || page.Requests[0].Word != "please" {
			t.Fatalf("%+v (%v)", page, err)
		}
		at := time.Now()
		answered.Store(&at)
		if _, err := desk.Answer(t.Context(), of("family"), page.Requests[0].ID, parents.Verdict{For: "30m", Word: "yes"}); err != nil {
			t.Fatal(err)
		}
		b.Says("The answer is yes.")
		t.Logf("%d clicks and %d keys to ask; the answer stands there after %s", b.Clicks, b.Keys, time.Since(at).Round(time.Millisecond))
		if got := told(); (got == 0) != without {
			t.Errorf("%d events of the server told the page of the answer", got)
		}
		if without {
			if to := b.Eval(`document.querySelector(".goon a").href`); to != "https://casino.example/" {
				t.Errorf("it leads to %s", to)
			}
			return
		}
		b.Comes("left for the site", `location.hostname!="`+askHost+`"`)
		t.Logf("it left for the site after %s", time.Since(at).Round(time.Millisecond))
	})
}

// TestBrowserAppeals: somebody says that a block is a mistake; the operator decides; the page of the number tells the
// outcome.
func TestBrowserAppeals(t *testing.T) {
	scripts(t, func(t *testing.T, open func(*home, string) *chromium.Tab) {
		for who, at := range map[string]struct{ addr, host, word string }{
			"a child": {mia, "casino.example", "The school wants it."}, "a teenager": {tom, "naked.example", "It is about art."}, "an adult": {anna, "phish.example", "It is a shop."},
		} {
			h, _ := withTickets(t, tickets.ToOperator)
			b := open(h, at.addr)
			b.Go("http://" + at.host + "/")
			b.Click(`.three a[href*="` + mistakePath + `"]`)
			b.Choose("select", "fine")
			b.Write("textarea", at.word)
			b.Click("form button")
			b.Says("Thank you.")
			list, err := h.tickets.List(tickets.Query{})
			if err != nil || len(list.Tickets) != 1 || list.Tickets[0].Name != at.host {
				t.Fatalf("%s: the operator has %+v (%v)", who, list, err)
			}
			if number := b.Eval(`document.querySelector("dd .code").textContent`); number != list.Tickets[0].Number {
				t.Errorf("%s is told the number %s of the ticket %s", who, number, list.Tickets[0].Number)
			}
			if _, err := h.tickets.Decide(t.Context(), tickets.Verdict{Number: list.Tickets[0].Number, Outcome: tickets.Declined, Word: "The list is right."}); err != nil {
				t.Fatal(err)
			}
			b.Do(chromedp.Reload())
			b.Says("The list is right.")
			t.Logf("%s: %d clicks and %d keys", who, b.Clicks, b.Keys)
		}
	})
}

// TestBrowserReports: something bad becomes a ticket; what may be against the law goes to a hotline, and nothing of it is
// kept.
func TestBrowserReports(t *testing.T) {
	scripts(t, func(t *testing.T, open func(*home, string) *chromium.Tab) {
		h, _ := withTickets(t, tickets.ToParents)
		b := open(h, tom)
		b.Go("http://naked.example/")
		b.Click(`.three a[href*="` + badPath + `"]`)
		b.Choose("select", illegal)
		b.Write("textarea", "cruelword")
		b.Click("form button")
		b.Says("Nothing of it is kept here.")
		if list, err := h.tickets.List(tickets.Query{}); err != nil || len(list.Tickets) != 0 {
			t.Errorf("kept: %+v (%v)", list, err)
		}
		s, err := h.Bolt.Snapshot(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Entries {
			if text := string(e.Value); strings.Contains(text, "naked") || strings.Contains(text, "cruelword") {
				t.Errorf("kept: %s %s", e.Key, text)
			}
		}
		b.Go(ourPage + badPath)
		b.Write("[name=name]", "http://mean.example/page")
		b.Choose("select", "scary")
		b.Click("form button")
		b.Says("Thank you.")
		if list, err := h.tickets.List(tickets.Query{}); err != nil || len(list.Tickets) != 1 || list.Tickets[0].Name != "mean.example" {
			t.Errorf("the operator has %+v (%v)", list, err)
		}
	})
}

// TestBrowserContinues walks from the page of a warning over the button and the form to the open site, and looks at the
// page of the person, which says so.
func TestBrowserContinues(t *testing.T) {
	scripts(t, func(t *testing.T, open func(*home, string) *chromium.Tab) {
		h, _ := withDesk(t)
		b := open(h, leo)
		b.Go("http://forum.example/")
		b.Click(".goon a")
		b.At(continuePath + "?name=forum.example")
		b.Click("form button")
		b.Says("You can go on.")
		if !h.open(t, leo, "forum.example") || h.open(t, mia, "forum.example") {
			t.Error("it is not open to whom it was opened, or to others as well")
		}
		b.Go(ourPage + mePath)
		b.Says("Until 12:30")
		t.Logf("%d clicks", b.Clicks)
	})
}

// TestBrowserEnrols: a device that is not known is added by a code, and a shared one is told who uses it. The forms are
// taken over plain HTTP, where a browser tells of nothing but its Origin, and even that only as far as the page's
// Referrer-Policy lets it.
func TestBrowserEnrols(t *testing.T) {
	scripts(t, func(t *testing.T, open func(*home, string) *chromium.Tab) {
		h, desk := withDesk(t)
		h.enrolment = reachable()
		if err := desk.SetPIN(t.Context(), parents.Who{Actor: machine, Member: "Tom"}, "8305"); err != nil {
			t.Fatal(err)
		}
		code, err := desk.Invite(t.Context(), parents.Who{Actor: machine}, parents.Assignment{Members: []string{"Tom"}}, "tom-laptop")
		if err != nil {
			t.Fatal(err)
		}
		b := open(h, guest)
		b.Go("http://" + own + "/")
		b.Click(`a[href$="` + devicePath + `"]`)
		b.Write("[name=code]", strings.ToLower(code.Code))
		b.Click("form button")
		b.Says("as tom-laptop")
		if d := h.Live().Identify(netip.MustParseAddr(guest)).Device; d == nil || d.Name != "tom-laptop" {
			t.Errorf("the device is %+v", d)
		}
		b.Go(ourPage + enrolPath)
		b.Says("Connect this device")

		b = open(h, tablet)
		b.Go(ourPage + whoPath)
		b.Choose("[name=member]", "Tom")
		b.Write("[name=pin]", "8305")
		b.Click("form button")
		b.Says("the rules of Tom hold here")
		if c := h.Live().Identify(netip.MustParseAddr(tablet)).Now(h.Clock()); c.Member == nil || c.Member.Name != "Tom" || c.Status != policy.Known {
			t.Errorf("the tablet is used by %+v", c.Member)
		}
		b.Go(ourPage + whoPath)
		b.Click("form button")
		b.Says("That is me")
	})
}
