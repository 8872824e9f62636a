package forward

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

var errTruncated error = &fault{reasonProtocol, errors.New("the reply over a connection is truncated")}

// stream is the channel over TCP.
type stream struct {
	addr netip.AddrPort
	note *counters
}

func (s *stream) close() {}

// exchange sends p over a connection of its own and returns the first frame that
// is a reply to it. The deadline bounds all of it, so that an upstream that drips
// its answer gains nothing.
func (s *stream) exchange(deadline time.Time, p packet) (reply, error) {
	d := net.Dialer{Deadline: deadline}
	conn, err := d.Dial("tcp", s.addr.String())
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(deadline)
	s.note.queries.Inc()
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(p.msg)), uint16(len(p.msg))) //nolint:gosec // a query is under 300 octets
	if _, err := conn.Write(append(frame, p.msg...)); err != nil {
		return reply{}, fmt.Errorf("sending: %w", err)
	}
	for {
		raw, err := readFrame(conn)
		if err != nil {
			return reply{}, fmt.Errorf("receiving: %w", err)
		}
		r, is := readReply(p, raw)
		if is == unrelated { // what is misspelt cannot be forged here
			s.note.junk.Inc()
			continue
		}
		if r.truncated {
			return reply{}, errTruncated
		}
		r.spelled = false // this tells nothing of UDP, which others on the way may rewrite
		return r, nil
	}
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
