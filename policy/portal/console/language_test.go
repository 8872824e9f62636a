package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/policy/words"
)

// parentsPages are all that a parent can open in the family.
var parentsPages = []string{
	"/", "/child/Mia", "/child/Tom", "/child/Mia/week", "/child/Mia/limits", "/devices", "/device/mia-tablet", "/device/television",
	"/activity", "/activity?of=Mia&day=2026-11-18", "/changes", "/household", "/people", "/account", "/channels", "/lists",
	"/lists?name=casino.example", "/settings", "/member/Mia/erase", "/member/Anna/erase", "/setup/times", "/setup/done", "/nothing",
	"/signin", "/join",
}

// speaking is a browser that asks for a language.
type speaking struct {
	http.RoundTripper
	language string
}

// RoundTrip implements http.RoundTripper.
func (s speaking) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept-Language", s.language)
	return s.RoundTripper.RoundTrip(r)
}

// asks gives the same person with another language in the browser.
func (p *person) asks(language string) *person {
	all := *p.http
	all.Transport = speaking{p.srv.Client().Transport, language}
	return &person{p.house, &all}
}

// unsaid finds a place in braces that nothing was put into.
var unsaid = regexp.MustCompile(`\{[a-z]+\}`)

// TestLanguages: each page is there in each language, whole, and says which it is in; the browser's goes before
// that of the household.
func TestLanguages(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	for _, code := range words.Languages() {
		browser := anna.asks(code + ",en;q=0.5")
		for _, path := range parentsPages {
			a := browser.get(path)
			if a.status >= 500 || a.head.Get("Content-Language") != code || !strings.Contains(a.text, `lang="`+code+`" dir="`+words.Direction(code)+`"`) {
				t.Errorf("%s in %s answers %d in %q", path, code, a.status, a.head.Get("Content-Language"))
			}
			if bad := unsaid.FindString(a.text); bad != "" {
				t.Errorf("%s in %s says %q", path, code, bad)
			}
			if len(a.text) > 30_000 {
				t.Errorf("%s in %s has %d octets", path, code, len(a.text))
			}
		}
		if title := console.Title(code); !strings.Contains(browser.get("/").text, title) {
			t.Errorf("the first page in %s lacks %q", code, title)
		}
	}
	german := open(t, "", strings.Replace(family, "language: en\n", "language: de\n", 1)).signedIn("one", account.Parent, "Anna")
	for asked, want := range map[string]string{"": "de", "fr": "fr", "ja": "de", "ja, it;q=0.5": "it"} {
		if a := german.asks(asked).get("/"); a.head.Get("Content-Language") != want {
			t.Errorf("the household speaks German, the browser asks for %q, the page is in %q", asked, a.head.Get("Content-Language"))
		}
	}
}

// TestBarsRunWithTheLanguage: SVG lays a text out from its anchor on in the direction of the page, so that from right
// to left a line begins at the right edge of the picture; from the left edge on nobody could see it.
func TestBarsRunWithTheLanguage(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	for code, want := range map[string][3]string{
		"en": {`<text x="0" y="12">`, `<text x="320" y="12" text-anchor="end">`, `<rect x="0" y="18" width="320" height="8" rx="4"/>`},
		"ar": {`<text x="320" y="12">`, `<text x="0" y="12" text-anchor="end">`, `<rect x="0" y="18" width="320" height="8" rx="4"/>`},
	} {
		anna.asks(code).get("/activity").is(http.StatusOK).says(want[:]...)
	}
}

// TestNumbers: the form of a number is chosen whatever it is counted in.
func TestNumbers(t *testing.T) {
	say := console.Catalogue().Say
	for got, want := range map[string]string{
		say("check.long_ago", "n", int64(1)):                  "Not in the last minute.",
		say("check.long_ago", "n", int64(2)):                  "Not in the last 2 minutes.",
		say("chart.label", "group", "Games", "n", uint64(1)):  "Most blocked: Games, 1 time",
		say("chart.label", "group", "Games", "n", uint64(30)): "Most blocked: Games, 30 times",
		say("act.bonus", "value", "Games", "n", 1):            "1 minute more: Games",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
