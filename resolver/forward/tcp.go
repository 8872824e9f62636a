package forward

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// errTruncated says that a reply is cut although it had room.
var errTruncated error = &fault{reasonProtocol, errors.New("the reply over a connection is truncated")}

// errStray ends a connection on which the upstream talks of what nobody asked.
var errStray error = &fault{reasonProtocol, errors.New("too many messages that are no reply to anything asked")}

// maxStrays is how many such messages in a row end it. Replies that came too late are among them.
const maxStrays = 1000

// stream is a connection over TCP or TLS. Queries are sent as they come, and replies may come in
// any order (RFC 7766 sections 6.2.1.1 and 7): each query in flight has an ID of its own.
type stream struct {
	conn   net.Conn
	note   *counters
	padded bool
	out    chan []byte // frames to be sent; as many as may ride fit
	gone   chan struct{}

	mu    sync.Mutex
	asked map[uint16]*call
	err   error // why it is gone
}

// call is a query in flight.
type call struct {
	sent packet
	got  chan reply // of one
}

// newStream serves conn, which it owns from then on.
func newStream(conn net.Conn, note *counters, padded bool) *stream {
	s := &stream{
		conn: conn, note: note, padded: padded, asked: make(map[uint16]*call),
		out: make(chan []byte, maxRiders), gone: make(chan struct{}),
	}
	go s.write()
	go s.read()
	return s
}

func (s *stream) broken() <-chan struct{} { return s.gone }
func (s *stream) close()                  { s.end(net.ErrClosed) }

// end closes the connection because of err, once.
func (s *stream) end(err error) {
	s.mu.Lock()
	first := s.err == nil
	if first {
		s.err = err
	}
	s.mu.Unlock()
	if first {
		close(s.gone)
		_ = s.conn.Close()
	}
}

// exchange implements connection.
func (s *stream) exchange(deadline time.Time, p packet) (reply, error) {
	frame := make([]byte, 2, 2+paddedLen)
	frame = append(frame, p.msg...)
	if s.padded {
		frame = pad(frame, 2)
	}
	binary.BigEndian.PutUint16(frame, uint16(len(frame)-2))
	p.msg = frame[2:]
	c := &call{p, make(chan reply, 1)}
	if err := s.enlist(c); err != nil {
		return reply{}, err
	}
	defer s.forget(c)
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	select {
	case s.out <- frame:
		s.note.queries.Inc()
	case <-late.C: // they leave more slowly than they come
		return reply{}, os.ErrDeadlineExceeded
	}
	var err error
	select {
	case r := <-c.got:
		return r.untruncated()
	case <-s.gone:
		err = s.err
	case <-late.C:
		err = os.ErrDeadlineExceeded
	}
	select { // a reply that came before the end, of which many servers make one after each
	case r := <-c.got:
		return r.untruncated()
	default:
		return reply{}, err
	}
}

// untruncated returns a reply over a connection, which has no reason to be cut.
func (r reply) untruncated() (reply, error) {
	if r.truncated {
		return reply{}, errTruncated
	}
	return r, nil
}

// enlist gives the query of c an ID that none in flight has. The one that it came with is as
// random as any.
func (s *stream) enlist(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	id := binary.BigEndian.Uint16(c.sent.msg)
	for s.asked[id] != nil {
		id = uint16(rand.Uint32()) //nolint:gosec // what is read from a connection cannot be forged blindly
	}
	binary.BigEndian.PutUint16(c.sent.msg, id)
	s.asked[id] = c
	return nil
}

// forget ends the wait of c.
func (s *stream) forget(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := binary.BigEndian.Uint16(c.sent.msg); s.asked[id] == c {
		delete(s.asked, id)
	}
}

// write sends the frames, those together that wait together.
func (s *stream) write() {
	var buf []byte
	for {
		select {
		case frame := <-s.out:
			buf = append(buf[:0], frame...)
		case <-s.gone:
			return
		}
		for len(s.out) > 0 && len(buf) < 16<<10 {
			buf = append(buf, <-s.out...)
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(maxTimeout))
		if _, err := s.conn.Write(buf); err != nil {
			// What they sent before they left is still to be read.
			_ = s.conn.SetReadDeadline(time.Now().Add(grace))
			return
		}
	}
}

// read passes the replies on to those who wait for them.
func (s *stream) read() {
	in := bufio.NewReaderSize(s.conn, 4096)
	served := false
	for strays := 0; ; {
		raw, err := readFrame(in)
		if err != nil {
			if err = fmt.Errorf("receiving: %w", err); served {
				err = &cut{err}
			}
			s.end(err)
			return
		}
		if s.deliver(raw) {
			strays, served = 0, true
			continue
		}
		s.note.junk.Inc()
		if strays++; strays == maxStrays {
			s.end(errStray)
			return
		}
	}
}

// deliver reports whether raw is the reply to a query in flight. One that is misspelt is taken,
// since it cannot be forged here.
func (s *stream) deliver(raw []byte) bool {
	if len(raw) < 2 {
		return false
	}
	id := binary.BigEndian.Uint16(raw)
	s.mu.Lock()
	c := s.asked[id]
	s.mu.Unlock()
	if c == nil {
		return false
	}
	r, is := readReply(c.sent, raw)
	if is == unrelated {
		return false
	}
	s.forget(c)
	r.spelled = false // this tells nothing of UDP, which others on the way may rewrite
	select {
	case c.got <- r:
	default: // there is one already
	}
	return true
}

// readFrame reads one message with its length before it (RFC 1035 section 4.2.2).
func readFrame(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, msg)
	return msg, err
}

// openTCP returns how connections over TCP are opened.
func openTCP(at place, note *counters) func(context.Context) (connection, error) {
	return func(ctx context.Context) (connection, error) {
		conn, err := connect(ctx, at, func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}, hangUp)
		if err != nil {
			return nil, err
		}
		note.traffic.began(false)
		return newStream(conn, note, false), nil
	}
}

func hangUp(conn net.Conn) { _ = conn.Close() }
