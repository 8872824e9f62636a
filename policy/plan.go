package policy

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// plan is what somebody's schedule says of each day. It is interned.
type plan struct {
	usual   [7][]window // by weekday; minutes from the midnight with which the day begins
	special []specialDay
	key     string // what it is made of
}

// specialDay is a day on which something else holds than on other such weekdays.
type specialDay struct {
	day     int64
	windows []window
}

// longestWindow is how many days on a window may reach that belongs to a day: a night that begins before noon of
// the next day, and ends before noon of the one after.
const longestWindow = 3

// on gives the windows that belong to a day.
func (p *plan) on(day int64) []window {
	i, found := slices.BinarySearchFunc(p.special, day, func(s specialDay, day int64) int { return int(s.day - day) })
	if found {
		return p.special[i].windows
	}
	return p.usual[weekdayOf(day)]
}

// week gives the windows of the usual week.
func (p *plan) week() (all []window) {
	for day, windows := range p.usual {
		for _, w := range windows {
			all = append(all, window{w.kind, day*minutesOfDay + w.from, day*minutesOfDay + w.to})
		}
	}
	return all
}

// timetable is a schedule as it is written, read.
type timetable struct {
	school, free, homework *span
	weekly                 [7][]window
}

// exception is what one day has instead: nil, as usual; a span, or with a nil span nothing.
type exception struct{ bedtime, homework *instead }

type instead struct{ span *span }

// windowsOf gives the windows that belong to a day: a night belongs to the evening before.
func (t *timetable) windowsOf(weekday time.Weekday, today, tomorrow bool, e exception) []window {
	night, work := t.free, t.homework
	if tomorrow {
		night = t.school
	}
	if !today {
		work = nil
	}
	var out []window
	for _, w := range t.weekly[weekday] {
		if w.kind == bedtime && e.bedtime == nil || w.kind == homework && e.homework == nil {
			out = append(out, w)
		}
	}
	if e.bedtime != nil {
		night = e.bedtime.span
	}
	if e.homework != nil {
		work = e.homework.span
	}
	out = night.add(out, bedtime)
	out = work.add(out, homework)
	sortWindows(&out)
	return out
}

// add adds a span of a day; a bedtime that begins before noon belongs to the evening before.
func (s *span) add(to []window, kind windowKind) []window {
	if s == nil {
		return to
	}
	w := window{kind, s.from, s.to}
	if s.to <= s.from {
		w.to += minutesOfDay
	}
	if kind == bedtime && s.from < minutesOfDay/2 {
		w.from, w.to = w.from+minutesOfDay, w.to+minutesOfDay
	}
	return append(to, w)
}

// plan makes a plan of a timetable, a calendar and the exceptions that concern somebody; nil if nothing is ever
// off.
func (t *timetable) plan(c *calendar, exceptions []ExceptionConfig) *plan {
	p := new(plan)
	some := [2]bool{}
	for day := range p.usual {
		p.usual[day] = t.windowsOf(time.Weekday(day), !c.free[day], !c.free[(day+1)%7], exception{})
		for _, w := range p.usual[day] {
			some[w.kind] = true
		}
	}
	on := map[int64]exception{}
	for _, day := range c.off {
		on[day-1], on[day] = exception{}, exception{}
	}
	for _, e := range exceptions {
		day := e.Date.number()
		x := on[day]
		e.enter(&x, some)
		on[day] = x
	}
	for day, x := range on {
		windows := t.windowsOf(weekdayOf(day), c.school(day), c.school(day+1), x)
		if !slices.Equal(windows, p.usual[weekdayOf(day)]) {
			p.special = append(p.special, specialDay{day, windows})
		}
	}
	slices.SortFunc(p.special, func(a, b specialDay) int { return int(a.day - b.day) })
	if len(p.special) == 0 && some == [2]bool{} {
		return nil
	}
	p.key = p.encode()
	return p
}

// enter puts an exception to what holds on its day. One for everyone gives nobody what they never have.
func (e *ExceptionConfig) enter(x *exception, some [2]bool) {
	if e.Bedtime != "" && (e.Member != "" || some[bedtime]) {
		x.bedtime = &instead{spanOf(e.Bedtime)}
	}
	if e.Homework != "" && (e.Member != "" || some[homework]) {
		x.homework = &instead{spanOf(e.Homework)}
	}
}

// encode writes down what a plan is made of.
func (p *plan) encode() string {
	var b []byte
	put := func(windows []window) {
		b = append(b, byte(len(windows)))
		for _, w := range windows {
			b = append(b, byte(w.kind))
			b = binary.BigEndian.AppendUint16(b, uint16(w.from)) //nolint:gosec // minutes of three days
			b = binary.BigEndian.AppendUint16(b, uint16(w.to))   //nolint:gosec // as above
		}
	}
	for _, windows := range p.usual {
		put(windows)
	}
	for _, s := range p.special {
		b = binary.BigEndian.AppendUint32(b, uint32(s.day)) //nolint:gosec // days of centuries
		put(s.windows)
	}
	return string(b)
}

