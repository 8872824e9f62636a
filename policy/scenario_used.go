package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// drawn are rows of the file used: minutes of quotas that are used already. Each has four columns: how many minutes in
// a row, by whom (household/member, household/device of a device that is nobody's, or household for its guests), of
// what (total, a category or a service), and from when on.
type drawn struct {
	line           int
	minutes        int
	whom, of, from string
}

func (s *Scenario) readUsed(data []byte) error {
	return rows(data, func(line int, text string) error {
		parts := strings.Split(text, ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		n, err := strconv.Atoi(parts[0])
		if len(parts) != 4 || err != nil || n < 1 {
			return fmt.Errorf("%q: write minutes, by whom, of what, from when", text)
		}
		s.used = append(s.used, drawn{line, n, parts[1], parts[2], parts[3]})
		return nil
	})
}

// usage makes of the rows what is merged on each day of them.
func (s *Scenario) usage(c Config, today time.Time) error {
	s.days = nil
	for _, row := range s.used {
		if err := row.enter(s, c, today); err != nil {
			return fmt.Errorf("used:%d: %w", row.line, err)
		}
	}
	return nil
}

// use merges what is used of the day of an instant.
func (s *Scenario) use(at time.Time) {
	for _, used := range s.days {
		if used.Day == DateOf(at) {
			s.meters.Meter(used.MeterKey).turn(used.Day.number()).merge(&used.Minutes) // stories go back in time
		}
	}
}

func (r drawn) enter(s *Scenario, c Config, today time.Time) error {
	id, person, named := strings.Cut(r.whom, "/")
	i := slices.IndexFunc(c.Households, func(h HouseholdConfig) bool { return h.ID == id })
	if i < 0 {
		return fmt.Errorf("no household %q", id)
	}
	h := &c.Households[i]
	switch {
	case !named:
		person = PersonGuests
	case !slices.ContainsFunc(h.Members, func(m MemberConfig) bool { return m.Name == person }):
		person = PersonOfDevice(person)
	}
	loc, err := time.LoadLocation(h.Timezone)
	if err != nil {
		return err //nolint:wrapcheck // it names the zone
	}
	from, err := ParseAt(r.from, DateOf(today).in(loc), loc)
	if err != nil {
		return err
	}
	clock := days{location: loc, calendar: newCalendar(h.Calendar)}
	for n := range r.minutes {
		at := from.Unix() + int64(n)*60
		l := clock.at(at)
		minute, _ := l.minute(at)
		used := Used{MeterKey: MeterKey{h.ID, person, r.of}, Day: dateOf(l.day)}
		used.Minutes[minute/64] = 1 << (minute % 64)
		s.days = append(s.days, used)
	}
	return nil
}
