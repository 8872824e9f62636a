package listen

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// tcpListener accepts the connections of one TCP socket.
type tcpListener struct {
	server   *Server
	socket   net.Listener
	listener int
	tally    *tally
}

func (s *Server) addTCP(socket net.Listener, listener int) {
	l := &tcpListener{server: s, socket: socket, listener: listener, tally: &tally{transport: TCP}}
	s.tcp = append(s.tcp, l)
	s.tallies = append(s.tallies, l.tally)
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
	s := l.server
	worker, ok := s.connections.take()
	if !ok {
		l.turnAway(conn, noConnection)
		return
	}
	peer, _ := addrPortOf(conn.RemoteAddr())
	client := clientOf(peer.Addr())
	if !s.connected.enter(client) {
		s.connections.give(worker)
		l.turnAway(conn, noConnectionForClient)
		return
	}
	local, _ := addrPortOf(conn.LocalAddr())
	c := newTCPConn(l, conn, Client{Addr: peer, Local: local, Transport: TCP, Listener: l.listener}, worker)
	s.open.add(c)
	s.serving.Go(func() {
		c.serve()
		s.open.remove(c)
		s.connected.leave(client)
		s.connections.give(worker)
	})
}

func (l *tcpListener) turnAway(conn net.Conn, why reason) {
	l.tally.shed[why].Add(1)
	_ = conn.Close()
}

// idleLimit is how long a connection may stay open without a query: shorter while
// connections run short (RFC 7766 6.2.3 leaves the time to the server).
func (s *Server) idleLimit() time.Duration {
	if s.connections.used()*4 >= s.cfg.Limits.TCP.Connections*3 {
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
