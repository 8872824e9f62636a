package resolver

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Resolve is the second stroke, of a query for which Answer returned false: it may
// allocate, and calls done once, before it returns or later and from any goroutine,
// with the reply. It does not wait; done must not either. s and what Answer was given
// with it are its own until then. At until, or when ctx ends, the reply is a failure.
func (r *Resolver) Resolve(ctx context.Context, s *Stroke, until time.Time, done func(reply []byte)) {
	s.resolver, s.ctx, s.began, s.done, s.asked = r, ctx, s.now, done, time.Time{}
	s.slow = true
	if !s.placed {
		r.cfg.Presence.Look(&s.asker, until, func(found bool) { r.locate(s, until, found) })
		return
	}
	r.resolve(s, until)
}

// errNobody is said to an address for which no machine answers, where no reply arrives either.
var errNobody = &Error{Rcode: wire.ServFail, EDE: edeNone, Err: errors.New("no machine answers for the address of the client")}

// locate goes on once it is known which machine asks.
func (r *Resolver) locate(s *Stroke, until time.Time, found bool) {
	if !found {
		s.finish(r.failed(s.query, s.client, s.dst, errNobody))
		return
	}
	s.placed = true
	reply, done := r.judgeAgain(s)
	r.countAsker(s, s.client)
	if done {
		s.finish(reply)
		return
	}
	r.resolve(s, until)
}

// judgeAgain judges a query from its beginning, and answers it if nobody has to be asked.
func (r *Resolver) judgeAgain(s *Stroke) (reply []byte, done bool) {
	defer func() {
		if p := recover(); p != nil {
			reply, done = r.failed(s.query, s.client, s.dst, &broken{p, debug.Stack()}), true
		}
	}()
	if reply, done = r.judge(s, s.query, s.client, s.dst); !done {
		reply, done = r.fromCache(s, s.query, s.client, s.dst)
	}
	return reply, done
}

// resolve is Resolve for a query of which it is known who asks.
func (r *Resolver) resolve(s *Stroke, until time.Time) {
	if s.entry != nil && s.facts == nil { // read by an older index
		if reply, done := r.judgeAgain(s); done {
			s.finish(reply)
			return
		}
	}
	if s.entry == nil && s.unsure() {
		s.askPatterns()
		reply, done := r.decide(s, s.query, s.client, s.dst)
		if !done {
			reply, done = r.fromCache(s, s.query, s.client, s.dst)
		}
		if done {
			s.finish(reply)
			return
		}
	}
	if s.kind.told() {
		s.finish(r.tellOf(s))
		return
	}
	s.until = until
	r.fetch(s, until)
}

// tellOf answers what is put together for the one who asks.
func (r *Resolver) tellOf(s *Stroke) []byte {
	if s.kind == kindWhy {
		return r.why(s, s.query, s.client, s.dst)
	}
	return r.whoami(s, s.query, s.client, s.dst)
}

// askPatterns makes what is known of the name whole, and has it remembered.
func (s *Stroke) askPatterns() {
	index := s.world.Index
	var m blocklists.Match
	m, s.typed = index.MatchPatterns(s.query.Name(), s.query.Type, index.Match(&s.hashes))
	s.ask(m)
	s.learn()
}

// learn has the catalog remember what is known of the name, if that holds for every type.
func (s *Stroke) learn() {
	if !s.typed {
		s.resolver.cfg.Catalog.Learn(s.world.Index, &s.hashes, s.question.Match)
	}
}

// Resolved implements cache.Waiter: it answers the query with e, or with a failure.
// A name that turns out to lead to an engine waits once more, for the safe host.
func (s *Stroke) Resolved(e *cache.Entry, err error) {
	if reply, done := s.conclude(e, err); done {
		s.finish(reply)
		return
	}
	s.further = true
	s.resolver.fetch(s, s.until)
}

// conclude is the way out. The World may have been swapped while we waited: the
// verdict is the newest one's, over the facts as that World's index reads them.
func (s *Stroke) conclude(e *cache.Entry, err error) (reply []byte, done bool) {
	r := s.resolver
	defer func() {
		if p := recover(); p != nil {
			reply, done = r.failed(s.query, s.client, s.dst, &broken{p, debug.Stack()}), true
		}
	}()
	s.learn()
	if err != nil {
		if reply, ok := r.fallBack(s, err); ok {
			return reply, true
		}
		s.now = r.cfg.Now()
		return r.failed(s.query, s.client, s.dst, err), true
	}
	s.fetched = e
	if reply, judged := r.judge(s, s.query, s.client, s.dst); judged {
		return reply, true
	}
	if s.entry == e {
		return r.fromEntry(s, s.query, s.client, s.dst), true
	}
	if reply, known := r.fromCache(s, s.query, s.client, s.dst); known {
		return reply, true
	}
	if s.safe != nil && !s.further {
		return nil, false
	}
	return r.failed(s.query, s.client, s.dst, errChanged), true
}

// finish hands the reply over.
func (s *Stroke) finish(reply []byte) {
	s.resolver.counts.seconds.Observe(s.now.Sub(s.began).Seconds())
	s.report(reply)
	done := s.done
	s.ctx, s.done = nil, nil
	done(reply)
}

// failed authors the reply to a query whose resolution failed.
func (r *Resolver) failed(q *wire.Query, c Client, dst []byte, err error) []byte {
	rc, code := visible(err)
	var b *broken
	if errors.As(err, &b) {
		code = edeNone
		r.counts.panics.Inc()
		r.cfg.Log.Error("resolving broke down", "panic", b.value, "stack", string(b.stack))
	}
	r.cfg.Log.Debug("resolution failed", "error", err)
	return r.bare(q, c, dst, actionFailed, rc, code)
}
