package resolver

import (
	"net/netip"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Client says where a query came from.
type Client struct {
	Addr      netip.Addr // the client's own, without a zone
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

// admit finds out whose query this is and under which profile. It is false for a
// client that is nobody's, which must get REFUSED: no listener is an open
// resolver by accident. A known id wins over the address and its network, so that
// a child's phone keeps its profile in any home; an unknown id counts as none.
func (s *Stroke) admit(q *wire.Query, c Client) bool {
	w := s.world
	if s.named = false; c.Identity != "" {
		s.who, s.named = w.Directory.IdentifyDevice(c.Identity)
	}
	if !s.named {
		s.who = w.Directory.Identify(c.Addr)
	}
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
