package listen

import (
	"runtime/debug"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// outcome is what the first stroke made of a query.
type outcome uint8

const (
	ready   outcome = iota // r.Reply is to be sent (no octets: nothing)
	missed                 // r is to be handed to Resolve
	hostile                // not a query at all
)

// first handles a packet as far as that can be done without waiting.
func (s *Server) first(t *tally, r *Request, packet []byte) outcome {
	t.queries.Add(1)
	fault := r.Query.Parse(packet)
	if fault == wire.None && !soundKeepalive(r) {
		fault = wire.FaultFormErr
	}
	if fault != wire.None {
		t.faults[fault].Add(1)
	}
	switch {
	case fault == wire.Ignore:
		r.Reply = nil
		return hostile
	case !s.admit(t, r):
		return ready
	case fault != wire.None:
		r.Reply = wire.AppendFault(r.Buf(), packet, fault)
		return ready
	case s.answer(r):
		return ready
	}
	return missed
}

// hand has a query resolved, if there is room: true, and its origin will be called.
// Over connections, where the client's address is proved, a query that cannot be taken gets
// SERVFAIL; over UDP silence, which an attacker cannot aim at others.
func (s *Server) hand(t *tally, r *Request) bool {
	if !r.proved() && s.workers.used() >= s.cfg.Limits.forged() {
		refuse(t, r, noRoom)
		return false
	}
	worker, ok := s.workers.take()
	if !ok {
		refuse(t, r, noRoom)
		return false
	}
	limit := s.cfg.Limits.PerClient
	if r.proved() {
		limit = s.cfg.Limits.perProved()
	}
	if client := clientOf(r.Client.Addr.Addr()); !s.waiting.enterUpTo(client, limit) {
		s.workers.give(worker)
		refuse(t, r, noRoomForClient)
		return false
	}
	r.Worker = worker
	r.arrived = time.Now()
	s.flight.Add(1)
	s.resolve(r)
	return true
}

// refuse counts a query that was not taken and sets what the client gets.
func refuse(t *tally, r *Request, why reason) {
	t.shed[why].Add(1)
	r.Scratch = nil
	if r.Client.Transport == UDP {
		r.Reply = nil
		return
	}
	fail(r)
}

// resolve runs the second stroke within the time that the transport gives it. A
// handler that panics has not called Done.
func (s *Server) resolve(r *Request) {
	limit := s.cfg.Limits.TCP.Resolve
	if r.Client.Transport == UDP {
		limit = s.cfg.Limits.Late - min(s.cfg.Limits.Late/2, lateMargin)
	}
	defer func() {
		if s.rescue(r, recover()) {
			r.Done()
		}
	}()
	s.cfg.Handler.Resolve(s.base, r, r.arrived.Add(limit))
}

// lateMargin is what is left of Config.Late to author a failure and send it.
const lateMargin = 100 * time.Millisecond

// answer runs the first stroke of the handler; a panic counts as an answer.
func (s *Server) answer(r *Request) (done bool) {
	defer func() { done = s.rescue(r, recover()) || done }()
	return s.cfg.Handler.Answer(r)
}

// rescue turns a panic p of the handler, if there was one, into SERVFAIL: one broken
// query must not take the household's resolver down. It logs once a minute.
func (s *Server) rescue(r *Request, p any) bool {
	if p == nil {
		return false
	}
	s.panics.Add(1)
	r.Scratch = nil
	fail(r)
	if s.panicLog.due(time.Now()) {
		s.cfg.Log.Error("handling a query panicked; it got SERVFAIL", "panic", p, "stack", string(debug.Stack()))
	}
	return true
}

// fail sets the reply to SERVFAIL.
func fail(r *Request) {
	b := wire.Start(r.Buf(), &r.Query, wire.ServFail)
	r.Reply = wire.Finish(b, &r.Query, wire.ServFail, nil)
}
