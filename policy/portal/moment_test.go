package portal

import (
	"strings"
	"testing"
	"time"
)

func TestParseMoment(t *testing.T) {
	now := moment(t, "2026-11-18 21:05").Add(30 * time.Second) // a Wednesday
	for text, want := range map[string]string{
		"fri 21:05": "2026-11-20 21:05", "Friday 21:05": "2026-11-20 21:05", " FRI  21:05 ": "2026-11-20 21:05",
		"wed 21:05": "2026-11-18 21:05", // the running minute counts
		"wed 21:04": "2026-11-25 21:04", "tue 00:00": "2026-11-24 00:00", "thu 24:00": "",
		"21:05": "2026-11-18 21:05", "21:04": "2026-11-19 21:04", "07:00": "2026-11-19 07:00", "7:00": "2026-11-19 07:00",
		"today 06:00": "2026-11-18 06:00", "tomorrow 06:00": "2026-11-19 06:00",
		"2026-12-24T18:00:00+01:00": "2026-12-24 18:00", "2026-12-24T17:00:00Z": "2026-12-24 18:00",
		"f 21:05": "", "fr 21:05": "", "friyay 21:05": "", "fri": "", "fri 25:00": "", "21:60": "", "soon": "", "fri 21:05 sharp": "", "2026-12-24": "",
	} {
		got, err := ParseMoment(text, now, now.Location())
		if want == "" {
			if err == nil {
				t.Errorf("%q is read as %s, want an error", text, got)
			} else if !strings.Contains(err.Error(), "fri 21:05") {
				t.Errorf("%q: the error does not say what to write: %v", text, err)
			}
			continue
		}
		if err != nil || got.Format("2006-01-02 15:04") != want {
			t.Errorf("%q is read as %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "now", "NOW"} {
		if got, err := ParseMoment(text, now, now.Location()); err != nil || !got.Equal(now) {
			t.Errorf("%q is read as %s (%v), want now", text, got, err)
		}
	}
}

// A moment is one of the household's zone, wherever the machine stands.
func TestParseMomentInTheHouseholdsZone(t *testing.T) {
	vienna := moment(t, noon).Location()
	now := time.Date(2026, 11, 18, 23, 30, 0, 0, time.UTC) // Thursday 00:30 in Vienna
	got, err := ParseMoment("thu 06:00", now, vienna)
	if want := moment(t, "2026-11-19 06:00"); err != nil || !got.Equal(want) {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
	// The hour that does not exist when the clocks go forward becomes the next one that does.
	got, err = ParseMoment("sun 02:30", moment(t, "2026-03-28 12:00"), vienna)
	if want := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}
