package cache

import (
	"github.com/hearthdns/hearth/resolver/wire"
)

// Usable reports whether e, which has run out, may still be served at now (unix seconds)
// if no fresh answer is to be had (RFC 8767).
func (c *Cache) Usable(e *Entry, now int64) bool {
	return e.Kept() && now-e.stored < int64(e.life)+int64(seconds(c.cfg.Stale.For)) && !trouble(e.trouble.Load()).bogus()
}

// AppendStale is Entry.AppendReply for an entry that has run out: every TTL is that of
// stale answers, or maxTTL if that is less, and AD is clear, because what was validated
// then need not be valid now.
func (c *Cache) AppendStale(dst []byte, e *Entry, q *wire.Query, maxTTL uint32) []byte {
	dst = e.AppendReply(dst, q, e.stored, NoCap)
	if len(dst) == 0 {
		return dst
	}
	dst[3] &^= byte(wire.AD)
	e.setTTLs(dst, e.body(q), min(seconds(c.cfg.Stale.TTL), maxTTL))
	c.stale.Add(1)
	return dst
}

// leastRenewed is the shortest lifetime in seconds for which renewing pays: within one
// much shorter, a second is so large a part that it would come close to asking always.
const leastRenewed = 5

// Renew reports, once for each entry, that e is to be resolved again although it is fresh
// at now (unix seconds): it was looked up Config.Prefetch times, and no more than a tenth
// of its life, or a second, is left. Look-ups may be counted short when the cache is full.
func (c *Cache) Renew(e *Entry, now int64) bool {
	// Most have more left; to tell that takes no call.
	return c.renews && 10*(now-e.stored+1) >= 9*int64(e.life) && c.renew(e, now)
}

func (c *Cache) renew(e *Entry, now int64) bool {
	left := e.stored + int64(e.life) - now
	return left > 0 && left <= max(int64(e.life/10), 1) &&
		e.life >= leastRenewed && e.used.Load() >= c.enough && e.renewed.CompareAndSwap(0, 1)
}
