package policy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
)

// TestWordsAreComplete: each language has a text wherever English has one, with
// the same places in it.
func TestWordsAreComplete(t *testing.T) {
	en := Words("en")
	for _, tag := range Languages() {
		w := Words(tag)
		if w.Language != tag {
			t.Errorf("%s gives %s", tag, w.Language)
		}
		for _, group := range blocklists.Groups() {
			if w.Groups[group] == "" {
				t.Errorf("%s: no name for the group %s", tag, group)
			}
		}
		compare(t, tag, reflect.ValueOf(*en), reflect.ValueOf(*w))
	}
}

func compare(t *testing.T, at string, en, w reflect.Value) {
	t.Helper()
	switch en.Kind() {
	case reflect.String:
		for _, place := range []string{"{what}", "{until}", "{who}"} {
			if strings.Contains(en.String(), place) != strings.Contains(w.String(), place) {
				t.Errorf("%s: %q and %q differ in %s", at, en, w, place)
			}
		}
		if (en.String() == "") != (w.String() == "") {
			t.Errorf("%s: %q against %q", at, w, en)
		}
	case reflect.Struct:
		for i := range en.NumField() {
			compare(t, at+"."+en.Type().Field(i).Name, en.Field(i), w.Field(i))
		}
	case reflect.Array:
		for i := range en.Len() {
			compare(t, at, en.Index(i), w.Index(i))
		}
	default: // maps are compared by their keys, booleans may differ
	}
}

// TestPages: every reader is told something about every reason, a child in
// short sentences, and nobody is judged.
func TestPages(t *testing.T) {
	for _, tag := range Languages() {
		w := Words(tag)
		for r := ReaderChild; r < readers; r++ {
			for why := ReasonCategory; why < reasons; why++ {
				m := w.Page(r, why)
				if m.Headline == "" || m.Why == "" || m.Next == "" {
					t.Errorf("%s, reader %d, reason %d: %+v", tag, r, why, m)
				}
				text := Fill(m.Headline+" "+m.Why+" "+m.Next, "X", "07:00", "Y")
				if strings.ContainsAny(text, "{}") {
					t.Errorf("%s: %q has a place that nothing fills", tag, text)
				}
				for _, word := range []string{"tried", "violat", "police", "forbidden", "!"} {
					if strings.Contains(strings.ToLower(text), word) {
						t.Errorf("%s: %q judges", tag, text)
					}
				}
				if r == ReaderChild {
					short(t, tag, text)
				}
			}
		}
	}
	if got := Words("de-AT").Language + Words("PT").Language + Words("").Language; got != "deenen" {
		t.Errorf("languages fall back to %q", got)
	}
}

// short: a child's sentence has at most 12 words.
func short(t *testing.T, tag, text string) {
	t.Helper()
	for _, sentence := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".?:", r) }) {
		if n := len(strings.Fields(sentence)); n > 12 {
			t.Errorf("%s: %q has %d words", tag, sentence, n)
		}
	}
}

func TestStepsHaveReasons(t *testing.T) {
	for s := StepLaw; s <= StepUnknown; s++ {
		if s.Why("fr") == "" || s.String() == "" {
			t.Errorf("step %d has no sentence", s)
		}
	}
	for b := NoBand; b <= Things; b++ {
		want := ReaderAdult
		switch b {
		case Little, Child:
			want = ReaderChild
		case Preteen, Teen, Young:
			want = ReaderTeen
		case NoBand, Adult, Things:
		}
		if ReaderOf(b) != want {
			t.Errorf("%s reads %d", b, ReaderOf(b))
		}
	}
}
