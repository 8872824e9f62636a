package resolver

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// A filter answers everybody who asks it what is on its lists. Of legal lists that would be a directory of the worst
// names there are, so one client learns of few: after findNames different ones within findTime it is told of every name
// that it is on such a list, until that hour is over, and so learns no more. This slows enumeration and does
// not stop it: there are many clients in the world.
const (
	findNames   = 10   // names of legal lists that one client may find in an hour; nobody comes upon as many by chance
	findTime    = 3600 // seconds
	findClients = 4096 // seats; about half a megabyte, for all time
	findWays    = 8    // seats that a client may sit on
	findSweep   = 60   // seconds between two looks for hours that are over
	findPrefix  = 64   // bits of an IPv6 address that are one client: what one household gets
)

// finders counts which client found how many names of legal lists. It holds keyed hashes alone, in memory alone.
type finders struct {
	over  atomic.Int64  // clients that found too many: nobody has to be looked for while it is 0
	total atomic.Uint64 // times that a client came to be one of them

	seed  maphash.Seed
	rows  []row
	swept atomic.Int64 // unix seconds
}

// row is the seats that a client may sit on. Each has a lock of its own, so that clients do not wait for each other.
type row struct {
	mu    sync.Mutex
	seats [findWays]finder
}

// finder is one client.
type finder struct {
	client uint64 // 0: a free seat
	since  int64  // unix seconds: when its hour began
	over   bool
	count  uint8
	names  [findNames]uint64
}

func (f *finders) prepare() { f.seed, f.rows = maphash.MakeSeed(), make([]row, findClients/findWays) }

// client is the hash of who has the address.
func (f *finders) client(a netip.Addr) uint64 {
	a = a.Unmap().WithZone("")
	b := a.As16()
	part := b[:]
	if a.Is6() {
		part = b[:findPrefix/8]
	}
	return maphash.Bytes(f.seed, part) | 1 // never that of a free seat
}

// found notes that a client found a name, by its hash.
func (f *finders) found(a netip.Addr, name uint64, now int64) {
	client := f.client(a)
	r := f.row(client)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := f.sit(r, client, now)
	for _, known := range s.names[:s.count] {
		if known == name {
			return
		}
	}
	switch {
	case s.over:
	case s.count < findNames:
		s.names[s.count] = name
		s.count++
	default:
		s.over = true
		f.over.Add(1)
		f.total.Add(1)
	}
}

// isOver reports whether a client found too many.
func (f *finders) isOver(a netip.Addr, now int64) bool {
	f.sweep(now)
	client := f.client(a)
	r := f.row(client)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.seats {
		if s := &r.seats[i]; s.client == client {
			f.leave(s, now)
			return s.over
		}
	}
	return false
}

// sweep frees the seats whose hour is over, once in a while, by one of those who ask.
func (f *finders) sweep(now int64) {
	last := f.swept.Load()
	if now >= last && now-last < findSweep || !f.swept.CompareAndSwap(last, now) {
		return
	}
	for i := range f.rows {
		r := &f.rows[i]
		r.mu.Lock()
		for j := range r.seats {
			f.leave(&r.seats[j], now)
		}
		r.mu.Unlock()
	}
}

// row is where a client may sit.
func (f *finders) row(client uint64) *row { return &f.rows[client>>1%uint64(len(f.rows))] }

// sit returns the seat of a client in its row: its own, a free one, or that of who came first among those that found few.
func (f *finders) sit(r *row, client uint64, now int64) *finder {
	best := &r.seats[0]
	for i := range r.seats {
		s := &r.seats[i]
		f.leave(s, now)
		if s.client == client {
			return s
		}
		if rank(s) < rank(best) || rank(s) == rank(best) && s.since < best.since {
			best = s
		}
	}
	f.free(best)
	*best = finder{client: client, since: now}
	return best
}

// rank is higher for who must not be forgotten.
func rank(s *finder) int {
	switch {
	case s.client == 0:
		return 0
	case !s.over:
		return 1
	}
	return 2
}

// leave frees a seat whose hour is over, or began in the future: the clock was set back.
func (f *finders) leave(s *finder, now int64) {
	if s.client != 0 && (now-s.since >= findTime || now < s.since) {
		f.free(s)
	}
}

func (f *finders) free(s *finder) {
	if s.over {
		f.over.Add(-1)
	}
	*s = finder{}
}

// Withheld is told of every decision about a name that a client asks for by another way than DNS, such as the landing
// page. It counts a name of a legal list against the client, and reports whether that has found so many that the name
// must look as if it was on one.
func (r *Resolver) Withheld(a netip.Addr, q *policy.Question, d policy.Decision) bool {
	w, now := r.world.Load(), r.cfg.Now()
	if d.Step == policy.StepLaw && !w.special.mine(q.Hashes) {
		r.finders.found(a, listedPart(q), now.Unix())
	}
	return w.withholds(q, d) && r.finders.over.Load() != 0 && r.finders.isOver(a, now.Unix())
}

// withholds reports whether a client that found too many names must not learn what this one is: all but what it cannot
// do without, of which no legal list may have a name.
func (w *World) withholds(q *policy.Question, d policy.Decision) bool {
	spared := d.Step != policy.StepLaw && q.Match.Categories.Intersects(w.spared)
	return !spared && d.Action != policy.Fixed && !w.special.mine(q.Hashes)
}

// withhold replaces the decision about a name where the client found too many.
func (r *Resolver) withhold(s *Stroke, c Client) {
	s.withheld = s.world.withholds(&s.question, s.decision) && r.finders.isOver(c.Addr, s.now.Unix())
	if s.withheld {
		s.decision = policy.Decision{Action: policy.Block, Step: policy.StepLaw, Applied: true, Silent: true}
	}
}

// lawful counts a block by the law: how many there are in a day, and against the client. Nothing else is kept of it.
func (r *Resolver) lawful(s *Stroke, c Client) {
	if s.withheld || s.world.special.mine(&s.hashes) { // the self-test is nothing that anybody looks for
		return
	}
	r.lawToday.count(s.now)
	r.finders.found(c.Addr, listedPart(&s.question), s.now.Unix())
}

// listedPart is the hash of the part of a name that is listed, so that the names of one site count as one.
func listedPart(q *policy.Question) uint64 {
	n := q.Hashes.N
	if listed := int(q.Match.Labels); listed > 0 && listed < n {
		n = listed
	}
	return q.Hashes.H[max(n, 1)-1]
}

// spared returns the categories whose names are answered to everybody: help, and what devices need to work.
func spared(t *blocklists.Taxonomy) (set blocklists.Categories) {
	for _, id := range []string{"ok.help", "ok.help.core", "ok.infra"} {
		if c, ok := t.Lookup(id); ok {
			set.Add(c)
		}
	}
	return set
}
