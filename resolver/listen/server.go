package listen

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves the sockets of one Config. It is a prometheus.Collector.
type Server struct {
	cfg      Config
	addrs    []net.Addr
	udp      []*udpSocket
	services []service
	tallies  []*tally
	pool     sync.Pool

	workers     numbers           // for Resolve
	connections [transports]quota // by transport
	waiting     *census           // queries in Resolve by client
	cookies     cookies
	rates       *rates
	handshakes  *handshakes

	base     context.Context // of every Resolve
	abort    context.CancelFunc
	flight   sync.WaitGroup // queries in Resolve
	serving  sync.WaitGroup // UDP readers, services and their connections
	draining atomic.Bool

	panics   atomic.Uint64
	panicLog rarely
}

// service serves the socket of one transport other than UDP.
type service interface {
	// serve takes queries until the socket ends; the error says why, nil at a shutdown.
	// What it starts counts in Server.serving for as long as it runs.
	serve() error
	// stop is called once the server drains: no more queries are read, but replies sent.
	stop()
	// close ends all of it at once, also before serve was called and after it returned.
	close()
}

// quota is what the connections of one transport may take: a worker number each, which
// bounds them in all, and so many of each client.
type quota struct {
	workers numbers
	clients *census
}

// New binds every socket at once; an error names each address that could not be had
// and what to do. Queries wait in the sockets until Run.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configuring listeners: %w", err)
	}
	cfg = cfg.withDefaults()
	readers := cfg.readers()
	s := &Server{cfg: cfg, workers: newNumbers(readers, cfg.Limits.InFlight), waiting: newCensus(cfg.Limits.PerClient)}
	counts := newSketch()
	s.rates, s.handshakes = newRates(cfg.Limits.Rate, counts), newHandshakes(cfg.Limits.Handshakes, counts)
	each := [transports]int{TCP: cfg.Limits.TCP.PerClient, TLS: cfg.Limits.TCP.PerClient, QUIC: cfg.Limits.QUIC.PerClient, HTTPS: cfg.Limits.HTTPS.PerClient}
	first := readers + cfg.Limits.InFlight
	for t := range Transport(transports) {
		n := cfg.connections(t)
		s.connections[t] = quota{workers: newNumbers(first, n), clients: newCensus(each[t])}
		first += n
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
func (s *Server) Addrs() []net.Addr { return slices.Clone(s.addrs) }

// Run serves until ctx ends; then it reads no more queries, waits for the replies of
// those in flight, at most Config.Drain, and closes every socket. It returns nil after
// such an end, however complete, and an error if a socket failed. It is called once.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.udp)+len(s.services))
	for _, u := range s.udp {
		s.serving.Go(func() { failed <- u.mover.serve() })
	}
	for _, v := range s.services {
		s.serving.Go(func() { failed <- v.serve() })
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
	for _, v := range s.services {
		v.stop()
	}
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
	for _, v := range s.services {
		v.close()
	}
}
