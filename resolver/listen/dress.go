package listen

import (
	"encoding/binary"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// padBlock is what replies over encrypted transports are padded to a multiple of, in
// octets (RFC 8467 section 4.1).
const padBlock = 468

// dress finishes r.Reply for its transport: the options that the client asked for, the
// length that it can take. Every transport calls it once, just before it sends.
func (s *Server) dress(r *Request) {
	if len(r.Reply) == 0 {
		return
	}
	q := &r.Query
	s.cookies.add(r)
	switch r.Client.Transport {
	case TCP, TLS:
		if r.asks(wire.OptionKeepalive) {
			units := keepalive(s.idleLimit(r.Client.Transport))
			r.Reply = wire.AddOption(r.Reply, q, wire.OptionKeepalive, units[:])
		}
	case UDP, QUIC, HTTPS: // RFC 7828 section 3.2.1, RFC 9250 section 5.5.2
	}
	r.Reply = wire.Fit(r.Reply, q, r.Limit())
	if r.Client.Transport.Encrypted() && r.asks(wire.OptionPadding) {
		r.Reply = wire.Pad(r.Reply, q, padBlock)
	}
}

// asks reports whether the query carries the option.
func (r *Request) asks(option uint16) bool {
	_, ok := r.Query.Option(option)
	return ok
}

// keepalive says how long a connection may idle, in units of 100 ms (RFC 7828 section
// 3.1).
func keepalive(idle time.Duration) (units [2]byte) {
	n := min(idle/(100*time.Millisecond), 1<<16-1)
	binary.BigEndian.PutUint16(units[:], uint16(n))
	return units
}
