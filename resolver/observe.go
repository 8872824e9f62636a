package resolver

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
)

const (
	// ringEvents is how many events of one worker may wait for the Observer, a power of two: 2,560 a second
	// at the pace below, of each of 8 workers. Each takes about 400 bytes, so 0.8 MB in all. What does not fit is
	// dropped and counted, because a reader must never wait for a page.
	ringEvents = 256
	// eventPace is how often they are handed over. Waking somebody for each query
	// would cost more than answering it.
	eventPace = 100 * time.Millisecond
)

// Observer is told of queries that somebody may remember, off the query path: of blocked
// ones for the page of the device that asked, and of what bands and logs allow. The event is
// its own until it returns.
type Observer interface {
	Observe(*Event)
}

// Event is one query, whole, so that nothing points into a packet.
type Event struct {
	Time int64 // unix seconds
	// Addr is the client's; the zero Addr: whoever looks there is not who asked.
	Addr       netip.Addr
	Client     policy.Client
	Decision   policy.Decision
	Categories blocklists.Categories // of the asked name
	Memory     policy.Memory         // what may be remembered, but for the ten minutes of the page
	answer     *cache.Entry          // of an allowed query; nil: none that is kept
	world      *World
	length     uint8
	name       [255]byte
}

// Name returns the name asked for, in canonical wire form.
func (e *Event) Name() blocklists.Name { return e.name[:e.length] }

// Addresses gives those that an allowed query was answered with, those behind a translator as what they stand for. It
// reads the whole answer, and is not for the query path.
func (e *Event) Addresses() []netip.Addr {
	if e.answer == nil {
		return nil
	}
	return places(e.world, e.answer)
}

// backlog holds the events that wait for the Observer, by worker.
type backlog struct{ rings [shards]ring }

func newBacklog() *backlog {
	b := new(backlog)
	for i := range b.rings {
		b.rings[i].prepare()
	}
	return b
}

// each hands over what waits.
func (b *backlog) each(tell func(*Event)) {
	for i := range b.rings {
		b.rings[i].each(tell)
	}
}

// ring is a bounded queue of events that nobody waits at: many may fill it, one empties it. Each place has the number of
// the turn at which it may be filled, and one more once it is.
type ring struct {
	next   atomic.Uint64 // place to fill
	_      [56]byte      // a cache line: who fills does not slow who empties
	done   uint64        // place to empty
	places []place
}

type place struct {
	turn atomic.Uint64
	Event
}

func (r *ring) prepare() {
	r.places = make([]place, ringEvents)
	for i := range r.places {
		r.places[i].turn.Store(uint64(i))
	}
}

// claim gives the next place to fill, nil if there is none. Whoever fills it publishes it then.
func (r *ring) claim() *place {
	for {
		n := r.next.Load()
		p := &r.places[n&(ringEvents-1)]
		switch turn := p.turn.Load(); {
		case turn == n:
			if r.next.CompareAndSwap(n, n+1) {
				return p
			}
		case turn < n: // still to be emptied
			return nil
		}
	}
}

// publish says that a claimed place is filled.
func (p *place) publish() { p.turn.Add(1) }

// each empties what is filled. No place holds on to anybody's address, name or household after.
func (r *ring) each(tell func(*Event)) {
	for {
		p := &r.places[r.done&(ringEvents-1)]
		if p.turn.Load() != r.done+1 {
			return
		}
		tell(&p.Event)
		p.Event = Event{}
		p.turn.Store(r.done + ringEvents)
		r.done++
	}
}

// tellBlocked hands a blocked query to the Observer, without waiting for it. The page that the
// Observer keeps knows people by their addresses alone: what a device did under its id at
// an address that is not its own would be shown to somebody else there, and so would what
// devices behind a forwarder did.
func (r *Resolver) tellBlocked(s *Stroke, name []byte, c Client) {
	if r.cfg.Observer == nil {
		return
	}
	m := s.remembers()
	if at := c.Addr; s.heard == heardDirectly && (!s.named || s.atHome(r.cfg.Presence)) {
		r.tell(s, name, c, at, m)
	} else if m != policy.Forget {
		r.tell(s, name, c, netip.Addr{}, m)
	}
}

// tellAllowed hands an allowed query to the Observer, if anything of it may be remembered.
func (r *Resolver) tellAllowed(s *Stroke, name []byte, c Client) {
	if r.cfg.Observer == nil {
		return
	}
	if m := s.remembers(); m != policy.Forget {
		r.tell(s, name, c, netip.Addr{}, m)
	}
}

// remembers says how much of the query may be remembered.
func (s *Stroke) remembers() policy.Memory {
	if !s.world.activity {
		return policy.Forget
	}
	return s.who.Remembers(&s.question, s.decision, s.now)
}

func (r *Resolver) tell(s *Stroke, name []byte, c Client, at netip.Addr, m policy.Memory) {
	p := r.events.rings[c.Worker&(shards-1)].claim()
	if p == nil {
		r.counts.dropped.Inc()
		return
	}
	p.Time, p.Addr, p.Client, p.Memory = s.now.Unix(), at, s.who, m
	p.Decision, p.Categories = s.decision, s.question.Match.Categories
	if !s.decision.Blocks() {
		p.answer, p.world = s.entry, s.world
	}
	p.length = uint8(copy(p.name[:], name)) //nolint:gosec // a name has at most 255 octets
	p.publish()
}

// atHome reports whether the address too is the device's that showed its id.
func (s *Stroke) atHome(p Presence) bool {
	id := s.asker.ID
	if s.asker.ID = ""; p != nil {
		p.Find(&s.asker)
	}
	here := s.world.Directory.IdentifyBy(&s.asker)
	s.asker.ID = id
	return here.Household == s.who.Household && here.Device == s.who.Device
}

// Run hands events to the Observer, and resolves popular answers again before they run
// out, until ctx ends.
func (r *Resolver) Run(ctx context.Context) error {
	pace := time.NewTicker(eventPace)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			r.deliver()
			return nil
		case <-pace.C:
			r.deliver()
		case n := <-r.ahead.waiting:
			r.renew(ctx, n)
		}
	}
}

func (r *Resolver) deliver() {
	r.hearsay.warn(r.cfg.Log)
	if r.cfg.Observer != nil {
		r.events.each(r.cfg.Observer.Observe)
	}
}
