package resolver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// fetch has s told the entry for its question. It asks the view's upstream, unless
// somebody is asking the same at this moment.
func (r *Resolver) fetch(s *Stroke, until time.Time) {
	world, view := s.world, s.view
	if view.Peers[s.client.Addr] {
		if _, pending := r.flights.Began(&s.key); pending {
			r.counts.loops.Inc()
			s.Resolved(nil, &Error{wire.ServFail, edeNetworkError, fmt.Errorf("%s asks us what we are asking it: a loop; remove one of the two from the other's upstreams", s.client.Addr)})
			return
		}
	}
	if until = r.patience(s, until); !until.After(time.Now()) { // others have waited for long enough
		s.Resolved(nil, context.DeadlineExceeded)
		return
	}
	if r.cfg.Slow != nil {
		s.asked = time.Now()
		if began, pending := r.flights.Began(&s.key); pending {
			s.asked = began
		}
	}
	if flight := r.flights.Join(s.ctx, &s.key, until, s); flight != nil {
		r.send(&errand{r, world, view, flight}) // s may be answered already, and somebody else's
	}
}

// send asks the upstream.
func (r *Resolver) send(x *errand) {
	defer x.rescue()
	f := x.flight
	x.view.Upstream.Exchange(wire.Question{Name: f.Name, Type: f.Type, Class: f.Class, CD: f.CD}, x.back)
}

// errand is one upstream resolution, for all that wait for it.
type errand struct {
	r      *Resolver
	world  *World
	view   *View
	flight *cache.Flight
}

// back stores the inspected reply, or that there is none, and tells all that wait.
func (x *errand) back(raw []byte, err error) {
	defer x.rescue()
	c, key := x.r.cfg.Cache, &x.flight.Key
	var e *cache.Entry
	if err == nil {
		e, err = x.r.keep(x.world, x.view, key, raw, x.r.cfg.Now().Unix())
	}
	if err != nil && !busy(err) {
		c.Fail(key, failureOf(err), read(x.world, key.Name, key.Type, nil), x.r.cfg.Now())
	}
	if x.flight.Forgotten() { // asked before a flush, and stored perhaps after it
		c.Forget(key)
	}
	x.flight.Finish(e, err)
}

// busy reports whether err is about us: nobody was asked. Who has many names asked for that nobody
// answers must not have others fail for longer than that.
func busy(err error) bool {
	var full interface{ Busy() bool }
	return errors.As(err, &full) && full.Busy()
}

// rescue, deferred, turns a panic into an answer for those that wait.
func (x *errand) rescue() {
	if p := recover(); p != nil {
		x.flight.Finish(nil, &broken{p, debug.Stack()})
	}
}

// keep inspects the reply that a view gave to a question at a time in unix seconds, and stores it.
func (r *Resolver) keep(w *World, v *View, key *cache.Key, raw []byte, at int64) (*cache.Entry, error) {
	in := inspections.Get().(*inspected)
	defer inspections.Put(in)
	in.reset()
	err := in.inspect(raw, key, func(a address) bool {
		if w.asksPlaces() {
			in.places = append(in.places, translated(a, v.Translator))
		}
		return !v.exposes(a) || w.Landing.spares(a)
	})
	if err != nil {
		return nil, err
	}
	if in.stripped {
		r.counts.rebinding.Inc()
	}
	return r.cfg.Cache.Store(key, &in.reply, in.facts(w, key), at)
}

// inspections holds the memory of inspections between replies.
var inspections = sync.Pool{New: func() any { return new(inspected) }}

// refresh returns an entry's facts as w reads them, and leaves them in the entry if
// they were another World's.
func refresh(e *cache.Entry, w *World) *cache.Facts {
	f := e.Facts()
	if w.read(f) {
		return f
	}
	next := read(w, e.Name(), e.Type(), f.Names)
	next.EDE = f.EDE
	if w.asksPlaces() {
		w.locate(&next, places(w, e))
	}
	e.SetFacts(&next)
	return &next
}

// read reports whether facts are of this World's index and atlas.
func (w *World) read(f *cache.Facts) bool { return f.Index == w.Index && f.Atlas == w.edition }

// asksPlaces reports whether lists or people's rules are about addresses.
func (w *World) asksPlaces() bool { return w.atlas != nil || w.Index.Prefixes() > 0 }

// locate puts to facts what is known of the addresses of an answer.
func (w *World) locate(f *cache.Facts, places []address) {
	for _, a := range places {
		lend(f, w.Index.MatchAddress(a))
		if w.atlas != nil {
			f.Chain = policy.AppendAddress(f.Chain, a, w.atlas.Locate(a.Unmap()))
		}
	}
}

// read returns what w's index says of a name that was asked for with qtype and of the targets its answer leads
// to, the latter in wire form one behind the other.
func read(w *World, asked []byte, qtype uint16, targets []byte) cache.Facts {
	index := w.Index
	f := cache.Facts{Index: index, Names: targets, Atlas: w.edition}
	key := index.Key()
	var h blocklists.Hashes
	key.Hash(asked, &h)
	f.Match, _ = index.MatchPatterns(asked, qtype, index.Match(&h))
	for rest := targets; len(rest) > 0; {
		name := first(rest)
		rest = rest[len(name):]
		key.Hash(name, &h)
		f.Chain = policy.AppendTarget(f.Chain, &h)
		m, _ := index.MatchPatterns(name, qtype, index.Match(&h))
		lend(&f, m.Categories)
		f.Targets.Labels = max(f.Targets.Labels, m.Labels)
	}
	return f
}

// lend puts the categories of a target, or of an address, to those that the chain of an answer has. None of them lends
// its ok.* to the name that leads to it.
func lend(f *cache.Facts, set blocklists.Categories) {
	if set.IsZero() {
		return
	}
	kept, _ := f.Index.Taxonomy().Select("ok.*")
	f.Targets.Categories = f.Targets.Categories.Or(set.AndNot(kept))
}

// places returns the addresses that a cached answer leads to, from behind a translator.
func places(to *World, e *cache.Entry) (found []address) {
	var m dns.Msg
	if m.Unpack(e.AppendMessage(nil)) != nil {
		return found // it has no address that a client could read either
	}
	translator := to.Upstreams.translator(e.Key().View)
	w := walker{may: func(a address) bool {
		found = append(found, translated(a, translator))
		return true
	}}
	for _, rr := range m.Answer {
		w.harmless(rr)
	}
	return found
}

// first returns the wire-form name at the start of b.
func first(b []byte) []byte {
	n := 0
	for n < len(b) && b[n] != 0 {
		n += int(b[n]) + 1
	}
	return b[:min(n+1, len(b))]
}
