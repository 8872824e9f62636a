package listen

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Limits bounds what clients may take. A zero number or time means its default, which
// stands behind it with its reason in docs/operations.md.
type Limits struct {
	// InFlight is the number of queries in Resolve at once (1000). A query over it is
	// dropped over UDP and gets SERVFAIL elsewhere.
	InFlight int `yaml:"in_flight"`
	// PerClient is the same for one client, an IPv4 address or an IPv6 /64 (100). It
	// blunts pulsing attacks that pile up answers for one victim (CVE-2024-33655).
	PerClient int `yaml:"per_client"`
	// CookieFactor multiplies PerClient for clients whose address is proved by a server
	// cookie or a connection (10), up to half of InFlight: nobody gets the house alone.
	CookieFactor int `yaml:"cookie_factor"`
	// Late is the age at which the reply to a query over UDP is not sent any more
	// (1.9 s): its client has asked again, and an attacker wants it to come in a heap.
	// Resolve is given 100 ms less.
	Late time.Duration `yaml:"late"`

	TCP        TCPLimits       `yaml:"tcp"`
	HTTPS      HTTPSLimits     `yaml:"https"`
	QUIC       QUICLimits      `yaml:"quic"`
	Handshakes HandshakeLimits `yaml:"handshakes"`
	Rate       RateLimits      `yaml:"rate"`
}

// TCPLimits bounds the connections of DNS over TCP and over TLS (RFC 7766 6.2).
type TCPLimits struct {
	Connections int           `yaml:"connections"` // in all (256)
	PerClient   int           `yaml:"per_client"`  // of one client, as in Limits.PerClient (16)
	InFlight    int           `yaml:"in_flight"`   // queries of one connection at once (64); more wait unread
	Reads       int           `yaml:"reads"`       // reads that one query may take (50)
	Idle        time.Duration `yaml:"idle"`        // without a query, until we close (30 s)
	BusyIdle    time.Duration `yaml:"busy_idle"`   // the same while three quarters of Connections are open (2 s)
	Frame       time.Duration `yaml:"frame"`       // for a query from its first octet to its last, and for a TLS handshake (2 s)
	Write       time.Duration `yaml:"write"`       // for the client to take what we send (2 s)
	Resolve     time.Duration `yaml:"-"`           // the time Resolve is given (7 s)
}

// HTTPSLimits bounds DNS over HTTPS. The times of TCPLimits hold as well.
type HTTPSLimits struct {
	Connections int   `yaml:"connections"` // in all (256)
	PerClient   int   `yaml:"per_client"`  // of one client (16)
	Streams     int   `yaml:"streams"`     // requests of one connection at once (100)
	Header      int64 `yaml:"header"`      // octets of a request's header (8 KiB)
	Body        int64 `yaml:"body"`        // octets of a request's body (64 KiB)
}

// QUICLimits bounds DNS over QUIC and HTTP/3.
type QUICLimits struct {
	Connections int           `yaml:"connections"` // in all (200)
	PerClient   int           `yaml:"per_client"`  // of one client (16)
	Streams     int           `yaml:"streams"`     // queries of one connection at once (64)
	Stream      time.Duration `yaml:"stream"`      // for a query from the opening of its stream to its last octet (2 s)
	Idle        time.Duration `yaml:"idle"`        // without a query, until we close (30 s)
	// RetryAbove is the share of Connections in percent from which on a client must prove its
	// address first (RFC 9000 8.1.2) (50).
	RetryAbove int `yaml:"retry_above"`
}

// HandshakeLimits bounds the TLS and QUIC handshakes, which cost a signature each.
type HandshakeLimits struct {
	PerSecond int `yaml:"per_second"` // in all (500)
	PerClient int `yaml:"per_client"` // of one client a second (20)
}

// RateLimits bounds queries and replies by who they seem to come from, counted in a
// sketch of fixed size. A client that was quiet for a second may have a second's worth at
// once. Addresses that are proved by a connection or a server cookie are counted apart from
// those that may be forged, and not held to Replies.
type RateLimits struct {
	Queries int `yaml:"queries"` // a second of one client, over any transport; 0: no limit
	Prefix  int `yaml:"prefix"`  // a second of all clients of an IPv4 /24 or an IPv6 /48; 0: no limit
	Replies int `yaml:"replies"` // UDP replies a second to one IPv4 address or IPv6 /56 (RRL); 0: no limit
	Slip    int `yaml:"slip"`    // of the UDP replies held back by any of these, every how manyth goes out truncated; 0: none
	// Exempt are networks that nothing of this holds for. A forwarder speaks for a whole
	// house, so the private networks are.
	Exempt []netip.Prefix `yaml:"exempt"`
}

// DefaultLimits gives the limits before any configuration.
func DefaultLimits() Limits {
	return Limits{
		InFlight: 1000, PerClient: 100, CookieFactor: 10, Late: 1900 * time.Millisecond,
		TCP: TCPLimits{
			Connections: 256, PerClient: 16, InFlight: 64, Reads: 50, Idle: 30 * time.Second,
			BusyIdle: 2 * time.Second, Frame: 2 * time.Second, Write: 2 * time.Second, Resolve: 7 * time.Second,
		},
		HTTPS:      HTTPSLimits{Connections: 256, PerClient: 16, Streams: 100, Header: 8 << 10, Body: 64 << 10},
		QUIC:       QUICLimits{Connections: 200, PerClient: 16, Streams: 64, Stream: 2 * time.Second, Idle: 30 * time.Second, RetryAbove: 50},
		Handshakes: HandshakeLimits{PerSecond: 500, PerClient: 20},
		Rate:       RateLimits{Queries: 200, Prefix: 1000, Replies: 50, Slip: 2, Exempt: nearby()},
	}
}