// plan gives somebody's plan in a household; h is nil for a profile that stands alone. Most households have one of a
// few timetables and no calendar, so that each is made once.
func (b *compiler) plan(h *HouseholdConfig, member string, c ScheduleConfig, band Band) *plan {
	var exceptions []ExceptionConfig
	if h != nil {
		exceptions = h.exceptionsOf(member)
	}
	key := timesKey{c.Preset, c.Bedtime, c.Homework, band}
	plain := len(c.Windows) == 0 && len(exceptions) == 0 && (h == nil || h.Calendar.isZero())
	if found, ok := b.parts.times[key]; ok && plain {
		return found
	}
	p := c.read(b.presets[band]).plan(b.calendarOf(h), exceptions)
	if p != nil {
		if same := b.parts.plans[p.key]; same != nil {
			p = same
		}
		b.parts.plans[p.key] = p
	}
	if plain {
		b.parts.times[key] = p
	}
	return p
}

// timesKey is a schedule without windows of its own, for a band.
type timesKey struct {
	preset   bool
	bedtime  NightsConfig
	homework string
	band     Band
}

func (c *CalendarConfig) isZero() bool { return len(c.SchoolDays)+len(c.Holidays) == 0 }

// calendarOf gives a household's calendar; those that are made alike are one.
func (b *compiler) calendarOf(h *HouseholdConfig) *calendar {
	if h == nil || h.Calendar.isZero() {
		return b.parts.calendars[""]
	}
	c := newCalendar(h.Calendar)
	key := c.key()
	if same := b.parts.calendars[key]; same != nil {
		return same
	}
	b.parts.calendars[key] = c
	return c
}

// exceptionsOf gives those that concern a member, or with "" whoever is none. The later wins, and one's own
// over those for everyone.
func (c *HouseholdConfig) exceptionsOf(member string) (found []ExceptionConfig) {
	if len(c.Exceptions) == 0 {
		return nil
	}
	for _, own := range []string{"", member} {
		for _, e := range c.Exceptions {
			if e.Member == own {
				found = append(found, e)
			}
		}
		if member == "" {
			break
		}
	}
	return found
}

func (s ScheduleConfig) isZero() bool {
	return !s.Preset && s.Bedtime == NightsConfig{} && s.Homework == "" && len(s.Windows) == 0
}

const off = "off"

// read reads a schedule; what it takes of the preset only if it asks for it.
func (s ScheduleConfig) read(preset *Preset) *timetable {
	if s.Preset && preset != nil {
		for _, part := range []struct{ own, proposed *string }{
			{&s.Bedtime.School, &preset.Bedtime.School},
			{&s.Bedtime.Free, &preset.Bedtime.Free},
			{&s.Homework, &preset.Homework},
		} {
			if *part.own == "" {
				*part.own = *part.proposed
			}
		}
	}
	t := &timetable{school: spanOf(s.Bedtime.School), free: spanOf(s.Bedtime.Free), homework: spanOf(s.Homework)}
	for _, w := range s.Windows {
		kind, days, sp, err := parseWindow(w)
		if err != nil {
			continue // Validate has said it
		}
		to := sp.to
		if to <= sp.from {
			to += minutesOfDay
		}
		for _, d := range days {
			t.weekly[d] = append(t.weekly[d], window{kind, sp.from, to})
		}
	}
	return t
}

// spanOf reads a span; nil if nothing is off.
func spanOf(text string) *span {
	if text == "" || text == off {
		return nil
	}
	s, err := parseSpan(text)
	if err != nil {
		return nil // Validate has said it
	}
	return &s
}

func parseWindow(w WindowConfig) (windowKind, []time.Weekday, span, error) {
	var bad problems
	kind := bedtime
	switch w.Kind {
	case "bedtime":
	case "homework":
		kind = homework
	default:
		bad.add(".kind", "%q is no kind of window: write bedtime or homework", w.Kind)
	}
	days, err := parseDays(".days", w.Days)
	bad.addErr("", err)
	s, err := makeSpan(w.From, w.To)
	bad.addErr("", err)
	return kind, days, s, bad.join()
}

// parseDays reads the days of a list at a path.
func parseDays(path string, words []string) (days []time.Weekday, err error) {
	if len(words) == 0 {
		return nil, &fieldError{path, "the days are missing: write mon, tue, ... or all"}
	}
	var bad problems
	for i, word := range words {
		if word == "all" {
			days = []time.Weekday{0, 1, 2, 3, 4, 5, 6}
			continue
		}
		d, ok := parseDay(word)
		if !ok {
			bad.add(fmt.Sprintf("%s[%d]", path, i), "%q is no day: write mon, tue, wed, thu, fri, sat, sun or all", word)
		}
		days = append(days, d)
	}
	return days, bad.join()
}

// schedule gives the schedule of plans that hold together, as on a shared device.
func (b *compiler) schedule(s *spec) *schedule {
	if len(s.plans) == 0 {
		return nil
	}
	var key strings.Builder
	key.WriteString(s.location.String())
	for _, p := range s.plans {
		key.WriteByte(' ')
		key.WriteString(p.key)
	}
	found, ok := b.parts.schedules[key.String()]
	if !ok {
		found = joinPlans(s.plans, s.location)
		b.parts.schedules[key.String()] = found
	}
	return found
}

// sortPlans brings plans into one order, each once.
func sortPlans(plans []*plan) []*plan {
	slices.SortFunc(plans, func(a, b *plan) int { return strings.Compare(a.key, b.key) })
	return slices.Compact(plans)
}
