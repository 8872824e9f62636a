package forward

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quic-go/quic-go"
)

// Error codes of RFC 9250 section 4.3.
const (
	doqNoError   = 0
	doqCancelled = 3
)

// queries is a connection over QUIC (RFC 9250): each query has a stream of its own.
type queries struct {
	conn *quic.Conn
	note *counters
}

func (q *queries) broken() <-chan struct{} { return q.conn.Context().Done() }
func (q *queries) close()                  { _ = q.conn.CloseWithError(doqNoError, "") }

// exchange implements connection.
func (q *queries) exchange(deadline time.Time, p packet) (reply, error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	stream, err := q.conn.OpenStreamSync(ctx)
	if err != nil {
		return reply{}, err
	}
	_ = stream.SetDeadline(deadline)
	frame := make([]byte, 4, 2+2*paddedLen+len(p.msg)) // with ID 0 (section 4.2.1)
	frame = pad(append(frame, p.msg[2:]...), 2)
	binary.BigEndian.PutUint16(frame, uint16(len(frame)-2))
	q.note.queries.Inc()
	raw, err := converseOver(stream, frame)
	if err != nil {
		stream.CancelRead(doqCancelled)
		stream.CancelWrite(doqCancelled)
		return reply{}, err
	}
	p.msg = frame[2:]
	return q.note.only(p, raw)
}

// converseOver sends the only query of a stream and returns its only reply.
func converseOver(stream *quic.Stream, frame []byte) ([]byte, error) {
	if _, err := stream.Write(frame); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	if err := stream.Close(); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	buf, n := make([]byte, 2+512), 0
	for {
		m, err := stream.Read(buf[n:])
		n += m
		if n >= 2 {
			size := 2 + int(binary.BigEndian.Uint16(buf))
			if n >= size {
				if !errors.Is(err, io.EOF) {
					stream.CancelRead(doqNoError) // there is no more to be read
				}
				return buf[2:size], nil
			}
			if size > len(buf) {
				buf = append(make([]byte, 0, size), buf[:n]...)[:size]
			}
		}
		if err != nil {
			return nil, fmt.Errorf("receiving: %w", err)
		}
	}
}

// openQUIC returns how connections over QUIC are opened. Queries are never sent as early data,
// which who records it can send again to learn what the server caches (RFC 9250 section 4.5); a
// resumed handshake takes one round trip.
func openQUIC(at place, id *identity, note *counters) func(context.Context) (connection, error) {
	cfg, transport := id.config("doq"), quicConfig()
	transport.MaxIncomingUniStreams = -1
	return func(ctx context.Context) (connection, error) {
		conn, err := shakeHandsOverQUIC(ctx, at, cfg, transport, note)
		if err != nil {
			return nil, err
		}
		return &queries{conn, note}, nil
	}
}

// quicConfig bounds what a server may have us hold: no streams of its own, and 1 MiB of replies.
func quicConfig() *quic.Config {
	return &quic.Config{
		Versions:             []quic.Version{quic.Version1},
		HandshakeIdleTimeout: openLimit, MaxIdleTimeout: linkIdle, MaxIncomingStreams: -1,
		InitialStreamReceiveWindow: maxMessage + 2, MaxStreamReceiveWindow: maxMessage + 2,
		InitialConnectionReceiveWindow: 256 << 10, MaxConnectionReceiveWindow: 1 << 20,
		TokenStore: quic.NewLRUTokenStore(1, sessions),
	}
}

// shakeHandsOverQUIC opens a connection over QUIC with a socket of its own.
func shakeHandsOverQUIC(ctx context.Context, at place, cfg *tls.Config, transport *quic.Config, note *counters) (*quic.Conn, error) {
	conn, err := connect(ctx, at, func(ctx context.Context, addr string) (*quic.Conn, error) {
		return quic.DialAddr(ctx, addr, cfg, transport)
	}, func(conn *quic.Conn) { _ = conn.CloseWithError(doqNoError, "") })
	if err != nil {
		return nil, proven(err)
	}
	note.traffic.began(conn.ConnectionState().TLS.DidResume)
	return conn, nil
}
