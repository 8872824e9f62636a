package listen

import (
	"net/netip"
	"sync"
)

// desk is what a connection has that carries several queries at once: a worker number,
// which one query at a time may have (Request.Worker), and its place in the quota.
type desk struct {
	worker int
	leave  func() // gives the place back, however often it is called

	mu sync.Mutex // held through a first stroke
}

// seat gives a client's connection over t a desk, or counts why there is none.
func (s *Server) seat(t Transport, peer netip.Addr, tally *tally) (*desk, bool) {
	if !s.handshakes.allow(peer) {
		tally.shed[noHandshake].Add(1)
		return nil, false
	}
	q := &s.connections[t]
	worker, ok := q.workers.take()
	if !ok {
		tally.shed[noConnection].Add(1)
		return nil, false
	}
	client := clientOf(peer)
	if !q.clients.enter(client) {
		q.workers.give(worker)
		tally.shed[noConnectionForClient].Add(1)
		return nil, false
	}
	leave := sync.OnceFunc(func() {
		q.clients.leave(client)
		q.workers.give(worker)
	})
	return &desk{worker: worker, leave: leave}, true
}

// first is Server.first for one query of the connection at a time.
func (d *desk) first(s *Server, t *tally, r *Request, packet []byte) outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	return s.first(t, r, packet)
}
