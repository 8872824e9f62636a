package portal

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
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
	for _, code := range policy.Languages() {
		if len(h.places[code]) < 3 {
			t.Errorf("%s has %d places, want at least 3", code, len(h.places[code]))
		}
		for _, name := range h.places[code] {
			wire(t, name)
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
