package policy

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/words"
)

// TestWordsAreComplete: each language has every group, band, step and short text that English has.
func TestWordsAreComplete(t *testing.T) {
	en := Words("en")
	for _, tag := range Languages() {
		w, err := readPhrases(tag)
		if err != nil {
			t.Fatal(err)
		}
		if Words(tag).Language != tag {
			t.Errorf("%s gives %s", tag, Words(tag).Language)
		}
		for _, group := range blocklists.Groups() {
			if w.Groups[group] == "" {
				t.Errorf("%s: no name for the group %s", tag, group)
			}
		}
		for _, b := range Bands() {
			if w.Bands[b] == "" {
				t.Errorf("%s: no name for the band %s", tag, b)
			}
		}
		for s := StepLaw; s <= StepUnknown; s++ {
			if w.Steps[s] == "" {
				t.Errorf("%s: no sentence for the step %s", tag, s)
			}
		}
		for r := range reasons {
			if (w.Short[r] == "") != (en.Short[r] == "") {
				t.Errorf("%s: short text %q, in English %q", tag, w.Short[r], en.Short[r])
			}
		}
	}
}

// TestPages: every reader is told something about every reason, with places that
// are filled in.
func TestPages(t *testing.T) {
	for _, tag := range Languages() {
		w := Words(tag)
		for r := ReaderChild; r < readers; r++ {
			for why := ReasonCategory; why < reasons; why++ {
				m := w.Page(r, why)
				if m.Headline == "" || m.Why == "" || m.Next == "" {
					t.Errorf("%s, reader %d, reason %d: %+v", tag, r, why, m)
				}
				text := words.Fill(m.Headline+" "+m.Why+" "+m.Next, map[string]string{"what": "X", "until": "07:00", "who": "Y"})
				if strings.ContainsAny(text, "{}") {
					t.Errorf("%s: %q has a place that nothing fills", tag, text)
				}
			}
		}
	}
	if got := Words("de-AT").Language + Words("ja").Language + Words("").Language; got != "deenen" {
		t.Errorf("languages fall back to %q", got)
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
