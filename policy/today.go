package policy

import (
	"fmt"
	"slices"
	"time"
)

// Check says what Apply would of a state that is to follow another, and changes nothing. A grant that was there before
// and is not understood any more is no reason to refuse what is new.
func (d *Directory) Check(household string, was, s State) error {
	h, ok := d.households[household]
	if !ok {
		return fmt.Errorf("no household %q: write one of %s", household, d.listHouseholds())
	}
	understood := make([]Grant, 0, len(s.Grants))
	for _, g := range s.Grants {
		_, err := d.ground.granted(g)
		switch {
		case err == nil:
			understood = append(understood, g)
		case !slices.Contains(was.Grants, g):
			return err
		}
	}
	s.Grants = understood
	_, err := d.stand(h, s)
	return err
}

// Household gives a household by its id.
func (d *Directory) Household(id string) (*Household, bool) {
	h, ok := d.households[id]
	return h, ok
}

// Today is the end of the present day for whoever has this profile: the next bedtime, as far as it begins before
// noon of the day that follows, else midnight. loc is the household's zone.
func (p *Profile) Today(now time.Time, loc *time.Location) time.Time {
	y, m, d := now.In(loc).Date()
	next := DateOf(time.Date(y, m, d+1, 12, 0, 0, 0, time.UTC))
	if at := p.schedule.begins(bedtime, now.Unix()); at != 0 && at < localTime(next, minutesOfDay/2, loc).Unix() {
		return time.Unix(at, 0).In(loc)
	}
	return localTime(next, 0, loc)
}

// begins is when a window of a kind begins next, 0 if none does.
func (s *schedule) begins(kind windowKind, unix int64) int64 {
	on := s.at(unix).on[kind]
	for range 8 { // out of the present one, over the edges of special days, and into the next
		was := on
		unix = s.at(unix).edges[kind]
		if unix == 0 {
			return 0
		}
		if on = s.at(unix).on[kind]; on && !was {
			return unix
		}
	}
	return 0
}
