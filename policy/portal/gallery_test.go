package portal

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// Two more of the house of the gallery: Ida, who may open what is listed alone, and Ben, of whose profile more is off.
const (
	ida   = "10.0.0.8"
	ben   = "10.0.0.9"
	later = "2026-11-18 12:30"
)

// sheet is a page that somebody sees, with what leads to it.
type sheet struct {
	name    string // with whom it is for
	address string // as it stands in the browser
	show    func(language string) *httptest.ResponseRecorder
}

// gallery has every page that a child, a teenager, an adult or a visitor sees, of one house in which all of it happens.
// The house has no language of its own, so that the pages come in the one that the browser asks for.
type gallery struct {
	*testing.T
	*home
	desk   *parents.Desk
	sheets []sheet
	count  int // of what is made anew for each look
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	o := houseOptions{country: "AT", config: func(c *policy.Config) {
		tomAndAnna(c)
		c.Profiles[0].Unknown = "allow"
		c.Profiles[1].Quotas = []policy.QuotaConfig{{Of: "fun.games", Minutes: new(40)}, {Of: "fun.video", Minutes: new(10)}, {Of: "total", Minutes: new(150)}}
		c.Profiles = append(c.Profiles, policy.ProfileConfig{
			Name: "ben", Band: "teen", Unknown: "block", Services: []policy.ServiceChange{{ID: "tiktok", Action: "block"}},
			Quotas: []policy.QuotaConfig{{Of: "fun.games", Minutes: new(0)}},
		}, policy.ProfileConfig{
			Name: "ida", Band: "child", Unknown: "block", Services: []policy.ServiceChange{{ID: "tiktok", Action: "block"}},
			Quotas: []policy.QuotaConfig{{Of: "fun.games", Minutes: new(0)}},
		})
		c.Profiles = append(c.Profiles, policy.ProfileConfig{Name: "calm", Band: "adult", Categories: []policy.CategoryChange{{ID: "money.gambling", Action: "block"}}})
		home := &c.Households[0]
		home.Answers = "two"
		home.Members[3].Profile = "calm"
		home.Members = append(home.Members, policy.MemberConfig{Name: "Ida", Band: "child", Profile: "ida"}, policy.MemberConfig{Name: "Ben", Band: "teen", Profile: "ben"})
		for name, addr := range map[string]string{"Ida": ida, "Ben": ben} {
			home.Devices = append(home.Devices, policy.DeviceConfig{Name: strings.ToLower(name) + "-phone", Addresses: []netip.Addr{netip.MustParseAddr(addr)}, Member: name})
		}
	}}
	h, desk := withTicketsOf(t, tickets.ToOperator, o)
	g := &gallery{T: t, home: h, desk: desk}
	h.console, h.listed = "https://console.example", func(context.Context, string) (ListFound, error) {
		return ListFound{Entries: []ListEntry{{Source: "ut1-gambling", Version: "5f3a9c1b", Categories: []string{"money.gambling"}}}}, nil
	}
	h.enrolment = withAuthority(reachable())
	_, _, kept := withDiary(t)
	for i := range 8 {
		day := policy.ActivityDay{Day: h.Clock().AddDate(0, 0, i-7).Format(time.DateOnly), Sums: []policy.ActivitySum{{Verdict: "allowed", Count: uint64(800 + 73*i)}, {Verdict: "blocked", Count: uint64(12 + 5*i)}}}
		kept.days["family/Leo"] = append(kept.days["family/Leo"], day)
	}
	kept.notices = []policy.Notice{{Kind: policy.NoticeBypass, Member: "Lea", Device: "lea-phone", At: h.Clock().Unix()}, {Kind: policy.NoticeSelfHarm, Member: "Lea", At: h.Clock().Unix()}}
	h.activity = unseen{kept}
	g.blocks()
	g.others()
	g.requests()
	g.tickets()
	g.people()
	g.done()
	return g
}

// unseen is an Activity of which nothing is ever marked as seen, so that a page stays as it is.
type unseen struct{ Activity }

