package forward

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

// channel carries queries to one upstream over connections that it keeps: TCP, TLS, HTTPS or QUIC.
// It is safe for concurrent use.
type channel interface {
	// exchange sends p and waits, until the deadline, for the reply, which the caller keeps.
	exchange(deadline time.Time, p packet) (reply, error)
	// close lets go of all connections, of those in use when their queries are done. A channel
	// that is asked after that works, and keeps no connection.
	close()
}

// channels makes the channels of a Forwarder.
type channels struct {
	cfg  *Config
	self *self
	boot *bootstrap
	log  *slog.Logger
}

// open returns where the upstream at e is, and the channel to it: its own, or TCP for one over
// UDP. No connection is made yet.
func (c *channels) open(e endpoint, note *counters) (place, channel, error) {
	s := c.cfg.server(e)
	at := c.place(e, s)
	id, err := newIdentity(e, s)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", e, err)
	}
	open := openTCP(at, note)
	switch e.network {
	case "tls":
		open = openTLS(at, id, note)
	case "https":
		open = openHTTPS(at, e, id, note)
	case "h3":
		open = openHTTP3(at, e, id, note)
	case "quic":
		open = openQUIC(at, id, note)
	}
	return at, &pool{open: open, note: note.traffic}, nil
}

// place returns where the upstream at e is.
func (c *channels) place(e endpoint, s Server) place {
	if e.name == "" {
		return &fixed{addrs: []netip.AddrPort{e.addr}}
	}
	if len(s.Addresses) == 0 {
		return &named{name: e.name + ".", port: e.port, ask: c.boot.forwarder, self: c.self, log: c.log}
	}
	var addrs []netip.AddrPort
	for _, a := range s.Addresses {
		addrs = append(addrs, netip.AddrPortFrom(a.Unmap(), e.port))
	}
	return &fixed{addrs: addrs}
}
