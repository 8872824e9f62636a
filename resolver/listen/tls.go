package listen

import (
	"crypto/tls"
	"net"
	"time"
)

// addTLS readies a bound socket for DNS over TLS.
func (s *Server) addTLS(socket net.Listener, listener int) {
	l := &tcpListener{socket: socket, listener: listener, transport: TLS, secure: s.cfg.TLS.Clone()}
	l.secure.MinVersion = max(l.secure.MinVersion, tls.VersionTLS12)
	l.secure.NextProtos = []string{"dot"} // RFC 7858 section 7.1; a client that names none is served as well
	s.addStream(l)
}

// secured does the TLS handshake, if there is to be one, and takes the identity from the
// server name of this very connection: where a session ticket came from says nothing.
// False: the connection is of no use.
func (c *tcpConn) secured() bool {
	t, ok := c.conn.(*tls.Conn)
	if !ok {
		return true
	}
	why := noHandshake
	if c.server.handshakes.allow(clientOf(c.client.Addr.Addr())) {
		limit := c.server.cfg.Limits.TCP.Frame
		_ = c.conn.SetWriteDeadline(time.Now().Add(limit))
		c.deadline(limit)
		err := t.Handshake()
		if err == nil {
			c.socket.reads = 0
			c.client.Identity = identityIn(t.ConnectionState().ServerName, c.server.cfg.Listeners[c.client.Listener].Name)
			return true
		}
		why = badHandshake
	}
	if !c.server.draining.Load() {
		c.listener.tally.shed[why].Add(1)
	}
	return false
}
