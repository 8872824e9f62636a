package resolver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/local"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Config is what a Resolver is made of.
type Config struct {
	World    *World
	Catalog  *blocklists.Catalog
	Cache    *cache.Cache
	Observer Observer         // nil: nobody looks
	Local    *local.Names     // nil: nobody knows the home's machines
	Presence Presence         // nil: clients are known by address and id alone
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger
	Node     string // shown by whoami
	Version  string // shown by whoami

	// Slow is told of resolutions that took SlowAfter or longer; it must not wait. nil: nobody is.
	Slow      func(Slow)
	SlowAfter time.Duration
}

// Resolver answers queries. It is safe for concurrent use.
type Resolver struct {
	cfg     Config
	world   atomic.Pointer[World]
	flights cache.Group
	counts  counters
	events  *backlog
	ahead   renewals

	hearsay  hearsay
	finders  finders
	lawToday today
}

// New returns a Resolver that serves cfg.World. Run must be running for its
// Observer to see anything.
func New(cfg Config) (*Resolver, error) {
	if cfg.World == nil || cfg.Catalog == nil || cfg.Cache == nil {
		return nil, errors.New("making the resolver: it needs a world, a catalog and a cache")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Resolver{cfg: cfg, events: newBacklog(), ahead: newRenewals()}
	r.counts.prepare()
	r.finders.prepare()
	r.hearsay.prepare()
	r.world.Store(cfg.World)
	r.cfg.World = nil // it must not outlive its reload
	return r, nil
}

// World returns what queries are judged by at this moment.
func (r *Resolver) World() *World { return r.world.Load() }

// Swap makes every query that starts after it be judged by w. Queries under way
// finish in the World they began in, or, on the way out of Resolve, in this one.
// It returns when every cached entry has been read again with w's index, so that
// nothing holds on to the old one; queries are answered meanwhile.
func (r *Resolver) Swap(w *World) {
	r.world.Store(w)
	for e := range r.cfg.Cache.Entries() {
		refresh(e, w)
	}
}

// Answer is the first stroke: it appends the reply to dst[:0] and returns true,
// or returns false for a query that has to wait for somebody. It never blocks
// and never allocates. An empty reply with true means: send nothing. After false, s
// is for Resolve.
func (r *Resolver) Answer(s *Stroke, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	s.fetched, s.typed, s.slow, s.placed, s.further = nil, false, false, false, false
	reply, done := r.judge(s, q, c, dst)
	if s.placed {
		r.countAsker(s, c)
	}
	switch {
	case done:
		return reply, true
	case !s.placed:
		s.query, s.client, s.dst = q, c, dst
		return nil, false
	case s.fresh && s.facts != nil: // the usual case, by the shortest way
		return r.fromEntry(s, q, c, dst), true
	}
	if reply, done = r.fromCache(s, q, c, dst); !done {
		s.query, s.client, s.dst = q, c, dst
	}
	return reply, done
}

// fromCache answers an allowed query by what the cache has, and returns false if somebody
// has to be asked.
func (r *Resolver) fromCache(s *Stroke, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	if s.facts == nil {
		return nil, false
	}
	if s.fresh {
		return r.fromEntry(s, q, c, dst), true
	}
	why, failing := s.entry.Failure(s.now)
	if !failing {
		return nil, false
	}
	return r.fromRest(s, q, c, dst, why), true
}

// Stroke is what is known of one query while it is answered, from Answer to the
// reply. The zero value is ready, and serves one query after the other: a kilobyte of
// hashes need not be cleared each time.
type Stroke struct {
	world    *World
	now      time.Time
	asker    policy.Facts
	placed   bool // asker has all that is known of the machine that asks
	who      policy.Client
	named    bool      // by its id, not by its address
	told     wire.Told // of the device, whoever said it
	heard    hearing
	forged   bool // told by somebody who is not believed in it
	hashes   blocklists.Hashes
	question policy.Question
	decision policy.Decision
	view     *View
	key      cache.Key
	fetched  *cache.Entry // what Resolve has in hand already
	entry    *cache.Entry
	fresh    bool              // the entry is, and has an answer
	facts    *cache.Facts      // of the entry; nil if they were read from another index
	slow     bool              // this is the second stroke, which has time to read them anew
	withheld bool              // the client found too many names of legal lists
	judged   bool              // there is a decision
	typed    bool              // what the patterns say holds for this type alone
	alone    bool              // the answer must not lead anywhere
	safe     *policy.Transform // what the name becomes an alias of; key, view, entry and facts are of that
	further  bool              // the safe host is asked for, after the name
	kind     kind
	depth    int       // labels of the special suffix
	words    [512]byte // of the reason, or of a record
	label    [63]byte  // of an id

	// Of a query that waits.
	resolver *Resolver
	ctx      context.Context
	query    *wire.Query
	client   Client
	dst      []byte
	began    time.Time
	until    time.Time
	asked    time.Time // the upstream
	done     func(reply []byte)
}

// judge takes a query as far as it goes without waiting: refused, blocked,
// answered by ourselves (true), or allowed with whatever the cache has.
func (r *Resolver) judge(s *Stroke, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	s.world, s.now = r.world.Load(), r.cfg.Now()
	s.kind, s.depth, s.withheld, s.judged, s.alone, s.safe = kindNone, 0, false, false, false, nil
	if !s.place(r.cfg.Presence, c) {
		return nil, false
	}
	if !s.admit(q, c) {
		return r.refused(q, c, dst), true
	}
	if reply, odd := r.unusual(q, c, dst); odd {
		return reply, true
	}
	s.world.Index.Key().Hash(q.Name(), &s.hashes)
	r.look(s, q)
	if s.slow && s.unsure() {
		s.askPatterns()
	}
	return r.decide(s, q, c, dst)
}

// decide goes on from what is known of the name. Patterns that have not been asked yet may add to that, and their
// answer has to be waited for, unless it makes no difference.
func (r *Resolver) decide(s *Stroke, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	s.decision, s.judged = s.who.Decide(&s.question, s.now), true
	if r.finders.over.Load() != 0 {
		r.withhold(s, c)
	}
	if s.unsure() && !s.world.settled(s.decision) {
		return nil, false
	}
	if s.decision.Blocks() {
		return r.blocked(s, q, c, dst), true
	}
	if s.decision.Action == policy.Fixed || s.world.special.mine(&s.hashes) {
		s.kind, s.depth = s.world.special.find(&s.hashes, s.hashes.N)
		if s.kind == kindDesignated && s.role(q.Name()) == roleNone { // the operator's own, beneath it
			s.kind, s.depth = s.world.special.find(&s.hashes, s.depth-1)
		}
	}
	if t := s.transformed(); t != nil {
		return r.alias(s, t, q, c, dst)
	}
	if reply, known := r.atHome(s, q, c, dst); known {
		return reply, true
	}
	if s.kind != kindNone && s.kind != kindRoute && !s.kind.told() {
		return r.special(s, q, c, dst), true
	}
	if q.Type == wire.TypeANY && !s.kind.told() {
		return r.minimalANY(s, q, c, dst), true
	}
	if s.kind == kindNone && s.hashes.N == 1 && len(s.view.Zones) == 0 && !infrastructure(q.Type) {
		return r.alone(s, q, c, dst), true
	}
	return r.aliasBehind(s, q, c, dst)
}

// look fills in the view, the cached entry and what the name is.
func (r *Resolver) look(s *Stroke, q *wire.Query) {
	s.view = s.world.Upstreams.view(&s.hashes, q.Type, s.who.Profile)
	s.key = cache.Key{View: s.view.ID, Name: q.Name(), Type: q.Type, Class: q.Class, CD: q.CD}
	r.find(s)
	var m blocklists.Match
	if s.facts != nil {
		m = s.facts.Match
	} else {
		m = r.cfg.Catalog.Match(s.world.Index, &s.hashes)
	}
	s.ask(m)
}

// find gets the entry of the key: what Resolve has in hand, if it is that, or what the cache has.
func (r *Resolver) find(s *Stroke) {
	if s.entry, s.fresh = s.fetched, true; s.entry == nil || !bytes.Equal(s.entry.Name(), s.key.Name) {
		s.entry, s.fresh = r.cfg.Cache.Lookup(&s.key, s.now.Unix())
	}
	s.facts = facts(s.entry, s.world)
	if s.slow && s.facts == nil && s.entry != nil {
		s.facts = refresh(s.entry, s.world)
	}
}

// ask takes m for what the index says of the name.
func (s *Stroke) ask(m blocklists.Match) {
	s.question = policy.Question{Hashes: &s.hashes, Match: s.world.Directory.Match(&s.hashes, m)}
	s.question.Match.Whole = m.Whole
}

// unsure reports whether there are patterns that have not been asked yet.
func (s *Stroke) unsure() bool { return !s.question.Match.Whole && s.world.Index.Patterns() > 0 }

// facts returns an entry's facts if they are as w reads them.
func facts(e *cache.Entry, w *World) *cache.Facts {
	if e == nil {
		return nil
	}
	if f := e.Facts(); w.read(f) {
		return f
	}
	return nil
}

// fromEntry copies the cached answer, if what it leads to allows that.
func (r *Resolver) fromEntry(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	if s.facts.Lead() && s.chainBlocks() {
		return r.blocked(s, q, c, dst)
	}
	if s.leaks() {
		return r.nothing(s, q, c, dst)
	}
	e, now := s.entry, s.now.Unix()
	if r.cfg.Cache.Renew(e, now) {
		r.ahead.add(e, s.view)
	}
	var reply []byte
	if s.safe == nil {
		reply = e.AppendReply(dst[:0], q, now, s.ttl())
	} else if reply = e.AppendAlias(dst[:0], q, now, s.ttl()); len(reply) == 0 {
		return r.failed(q, c, dst, errTooLong)
	}
	var ede *wire.EDE
	if s.facts.EDE != 0 {
		ede = &wire.EDE{Code: s.facts.EDE}
	}
	reply = wire.Finish(reply, q, e.Rcode(), ede)
	return r.allowed(s, q, c, e.Rcode(), reply)
}

// allowed counts a finished reply to a question that the decision allows, in the client's quotas too unless
// there is no such name.
func (r *Resolver) allowed(s *Stroke, q *wire.Query, c Client, rc wire.Rcode, reply []byte) []byte {
	if rc == wire.NoError {
		s.who.Count(&s.question, s.decision, s.now)
	}
	r.tellAllowed(s, q.Name(), c)
	return r.sent(c, actionAllowed, 0, rc, reply)
}

// chainBlocks decides once more, over the targets of the answer's chain and its addresses.
func (s *Stroke) chainBlocks() bool {
	s.decision = s.who.DecideChain(s.decision, &s.question, s.facts.Targets, s.facts.Chain, s.now)
	return s.decision.Blocks()
}

// ttl is the longest time in seconds that the client may keep an allowed answer:
// never past the moment at which the decision stops being true, nor past what
// the profile allows.
func (s *Stroke) ttl() uint32 {
	limit, timed := s.who.MaxTTL()
	if s.decision.Timed {
		limit = timed
	}
	switch {
	case s.relayed():
		return 0
	case limit == 0:
		limit = cache.NoCap
	}
	return capped(limit, s.decision.Until, s.now)
}

// capped lowers limit to the whole seconds left until a moment, 0 meaning none.
func capped(limit uint32, until int64, now time.Time) uint32 {
	if until == 0 {
		return limit
	}
	left := until - now.Unix()
	if now.Nanosecond() > 0 {
		left-- // a second that has begun is not a whole one
	}
	if left < 0 {
		left = 0
	}
	if left < int64(limit) {
		return uint32(left) //nolint:gosec // 0 <= left < limit
	}
	return limit
}
