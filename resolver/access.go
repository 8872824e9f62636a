package resolver

import (
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Client says where a query came from.
type Client struct {
	Addr      netip.Addr // the client's own, without a zone
	From      netip.Addr // Addr with the zone that a link-local one has; the zero Addr: none
	Local     netip.Addr // the address that the query came in on
	Transport Transport
	Listener  int // number of the listener in World.Listeners
	Worker    int // small number; spreads the counters
	// Identity is the device's id that came with the query, lower case, "" for none. It
	// wins over the address. It is a secret: never show it.
	Identity string
}

// Transport is what the query came over.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	TLS
	QUIC
	HTTPS
	transports
)

var transportNames = [transports]string{UDP: "udp", TCP: "tcp", TLS: "tls", QUIC: "quic", HTTPS: "https"}

// String returns the transport as metrics and whoami spell it.
func (t Transport) String() string { return transportNames[t] }

// Admission is one listener's answer to clients of no household.
type Admission struct {
	// Allow names networks outside the private ranges whose clients this
	// listener serves with Guest.
	Allow []netip.Prefix
	// Guest is the profile of a client of no household; nil refuses it.
	Guest *policy.Profile
}

// Presence says which machine has an address at this moment.
type Presence interface {
	// Find adds to f what is known of the machine that has f.Addr. It is false where somebody must be asked
	// first. It neither waits nor allocates.
	Find(f *policy.Facts) bool
	// Look asks them. It does not wait: it calls done once, from any goroutine, with whether f is filled; false
	// if no machine has answered for the address until then. f is its own meanwhile.
	Look(f *policy.Facts, until time.Time, done func(found bool))
}

// place finds out what is known of the machine that asks, once for each query. It is false while that has to be
// waited for: to take a device whose address is new for a guest would filter it as nobody decided.
func (s *Stroke) place(p Presence, c Client) bool {
	if s.placed {
		return true
	}
	s.asker = policy.Facts{Addr: c.Addr, ID: c.Identity}
	if c.From.IsValid() {
		s.asker.Addr = c.From
	}
	s.placed = p == nil || !s.world.Directory.Recognises() || s.shown(c) || p.Find(&s.asker)
	return s.placed
}

// shown reports whether the client showed a device's id, which needs no other proof.
func (s *Stroke) shown(c Client) bool {
	if c.Identity == "" {
		return false
	}
	_, known := s.world.Directory.IdentifyDevice(c.Identity)
	return known
}

// admit finds out whose query this is and under which profile. It is false for a
// client that is nobody's, which must get REFUSED: no listener is an open
// resolver by accident. A known id wins over all else, so that
// a child's phone keeps its profile in any home; an unknown id counts as none.
func (s *Stroke) admit(q *wire.Query, c Client) bool {
	w := s.world
	s.named = s.shown(c)
	s.who = w.Directory.IdentifyBy(&s.asker)
	s.hear(q)
	if s.who = s.who.Now(s.now); s.who.Status != policy.Stranger {
		return s.who.Profile != nil
	}
	if c.Listener >= len(w.Listeners) {
		return false
	}
	l := &w.Listeners[c.Listener]
	if l.Guest == nil || !near(c.Addr) && !l.allows(c.Addr) {
		return false
	}
	s.who.Profile = l.Guest
	return true
}

// countAsker counts by what a query was taken for somebody's, once for each.
func (r *Resolver) countAsker(s *Stroke, c Client) {
	if c.Identity != "" && !s.named {
		r.counts.strangeIDs.Inc()
	}
	r.hearsay.count(s)
}

func (l *Admission) allows(a netip.Addr) bool {
	for _, p := range l.Allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// near reports whether a is loopback, link-local or private (RFC 1918, RFC 4193).
// The shared space of RFC 6598 is not: behind a carrier's NAT it holds
// strangers.
func near(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsPrivate()
}
