package portal

import (
	"html"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/tickets"
	"github.com/hearthdns/hearth/policy/words"
)

// TestWordingIsRead: the pages of every language are those of its file. What a file lacks, package words finds.
func TestWordingIsRead(t *testing.T) {
	for _, code := range policy.Languages() {
		pages, err := words.Read[pageWords](code, "pages")
		if err != nil {
			t.Fatal(err)
		}
		if w := wordings.In(code); w.Language != code || w.Pages.Me.Title != pages.Pages.Me.Title || w.Reviewed && !pages.Reviewed {
			t.Errorf("%s has the words of %s", code, w.Language)
		}
		noGap(t, code, reflect.ValueOf(*pages))
	}
}

// noGap finds texts that a file has no key for.
func noGap(t *testing.T, at string, v reflect.Value) {
	t.Helper()
	if c, ok := v.Interface().(words.Count); ok {
		if c.For(1) == "" {
			t.Errorf("%s is empty", at)
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		if strings.TrimSpace(v.String()) == "" {
			t.Errorf("%s is empty", at)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			noGap(t, at+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			noGap(t, at, v.Index(i))
		}
	default: // a map is compared with English by package words
	}
}

func TestPlacesAreNamesInEachLanguage(t *testing.T) {
	h := newHome(t, houseOptions{})
	if len(h.places[words.English]) == 0 {
		t.Fatal("there are no places in English, for the languages that have none")
	}
	for code, places := range h.places {
		if len(places) < 3 {
			t.Errorf("%s has %d places, want at least 3", code, len(places))
		}
		for _, name := range places {
			wire(t, name)
		}
	}
}

// TestPlacesWithoutALanguage: a page in a language that has no places of its own offers the English ones.
func TestPlacesWithoutALanguage(t *testing.T) {
	h := newHome(t, houseOptions{language: "de"})
	delete(h.places, "de")
	if body := h.get(mia, "naked.example").Body.String(); !strings.Contains(body, "spaceplace.nasa.gov") {
		t.Error("the page offers no place")
	}
}

// TestSafetyPagesCarryEnglish: what matters most is understood although nobody has looked at the translation: on the
// pages about self-harm, danger, the law and reports the English text stands below, with its helpers; on others not.
func TestSafetyPagesCarryEnglish(t *testing.T) {
	const mark = `<section class="card quiet" lang="en" dir="ltr">`
	for _, code := range policy.Languages() {
		h, _ := withTicketsOf(t, tickets.ToParents, houseOptions{language: code, country: "AT"})
		english := wordings.In(words.English)
		unread := !wordings.In(code).Reviewed
		form := formOf(t, h.getPath(mia, askHost, badPath+"?name=naked.example").Body.String())
		form.Set("why", illegal)
		for what, c := range map[string]struct{ body, want string }{
			"self-harm": {h.get(mia, "harm.example").Body.String(), english.Label.Trusted},
			"teenager":  {h.get(tom, "harm.example").Body.String(), english.Page(policy.ReaderTeen, policy.ReasonSelfharm).Why},
			"emergency": {h.get(tom, "harm.example").Body.String(), "In danger right now? Call 112."},
			"law":       {h.get(tom, "forbidden.example").Body.String(), english.Page(policy.ReaderTeen, policy.ReasonLaw).Why},
			"security":  {h.get(tom, "phish.example").Body.String(), english.Page(policy.ReaderTeen, policy.ReasonSecurity).Next},
			"report":    {h.getPath(mia, askHost, badPath+"?name=naked.example").Body.String(), english.Pages.Ticket.BadChild[0]},
			"hotline":   {h.submit(mia, badPath, ourPage, form).Body.String(), english.Pages.Ticket.HotlineLead[0]},
		} {
			_, below, found := strings.Cut(c.body, mark)
			if found != unread || found && !strings.Contains(html.UnescapeString(below), c.want) {
				t.Errorf("%s, %s: the English text stands below: %t, want %t\n%s", code, what, found, unread, below)
			}
		}
		for what, body := range map[string]string{"block": h.get(mia, "naked.example").Body.String(), "start": h.get(tom, own).Body.String()} {
			if strings.Contains(body, mark) {
				t.Errorf("%s: English stands below %s", code, what)
			}
		}
	}
}

func TestPlacesAreOnlyThoseThatOpen(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Households[0].Rules = append(c.Households[0].Rules, policy.RuleConfig{Name: "pbskids.org", Action: "deny"})
	}})
	body := h.get(mia, "naked.example").Body.String()
	if strings.Contains(body, "pbskids.org") || !strings.Contains(body, "spaceplace.nasa.gov") {
		t.Error("the page offers a place that is blocked, or none")
	}
	if body := h.at(t, evening).get(mia, "naked.example").Body.String(); strings.Contains(body, "spaceplace") {
		t.Error("the page offers a place at bed time")
	}
}

func TestUntilIsReadable(t *testing.T) {
	english := wordings.In(words.English)
	now := moment(t, evening)
	for until, want := range map[string]string{
		"2026-11-19 07:00": "07:00", "2026-11-18 23:15": "23:15", "2026-11-21 09:00": "Saturday 09:00", "2026-12-24 18:00": "2026-12-24 18:00",
	} {
		if got := clockText(english, moment(t, until).UTC(), now); got != want {
			t.Errorf("until %s reads %q, want %q", until, got, want)
		}
	}
	// The night in which the clocks go back is an hour longer, and still a night.
	now = moment(t, "2026-10-24 21:00")
	if got := clockText(english, now.Add(11*time.Hour), now); got != "07:00" {
		t.Errorf("eleven hours after nine in the autumn night reads %q, want 07:00", got)
	}
}

func TestStatesHaveWords(t *testing.T) {
	for _, code := range policy.Languages() {
		for _, state := range []string{"open", "half", "granted", "declined", "withdrawn", "expired"} {
			if wordings.In(code).Pages.Request.States[state] == "" {
				t.Errorf("%s has no word for a request that is %s", code, state)
			}
		}
	}
}
