package cache

import (
	"math"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Failure is why a question could not be resolved.
type Failure struct {
	Rcode wire.Rcode // that the client gets; the upper bits of RFC 6891 are not kept
	EDE   uint16     // RFC 8914 code, 0 for none; those over 63 are not kept
	Bogus bool       // it failed validation, so no older answer may stand in for it
}

// firstFailure is how long the first failure of a question is remembered; RFC 9520
// section 3.2 asks for no less.
const firstFailure = time.Second

// Fail remembers that k could not be resolved at now, so that it is not tried again at
// once (RFC 9520): for a second, and twice as long with each further failure, up to
// MaxFailureTTL. An older answer to k is kept, and f, which is of the asked name alone,
// is for the case that there is none; its slices are the entry's from now on.
func (c *Cache) Fail(k *Key, why Failure, f Facts, now time.Time) {
	c.failures.Add(1)
	h := k.hash(c.seed)
	s := c.shard(h)
	e := s.find(h, k)
	if e == nil {
		e = newEmpty(k, f, now.Unix())
		e.hash = h
		e.fail(why, c.cfg.MaxFailureTTL, now)
		s.put(e, k, now.Unix())
		return
	}
	e.fail(why, c.cfg.MaxFailureTTL, now)
}

// newEmpty makes an entry that has no answer.
func newEmpty(k *Key, f Facts, now int64) *Entry {
	e := &Entry{view: k.View, qtype: k.Type, class: k.Class, cd: k.CD, nameLen: uint8(len(k.Name)), stored: now}
	e.buf = append(make([]byte, 0, len(k.Name)), k.Name...)
	e.facts.Store(&f)
	e.cost = e.weigh(&f)
	return e
}

// trouble is the last failure of an entry in one word, so that it takes no memory of its
// own and is replaced as one: from the lowest bit on the RCODE (4), the EDE (6), whether
// it is bogus (1), for how many seconds it is remembered (9) and until when, in unix
// milliseconds. 0 is no failure.
type trouble uint64

func newTrouble(why Failure, span, until int64) trouble {
	t := trouble(why.Rcode&0xF) | trouble(span)<<11 | trouble(until)<<20 //nolint:gosec // both are positive and fit
	if why.EDE < 64 {
		t |= trouble(why.EDE) << 4
	}
	if why.Bogus {
		t |= 1 << 10
	}
	return t
}

func (t trouble) until() int64 { return int64(t >> 20 & math.MaxInt64) }
func (t trouble) span() int64  { return int64(t >> 11 & 0x1FF) }
func (t trouble) bogus() bool  { return t>>10&1 != 0 }

// fail notes a failure. Whoever fails again within longest of the last failure's end
// keeps failing; what once failed validation is bogus until it is resolved.
func (e *Entry) fail(why Failure, longest time.Duration, now time.Time) {
	span, last := int64(firstFailure/time.Second), trouble(e.trouble.Load())
	if last != 0 && now.UnixMilli() < last.until()+longest.Milliseconds() {
		span = min(2*last.span(), int64(longest/time.Second))
	}
	why.Bogus = why.Bogus || last.bogus()
	e.trouble.Store(uint64(newTrouble(why, span, now.UnixMilli()+1000*span)))
}

// Failure returns the failure that is remembered at now: until then nobody is to be asked.
func (e *Entry) Failure(now time.Time) (why Failure, remembered bool) {
	t := trouble(e.trouble.Load())
	if now.UnixMilli() >= t.until() {
		return Failure{}, false
	}
	return Failure{Rcode: wire.Rcode(t & 0xF), EDE: uint16(t >> 4 & 0x3F), Bogus: t.bogus()}, true
}