// nearby are loopback, the private and the link-local networks (RFC 1918, 3927, 4193, 4291).
func nearby() []netip.Prefix {
	texts := []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fe80::/10", "fc00::/7"}
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// withDefaults fills what is zero. Rate is taken as it is: there 0 means no limit.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	def(&l.InFlight, d.InFlight)
	def(&l.PerClient, d.PerClient)
	def(&l.CookieFactor, d.CookieFactor)
	def(&l.Late, d.Late)
	def(&l.TCP.Connections, d.TCP.Connections)
	def(&l.TCP.PerClient, d.TCP.PerClient)
	def(&l.TCP.InFlight, d.TCP.InFlight)
	def(&l.TCP.Reads, d.TCP.Reads)
	def(&l.TCP.Idle, d.TCP.Idle)
	def(&l.TCP.BusyIdle, d.TCP.BusyIdle)
	def(&l.TCP.Frame, d.TCP.Frame)
	def(&l.TCP.Write, d.TCP.Write)
	def(&l.TCP.Resolve, d.TCP.Resolve)
	def(&l.HTTPS.Connections, d.HTTPS.Connections)
	def(&l.HTTPS.PerClient, d.HTTPS.PerClient)
	def(&l.HTTPS.Streams, d.HTTPS.Streams)
	def(&l.HTTPS.Header, d.HTTPS.Header)
	def(&l.HTTPS.Body, d.HTTPS.Body)
	def(&l.QUIC.Connections, d.QUIC.Connections)
	def(&l.QUIC.PerClient, d.QUIC.PerClient)
	def(&l.QUIC.Streams, d.QUIC.Streams)
	def(&l.QUIC.Stream, d.QUIC.Stream)
	def(&l.QUIC.Idle, d.QUIC.Idle)
	def(&l.QUIC.RetryAbove, d.QUIC.RetryAbove)
	def(&l.Handshakes.PerSecond, d.Handshakes.PerSecond)
	def(&l.Handshakes.PerClient, d.Handshakes.PerClient)
	return l
}

// forged is how many queries may wait whose addresses nobody has proved: a quarter is left for
// clients that nobody can pretend to be.
func (l Limits) forged() int { return l.InFlight - l.InFlight/4 }

// perProved is PerClient for a client whose address is proved.
func (l Limits) perProved() int {
	return max(l.PerClient, min(l.PerClient*l.CookieFactor, l.InFlight/2))
}

// Validate returns all errors of l, joined; each has a Path.
func (l Limits) Validate() error {
	var errs []error
	number := func(path string, n, most int64) {
		if n < 0 || n > most {
			errs = append(errs, fieldError{path, fmt.Sprintf("%d is below zero or over %d; write a number from 1 on, or 0 for the default", n, most)})
		}
	}
	rate := func(path string, n int) {
		if n < 0 || n > 1e6 {
			errs = append(errs, fieldError{path, fmt.Sprintf("%d is below zero or over 1000000; write a number a second, or 0 for no limit", n)})
		}
	}
	lasts := func(path string, d, most time.Duration) {
		if d < 0 || d > most {
			errs = append(errs, fieldError{path, fmt.Sprintf("%s is below zero or over %s; write a duration such as 2s, or 0s for the default", d, most)})
		}
	}
	number("in_flight", int64(l.InFlight), 1e5)
	number("per_client", int64(l.PerClient), 1e5)
	number("cookie_factor", int64(l.CookieFactor), 1000)
	lasts("late", l.Late, time.Hour)
	number("tcp.connections", int64(l.TCP.Connections), 1e5)
	number("tcp.per_client", int64(l.TCP.PerClient), 1e5)
	number("tcp.in_flight", int64(l.TCP.InFlight), 1e4)
	number("tcp.reads", int64(l.TCP.Reads), 1e5)
	lasts("tcp.idle", l.TCP.Idle, time.Hour)
	lasts("tcp.busy_idle", l.TCP.BusyIdle, time.Hour)
	lasts("tcp.frame", l.TCP.Frame, time.Hour)
	lasts("tcp.write", l.TCP.Write, time.Hour)
	number("https.connections", int64(l.HTTPS.Connections), 1e5)
	number("https.per_client", int64(l.HTTPS.PerClient), 1e5)
	number("https.streams", int64(l.HTTPS.Streams), 1e4)
	number("https.header", l.HTTPS.Header, 1<<20)
	number("https.body", l.HTTPS.Body, 1<<20)
	number("quic.connections", int64(l.QUIC.Connections), 1e5)
	number("quic.per_client", int64(l.QUIC.PerClient), 1e5)
	number("quic.streams", int64(l.QUIC.Streams), 1e4)
	lasts("quic.stream", l.QUIC.Stream, time.Hour)
	lasts("quic.idle", l.QUIC.Idle, time.Hour)
	number("quic.retry_above", int64(l.QUIC.RetryAbove), 100)
	number("handshakes.per_second", int64(l.Handshakes.PerSecond), 1e6)
	number("handshakes.per_client", int64(l.Handshakes.PerClient), 1e6)
	rate("rate.queries", l.Rate.Queries)
	rate("rate.prefix", l.Rate.Prefix)
	rate("rate.replies", l.Rate.Replies)
	rate("rate.slip", l.Rate.Slip)
	for i, p := range l.Rate.Exempt {
		if p.Addr().Is4In6() {
			errs = append(errs, fieldError{fmt.Sprintf("rate.exempt[%d]", i), fmt.Sprintf("%s is IPv4 written as IPv6, which no client is; write the network as 192.0.2.0/24", p)})
		}
	}
	return errors.Join(errs...)
}

// fieldError is an error of the value at a path of the configuration.
type fieldError struct{ path, text string }

func (e fieldError) Path() string  { return e.path }
func (e fieldError) Error() string { return e.text }
