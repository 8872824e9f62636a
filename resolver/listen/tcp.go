package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// tcpListener accepts the connections of one TCP socket, of DNS over TCP or over TLS.
type tcpListener struct {
	server    *Server
	socket    net.Listener
	listener  int
	transport Transport
	secure    *tls.Config // nil: over TCP
	proxies   proxies
	tally     *tally
	quota     quota
	open      conns
}

func (s *Server) addTCP(socket net.Listener, listener int) {
	s.addStream(&tcpListener{socket: socket, listener: listener, transport: TCP})
}

func (s *Server) addStream(l *tcpListener) {
	l.server, l.tally, l.quota = s, &tally{transport: l.transport}, s.connections[l.transport]
	l.proxies = s.cfg.Listeners[l.listener].Proxies
	s.services = append(s.services, l)
	s.tallies = append(s.tallies, l.tally)
}

// stop implements service.
func (l *tcpListener) stop() {
	_ = l.socket.Close()
	l.open.each(func(c *tcpConn) { _ = c.conn.SetReadDeadline(past) })
}

// close implements service.
func (l *tcpListener) close() {
	_ = l.socket.Close()
	l.open.each(func(c *tcpConn) { c.breakOff() })
}

// serve accepts until the socket ends; the error says why, nil at a shutdown.
func (l *tcpListener) serve() error {
	var pause backoff
	for {
		conn, err := l.socket.Accept()
		if err != nil {
			if l.server.draining.Load() {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("accepting connections at %s: %w", l.socket.Addr(), err)
			}
			pause.wait() // out of file descriptors, or a client that left already
			continue
		}
		pause.reset()
		l.admit(conn)
	}
}

// admit starts serving a connection, or closes it at once at a limit: a client that
// is refused quickly goes elsewhere, one that waits unheard does not.
func (l *tcpListener) admit(conn net.Conn) {
	worker, ok := l.quota.workers.take()
	if !ok {
		l.turnAway(conn, noConnection)
		return
	}
	c := newTCPConn(l, conn, worker)
	if !c.proxied && !c.enter() {
		l.quota.workers.give(worker)
		l.turnAway(conn, noConnectionForClient)
		return
	}
	l.open.add(c)
	l.server.serving.Go(func() {
		if c.meet() {
			c.serve()
		}
		l.open.remove(c)
		if c.counted.IsValid() {
			l.quota.clients.leave(c.counted)
		}
		l.quota.workers.give(worker)
	})
}

func (l *tcpListener) turnAway(conn net.Conn, why reason) {
	l.tally.shed[why].Add(1)
	_ = conn.Close()
}

// idleLimit is how long a connection of DNS over TCP or over TLS may stay open without a query: shorter while
// connections run short (RFC 7766 6.2.3 leaves the time to the server).
func (s *Server) idleLimit(t Transport) time.Duration {
	if s.connections[t].workers.used()*4 >= s.cfg.Limits.TCP.Connections*3 {
		return min(s.cfg.Limits.TCP.BusyIdle, s.cfg.Limits.TCP.Idle)
	}
	return s.cfg.Limits.TCP.Idle
}

// conns is the set of open connections, for the shutdown.
type conns struct {
	mu  sync.Mutex
	set map[*tcpConn]struct{}
}

func (o *conns) add(c *tcpConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.set == nil {
		o.set = make(map[*tcpConn]struct{})
	}
	o.set[c] = struct{}{}
}

func (o *conns) remove(c *tcpConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.set, c)
}

func (o *conns) each(visit func(*tcpConn)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.set {
		visit(c)
	}
}
