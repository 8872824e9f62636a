package policy

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

const minutesOfDay = 24 * 60

// window is one window, in minutes from the midnight with which its day begins, or, where it is one of the
// usual week, from Sunday at 00:00. to lies behind from and may reach into the next day or week.
type window struct {
	kind     windowKind
	from, to int
}

type windowKind uint8

const (
	bedtime  windowKind = iota // all names are off
	homework                   // timed names are off
)

func (w window) compare(o window) int {
	return cmp.Or(cmp.Compare(w.kind, o.kind), cmp.Compare(w.from, o.from), cmp.Compare(w.to, o.to))
}

var schoolDays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}

// span is a stretch of a day in minutes; to at or before from lies on the next day.
type span struct{ from, to int }

// parseSpan reads "21:00-06:30".
func parseSpan(text string) (span, error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return span{}, fmt.Errorf(`%q is no span of time: write it as "21:00-06:30"`, text)
	}
	return makeSpan(from, to)
}

func makeSpan(from, to string) (span, error) {
	f, bad := parseClock(from)
	t, worse := parseClock(to)
	if err := errors.Join(bad, worse); err != nil {
		return span{}, err
	}
	if f == minutesOfDay {
		return span{}, fmt.Errorf("a span cannot begin at 24:00: write 00:00 and the next day")
	}
	if f == t {
		return span{}, fmt.Errorf("a span from %s to %s has no length: write 00:00 to 24:00 for a whole day",
			strings.TrimSpace(from), strings.TrimSpace(to))
	}
	return span{f, t}, nil
}

// parseClock reads HH:MM, 00:00 to 24:00, into minutes.
func parseClock(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "24:00" {
		return minutesOfDay, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of day: write it as HH:MM, for example 21:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// parseDay reads mon, tue, ... or the English name in full.
func parseDay(text string) (time.Weekday, bool) {
	text = strings.ToLower(text)
	for d := time.Sunday; d <= time.Saturday; d++ {
		full := strings.ToLower(d.String())
		if text == full || text == full[:3] {
			return d, true
		}
	}
	return 0, false
}
