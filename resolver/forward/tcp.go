package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

var errTruncated = errors.New("the reply over TCP is truncated")

// askTCP sends msg over a connection of its own and returns the first frame that
// is a reply to it. The deadline bounds all of it, so that an upstream that drips
// its answer gains nothing.
func (u *upstream) askTCP(ctx context.Context, deadline time.Time, msg []byte) (reply, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.at.addr.String())
	if err != nil {
		return reply{}, ended(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	u.metrics.queries.Inc()
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(msg)), uint16(len(msg))) //nolint:gosec // a query is under 300 octets
	if _, err := conn.Write(append(frame, msg...)); err != nil {
		return reply{}, ended(ctx, fmt.Errorf("sending: %w", err))
	}
	for {
		raw, err := readFrame(conn)
		if err != nil {
			return reply{}, ended(ctx, fmt.Errorf("receiving: %w", err))
		}
		r, ok := readReply(msg, raw)
		if !ok {
			u.metrics.junk.Inc()
			continue
		}
		if r.truncated {
			return reply{}, errTruncated
		}
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
