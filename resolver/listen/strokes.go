package listen

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// outcome is what the first stroke made of a query.
type outcome uint8

const (
	ready   outcome = iota // r.Reply is to be sent (no octets: nothing)
	handed                 // r belongs to Resolve now; its origin will be called
	shed                   // nothing will be sent
	hostile                // not a query at all
)

// first handles a packet as far as that can be done without waiting.
func (s *Server) first(t *tally, r *Request, packet []byte) outcome {
	t.queries.Add(1)
	if f := r.Query.Parse(packet); f != wire.None {
		t.faults[f].Add(1)
		r.Reply = wire.AppendFault(r.Buf(), packet, f)
		if f == wire.Ignore {
			return hostile
		}
		return ready
	}
	if s.answer(r) {
		return ready
	}
	return s.hand(t, r)
}

// hand gives r to a goroutine that resolves it, if one may be started. Over TCP, where
// the client's address is proved, a query that cannot be taken gets SERVFAIL; over UDP
// silence, which an attacker cannot aim at others.
func (s *Server) hand(t *tally, r *Request) outcome {
	worker, ok := s.workers.take()
	if !ok {
		return refuse(t, r, noRoom)
	}
	client := clientOf(r.Client.Addr.Addr())
	if !s.waiting.enter(client) {
		s.workers.give(worker)
		return refuse(t, r, noRoomForClient)
	}
	r.Worker = worker
	r.arrived = time.Now()
	s.flight.Go(func() {
		s.resolve(r)
		s.waiting.leave(client)
		s.workers.give(worker)
		r.origin.deliver(r)
		s.release(r)
	})
	return handed
}

// refuse counts a query that was not taken and says what the client gets.
func refuse(t *tally, r *Request, why reason) outcome {
	t.shed[why].Add(1)
	if r.Client.Transport == UDP {
		return shed
	}
	fail(r)
	return ready
}

// resolve runs the second stroke within the time that the transport gives it.
func (s *Server) resolve(r *Request) {
	limit := s.cfg.TCP.Resolve
	if r.Client.Transport == UDP {
		limit = s.cfg.Late - min(s.cfg.Late/2, lateMargin)
	}
	ctx, cancel := context.WithDeadline(s.base, r.arrived.Add(limit))
	defer cancel()
	defer s.rescue(r)
	s.cfg.Handler.Resolve(ctx, r)
}

// lateMargin is what is left of Config.Late to author a failure and send it.
const lateMargin = 100 * time.Millisecond

// answer runs the first stroke of the handler; a panic counts as an answer.
func (s *Server) answer(r *Request) (done bool) {
	done = true
	defer s.rescue(r)
	return s.cfg.Handler.Answer(r)
}

// rescue, deferred, turns a panic of the handler into SERVFAIL: one broken query must
// not take the household's resolver down. It logs once a minute.
func (s *Server) rescue(r *Request) {
	p := recover()
	if p == nil {
		return
	}
	s.panics.Add(1)
	fail(r)
	if s.panicLog.due(time.Now()) {
		s.cfg.Log.Error("handling a query panicked; it got SERVFAIL", "panic", p, "stack", string(debug.Stack()))
	}
}

// fail sets the reply to SERVFAIL.
func fail(r *Request) {
	b := wire.Start(r.Buf(), &r.Query, wire.ServFail)
	r.Reply = wire.Finish(b, &r.Query, wire.ServFail, nil)
}
