package resolver

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

const (
	// eventBacklog is how many events may wait for the Observer: 5,000 blocks a
	// second at the pace below. Each takes about 320 bytes, and there are two such
	// memories. What does not fit is dropped and counted, because a reader must
	// never wait for a page.
	eventBacklog = 512
	// eventPace is how often they are handed over. Waking somebody for each block
	// would cost more than answering it.
	eventPace = 100 * time.Millisecond
)

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

// backlog holds the events that wait for the Observer.
type backlog struct {
	mu      sync.Mutex
	waiting []Event
	spare   []Event
}

func newBacklog() backlog {
	return backlog{waiting: make([]Event, 0, eventBacklog), spare: make([]Event, 0, eventBacklog)}
}

// add makes room for one more event and returns it, or nil if there is none. The
// lock is held until done.
func (b *backlog) add() *Event {
	if len(b.waiting) == cap(b.waiting) {
		return nil
	}
	b.waiting = b.waiting[:len(b.waiting)+1]
	return &b.waiting[len(b.waiting)-1]
}

// take returns what waits. It is good until the next take.
func (b *backlog) take() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.waiting
	b.waiting, b.spare = b.spare[:0], out
	return out
}

// tell hands a blocked query to the Observer, without waiting for it. The page that the
// Observer keeps knows people by their addresses alone: what a device did under its id at
// an address that is not its own would be shown to somebody else there, and so would what
// devices behind a forwarder did.
func (r *Resolver) tell(s *Stroke, name []byte, c Client) {
	if r.cfg.Observer == nil || s.heard != heardDirectly || s.named && s.world.Directory.Identify(c.Addr) != s.who {
		return
	}
	r.events.mu.Lock()
	defer r.events.mu.Unlock()
	e := r.events.add()
	if e == nil {
		r.counts.dropped.Inc()
		return
	}
	e.Time, e.Addr, e.Decision = s.now.Unix(), c.Addr, s.decision
	e.length = uint8(copy(e.name[:], name)) //nolint:gosec // a name has at most 255 octets
}

// Run hands events to the Observer, and resolves popular answers again before they run
// out, until ctx ends.
func (r *Resolver) Run(ctx context.Context) error {
	pace := time.NewTicker(eventPace)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
			r.deliver()
		case n := <-r.ahead.waiting:
			r.renew(ctx, n)
		}
	}
}

func (r *Resolver) deliver() {
	for _, e := range r.events.take() {
		r.cfg.Observer.Observe(e)
	}
}
