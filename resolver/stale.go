package resolver

import (
	"errors"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// staleMargin is what is left of a query's time to author a stale answer: as long as
// cache.Group takes to tell that the time is over, and as much again.
const staleMargin = 50 * time.Millisecond

// patience returns until when a query waits for a fresh answer: not as long as it could
// if there is an older one to fall back on (RFC 8767 section 5). What was begun for
// somebody else counts from then.
func (r *Resolver) patience(s *Stroke, until time.Time) time.Time {
	if !r.usable(s) {
		return until
	}
	began, pending := r.flights.Began(&s.key)
	if !pending {
		began = time.Now()
	}
	after := began.Add(r.cfg.Cache.Config().Stale.After)
	if until = until.Add(-staleMargin); after.Before(until) {
		return after
	}
	return until
}

// usable reports whether the query has an answer that has run out, and may still be used.
func (r *Resolver) usable(s *Stroke) bool {
	return s.entry != nil && !s.fresh && r.cfg.Cache.Usable(s.entry, s.now.Unix())
}

// fallBack answers a query that nobody has resolved, or not in its time, by what the
// cache has. It is judged once more, as conclude does.
func (r *Resolver) fallBack(s *Stroke, err error) (reply []byte, ok bool) {
	if failureOf(err).Bogus || errors.As(err, new(*broken)) {
		return nil, false
	}
	if reply, judged := r.judge(s, s.query, s.client, s.dst); judged {
		return reply, true
	}
	switch {
	case s.entry == nil:
		return nil, false
	case s.fresh: // somebody else was luckier
		return r.fromEntry(s, s.query, s.client, s.dst), true
	case r.usable(s):
		return r.fromRest(s, s.query, s.client, s.dst, cache.Failure{}), true
	}
	return nil, false
}

// fromRest answers by an entry that is not fresh: by the answer that it had, or else by why
// there is none.
func (r *Resolver) fromRest(s *Stroke, q *wire.Query, c Client, dst []byte, why cache.Failure) []byte {
	if !r.usable(s) {
		return r.stillFailed(q, c, dst, why)
	}
	if s.facts.Lead() && s.chainBlocks() {
		return r.blocked(s, q, c, dst)
	}
	if s.leaks() {
		return r.nothing(s, q, c, dst)
	}
	e, ede := s.entry, wire.EDE{Code: edeStale}
	if e.Rcode() == wire.NXDomain {
		ede.Code = edeStaleNXDomain
	}
	var reply []byte
	if s.safe == nil {
		reply = r.cfg.Cache.AppendStale(dst[:0], e, q, s.ttl())
	} else if reply = r.cfg.Cache.AppendStaleAlias(dst[:0], e, q, s.ttl()); len(reply) == 0 {
		return r.failed(q, c, dst, errTooLong)
	}
	return r.allowed(s, q, c, e.Rcode(), wire.Finish(reply, q, e.Rcode(), &ede))
}

// stillFailed answers that the question failed a moment ago (RFC 9520), and first how: some
// who ask read one error only.
func (r *Resolver) stillFailed(q *wire.Query, c Client, dst []byte, why cache.Failure) []byte {
	ede := wire.EDE{Code: edeCached}
	if why.EDE != edeNone {
		ede.Code = why.EDE
	}
	reply := wire.Finish(wire.Start(dst[:0], q, why.Rcode), q, why.Rcode, &ede)
	if ede.Code != edeCached {
		reply = wire.AddOption(reply, q, wire.OptionEDE, cachedError[:])
	}
	return r.sent(c, actionFailed, 0, why.Rcode, reply)
}

// cachedError is the content of an Extended DNS Error (RFC 8914 section 2).
var cachedError = [2]byte{0, edeCached}

// failureOf returns what is remembered of a resolution that ended with err. Errors 5 to 12
// of RFC 8914 are those of a failed validation.
func failureOf(err error) cache.Failure {
	rc, code := visible(err)
	return cache.Failure{Rcode: rc, EDE: code, Bogus: invalid(code)}
}

// invalid reports whether a code tells of a failed validation.
func invalid(code uint16) bool { return code >= edeIndeterminate && code <= edeNSECMissing }
