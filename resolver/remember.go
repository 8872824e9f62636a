package resolver

import (
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Memory says how much of the query that s answered last may be told to others: what the
// band of the profile allows; of a device that nobody knows at most totals; and nothing of who
// was turned away.
func (s *Stroke) Memory() policy.Memory {
	if !s.judged {
		return policy.Forget
	}
	m := s.who.Profile.Remembers(&s.question, s.decision)
	if s.who.Status != policy.Known {
		m = min(m, policy.Totals)
	}
	return m
}

// Verdict is what became of the query that s answered last, such as "block", and the category
// that did it, "" for none. Both are good only where Memory lets anything be told.
func (s *Stroke) Verdict() (action, category string) {
	return s.decision.Action.String(), s.who.Profile.Cause(s.decision)
}

// Slow is a resolution that took long, without the name and without who asked.
type Slow struct {
	Began, Ended time.Time
	Asked        time.Time // when the upstream was, for whomever came first; the zero Time: it was not
	Type         uint16
	Transport    Transport
	Rcode        wire.Rcode
	Zone         string // of the upstreams, "" for those of all names
}

// report tells of a slow resolution, if anybody wants to know.
func (s *Stroke) report(reply []byte) {
	r := s.resolver
	if r.cfg.Slow == nil || s.query == nil || len(reply) < wire.HeaderLen {
		return
	}
	now := r.cfg.Now()
	if now.Sub(s.began) < r.cfg.SlowAfter {
		return
	}
	slow := Slow{Began: s.began, Ended: now, Asked: s.asked, Type: s.query.Type, Transport: s.client.Transport, Rcode: wire.Rcode(reply[3] & 0xF)}
	if s.view != nil && len(s.view.Zones) > 0 {
		slow.Zone = s.view.Zones[0].String()
	}
	r.cfg.Slow(slow)
}
