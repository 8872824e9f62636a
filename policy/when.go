package policy

import (
	"fmt"
	"strings"
	"time"
)

// ParseAt reads the instant that a person means: "fri 21:05" is the first such
// time in loc, the running minute included, "21:05" the first one of any day,
// "today 06:00" and "tomorrow 06:00" lie on those days, "2026-10-25 02:30" is a
// local time, and RFC 3339 an instant anywhere. Empty, "now" or "-" is now. A local time that the clock shows twice is the first of the two.
func ParseAt(text string, now time.Time, loc *time.Location) (time.Time, error) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), " "))
	now = now.In(loc)
	if text == "" || text == "-" || text == "NOW" {
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
	minutes, err := parseClock(clock)
	if err != nil {
		return time.Time{}, notTime(text, now)
	}
	first := DateOf(now)
	switch day {
	case "TODAY":
		return localTime(first, minutes, loc), nil
	case "TOMORROW":
		return localTime(DateOf(now.AddDate(0, 0, 1)), minutes, loc), nil
	}
	weekday, known := parseDay(day)
	if hasDay && !known {
		return time.Time{}, notTime(text, now)
	}
	for n := range 9 {
		t := time.Date(first.Year, first.Month, first.Day+n, 12, 0, 0, 0, time.UTC)
		at := localTime(DateOf(t), minutes, loc)
		if (!hasDay || t.Weekday() == weekday) && !at.Before(now.Truncate(time.Minute)) {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: no such time within a week", text)
}

func notTime(text string, now time.Time) error {
	return fmt.Errorf(`%q is no time: write it as "fri 21:05", "21:05", "tomorrow 07:00", "2026-10-25 02:30" or in RFC 3339, such as %s`,
		strings.ToLower(text), now.Format(time.RFC3339))
}

// localTime is the first instant at which the clock of a day reaches a minute.
func localTime(day Date, minute int, loc *time.Location) time.Time {
	local := time.Date(day.Year, day.Month, day.Day, 0, minute, 0, 0, time.UTC).Unix()
	const ahead = 36 * 3600 // before any zone has reached it
	return time.Unix(zoneAt(local-ahead, loc).when(local), 0).In(loc)
}
