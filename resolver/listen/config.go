package listen

import (
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
	// the same for both protocols.
	Addr netip.AddrPort
	// Protocols are the transports; none means all.
	Protocols []Transport
}

// serves says whether the listener takes queries over t.
func (l Listener) serves(t Transport) bool {
	return len(l.Protocols) == 0 || slices.Contains(l.Protocols, t)
}

// clashes says whether two listeners want the same socket.
func (l Listener) clashes(o Listener) bool {
	return l.Addr == o.Addr && l.Addr.Port() != 0 && (l.serves(UDP) && o.serves(UDP) || l.serves(TCP) && o.serves(TCP))
}

// Config says what to serve and how much of it at once. A zero limit or time means
// its default.
type Config struct {
	Listeners []Listener
	Handler   Handler
	Log       *slog.Logger // nil: the default logger

	// InFlight is the number of queries in Resolve at once (1000). A query over it is
	// dropped over UDP and gets SERVFAIL over TCP.
	InFlight int
	// PerClient is the same for one client, an IPv4 address or an IPv6 /64 (100). It
	// blunts pulsing attacks that pile up answers for one victim (CVE-2024-33655).
	PerClient int
	// Late is the age at which the reply to a query over UDP is not sent any more
	// (1.9 s): its client has asked again, and an attacker wants it to come in a heap.
	// Resolve is given 100 ms less.
	Late time.Duration
	// Sockets is the number of UDP sockets an address (1), on Linux only. On two cores
	// two sockets cost more than one.
	Sockets int
	// Drain bounds the wait for queries in flight at shutdown (5 s).
	Drain time.Duration
	TCP   TCPLimits

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

// TCPLimits bounds the TCP connections (RFC 7766 6.2).
type TCPLimits struct {
	Connections int           // in all (256)
	PerClient   int           // of one client, as in Config.PerClient (16)
	InFlight    int           // queries of one connection at once (64); more wait unread
	Idle        time.Duration // without a query, until we close (30 s)
	BusyIdle    time.Duration // the same while three quarters of Connections are open (2 s)
	Frame       time.Duration // for a query from its first octet to its last (2 s)
	Write       time.Duration // for the client to take what we send (2 s)
	Resolve     time.Duration // the time Resolve is given (7 s)
}

// withDefaults fills what is zero.
func (c Config) withDefaults() Config {
	def(&c.Log, slog.Default())
	def(&c.InFlight, 1000)
	def(&c.PerClient, 100)
	def(&c.Late, 1900*time.Millisecond)
	def(&c.Sockets, 1)
	def(&c.Drain, 5*time.Second)
	def(&c.TCP.Connections, 256)
	def(&c.TCP.PerClient, 16)
	def(&c.TCP.InFlight, 64)
	def(&c.TCP.Idle, 30*time.Second)
	def(&c.TCP.BusyIdle, 2*time.Second)
	def(&c.TCP.Frame, 2*time.Second)
	def(&c.TCP.Write, 2*time.Second)
	def(&c.TCP.Resolve, 7*time.Second)
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
// UDP socket, one a query in Resolve and one a TCP connection.
func (c Config) Workers() int {
	c = c.withDefaults()
	return c.readers() + c.InFlight + c.TCP.Connections
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
		if !l.Addr.IsValid() {
			errs = append(errs, fmt.Errorf("listener %d has no address: write one such as 0.0.0.0:53", i))
		}
		if j := slices.IndexFunc(c.Listeners[:i], l.clashes); j >= 0 {
			errs = append(errs, fmt.Errorf("listeners %d and %d are both %s: leave one out", j, i, l.Addr))
		}
	}
	counts := []int{c.InFlight, c.PerClient, c.Sockets, c.TCP.Connections, c.TCP.PerClient, c.TCP.InFlight}
	times := []time.Duration{c.Late, c.Drain, c.TCP.Idle, c.TCP.BusyIdle, c.TCP.Frame, c.TCP.Write, c.TCP.Resolve}
	if slices.Min(counts) < 0 || slices.Min(times) < 0 {
		errs = append(errs, errors.New("a limit is below zero: leave it out for its default"))
	}
	return errors.Join(errs...)
}
