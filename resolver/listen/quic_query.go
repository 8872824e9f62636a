package listen

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/quic-go/quic-go"
)

// The error codes of DNS over QUIC that we send (RFC 9250 8.4).
const (
	doqNoError     = 0x0
	doqProtocol    = 0x2
	doqUnspecified = 0x5
)

// addQUIC serves DNS over QUIC on a bound socket.
func (s *Server) addQUIC(socket net.PacketConn, listener int) {
	l := s.newQUIC(socket, listener, "doq", -1)
	l.tally = &tally{transport: QUIC}
	l.parting = doqNoError
	l.speak = func(c *quicConn) {
		identity := identityIn(c.conn.ConnectionState().TLS.ServerName, s.cfg.Listeners[listener].Name)
		c.each(func(stream *quic.Stream) { c.ask(stream, identity) })
	}
	s.services = append(s.services, l)
	s.tallies = append(s.tallies, l.tally)
}

// ask reads the query of a stream and answers it, or has it answered.
func (c *quicConn) ask(stream *quic.Stream, identity string) {
	s := c.listener.server
	_ = stream.SetReadDeadline(time.Now().Add(s.cfg.Limits.QUIC.Stream))
	var r *Request
	packet, err := oneFrame(stream, func(n int) ([]byte, error) {
		r = s.take()
		return r.receive(stream, n)
	})
	if r != nil && err != nil {
		s.release(r)
	}
	switch {
	case errors.Is(err, errFraming):
		c.breakOff(err.Error())
		return
	case err != nil: // the client gave up, or it is too slow
		stream.CancelRead(doqUnspecified)
		stream.CancelWrite(doqUnspecified)
		return
	}
	r.Client = c.client()
	r.Client.Identity = identity
	c.answer(stream, r, packet)
}

// answer takes a query through the first stroke and on.
func (c *quicConn) answer(stream *quic.Stream, r *Request, packet []byte) {
	s := c.listener.server
	if packet[0]|packet[1] != 0 {
		s.release(r)
		c.breakOff("the message ID is not 0")
		return
	}
	result := c.first(r, packet)
	// The option edns-tcp-keepalive is not for QUIC (RFC 9250 5.5.2).
	if result == hostile || r.asks(wire.OptionKeepalive) {
		s.release(r)
		c.breakOff("not a query that QUIC may carry")
		return
	}
	if result == missed {
		q := &quicReply{conn: c, stream: stream}
		// A client that gives up may open another stream at once; the query may go on.
		q.forget = context.AfterFunc(stream.Context(), func() { stream.CancelWrite(doqUnspecified) })
		r.origin = q
		c.owe()
		if s.hand(c.listener.tally, r) {
			return
		}
		c.paid()
		q.forget()
	}
	c.reply(stream, r)
	s.release(r)
}

// breakOff ends the connection of a client that breaks the rules (RFC 9250 4.3.3).
func (c *quicConn) breakOff(why string) { _ = c.conn.CloseWithError(doqProtocol, why) }

// quicReply is where the reply to a resolved query goes.
type quicReply struct {
	conn   *quicConn
	stream *quic.Stream
	forget func() bool
}

func (q *quicReply) deliver(r *Request) {
	q.forget()
	q.conn.reply(q.stream, r)
	q.conn.paid()
}

// reply sends r.Reply and ends the stream. The query is not needed any more: its buffer
// takes the frame.
func (c *quicConn) reply(stream *quic.Stream, r *Request) {
	s := c.listener.server
	s.dress(r)
	if len(r.Reply) == 0 {
		stream.CancelWrite(doqUnspecified)
		return
	}
	frame := binary.BigEndian.AppendUint16(r.in[:0], uint16(len(r.Reply)))
	frame = append(frame, r.Reply...)
	_ = stream.SetWriteDeadline(time.Now().Add(s.cfg.Limits.TCP.Write))
	if _, err := stream.Write(frame); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.listener.tally.shed[slowReader].Add(1)
		}
		stream.CancelWrite(doqUnspecified)
		return
	}
	_ = stream.Close()
}

// errFraming: the client breaks the rules of RFC 9250 4.2.
var errFraming = errors.New("a stream is one query behind its length, and ends there")

// oneFrame reads the only query of a stream up to the stream's end. receive reads the n
// octets of it once their number is known.
func oneFrame(stream io.Reader, receive func(n int) ([]byte, error)) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(stream, head[:]); err != nil {
		return nil, framing(err)
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n < wire.HeaderLen {
		return nil, errFraming
	}
	packet, err := receive(n)
	if err != nil {
		return nil, framing(err)
	}
	if extra, err := io.ReadFull(stream, head[:1]); extra > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errFraming
	} else if err != io.EOF { //nolint:errorlint // ReadFull gives it as it is
		return nil, err
	}
	return packet, nil
}

// framing tells a stream that ended too early from one that failed.
func framing(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errFraming
	}
	return err
}
