package forward

import (
	"context"
	"crypto/tls"
	"net"
)

// openTLS returns how connections over TLS are opened (RFC 7858). No protocol is named in the
// handshake: nothing else is spoken on the port, and servers that know other names alone would
// refuse. Early data is not sent by crypto/tls.
func openTLS(at place, id *identity, note *counters) func(context.Context) (connection, error) {
	cfg := id.config()
	return func(ctx context.Context) (connection, error) {
		conn, err := shakeHands(ctx, at, cfg, note)
		if err != nil {
			return nil, err
		}
		return newStream(conn, note, true), nil
	}
}

// shakeHands opens a connection over TLS. An address where the handshake fails is followed by
// the next.
func shakeHands(ctx context.Context, at place, cfg *tls.Config, note *counters) (*tls.Conn, error) {
	d := tls.Dialer{Config: cfg}
	conn, err := connect(ctx, at, func(ctx context.Context, addr string) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", addr)
	}, hangUp)
	if err != nil {
		return nil, proven(err)
	}
	over := conn.(*tls.Conn) //nolint:errcheck // what a tls.Dialer returns
	note.traffic.began(over.ConnectionState().DidResume)
	return over, nil
}
