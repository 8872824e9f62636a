package listen

import (
	"net/netip"
	"time"
)

// handshakes bounds the TLS and QUIC handshakes, each of which costs as much as a hundred
// queries.
type handshakes struct {
	sketch             *sketch
	all                pace
	perAll, perAddress time.Duration // the cost of one
}

func newHandshakes(l HandshakeLimits, s *sketch) *handshakes {
	return &handshakes{sketch: s, perAll: each(l.PerSecond), perAddress: each(l.PerClient)}
}

// allow reports whether a client may begin a handshake now, and counts it. It is called
// before anything is computed for the handshake; a client that may not is turned away
// and counted as noHandshake. A client over its own limit takes nothing from the others.
func (h *handshakes) allow(client netip.Addr) bool {
	now := h.sketch.now()
	return h.sketch.take(subjectOf(begunHandshakes, clientOf(client), 32, 128), now, h.perAddress) && h.all.take(now, h.perAll)
}
