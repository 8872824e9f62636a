package portal

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// The expectations of this file are those of the design's table of readers (policy.md, section 5) and of what stands below
// it about special pages, in the words of the table where it gives them.

// designed is a house in which each reader meets each page: everybody may ask, appeals go to the parents, and the lists are told of.
func designed(t *testing.T) (*home, *parents.Desk) {
	t.Helper()
	h, desk := withTicketsOf(t, tickets.ToParents, houseOptions{language: "en", country: "AT", config: func(c *policy.Config) {
		c.Profiles = append(c.Profiles, policy.ProfileConfig{Name: "calm", Band: "adult",
			Categories: []policy.CategoryChange{{ID: "money.gambling", Action: "block"}, {ID: "social.ugc", Action: "warn"}}},
			policy.ProfileConfig{Name: "toys", Band: "things"})
		home := &c.Households[0]
		home.Members[3].Profile = "calm"
		robot := home.Devices[0]
		robot.Name, robot.Member, robot.Profile = "robot", "", "toys"
		robot.Addresses = nil
		for _, a := range home.Devices[0].Addresses {
			robot.Addresses = append(robot.Addresses, a.Next().Next().Next().Next().Next().Next().Next()) // 10.0.0.9
		}
		home.Devices = append(home.Devices, robot)
	}})
	h.console = "https://console.example"
	h.listed = func(_ context.Context, name string) (f ListFound, _ error) {
		for c := range h.Live().Ask(wire(t, name), new(blocklists.Hashes)).Match.Categories.All() {
			f.Entries = append(f.Entries, ListEntry{Source: "a-list", Version: "5f3a9c", Categories: []string{h.Live().Index().Taxonomy().ID(c)}})
		}
		return f, nil
	}
	return h, desk
}

const robot = "10.0.0.9"

// TestDesign: every reader is told what the design says, in this order from top to bottom, and nothing that it rules out.
func TestDesign(t *testing.T) {
	h, _ := designed(t)
	ask, mistake, bad := "Ask a grown-up", "It is a mistake", "I saw something bad"
	for _, c := range []struct {
		what, from, host, at, headline string
		want, never                    []string
	}{
		{"child", mia, "naked.example", noon, "This page is not for now.",
			[]string{"These rules keep you safe. You did nothing wrong.", ask, mistake, bad, "spaceplace.nasa.gov", "kids.nationalgeographic.com", "pbskids.org", "147"},
			[]string{"naked", "Sex", "porn", "adult"}},
		{"child on a device of two", tablet, "casino.example", noon, "This page is not for now.",
			[]string{"You did nothing wrong.", ask, mistake, bad, "this device", "pbskids.org", "147"}, []string{"Mia", "Tom", "casino", "Gambling"}},
		{"preteen", leo, "casino.example", noon, "This site is blocked on your profile.",
			[]string{"It is about: Gambling and money.", ask, mistake, bad, "Leo", "The rules for this age decide", "Someone to talk to", "147"}, nil},
		{"teen", tom, "naked.example", noon, "This site is blocked on your profile.",
			[]string{"It is about: Sex.", ask, mistake, bad, "Tom", "The rules for this age decide", "Someone to talk to", "147"}, nil},
		{"preteen, warned", leo, "forum.example", noon, "Take a moment before you go on.",
			[]string{"It is about: Social and chat.", "Continue until 12:30", "Your parents can read", ask, mistake, bad, "The rules for this age decide", "Someone to talk to", "147"}, nil},
		{"teen, until when", tom, "games.example", evening, "Bedtime until 06:00.", []string{"You can ask for more time.", ask, bad, "Until", "06:00", "147"}, []string{mistake}},
		{"guest", guest, "casino.example", noon, "This site is blocked on your profile.",
			[]string{"It is about: Gambling and money.", bad, "This device is not known yet.", guest, "147", "Add this device"}, []string{ask, "You can ask", mistake, "Leo", "Mia", "Tom", "Anna"}},
		{"adult", anna, "casino.example", noon, "Blocked for Anna (adult).",
			[]string{"Category: Gambling and money.", "Open it for a while", mistake, "money.gambling", "2026-11-18 12:00", "a-list (5f3a9c)", "hearth explain casino.example", "Decision 10.money.gambling-", "change the rules"}, []string{"Ask your parents", ask}},
		{"adult, warned", anna, "forum.example", noon, "A warning for Anna (adult).",
			[]string{"Category: Social and chat.", "Continue until 12:30", "The parents of this household can read"}, []string{"Your parents", "You can ask"}},
		{"adult, own rule", anna, "denied.example", noon, "Blocked for Anna (adult).", []string{"A rule of the household blocks this name.", "denied.example"}, []string{ask, "Your parents"}},
		{"a thing", robot, "casino.example", noon, "Blocked for this device.", []string{"Category: Gambling and money.", "money.gambling", "a-list (5f3a9c)", "hearth explain casino.example"}, []string{"robot"}},
	} {
		t.Run(c.what, func(t *testing.T) { h.at(t, c.at); h.reads(t, c.from, c.host, c.headline, c.want, c.never) })
	}
}

