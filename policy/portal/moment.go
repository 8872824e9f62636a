package portal

import (
	"fmt"
	"strings"
	"time"
)

// ParseMoment reads a point in time as people write it: an RFC 3339 time, "now" or nothing, "21:05",
// "fri 21:05", "friday 21:05", "today 21:05" or "tomorrow 21:05". A weekday or a time of day alone means the
// next such moment in zone, the running minute included. now is the moment from which "next" counts.
func ParseMoment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	fields := strings.Fields(strings.ToLower(text))
	now = now.In(zone)
	switch len(fields) {
	case 0:
		return now, nil
	case 1:
		if fields[0] == "now" {
			return now, nil
		}
		if t, err := time.Parse(time.RFC3339, strings.ToUpper(fields[0])); err == nil {
			return t.In(zone), nil
		}
		if clock, err := parseClock(fields[0]); err == nil {
			return nextDay(now, clock, func(time.Time) bool { return true }), nil
		}
	case 2:
		if clock, err := parseClock(fields[1]); err == nil {
			if t, ok := onDay(fields[0], now, clock); ok {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("the moment %q is not understood; write \"fri 21:05\", \"21:05\", \"tomorrow 07:00\" or an RFC 3339 time such as %q",
		text, now.Format(time.RFC3339))
}

// minutes of a day
type clock int

func parseClock(text string) (clock, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("reading the time of day %q: %w", text, err)
	}
	return clock(t.Hour()*60 + t.Minute()), nil
}

func onDay(word string, now time.Time, at clock) (time.Time, bool) {
	switch word {
	case "today":
		return dayAt(now, 0, at), true
	case "tomorrow":
		return dayAt(now, 1, at), true
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := strings.ToLower(day.String())
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			return nextDay(now, at, func(t time.Time) bool { return t.Weekday() == day }), true
		}
	}
	return time.Time{}, false
}

// nextDay is the first moment with that time of day, not before the running minute, on a day that fits.
func nextDay(now time.Time, at clock, fits func(time.Time) bool) time.Time {
	from := now.Truncate(time.Minute)
	for days := range 8 {
		if t := dayAt(now, days, at); !t.Before(from) && fits(t) {
			return t
		}
	}
	return dayAt(now, 7, at)
}

func dayAt(now time.Time, days int, at clock) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d+days, int(at)/60, int(at)%60, 0, 0, now.Location())
}
