package words

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/bidi"
)

// countOf reads a text with a number as Read does.
func countOf(t *testing.T, code, text string) (c Count) {
	t.Helper()
	if err := yaml.UnmarshalContext(context.WithValue(t.Context(), speaker{}, tagOf(code)), []byte(text), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCount: the form of a number is that of CLDR (cardinal rules of the languages).
func TestCount(t *testing.T) {
	for _, tt := range []struct {
		code, text string
		want       map[int]string
	}{
		{"en", `{one: "{n} minute", other: "{n} minutes"}`, map[int]string{0: "0 minutes", 1: "1 minute", 2: "2 minutes", 21: "21 minutes"}},
		{"fr", `{one: "{n} jour", other: "{n} jours"}`, map[int]string{0: "0 jour", 1: "1 jour", 2: "2 jours"}},
		{"pt", `{one: "{n} dia", other: "{n} dias"}`, map[int]string{0: "0 dias", 1: "1 dia", 2: "2 dias"}}, // as pt-PT
		{"pl", `{one: "{n} minuta", few: "{n} minuty", many: "{n} minut"}`, map[int]string{0: "0 minut", 1: "1 minuta", 3: "3 minuty", 12: "12 minut", 22: "22 minuty"}},
		{"ar", `{zero: z, one: o, two: t, few: f, many: m, other: x}`, map[int]string{0: "z", 1: "o", 2: "t", 3: "f", 11: "m", 100: "x", 103: "f"}},
		{"zh", `"{n} 分钟"`, map[int]string{1: "1 分钟", 5: "5 分钟"}},
		{"lv", `{zero: z, one: o, other: x}`, map[int]string{0: "z", 1: "o", 11: "z", 21: "o", 22: "x"}},
		{"uk", `{one: o, few: f, many: m}`, map[int]string{1: "o", 21: "o", 11: "m", 100_000_021: "o", 1_000_000_005: "m"}},
		{"de", `{other: "viele"}`, map[int]string{1: "viele", 2: "viele"}},
	} {
		c := countOf(t, tt.code, tt.text)
		for n, want := range tt.want {
			if got := c.For(n); got != want {
				t.Errorf("%s: %d gives %q, want %q", tt.code, n, got, want)
			}
		}
	}
	var c Count
	if err := yaml.Unmarshal([]byte(`{one: a, several: b}`), &c); err == nil || !strings.Contains(err.Error(), "few, many or other") {
		t.Errorf("a form that there is not: %v", err)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct{ household, accept, want string }{
		{"", "", "en"}, {"de", "fr", "de"}, {"de-AT", "", "de"}, {"fr_CA", "", "fr"}, {"ES", "", "es"},
		{"", "it-CH, de;q=0.9", "it"}, {"", "ja, de;q=0.5", "de"}, {"", "ja", "en"}, {"ja", "", "en"}, {"ja", "it", "it"},
		{"no tag", "de", "de"}, {"", "*", "en"}, {"", "de;q=x", "en"}, {"", strings.Repeat("de,", 200), "en"}, {"", "de\x00", "en"},
	} {
		if got := Match(tt.household, tt.accept); got != tt.want {
			t.Errorf("Match(%q, %q) = %s, want %s", tt.household, tt.accept, got, tt.want)
		}
	}
}

// TestDirection: the direction of each language is that of its own letters (UAX #9), Arabic's that of the issue.
func TestDirection(t *testing.T) {
	if Direction("ar") != "rtl" || Direction("en") != "ltr" || Direction("he") != "rtl" || Direction("zh") != "ltr" {
		t.Error("the direction of Arabic, English, Hebrew or Chinese is wrong")
	}
	for _, code := range folders(t) {
		for _, e := range read(t, code, "pages") {
			class, _ := bidi.LookupString(e.text)
			if e.key == "pages.weekdays[0]" && (class.Class() == bidi.L) != (Direction(code) == "ltr") {
				t.Errorf("%s has the direction %s, and begins a week with %q", code, Direction(code), e.text)
			}
		}
	}
}

// TestIsolation: in a language from right to left each value is isolated, in others nothing is added.
func TestIsolation(t *testing.T) {
	if got := isolated("ar", []byte(`a: "{name} x {until}"`)); string(got) != "a: \"\u2068{name}\u2069 x \u2068{until}\u2069\"" {
		t.Errorf("%q", got)
	}
	if got := isolated("de", []byte(`a: "{name}"`)); string(got) != `a: "{name}"` {
		t.Errorf("%q", got)
	}
}

// TestLanguages: English first, each with all its parts; who has none reads English.
func TestLanguages(t *testing.T) {
	all := Languages()
	if all[0] != English || !slices.IsSorted(all[1:]) || len(Missing("xx")) != len(Parts()) {
		t.Errorf("%v", all)
	}
	reads := 0
	c := Lazy(func(code string) (*string, error) { reads++; return &code, nil })
	if reads != 0 {
		t.Error("something is read before it is asked for")
	}
	for range 2 {
		if got := *c.In("de") + *c.In("xx") + *c.In(""); got != "deenen" || reads != 2 {
			t.Errorf("%s after %d reads", got, reads)
		}
	}
	if n := testing.AllocsPerRun(10, func() { c.In("de") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	broken := Lazy(func(code string) (*string, error) {
		if code == English {
			return &code, nil
		}
		return nil, context.Canceled
	})
	if got := *broken.In("de"); got != English {
		t.Errorf("for a language that cannot be read: %s", got)
	}
}

// BenchmarkRead is what the first reader of a language waits for.
func BenchmarkRead(b *testing.B) {
	for range b.N {
		for _, part := range Parts() {
			if _, err := Read[map[string]any]("de", part); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestName: a language's name is the one of CLDR. Its package is 2 MB, so only the test has it.
func TestName(t *testing.T) {
	for _, code := range append(folders(t), slices.Collect(maps.Keys(names))...) {
		if got, want := Name(code), display.Self.Name(language.Make(code)); got != want {
			t.Errorf("%s is called %q, want %q", code, got, want)
		}
	}
}