// TestDesignOfSpecialPages: self-harm, the abuse list, security, bedtime, homework, minutes used up and a pause.
func TestDesignOfSpecialPages(t *testing.T) {
	h, desk := designed(t)
	buttons := []string{"Ask a grown-up", "It is a mistake", "I saw something bad"}
	silent := append([]string{"Mia", "Tom", "Anna", "example", "Decision", "Self-harm", "Abuse", "child porn", "csam"}, buttons...)
	for _, c := range []struct {
		what, from, host, at, headline string
		want, never                    []string
	}{
		{"self-harm, child", mia, "harm.example", noon, "You matter.", []string{"You are not alone. You did nothing wrong.", "147", "In danger right now? Call 112.", "a parent, a grandparent, a teacher, a friend"}, append([]string{"Mia", "harm", "example", "suicide"}, buttons...)},
		{"self-harm, teen, by night", tom, "harm.example", evening, "You matter.", []string{"you are not alone", "Talk to someone now. Help sites always open.", "147", "Call 112."}, append([]string{"Tom", "harm", "example", "bedtime"}, buttons...)},
		{"the abuse list, child", mia, "forbidden.example", noon, "This page cannot be opened.", []string{"You did nothing wrong.", "Stopline", "stopline.at", "Someone to talk to", "147"}, silent},
		{"the abuse list, teen", tom, "forbidden.example", noon, "This site cannot be opened here.", []string{"legal list", "Stopline", "Someone to talk to", "147"}, silent},
		{"the abuse list, adult", anna, "forbidden.example", noon, "This site cannot be opened here.", []string{"legal list", "Stopline"}, append([]string{"a-list", "hearth explain"}, silent...)},
		{"security, child", mia, "virus.example", noon, "This page is not safe.", []string{"You did nothing wrong.", "Close it and tell a grown-up."}, []string{"virus", "Ask a grown-up to", "malware"}},
		{"security, teen", tom, "virus.example", noon, "This site is not safe.", []string{"malware, stolen passwords or fraud", "Close the page.", "change it"}, nil},
		{"bedtime, child", mia, "games.example", evening, "The internet sleeps until 07:00.", []string{"You did nothing wrong.", "Help is always there, at night too.", "Ask a grown-up", "147"}, []string{"games", "spaceplace"}},
		{"homework, child", mia, "games.example", lessons, "This is for later.", []string{"It is homework time until 17:00.", "Try again at 17:00.", "147"}, []string{"games"}},
		{"homework, preteen", leo, "games.example", lessons, "Off during homework time.", []string{"until 17:30", "You can ask for more time.", "147"}, nil},
	} {
		t.Run(c.what, func(t *testing.T) { h.at(t, c.at); h.reads(t, c.from, c.host, c.headline, c.want, c.never) })
	}
	h.at(t, noon)
	for _, name := range []string{"Mia", "Tom"} {
		if _, err := desk.Pause(t.Context(), parents.Who{Household: "family", Member: name, Actor: machine}, parents.Span{For: "20m"}); err != nil {
			t.Fatal(err)
		}
	}
	h.reads(t, mia, "sport.example", "The internet takes a break.", []string{"A grown-up has paused it. You did nothing wrong.", "Ask a grown-up when it goes on.", "147"}, []string{"sport"})
	h.reads(t, tom, "sport.example", "The internet is paused.", []string{"Help still opens.", "ask for more time", "Until", "12:20", "147"}, nil)
}

// blames are words that no page says to anybody, whatever it is about; of children and teenagers also what counts or threatens.
var blames = regexp.MustCompile(`(?i)\byou tried|\battempt|\bpolice\b|\bviolat|\bforbidden\b|\bstop!|\bpunish|\bnot allowed\b|\bdenied\b|\bcaught\b|\btimes today\b|\breported to\b|\bsuspicious|\bmonitored\b`)

// reads holds that a page says what is wanted in this order, and nothing of the rest; the marks of a stop sign are nowhere.
func (h *home) reads(t *testing.T, from, host, headline string, want, never []string) {
	t.Helper()
	w := h.get(from, host)
	page := w.Body.String()
	checkPage(t, w.Header(), page)
	if title, _ := between(page, "<h1>", "</h1>"); title != headline || w.Code != http.StatusForbidden {
		t.Errorf("%d, headline %q, want %q", w.Code, title, headline)
	}
	_, body, _ := strings.Cut(page, "<body")
	text := readable(t, body)
	rest := text
	for _, part := range want {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("the page does not say %q where it should: %s", part, text)
			continue
		}
		rest = after
	}
	for _, part := range never {
		if regexp.MustCompile(`(?i)` + regexp.QuoteMeta(part)).MatchString(text) {
			t.Errorf("the page says %q: %s", part, text)
		}
	}
	if said := blames.FindString(strings.ReplaceAll(text, host, "")); said != "" {
		t.Errorf("the page says %q: %s", said, text)
	}
	if strings.ContainsAny(text, "⛔🚫🛑⚠") {
		t.Errorf("the page shows a stop sign: %s", text)
	}
	if h.Clock().Hour() == 12 && strings.Contains(text, "147") && !strings.Contains(page, `href="tel:147"><svg`) {
		t.Error("the helpline has no picture of a phone")
	}
}
