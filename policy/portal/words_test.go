package portal

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
)

func TestNoWordIsMissing(t *testing.T) {
	c, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	english := reflect.ValueOf(c.english()).Elem()
	for i, code := range policy.Languages() {
		w := c.byIndex[i]
		if w.Code != code || w.Language != code {
			t.Errorf("the catalogue of %s says that it is %q with the texts of %q", code, w.Code, w.Language)
		}
		compareWords(t, code, english, reflect.ValueOf(w).Elem())
	}
}

// compareWords finds texts that are empty, and places in braces that are not those of the English text.
func compareWords(t *testing.T, at string, english, other reflect.Value) {
	t.Helper()
	switch other.Kind() {
	case reflect.String:
		if strings.TrimSpace(other.String()) == "" {
			t.Errorf("%s is empty", at)
		}
		for _, place := range []string{"{name}", "{category}", "{address}", "{emergency}", "{n}", "{most}", "{device}", "{until}"} {
			if strings.Contains(english.String(), place) != strings.Contains(other.String(), place) {
				t.Errorf("%s: %q is in one of %q and %q only", at, place, english, other)
			}
		}
	case reflect.Struct:
		for i := range other.NumField() {
			compareWords(t, at+"."+other.Type().Field(i).Name, english.Field(i), other.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if other.Len() != english.Len() {
			t.Errorf("%s has %d texts, English has %d", at, other.Len(), english.Len())
			return
		}
		for i := range other.Len() {
			compareWords(t, at, english.Index(i), other.Index(i))
		}
	default:
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
	c, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	now := moment(t, evening)
	for until, want := range map[string]string{
		"2026-11-19 07:00": "07:00", "2026-11-18 23:15": "23:15", "2026-11-21 09:00": "Saturday 09:00", "2026-12-24 18:00": "2026-12-24 18:00",
	} {
		if got := clockText(c.english(), moment(t, until).UTC(), now); got != want {
			t.Errorf("until %s reads %q, want %q", until, got, want)
		}
	}
	// The night in which the clocks go back is an hour longer, and still a night.
	now = moment(t, "2026-10-24 21:00")
	if got := clockText(c.english(), now.Add(11*time.Hour), now); got != "07:00" {
		t.Errorf("eleven hours after nine in the autumn night reads %q, want 07:00", got)
	}
}

// TestChildrenReadIt: what a child reads of asking is in sentences of at most 14 words, and judges nobody.
func TestChildrenReadIt(t *testing.T) {
	c, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range c.byIndex {
		r, b := &w.Pages.Request, &w.Pages.Ticket
		texts := []string{r.Ask.Child, r.Title.Child, r.Lead.Child, r.Time, r.Mistake, r.Bad, r.Word, r.Cannot, r.Wait, r.Retry, b.Thanks, b.Link, b.What, b.Scary, b.Kind, b.Illegal, b.Hotline}
		for _, t := range []text{r.Waiting, r.Half, r.Granted, r.Declined, r.Withdrawn, r.Expired} {
			texts = append(append(texts, t.Title), t.Lead...)
		}
		texts = append(append(append(texts, b.BadChild...), b.AtHome...), b.HotlineLead...)
		for _, text := range texts {
			for _, sentence := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".:?!", r) }) {
				if n := len(strings.Fields(sentence)); n > 14 {
					t.Errorf("%s: a sentence of %d words: %s", w.Code, n, sentence)
				}
			}
			for _, word := range []string{"tried", "violat", "police", "forbidden", "!"} {
				if strings.Contains(strings.ToLower(text), word) {
					t.Errorf("%s: %q judges", w.Code, text)
				}
			}
		}
		for _, state := range []string{"open", "half", "granted", "declined", "withdrawn", "expired"} {
			if r.States[state] == "" {
				t.Errorf("%s has no word for a request that is %s", w.Code, state)
			}
		}
	}
}
