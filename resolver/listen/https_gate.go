package listen

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// gate lets connections in as far as the limits allow.
type gate struct {
	net.Listener
	https *httpsListener
}

// Accept implements net.Listener.
func (g gate) Accept() (net.Conn, error) {
	s := g.https.server
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d, ok := s.seat(HTTPS, g.https.tally)
		if !ok {
			_ = conn.Close()
			continue
		}
		c := &seated{Conn: conn, desk: d}
		peer, _ := addrPortOf(conn.RemoteAddr())
		if proxies(g.https.settings.Proxies).include(peer.Addr()) {
			d.proxied, c.ahead = true, bufio.NewReaderSize(conn, maxProxyHeader)
			return c, nil
		}
		if d.welcome(peer.Addr()) {
			return c, nil
		}
		_ = c.Close()
	}
}

// seated is a connection that gives its place back when it is closed.
type seated struct {
	net.Conn
	desk *desk

	// Of a proxy: what it sent ahead, and for whom it speaks on this connection, nil for
	// itself, or for those that X-Forwarded-For names.
	ahead      *bufio.Reader
	named      net.Addr
	introduced sync.Once
}

// Close implements net.Conn.
func (c *seated) Close() error {
	c.desk.leave()
	return c.Conn.Close()
}

// Read implements net.Conn.
func (c *seated) Read(b []byte) (int, error) {
	if c.ahead == nil {
		return c.Conn.Read(b)
	}
	c.introduced.Do(c.introduce)
	return c.ahead.Read(b)
}

// RemoteAddr implements net.Conn. The first call may wait for a proxy's header: net/http
// makes it in the connection's own goroutine.
func (c *seated) RemoteAddr() net.Addr {
	if c.ahead != nil {
		c.introduced.Do(c.introduce)
	}
	if c.named != nil {
		return c.named
	}
	return c.Conn.RemoteAddr()
}

// introduce learns from a proxy for whom it speaks, and counts that client in, or ends the
// connection.
func (c *seated) introduce() {
	_ = c.SetReadDeadline(time.Now().Add(c.desk.server.cfg.Limits.TCP.Frame))
	client, err := takeProxyHeader(c.ahead)
	_ = c.SetReadDeadline(time.Time{})
	switch {
	case err != nil:
		c.desk.tally.shed[badProxyHeader].Add(1)
		_ = c.Close()
	case client.IsValid():
		c.named = net.TCPAddrFromAddrPort(client)
		if !c.desk.welcome(client.Addr()) {
			_ = c.Close()
		}
	}
}

// deskKey finds the *desk of a connection in a context.
type deskKey struct{}

// deskOf puts the desk of a connection into the context of its requests.
func deskOf(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		if c, ok := secure.NetConn().(*seated); ok {
			return context.WithValue(ctx, deskKey{}, c.desk)
		}
	}
	return ctx
}
