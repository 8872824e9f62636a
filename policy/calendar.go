package policy

import (
	"encoding/binary"
	"slices"
	"time"
)

// CalendarConfig says which days are school days. A school night is the evening before one.
type CalendarConfig struct {
	SchoolDays []string        `yaml:"school_days"` // mon tue wed thu fri sat sun; empty: Monday to Friday
	Holidays   []HolidayConfig `yaml:"holidays"`
}

// HolidayConfig is a stretch of days without school.
type HolidayConfig struct {
	From Date   `yaml:"from"`
	To   Date   `yaml:"to"` // the last one; empty: From alone
	Name string `yaml:"name"`
}

// ExceptionConfig is what holds on one day in place of the schedule. Bedtime is that of the evening of the
// day. It replaces all windows of its kind that begin on the day; nobody gets a bedtime or homework time by it who
// has none on other days, unless it names them.
type ExceptionConfig struct {
	Date     Date   `yaml:"date"`
	Member   string `yaml:"member"`   // empty: everyone
	Bedtime  string `yaml:"bedtime"`  // "23:30-09:00", or off; empty: as usual
	Homework string `yaml:"homework"` // "15:00-16:00", or off; empty: as usual
}

// Bounds of a household's calendar: what a school has within eight years, and an exception a day for one.
const (
	maxHolidays   = 1000 // days
	maxExceptions = 366
)

const secondsOfDay = minutesOfDay * 60

// number counts days from 1970-01-01 on.
func (d Date) number() int64 { return d.in(time.UTC).Unix() / secondsOfDay }

// dateOf is the day with a number.
func dateOf(day int64) Date { return DateOf(time.Unix(day*secondsOfDay, 0).UTC()) }

// weekdayOf is the weekday of a day.
func weekdayOf(day int64) time.Weekday {
	return time.Weekday(((day+int64(time.Thursday))%7 + 7) % 7) // 1970-01-01 was a Thursday
}

// calendar says which days are school days.
type calendar struct {
	free [7]bool // weekdays without school
	off  []int64 // days of holidays, sorted
}

func newCalendar(c CalendarConfig) *calendar {
	out := new(calendar)
	days := schoolDays
	if len(c.SchoolDays) > 0 {
		days, _ = parseDays("", c.SchoolDays) // Validate has said it
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		out.free[d] = !slices.Contains(days, d)
	}
	for _, h := range c.Holidays {
		for day := h.From.number(); day <= h.last().number(); day++ {
			out.off = append(out.off, day)
		}
	}
	slices.Sort(out.off)
	out.off = slices.Compact(out.off)
	return out
}

func (h HolidayConfig) last() Date {
	if h.To.IsZero() {
		return h.From
	}
	return h.To
}

// school says whether a day is a school day.
func (c *calendar) school(day int64) bool {
	if c.free[weekdayOf(day)] {
		return false
	}
	_, off := slices.BinarySearch(c.off, day)
	return !off
}

// key tells calendars apart by what they are made of.
func (c *calendar) key() string {
	var b []byte
	for _, free := range c.free {
		b = append(b, bit(free))
	}
	for _, day := range c.off {
		b = binary.BigEndian.AppendUint32(b, uint32(day)) //nolint:gosec // days of centuries
	}
	return string(b)
}
