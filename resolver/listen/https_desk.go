package listen

import (
	"net/netip"
	"sync"
)

// desk is what a connection has that carries several queries at once: its place in the
// quota, and a worker number, which one query at a time may have (Request.Worker).
type desk struct {
	server  *Server
	quota   *quota
	tally   *tally
	worker  int
	proxied bool // the connection is that of a proxy

	mu     sync.Mutex // held through a first stroke
	client netip.Addr // whom the quota counts it for; not valid: nobody
	left   bool
}

// seat gives a connection over t a desk, or counts that there is none.
func (s *Server) seat(t Transport, tally *tally) (*desk, bool) {
	d := &desk{server: s, quota: &s.connections[t], tally: tally}
	var ok bool
	if d.worker, ok = d.quota.workers.take(); !ok {
		tally.shed[noConnection].Add(1)
	}
	return d, ok
}

// welcome counts the handshake of a client whose address is proved, and the connection, or
// counts why it must end.
func (d *desk) welcome(peer netip.Addr) bool {
	if !d.server.handshakes.allow(peer) {
		d.tally.shed[noHandshake].Add(1)
		return false
	}
	return d.enter(peer)
}

// enter counts the connection for a client, or counts why it must end.
func (d *desk) enter(peer netip.Addr) bool {
	client := clientOf(peer)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left {
		return false
	}
	if !d.quota.clients.enter(client) {
		d.tally.shed[noConnectionForClient].Add(1)
		return false
	}
	d.client = client
	return true
}

// leave gives the place back, once, however often it is called.
func (d *desk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left {
		return
	}
	d.left = true
	if d.client.IsValid() {
		d.quota.clients.leave(d.client)
	}
	d.quota.workers.give(d.worker)
}

// first is Server.first for one query of the connection at a time. Once the connection
// ended, none is one: the worker number is another's by then.
func (d *desk) first(r *Request, packet []byte) outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left {
		return hostile
	}
	r.Worker = d.worker
	return d.server.first(d.tally, r, packet)
}
