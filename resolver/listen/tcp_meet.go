package listen

import (
	"bufio"
	"crypto/tls"
)

// meet does what comes before the first query of a connection. False: it was closed.
func (c *tcpConn) meet() bool {
	why, ok := c.introduced()
	if !ok {
		if !c.server.draining.Load() {
			c.listener.tally.shed[why].Add(1)
		}
		c.breakOff()
	}
	return ok
}

// introduced learns who the client is, from the proxy that speaks for it and from TLS, and
// counts it in. A PROXY header stands before TLS, as its specification has it and HAProxy
// sends it, or else within, as dnsdist does.
func (c *tcpConn) introduced() (why reason, ok bool) {
	named := false
	if c.proxied {
		if named, ok = c.named(c.socket.ahead); !ok {
			return badProxyHeader, false
		}
	}
	if t, secure := c.conn.(*tls.Conn); secure {
		// A proxy that is still to name its client begins handshakes for many.
		if (!c.proxied || named) && !c.server.handshakes.allow(c.client.Addr.Addr()) {
			return noHandshake, false
		}
		if !c.handshake(t) {
			return badHandshake, false
		}
		if c.proxied && !named {
			if _, ok = c.named(c.buffered); !ok {
				return badProxyHeader, false
			}
		}
	}
	if c.proxied && !c.enter() {
		return noConnectionForClient, false
	}
	return 0, true
}

// named reads a PROXY header that may be the first in r, and reports whether it named a
// client; ok is false if it is none that we take.
func (c *tcpConn) named(r *bufio.Reader) (named, ok bool) {
	c.deadline(c.server.cfg.Limits.TCP.Frame)
	client, err := takeProxyHeader(r)
	if client.IsValid() {
		c.client.Addr = client
	}
	return client.IsValid(), err == nil
}

// enter counts the connection for its client, false at the client's limit.
func (c *tcpConn) enter() bool {
	client := clientOf(c.client.Addr.Addr())
	if !c.listener.quota.clients.enter(client) {
		return false
	}
	c.counted = client
	return true
}
