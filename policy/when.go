package policy

import (
	"fmt"
	"strings"
	"time"
)

// ParseAt reads the instant that a person means: "fri 21:05" is the first such
// time at or after now in loc, "21:05" the first one of any day,
// "2026-10-25 02:30" a local time, and RFC 3339 an instant anywhere. Empty or "-"
// is now. A local time that the clock shows twice is the first of the two.
func ParseAt(text string, now time.Time, loc *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	now = now.In(loc)
	if text == "" || text == "-" {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(loc), nil
	}
	if t, err := time.Parse("2006-01-02 15:04", text); err == nil {
		return localTime(DateOf(t), t.Hour()*60+t.Minute(), loc), nil
	}
	day, clock, hasDay := strings.Cut(text, " ")
	if !hasDay {
		day, clock = "", text
	}
	weekday, known := parseDay(day)
	minutes, err := parseClock(clock)
	if err != nil || hasDay && !known {
		return time.Time{}, fmt.Errorf(`%q is no time: write it as "fri 21:05", "21:05", "2026-10-25 02:30" or in RFC 3339`, text)
	}
	first := DateOf(now)
	for n := range 9 {
		t := time.Date(first.Year, first.Month, first.Day+n, 12, 0, 0, 0, time.UTC)
		at := localTime(DateOf(t), minutes, loc)
		if (!hasDay || t.Weekday() == weekday) && !at.Before(now.Truncate(time.Minute)) {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: no such time within a week", text)
}

// localTime is the first instant at which the clock of a day reaches a minute.
func localTime(day Date, minute int, loc *time.Location) time.Time {
	local := time.Date(day.Year, day.Month, day.Day, 0, minute, 0, 0, time.UTC).Unix()
	const ahead = 36 * 3600 // before any zone has reached it
	return time.Unix(zoneAt(local-ahead, loc).when(local), 0).In(loc)
}
