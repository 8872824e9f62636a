package listen

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// maxFrame is the largest message over TCP, in octets (RFC 1035 4.2.2).
const maxFrame = 65535

// tcpConn serves one connection. One goroutine reads and answers what can be answered
// at once; what has to be resolved is delivered when it is there, in any order
// (RFC 7766 6.2.1.1). Whoever has a reply and finds nobody writing does the writing.
type tcpConn struct {
	server   *Server
	listener *tcpListener
	socket   *socket
	conn     net.Conn // the socket, or the TLS on it
	client   Client
	proxied  bool       // the peer is a proxy, the client perhaps another
	counted  netip.Addr // whom the connection counts for; not valid yet if that is still to be learned
	worker   int
	buffered *bufio.Reader
	ended    bool // the client sent its last octet

	mu       sync.Mutex
	changed  sync.Cond // waited for by the reading goroutine only
	inFlight int       // queries read and not yet replied to
	active   time.Time // when the last query or reply went by
	pending  []byte    // replies to be written, in frames
	spare    []byte    // the buffer that pending trades places with
	writing  bool
	broken   bool // nothing can be written any more
}

func newTCPConn(l *tcpListener, conn net.Conn, worker int) *tcpConn {
	peer, _ := addrPortOf(conn.RemoteAddr())
	local, _ := addrPortOf(conn.LocalAddr())
	c := &tcpConn{
		server: l.server, listener: l, worker: worker, active: time.Now(),
		socket: &socket{Conn: conn, most: l.server.cfg.Limits.TCP.Reads},
		client: Client{Addr: peer, Local: local, Transport: l.transport, Listener: l.listener},
	}
	c.proxied = l.proxies.include(peer.Addr())
	if c.proxied {
		c.socket.ahead = bufio.NewReaderSize(readFunc(c.socket.receive), maxProxyHeader)
	}
	c.conn = c.socket
	if l.secure != nil {
		c.conn = tls.Server(c.socket, l.secure)
	}
	c.buffered = bufio.NewReaderSize(c.conn, bufferSize)
	c.changed.L = &c.mu
	return c
}

// serve reads queries until the client ends, breaks the rules, idles too long or the
// server shuts down; then it sees the replies in flight off.
func (c *tcpConn) serve() {
	defer c.finish()
	c.deadline(c.tick())
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.server.cfg.Limits.TCP.Write))
	r := c.server.take()
	for c.begin() {
		frame, ok := c.next(r)
		if !ok {
			if c.socket.reads >= c.socket.most {
				c.listener.tally.shed[tooManyReads].Add(1)
			}
			c.leave()
			return
		}
		r.Client, r.Worker, r.origin = c.client, c.worker, c
		switch c.server.first(c.listener.tally, r, frame) {
		case ready:
			c.queue(r)
		case missed:
			if c.server.hand(c.listener.tally, r) {
				r = c.server.take()
			} else {
				c.queue(r)
			}
		case hostile:
			c.leave()
			return
		}
		if !c.frameBuffered() {
			c.flush()
		}
	}
}

// next waits for a query and reads it into r's buffer. False ends the connection.
func (c *tcpConn) next(r *Request) ([]byte, bool) {
	if !c.frameBuffered() && !c.await() {
		return nil, false
	}
	if c.frameBuffered() {
		return c.frame(r)
	}
	c.deadline(c.server.cfg.Limits.TCP.Frame)
	frame, ok := c.frame(r)
	c.deadline(c.tick())
	return frame, ok
}

// frame reads a query whose first octet has come into r's buffer.
func (c *tcpConn) frame(r *Request) ([]byte, bool) {
	head, err := c.buffered.Peek(2)
	if err != nil {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(head))
	if n < wire.HeaderLen {
		return nil, false
	}
	_, _ = c.buffered.Discard(2)
	frame, err := r.receive(c.buffered, n)
	if err != nil {
		return nil, false
	}
	c.socket.reads = 0
	return frame, true
}

// frameBuffered says whether a whole query was read off the socket already.
func (c *tcpConn) frameBuffered() bool {
	n := c.buffered.Buffered()
	if n < 2 {
		return false
	}
	head, err := c.buffered.Peek(2)
	return err == nil && n >= 2+int(binary.BigEndian.Uint16(head))
}

// await waits for the first octet of a query; waiting for our own replies is not idle.
// The deadline stays as it is until it passes, whatever came meanwhile: to set it for
// each wait costs more than to see now and then that it was too early. What comes once
// a shutdown began is too late.
func (c *tcpConn) await() bool {
	for c.buffered.Buffered() == 0 && !c.server.draining.Load() {
		_, err := c.buffered.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			left := c.server.idleLimit(c.client.Transport) - c.idleFor()
			if left <= 0 {
				return false
			}
			c.deadline(min(left, c.tick()))
		} else if err != nil {
			c.ended = true
			return false
		}
	}
	return !c.server.draining.Load()
}

// tick is how long a wait goes on at most before it looks whether connections run short.
func (c *tcpConn) tick() time.Duration {
	return min(c.server.cfg.Limits.TCP.BusyIdle, c.server.cfg.Limits.TCP.Idle)
}

// deadline bounds the next reads. A shutdown that began meanwhile has the last word.
func (c *tcpConn) deadline(d time.Duration) {
	_ = c.conn.SetReadDeadline(time.Now().Add(d))
	if c.server.draining.Load() {
		_ = c.conn.SetReadDeadline(past)
	}
}

// idleFor is how long nothing has been asked and nothing been owed.
func (c *tcpConn) idleFor() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFlight > 1 || c.writing || len(c.pending) > 0 { // one is the query that is being waited for
		return 0
	}
	return time.Since(c.active)
}

// lingerTime and lingerOctets bound what is still read of a connection that we close.
const (
	lingerTime   = 500 * time.Millisecond
	lingerOctets = 1 << 16
)

// finish waits for the replies in flight and closes. What the client still sends is
// read and dropped for a moment: closing with octets unread would make the system
// reset the connection and destroy replies on their way.
func (c *tcpConn) finish() {
	broken := c.writeOwed()
	if t, ok := c.conn.(*tls.Conn); ok && !broken {
		_ = t.CloseWrite()
	}
	if !c.ended && !broken {
		_ = c.socket.closeWrite()
		_ = c.socket.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.socket.Conn, lingerOctets)
	}
	_ = c.socket.Close()
}

// writeOwed writes every reply that is owed and reports whether the connection broke over it.
// It waits for nobody else to write what is pending: its turn may come in between.
func (c *tcpConn) writeOwed() (broken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.write(); (c.inFlight > 0 || c.writing) && !c.broken; c.write() {
		c.changed.Wait()
	}
	return c.broken
}

// soundKeepalive reports whether a query over a connection leaves the idle time for us to
// tell (RFC 7828 section 3.1); over UDP the option means nothing.
func soundKeepalive(r *Request) bool {
	if t := r.Client.Transport; t != TCP && t != TLS {
		return true
	}
	told, _ := r.Query.Option(wire.OptionKeepalive)
	return len(told) == 0
}
