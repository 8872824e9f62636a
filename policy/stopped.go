package policy

import (
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Stop says what of time stops for a client at an instant, whatever the name.
type Stop struct {
	Clock Clock // NoClock: nothing
	// Until is when to look again: the unix second at which this may change; 0: not by itself. Of what is not stopped
	// it is when it may be, of quotas as if every minute from now on was used.
	Until int64
	// Ends is when what stops ends, as people are told it: as Decision.Ends.
	Ends int64
}

// Stopped says whether all names are stopped for the client: bedtime, a pause, the day's minutes. What is
// always on is never meant. What is only observed is not stopped.
func (c *Client) Stopped(now time.Time) Stop {
	var root blocklists.Hashes
	return c.stop(&Question{Hashes: &root}, StepBedtime, now)
}

// StoppedTimed says the same of what is timed alone: homework time, the minutes of any category or service.
// It is false for who has nothing timed.
func (c *Client) StoppedTimed(now time.Time) (next Stop) {
	sets := []blocklists.Categories{c.Profile.cells.timed.Or(c.Profile.services.timed)}
	if c.budget != nil {
		for i := range c.budget.list {
			sets = append(sets, c.budget.list[i].names)
		}
	}
	for _, set := range sets { // one by one: a service may lift the category of another's minutes
		var root blocklists.Hashes
		q := Question{Hashes: &root}
		if q.Match.Categories = set.AndNot(c.Profile.alwaysOn); q.Match.Categories.IsZero() {
			continue
		}
		s := c.stop(&q, StepHomework, now)
		if s.Clock != NoClock {
			return s
		}
		next.Until = sooner(next.Until, s.Until)
	}
	return next
}

func (c *Client) stop(q *Question, at Step, now time.Time) Stop {
	d := c.Decide(q, now)
	if d.Step == at && d.Blocks() {
		return Stop{d.Clock, d.Until, d.Ends}
	}
	return Stop{Until: d.Until}
}
