package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Listener is one address to serve.
type Listener struct {
	// Addr may be unspecified (0.0.0.0 or ::), which serves every address of its
	// family; replies leave from the address that was asked. Port 0 takes a free port,
	// the same for UDP and TCP.
	Addr netip.AddrPort
	// Protocols are the transports; none means UDP and TCP. HTTPS takes the TCP port (HTTP/1.1
	// and 2) and the UDP port (HTTP/3). A port can serve one transport only.
	Protocols []Transport
	// Name is that of the server in the certificate, lower case, without a dot at the end. A
	// client that asks for ID.Name has the identity ID. Empty: server names tell nothing.
	Name string
	// Path is where HTTPS answers, such as /dns-query.
	Path string
	// Proxies are the clients that speak for others: by PROXY protocol 2 over UDP, TCP, TLS
	// and HTTPS, by X-Forwarded-For over HTTPS. QUIC has neither.
	Proxies []netip.Prefix
}

// serves says whether the listener takes queries over t.
func (l Listener) serves(t Transport) bool {
	if len(l.Protocols) == 0 {
		return t == UDP || t == TCP
	}
	return slices.Contains(l.Protocols, t)
}

// over lists the transports of the listener that need a TCP port (Transport.stream) or a
// UDP port (Transport.packet).
func (l Listener) over(port func(Transport) bool) []Transport {
	var all []Transport
	for t := range Transport(transports) {
		if l.serves(t) && port(t) {
			all = append(all, t)
		}
	}
	return all
}

// clashes says whether two listeners want the same socket.
func (l Listener) clashes(o Listener) bool {
	both := func(port func(Transport) bool) bool { return len(l.over(port)) > 0 && len(o.over(port)) > 0 }
	return l.Addr == o.Addr && l.Addr.Port() != 0 && (both(Transport.stream) || both(Transport.packet))
}

// faults lists what is wrong with the listener by itself.
func (l Listener) faults(secured bool) []error {
	var errs []error
	if !l.Addr.IsValid() {
		errs = append(errs, errors.New("has no address: write one such as 0.0.0.0:53"))
	}
	for _, port := range []func(Transport) bool{Transport.stream, Transport.packet} {
		if ts := l.over(port); len(ts) > 1 {
			errs = append(errs, fmt.Errorf("serves %s and %s on one port: give each its own", ts[0], ts[1]))
		}
	}
	if i := slices.IndexFunc(l.Protocols, Transport.Encrypted); i >= 0 && !secured {
		errs = append(errs, fmt.Errorf("serves %s without a certificate: set Config.TLS", l.Protocols[i]))
	}
	if l.serves(QUIC) && len(l.Proxies) > 0 {
		errs = append(errs, errors.New("serves quic, which knows no proxies: leave them out"))
	}
	return errs
}

// Config says what to serve and how much of it at once. A zero limit or time means
// its default.
type Config struct {
	Listeners []Listener
	Handler   Handler
	Log       *slog.Logger // nil: the default logger

	// TLS tells the certificate of encrypted transports; nil where there is none of them. Its
	// versions and protocols are set by each transport.
	TLS *tls.Config

	Limits Limits

	// Sockets is the number of UDP sockets an address (1), on Linux only. On two cores
	// two sockets cost more than one.
	Sockets int
	// Drain bounds the wait for queries in flight at shutdown (5 s).
	Drain time.Duration

	// Beside is served by the goroutine of the first UDP socket, where the system lets it
	// wait for both; nil: nothing is.
	Beside Beside

	// Packets and Streams are sockets that a supervisor opened for us (systemd socket
	// activation). One with the address of a listener is served in place of binding;
	// the others are left alone. A socket for :: must be of IPv6 only (systemd:
	// BindIPv6Only=ipv6-only) if there is a listener for 0.0.0.0 as well.
	Packets []net.PacketConn
	Streams []net.Listener

	singly bool // for tests: UDP packets are moved one by one, whatever the system can
}

// Beside is work that waits for a file, such as the replies of upstreams. Whoever reads a
// socket does it as well: on a small machine one thread for both costs a fifth less than
// two that wake each other.
type Beside interface {
	// Attach returns the descriptor to wait for. After ok, the other methods are called,
	// until detach is.
	Attach() (fd int, detach func(), ok bool)
	// Patience is called before each wait and returns how long that may be, less than 0
	// for until the descriptor is readable.
	Patience() time.Duration
	// Turn is called after each wait and does, without waiting, what there is to do;
	// ready tells whether the descriptor was readable.
	Turn(ready bool)
}

// withDefaults fills what is zero.
func (c Config) withDefaults() Config {
	def(&c.Log, slog.Default())
	def(&c.Sockets, 1)
	def(&c.Drain, 5*time.Second)
	c.Limits = c.Limits.withDefaults()
	return c
}

// def sets *p to v if it is zero.
func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Workers returns how many worker numbers a server of this configuration uses: one a
// UDP socket, one a query in Resolve and one a connection.
func (c Config) Workers() int {
	c = c.withDefaults()
	n := c.readers() + c.Limits.InFlight
	for t := range Transport(transports) {
		n += c.connections(t)
	}
	return n
}

// connections is the limit of connections over t, 0 if there can be none.
func (c Config) connections(t Transport) int {
	serves := func(ts ...Transport) bool {
		return slices.ContainsFunc(c.Listeners, func(l Listener) bool { return slices.ContainsFunc(ts, l.serves) })
	}
	switch {
	case (t == TCP || t == TLS) && serves(t):
		return c.Limits.TCP.Connections
	case t == QUIC && serves(QUIC, HTTPS): // HTTP/3 as well
		return c.Limits.QUIC.Connections
	case t == HTTPS && serves(HTTPS):
		return c.Limits.HTTPS.Connections
	}
	return 0
}

// readers counts the UDP sockets.
func (c Config) readers() int {
	n := 0
	for _, l := range c.Listeners {
		if l.serves(UDP) {
			n += c.Sockets
		}
	}
	return n
}

// validate checks what no default can mend.
func (c Config) validate() error {
	var errs []error
	if c.Handler == nil {
		errs = append(errs, errors.New("no handler"))
	}
	if len(c.Listeners) == 0 {
		errs = append(errs, errors.New("no listeners: give at least one address, such as 127.0.0.1:5300"))
	}
	for i, l := range c.Listeners {
		for _, err := range l.faults(c.TLS != nil) {
			errs = append(errs, fmt.Errorf("listener %d %w", i, err))
		}
		if j := slices.IndexFunc(c.Listeners[:i], l.clashes); j >= 0 {
			errs = append(errs, fmt.Errorf("listeners %d and %d are both %s: leave one out", j, i, l.Addr))
		}
	}
	if c.Sockets < 0 || c.Drain < 0 {
		errs = append(errs, errors.New("a limit is below zero: leave it out for its default"))
	}
	return errors.Join(append(errs, c.Limits.Validate())...)
}
