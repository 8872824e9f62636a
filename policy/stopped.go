package policy

import (
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Stop says what of time stops for a client at an instant, whatever the name.
type Stop struct {
	Clock Clock // NoClock: nothing
	// Until is when that may change, in unix seconds; 0: not by itself. Of what is not
	// stopped it is when it may be.
	Until int64
}

// Stopped says whether all names are stopped for the client: bedtime, a pause, the day's minutes. What is
// always on is never meant. What is only observed is not stopped.
func (c *Client) Stopped(now time.Time) Stop {
	var root blocklists.Hashes
	return c.stop(&Question{Hashes: &root}, StepBedtime, now)
}

// StoppedTimed says the same of what is timed alone: homework time, the minutes of a category or service.
// It is false for a profile that has nothing timed.
func (c *Client) StoppedTimed(now time.Time) Stop {
	var root blocklists.Hashes
	q := Question{Hashes: &root}
	q.Match.Categories = c.Profile.cells.timed.Or(c.Profile.services.timed)
	if q.Match.Categories.IsZero() {
		return Stop{}
	}
	return c.stop(&q, StepHomework, now)
}

func (c *Client) stop(q *Question, at Step, now time.Time) Stop {
	d := c.Decide(q, now)
	if d.Step == at && d.Blocks() {
		return Stop{d.Clock, d.Until}
	}
	return Stop{Until: d.Until}
}
