package resolver

import (
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// eventBacklog is how many events may wait for the Observer: half a second of
// blocks at 2,000 a second. Each takes about 320 bytes. What does not fit is
// dropped and counted, because a reader must never wait for a page.
const eventBacklog = 1024

// Observer is told of blocked queries, off the query path. It decides what may
// be remembered.
type Observer interface {
	Observe(Event)
}

// Event is one blocked query, whole, so that nothing points into a packet.
type Event struct {
	Time     int64 // unix seconds
	Addr     netip.Addr
	Decision policy.Decision
	name     [255]byte
	length   uint8
}

// Name returns the name asked for, in canonical wire form.
func (e *Event) Name() blocklists.Name { return e.name[:e.length] }

// tell hands a blocked query to the Observer without waiting.
func (r *Resolver) tell(s *stroke, name []byte, c Client) {
	if r.cfg.Observer == nil {
		return
	}
	e := Event{Time: s.now.Unix(), Addr: c.Addr, Decision: s.decision}
	e.length = uint8(copy(e.name[:], name)) //nolint:gosec // a name has at most 255 octets
	select {
	case r.events <- e:
	default:
		r.counts.dropped.Inc()
	}
}
