package listen

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Transport is how a query came.
type Transport uint8

// The transports.
const (
	UDP   Transport = iota // RFC 1035 4.2.1
	TCP                    // RFC 7766
	TLS                    // RFC 7858
	QUIC                   // RFC 9250
	HTTPS                  // RFC 8484, over HTTP/1.1, 2 and 3

	transports = iota
)

// String returns the transport as a metric label, such as "udp".
func (t Transport) String() string {
	return [transports]string{"udp", "tcp", "tls", "quic", "https"}[t]
}

// stream reports whether t needs a TCP port, packet whether it needs a UDP port.
func (t Transport) stream() bool { return t == TCP || t == TLS || t == HTTPS }
func (t Transport) packet() bool { return t == UDP || t == QUIC || t == HTTPS }

// Encrypted reports whether nobody between the client and us can read along.
func (t Transport) Encrypted() bool { return t >= TLS }

// Client says where a query came from and where it arrived. IPv4 addresses are
// never in their IPv6-mapped form.
type Client struct {
	Addr      netip.AddrPort // of the client
	Local     netip.AddrPort // of ours that it was sent to; unspecified if the system does not tell
	Transport Transport
	Listener  int // index in Config.Listeners
	// Identity is the device's id as it stood in the path, the password, the authority of a
	// request or the server name, in this order, lower case; "" if there was none. It is a
	// secret: never log it.
	Identity string
}

// Handler gives the replies. Both methods are called from many goroutines at once,
// also from those that read the sockets, so that neither may wait for anything.
// r and all that it refers to must not be kept. A panic in either is counted, logged
// and answered with SERVFAIL.
type Handler interface {
	// Answer replies from what is in memory; it must not allocate. It returns true
	// with r.Reply set, where no octets mean no reply, or false to have Resolve called.
	Answer(r *Request) bool
	// Resolve sets r.Reply, where no octets mean no reply, and calls r.Done, before it
	// returns or later and from any goroutine; r is its own until then, and nobody's
	// afterwards. A reply after until would come too late to be sent. ctx ends at the
	// end of a shutdown.
	Resolve(ctx context.Context, r *Request, until time.Time)
}

// bufferSize is the room for a query and for a reply, in octets each. It holds every
// UDP reply before it is made to fit and nearly every TCP reply; longer ones grow.
const bufferSize = 4096

// Request is one query in flight with the buffers for it and its reply.
type Request struct {
	Query  wire.Query
	Client Client
	// Reply is the finished message that the handler wants sent. It is built on Buf;
	// over UDP it is made to fit Limit in place.
	Reply []byte
	// Scratch is the handler's: what Answer leaves for Resolve. It is nil at Answer.
	Scratch any
	// Worker is a number from 0 to Config.Workers()-1 that no two queries in hand at the
	// same time carry, so that it can spread counters.
	Worker int

	server  *Server
	in      []byte
	out     []byte
	origin  origin
	arrived time.Time // when it was handed to Resolve
	proof   proof     // what its cookie says

	// Of UDP: the address to reply to as the socket has it, and the control message
	// that makes the reply leave from the right address.
	peer       netip.AddrPort
	sockaddr   [28]byte // the same as the kernel has it, sized for either family
	control    [64]byte
	controlLen int
}

// origin is where the reply of a resolved query goes: a UDP socket, a connection or a
// stream of one.
type origin interface {
	deliver(r *Request)
}

// Done sends r.Reply. The handler calls it once for each call of Resolve, and does
// not touch r afterwards.
func (r *Request) Done() {
	if r.Client.Transport == UDP {
		r.settle()
		return
	}
	go r.settle() // a client that does not read may keep the connection from taking it
}

// settle delivers the reply and takes the query out of what is in hand.
func (r *Request) settle() {
	s := r.server
	s.waiting.leave(clientOf(r.Client.Addr.Addr()))
	s.workers.give(r.Worker)
	r.origin.deliver(r)
	s.release(r)
	s.flight.Done()
}

// Buf returns an empty slice to build the reply on. Its room holds any UDP reply and
// most TCP replies; append grows it beyond.
func (r *Request) Buf() []byte { return r.out[:0] }

// Limit returns the largest reply in octets: over UDP the client's payload size, but
// at most wire.MaxUDP; over any other transport 65535.
func (r *Request) Limit() int {
	if r.Client.Transport == UDP {
		return min(int(r.Query.Size), wire.MaxUDP)
	}
	return maxFrame
}

// take returns a request with its buffers; release gives it back.
func (s *Server) take() *Request {
	if r, ok := s.pool.Get().(*Request); ok {
		return r
	}
	return &Request{server: s, in: make([]byte, bufferSize), out: make([]byte, 0, bufferSize)}
}

// release gives the request back unless a large query made it grow.
func (s *Server) release(r *Request) {
	if len(r.in) > bufferSize {
		return
	}
	r.Reply, r.origin = nil, nil
	s.pool.Put(r)
}

// room makes the query's buffer n octets long at least and returns its first n.
func (r *Request) room(n int) []byte {
	if n > len(r.in) {
		r.in = make([]byte, n)
	}
	return r.in[:n]
}

// receive reads n octets from src into the query's buffer. That grows with what has come:
// a length that is only announced takes no memory.
func (r *Request) receive(src io.Reader, n int) ([]byte, error) {
	for have := 0; ; r.grow() {
		m, err := io.ReadFull(src, r.in[have:min(n, len(r.in))])
		if have += m; have == n || err != nil {
			return r.in[:have], err
		}
	}
}

// grow doubles the query's buffer, which keeps what it holds.
func (r *Request) grow() { r.in = append(r.in, make([]byte, len(r.in))...) }
