package listen

import (
	"net/netip"
	"time"
)

// handshakes bounds the TLS and QUIC handshakes, each of which costs as much as a hundred
// queries.
type handshakes struct {
	sketch             *sketch
	all, unproved      pace
	perAll, perAddress time.Duration // the cost of one
}

func newHandshakes(l HandshakeLimits, s *sketch) *handshakes {
	return &handshakes{sketch: s, perAll: each(l.PerSecond), perAddress: each(l.PerClient)}
}

// allow reports whether a client whose address is proved may begin a handshake now, and
// counts it. It is called before anything is computed for the handshake; a client that may
// not is turned away and counted as noHandshake. A client over its own limit takes nothing
// from the others.
func (h *handshakes) allow(client netip.Addr) bool {
	now := h.sketch.now()
	return h.takes(begunHandshakes, client, now) && h.all.take(now, h.perAll)
}

// allowUnproved is allow for a client whose address may be forged. All of them together may
// have half of the limit, and what is begun in a client's name takes nothing from what it
// may begin once it has proved its address.
func (h *handshakes) allowUnproved(client netip.Addr) bool {
	now := h.sketch.now()
	return h.takes(forgeableHandshakes, client, now) && h.unproved.take(now, 2*h.perAll) && h.all.take(now, h.perAll)
}

func (h *handshakes) takes(what counted, client netip.Addr, now time.Duration) bool {
	return h.sketch.take(subjectOf(what, clientOf(client), 32, 128), now, h.perAddress)
}
