package resolver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Resolve is the second stroke: it may allocate, and calls done once, before it
// returns or later and from any goroutine, with a reply appended to dst[:0]. It
// does not wait; done must not either. q and dst are its own until then. At until,
// or when ctx ends, the reply is a failure.
func (r *Resolver) Resolve(ctx context.Context, q *wire.Query, c Client, dst []byte, until time.Time, done func(reply []byte)) {
	m := misses.Get().(*miss)
	m.ctx, m.resolver, m.query, m.client, m.dst, m.done = ctx, r, q, c, dst, done
	m.began = time.Now()
	m.fetched = nil
	switch reply, judged := r.judge(&m.stroke, q, c, dst); {
	case judged:
		m.finish(reply)
	case m.kind == kindWhoami:
		m.finish(r.whoami(&m.stroke, q, c, dst))
	case m.entry != nil: // read by an older index
		m.Resolved(m.entry, nil)
	default:
		r.fetch(m, until)
	}
}

// miss is a query that waits for what the cache does not have.
type miss struct {
	stroke
	ctx      context.Context
	resolver *Resolver
	query    *wire.Query
	client   Client
	dst      []byte
	began    time.Time
	done     func(reply []byte)
}

// misses holds the memory of misses between queries.
var misses = sync.Pool{New: func() any { return new(miss) }}

// Resolved implements cache.Waiter: it answers the query with e, or with a failure.
func (m *miss) Resolved(e *cache.Entry, err error) { m.finish(m.reply(e, err)) }

// reply is the way out. The World may have been swapped while we waited: the
// verdict is the newest one's, over the facts as that World's index reads them.
func (m *miss) reply(e *cache.Entry, err error) (reply []byte) {
	r, s := m.resolver, &m.stroke
	defer func() {
		if p := recover(); p != nil {
			reply = r.failed(m.query, m.client, m.dst, &broken{p, debug.Stack()})
		}
	}()
	r.cfg.Catalog.Learn(s.world.Index, &s.hashes, s.question.Match)
	if err != nil {
		return r.failed(m.query, m.client, m.dst, err)
	}
	s.fetched = e
	if reply, judged := r.judge(s, m.query, m.client, m.dst); judged {
		return reply
	}
	return r.fromEntry(s, m.query, m.client, m.dst)
}

// finish hands the reply over.
func (m *miss) finish(reply []byte) {
	m.resolver.counts.seconds.Observe(time.Since(m.began).Seconds())
	done := m.done
	m.ctx, m.resolver, m.query, m.dst, m.done = nil, nil, nil, nil, nil
	misses.Put(m)
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
	r.cfg.Log.Debug("resolution failed", "error", fmt.Sprint(err))
	return r.bare(q, c, dst, actionFailed, rc, code)
}
