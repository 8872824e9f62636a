package listen

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves the sockets of one Config. It is a prometheus.Collector.
type Server struct {
	cfg     Config
	udp     []*udpSocket
	tcp     []*tcpListener
	tallies []*tally
	pool    sync.Pool

	workers     numbers // for Resolve
	connections numbers // for TCP
	waiting     *census // queries in Resolve by client
	connected   *census // TCP connections by client
	handshakes  handshakes

	base     context.Context // of every Resolve
	abort    context.CancelFunc
	flight   sync.WaitGroup // queries in Resolve
	serving  sync.WaitGroup // UDP readers, TCP listeners and connections
	draining atomic.Bool
	open     conns

	panics   atomic.Uint64
	panicLog rarely
}

// New binds every socket at once; an error names each address that could not be had
// and what to do. Queries wait in the sockets until Run.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configuring listeners: %w", err)
	}
	cfg = cfg.withDefaults()
	readers := cfg.readers()
	s := &Server{
		cfg:         cfg,
		workers:     newNumbers(readers, cfg.Limits.InFlight),
		connections: newNumbers(readers+cfg.Limits.InFlight, cfg.Limits.TCP.Connections),
		waiting:     newCensus(cfg.Limits.PerClient),
		connected:   newCensus(cfg.Limits.TCP.PerClient),
	}
	s.base, s.abort = context.WithCancel(context.Background())
	if err := s.bind(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// Addrs returns the addresses that are served: for each listener its UDP sockets,
// then its TCP socket, with the ports that were bound.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for i := range s.cfg.Listeners {
		for _, u := range s.udp {
			if u.listener == i {
				addrs = append(addrs, u.addr)
			}
		}
		for _, l := range s.tcp {
			if l.listener == i {
				addrs = append(addrs, l.socket.Addr())
			}
		}
	}
	return addrs
}

// Run serves until ctx ends; then it reads no more queries, waits for the replies of
// those in flight, at most Config.Drain, and closes every socket. It returns nil after
// such an end, however complete, and an error if a socket failed. It is called once.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.udp)+len(s.tcp))
	for _, u := range s.udp {
		s.serving.Go(func() { failed <- u.mover.serve() })
	}
	for _, l := range s.tcp {
		s.serving.Go(func() { failed <- l.serve() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.stop()
	s.drain()
	return err
}

// stop ends the reading of queries. The flag is set before the deadlines, and readers
// look at the flag after they set a deadline of their own, so that none is missed.
func (s *Server) stop() {
	s.draining.Store(true)
	for _, u := range s.udp {
		u.mover.stop()
	}
	for _, l := range s.tcp {
		_ = l.socket.Close()
	}
	s.open.each(func(c *tcpConn) { _ = c.conn.SetReadDeadline(past) })
}

// past is a deadline that wakes a blocked read.
var past = time.Unix(1, 0)

// drain waits for what is in flight and closes.
func (s *Server) drain() {
	done := make(chan struct{})
	go func() {
		s.serving.Wait()
		s.flight.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(s.cfg.Drain):
		s.cfg.Log.Warn("closing with queries in flight", "in_flight", s.workers.used(), "waited", s.cfg.Drain)
	}
	s.close()
	select { // a handler that heeds its context is done soon
	case <-done:
	case <-time.After(time.Second):
	}
}

// close ends every query in flight and closes every socket.
func (s *Server) close() {
	s.abort()
	for _, u := range s.udp {
		_ = u.closer.Close()
	}
	for _, l := range s.tcp {
		_ = l.socket.Close()
	}
	s.open.each(func(c *tcpConn) { c.breakOff() })
}