func (unseen) Seen(context.Context, string) error { return nil }

// send asks as the browser of a device does, in a language, at a time; values make it a form.
func (g *gallery) send(language, at, from, address string, values url.Values) *httptest.ResponseRecorder {
	g.at(g.T, at)
	r := httptest.NewRequest(http.MethodGet, "http://"+address, nil)
	if values != nil {
		r = httptest.NewRequest(http.MethodPost, "http://"+address, strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", ourPage)
	}
	r.RemoteAddr = from + ":40000"
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	g.Landing().ServeHTTP(w, r)
	return w
}

// page adds one that is opened by its address alone.
func (g *gallery) page(name, from, at, address string) {
	g.add(name, address, func(language string) *httptest.ResponseRecorder { return g.send(language, at, from, address, nil) })
}

func (g *gallery) add(name, address string, show func(string) *httptest.ResponseRecorder) {
	g.sheets = append(g.sheets, sheet{name, address, show})
}

// answer adds one that comes in answer to the form of another.
func (g *gallery) answer(name, from, at, address string, values url.Values) {
	path, _, _ := strings.Cut(address, "?")
	g.add(name, path, func(language string) *httptest.ResponseRecorder {
		form := formOf(g.T, g.send(language, at, from, address, nil).Body.String())
		maps.Copy(form, values)
		return g.send(language, at, from, path, form)
	})
}

// blocks are the pages of what is blocked: each reason, for each reader.
func (g *gallery) blocks() {
	for _, who := range []struct{ name, addr, member string }{{"child", ida, "Ida"}, {"teen", ben, "Ben"}} {
		g.add("block: a pause, "+who.name, "sport.example/", func(language string) *httptest.ResponseRecorder { // which later looks at others end
			g.at(g.T, noon)
			if _, err := g.desk.Pause(g.Context(), parents.Who{Household: "family", Member: who.member, Actor: machine}, parents.Span{For: "20m"}); err != nil {
				g.Error(err)
			}
			return g.send(language, noon, who.addr, "sport.example/", nil)
		})
		g.page("block: minutes used up, "+who.name, who.addr, later, "games.example/")
		g.page("block: a service, "+who.name, who.addr, later, "clips.example/")
		g.page("block: on no list, "+who.name, who.addr, later, "nowhere.example/")
	}
	for _, p := range []struct{ name, from, at, host string }{
		{"content, child", mia, noon, "naked.example"}, {"content, preteen", leo, noon, "casino.example"}, {"content, teen", tom, noon, "naked.example"}, {"content, young", lea, noon, "naked.example"},
		{"content, shared device", tablet, noon, "casino.example"}, {"content, adult", anna, noon, "casino.example"}, {"content, guest", guest, noon, "naked.example"},
		{"a warning, preteen", leo, noon, "forum.example"}, {"a new site, child", mia, noon, "fresh.example"}, {"a new site, teen", tom, noon, "fresh.example"},
		{"a rule, child", mia, noon, "denied.example"}, {"a rule, teen", tom, noon, "denied.example"}, {"a rule, adult", anna, noon, "denied.example"},
		{"bedtime, child", mia, evening, "games.example"}, {"bedtime, teen", tom, evening, "games.example"}, {"homework, child", mia, lessons, "games.example"}, {"homework, preteen", leo, lessons, "games.example"},
		{"security, child", mia, noon, "phish.example"}, {"security, teen", tom, noon, "virus.example"}, {"security, adult", anna, noon, "virus.example"},
		{"self-harm, child", mia, noon, "harm.example"}, {"self-harm, teen", tom, noon, "both.example"},
		{"the law, child", mia, noon, "forbidden.example"}, {"the law, teen", tom, noon, "ordered.example"}, {"the law, adult", anna, noon, "forbidden.example"},
	} {
		g.page("block: "+p.name, p.from, p.at, p.host+"/")
	}
}

// others are the pages of our own names, and those for who came by another way.
func (g *gallery) others() {
	for i, name := range []string{"ads.example", "naked.example", "casino.example", "denied.example", "games.example"} {
		for _, from := range []string{mia, tom} {
			g.block(g.T, from, name, g.Clock().Add(-time.Duration(9-2*i)*time.Minute))
		}
	}
	g.block(g.T, leo, "forum.example", g.Clock())
	for _, p := range []struct{ name, from, at, address string }{
		{"start, child", mia, noon, own + "/"}, {"start, teen", tom, noon, own + "/"}, {"start, adult", anna, noon, own + "/"}, {"start, guest", guest, noon, own + "/"}, {"start, stranger", stranger, noon, own + "/"},
		{"ask, child", mia, noon, askHost + "/"}, {"ask, teen", tom, noon, askHost + "/"}, {"ask, with a warning", leo, noon, askHost + "/"}, {"ask, nothing blocked", anna, noon, askHost + "/"}, {"ask, guest", guest, noon, askHost + "/"},
		{"me, child", mia, noon, askHost + mePath}, {"me, soon bedtime", mia, "2026-11-18 19:53", askHost + mePath}, {"me, at night", mia, evening, askHost + mePath},
		{"me, preteen with quotas", leo, noon, askHost + mePath}, {"me, teen", tom, noon, askHost + mePath}, {"me, a day", tom, noon, askHost + mePath + "?day=2026-11-17"}, {"me, adult", anna, noon, askHost + mePath},
		{"me, with notices and a log", lea, noon, askHost + mePath}, {"me, shared device", tablet, noon, askHost + mePath}, {"me, guest", guest, noon, askHost + mePath}, {"me, stranger", stranger, noon, askHost + mePath},
		{"enrol, with an id", tom, noon, askHost + enrolPath}, {"enrol, without an id", leo, noon, askHost + enrolPath}, {"enrol, guest", guest, noon, askHost + enrolPath},
		{"device, guest", guest, noon, askHost + devicePath}, {"device, known", tom, noon, askHost + devicePath},
		{"nothing is wrong", anna, noon, "naked.example/"}, {"a test that opens", anna, noon, "test-adult.porn." + own + "/"}, {"missing", tom, noon, "nothing." + own + "/"},
		{"an address", tom, noon, "192.0.2.1/"}, {"stranger", stranger, noon, "naked.example/"},
		{"continue, preteen", leo, noon, askHost + continuePath + "?name=forum.example"},
	} {
		g.page(p.name, p.from, p.at, p.address)
	}
}

// parent is one of two.
func parent(name string) parents.Who {
	return parents.Who{Household: "family", Actor: parents.Actor{Role: parents.Parent, Household: "family", Name: name, Account: "of " + name}}
}

// requests are the form of a request and its page in each state.
func (g *gallery) requests() {
	for _, p := range []struct{ name, from, at, query string }{
		{"request, child", mia, noon, "casino.example"}, {"request, teen", tom, noon, "naked.example"}, {"request, young", lea, noon, "naked.example"},
		{"request, adult", anna, noon, "casino.example"}, {"request, for more time", tom, evening, "naked.example"}, {"request, not for this", mia, noon, "phish.example"}, {"request, guest", guest, noon, "naked.example"},
	} {
		g.page(p.name, p.from, p.at, askHost+requestPath+"?name="+p.query)
	}
	g.answer("request, too late", tom, noon, askHost+requestPath+"?name=naked.example", url.Values{"token": {"old"}})
	answer := func(id string, v parents.Verdict, by ...string) {
		g.Helper()
		for _, name := range by {
			if _, err := g.desk.Answer(g.Context(), parent(name), id, v); err != nil {
				g.Fatal(err)
			}
		}
	}
	asks := func(state, from string) string {
		g.Helper()
		id := g.ask(g.T, from, fmt.Sprintf("r%d.casino.example", len(g.sheets)), "It is for school.")
		g.page("request "+state, from, noon, askHost+requestPath+"/"+id)
		return id
	}
	g.at(g.T, "2026-11-10 12:00")
	asks("that nobody answered, teen", tom)
	g.at(g.T, noon)
	asks("that waits, child", mia)
	asks("that waits, teen", tom)
	answer(asks("half granted, teen", tom), parents.Verdict{For: "30m"}, "Anna")
	answer(asks("granted, child", mia), parents.Verdict{For: "always", Word: "Have a look, and tell me about it."}, "Anna", "Otto")
	id := asks("granted, teen", tom)
	answer(id, parents.Verdict{For: "30m", Word: "Have a look, and tell me about it."}, "Anna", "Otto")
	g.page("request granted and over, teen", tom, evening, askHost+requestPath+"/"+id)
	answer(asks("declined, child", mia), parents.Verdict{Decline: true, Word: "Let us find another game together."}, "Anna")
	answer(asks("declined, teen", tom), parents.Verdict{Decline: true}, "Anna")
	form := formOf(g.T, g.getPath(tom, askHost, requestPath+"/"+asks("withdrawn, teen", tom)).Body.String())
	g.submit(tom, withdrawPath, ourPage, form)
	g.at(g.T, evening)
	id = g.ask(g.T, leo, "sport.example", "")
	answer(id, parents.Verdict{For: "30m"}, "Anna", "Otto")
	g.page("request for more time granted, preteen", leo, evening, askHost+requestPath+"/"+id)
	g.at(g.T, noon)
	form = formOf(g.T, g.getPath(anna, askHost, requestPath+"?name=own.casino.example").Body.String())
	form.Set("for", "1h")
	g.page("request opened by oneself, adult", anna, noon, strings.TrimPrefix(g.submit(anna, requestPath, ourPage, form).Header().Get("Location"), "http://"))
	g.page("request of somebody else", mia, noon, askHost+requestPath+"/"+id)
}

// tickets are the forms of the other two buttons, and what becomes of them.
func (g *gallery) tickets() {
	for _, p := range []struct{ name, from, address string }{
		{"mistake, child", mia, mistakePath + "?name=casino.example"}, {"mistake, teen", tom, mistakePath + "?name=naked.example"}, {"mistake, adult", anna, mistakePath + "?name=denied.example"},
		{"bad, child", mia, badPath + "?name=casino.example"}, {"bad, teen", tom, badPath + "?name=naked.example"}, {"bad, any site", tom, badPath}, {"bad, adult", anna, badPath},
		{"ticket that there is not", tom, outcomePath + "/1234-5678-9012"},
	} {
		g.page(p.name, p.from, noon, askHost+p.address)
	}
	g.answer("bad, against the law", tom, noon, askHost+badPath+"?name=naked.example", url.Values{"why": {illegal}})
	g.answer("bad, no name", tom, noon, askHost+badPath, url.Values{"name": {"not a name!"}, "why": {"scary"}})
	ticket := func(state string, v tickets.Verdict) {
		g.Helper()
		form := formOf(g.T, g.getPath(tom, askHost, mistakePath+fmt.Sprintf("?name=t%d.naked.example", len(g.sheets))).Body.String())
		form.Set("why", "fine")
		path, _ := strings.CutPrefix(g.submit(tom, mistakePath, ourPage, form).Header().Get("Location"), "http://")
		g.page("ticket "+state, tom, noon, path)
		if v.Number = path[strings.LastIndex(path, "/")+1:]; v.Outcome == "" {
			return
		}
		if _, err := g.home.tickets.Decide(g.Context(), v); err != nil {
			g.Fatal(err)
		}
	}
	g.at(g.T, "2026-08-20 13:00")
	ticket("that nobody decided", tickets.Verdict{})
	g.at(g.T, noon)
	if err := g.home.tickets.Sweep(g.Context()); err != nil {
		g.Fatal(err)
	}
	ticket("that waits", tickets.Verdict{})
	ticket("upheld", tickets.Verdict{Outcome: tickets.Upheld, Word: "It is about art. Thank you."})
	ticket("declined", tickets.Verdict{Outcome: tickets.Declined, Word: "The list is right about it."})
	ticket("sent on", tickets.Verdict{Outcome: tickets.Sent})
}

// people are the pages of who uses a shared device, and of a log that a parent asked for.
func (g *gallery) people() {
	if err := g.desk.SetPIN(g.Context(), parents.Who{Actor: machine, Member: "Tom"}, "8305"); err != nil {
		g.Fatal(err)
	}
	if _, err := g.desk.Diary(g.Context(), parents.Who{Actor: machine, Member: "Lea", By: "Anna"}, parents.Diary{Full: true, For: "3d"}); err != nil {
		g.Fatal(err)
	}
	g.page("who, shared device", tablet, noon, askHost+whoPath)
	g.page("who, nobody shares it", mia, noon, askHost+whoPath)
	used := func(name string, leave bool) {
		g.add(name, askHost+whoPath, func(language string) *httptest.ResponseRecorder {
			at := g.next()
			w := g.send(language, at, tablet, askHost+whoPath, url.Values{"member": {"Tom"}, "pin": {"8305"}, "minutes": {"30"}})
			if !leave {
				w = g.send(language, at, tablet, askHost+whoPath, nil)
			}
			if err := g.desk.Leave(g.Context(), "family", "family-tablet"); err != nil {
				g.Error(err)
			}
			return w
		})
	}
	used("who, taken", true)
	used("who, in use", false)
}

// next is a time of its own for what somebody may do a few times within a quarter of an hour alone: another day.
func (g *gallery) next() string {
	g.count++
	return moment(g.T, noon).AddDate(0, 0, g.count).Format("2006-01-02 15:04")
}

// done are pages that follow on what can be done once: it is done anew for each look.
func (g *gallery) done() {
	g.add("device, wrong code", askHost+devicePath, func(language string) *httptest.ResponseRecorder {
		return g.send(language, g.next(), guest, askHost+devicePath, url.Values{"code": {"AAAA-AAAA"}})
	})
	g.add("continue, passed", askHost+continuePath, func(language string) *httptest.ResponseRecorder {
		at := g.next()
		address := fmt.Sprintf("%s%s?name=f%d.forum.example", askHost, continuePath, g.count)
		return g.send(language, at, leo, askHost+continuePath, formOf(g.T, g.send(language, at, leo, address, nil).Body.String()))
	})
	g.add("device, added", askHost+devicePath, func(language string) *httptest.ResponseRecorder {
		at := g.next()
		g.At(at)
		name, from := fmt.Sprintf("tom-%d", g.count), fmt.Sprintf("10.0.0.%d", 100+g.count%100)
		code, err := g.desk.Invite(g.Context(), parents.Who{Actor: machine}, parents.Assignment{Members: []string{"Tom"}}, name)
		if err != nil {
			g.Fatal(err)
		}
		w := g.send(language, at, from, askHost+devicePath, url.Values{"code": {code.Code}})
		if err := g.desk.Remove(g.Context(), parents.Who{Actor: machine, Device: name}); err != nil {
			g.Error(err)
		}
		return w
	})
}

// TestGallery: every page of it is there, and is the same one each time, so that no test that walks through it looks at another.
func TestGallery(t *testing.T) {
	g := newGallery(t)
	seen := map[string]string{}
	for range 3 {
		for _, s := range g.sheets {
			w := s.show("en")
			_, body, _ := strings.Cut(w.Body.String(), "<main")
			text := regexp.MustCompile("[0-9]+").ReplaceAllString(readable(t, body), "0") // days and numbers differ
			if before, again := seen[s.name]; text == "" || again && text != before {
				t.Errorf("%s: %d\n%s\nand before\n%s", s.name, w.Code, text, before)
			}
			seen[s.name] = text
		}
	}
	if len(seen) != len(g.sheets) {
		t.Errorf("%d pages have %d names", len(g.sheets), len(seen))
	}
}
