package resolver

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// fetch has s told the entry for its question. It asks the view's upstream, unless
// somebody is asking the same at this moment.
func (r *Resolver) fetch(s *Stroke, until time.Time) {
	world, view := s.world, s.view
	if view.Peers[s.client.Addr] && r.flights.Pending(&s.key) {
		r.counts.loops.Inc()
		s.Resolved(nil, &Error{wire.ServFail, edeNetworkError, fmt.Errorf("%s asks us what we are asking it: a loop; remove one of the two from the other's upstreams", s.client.Addr)})
		return
	}
	flight := r.flights.Join(s.ctx, &s.key, until, s)
	if flight == nil {
		return
	}
	x := &errand{r, world, view, flight} // s may be answered already, and somebody else's
	defer x.rescue()
	view.Upstream.Exchange(wire.Question{Name: flight.Name, Type: flight.Type, Class: flight.Class, CD: flight.CD}, x.back)
}

// errand is one upstream resolution, for all that wait for it.
type errand struct {
	r      *Resolver
	world  *World
	view   *View
	flight *cache.Flight
}

// back stores the inspected reply and tells all that wait.
func (x *errand) back(raw []byte, err error) {
	defer x.rescue()
	var e *cache.Entry
	if err == nil {
		e, err = x.keep(raw)
	}
	x.flight.Finish(e, err)
}

// rescue, deferred, turns a panic into an answer for those that wait.
func (x *errand) rescue() {
	if p := recover(); p != nil {
		x.flight.Finish(nil, &broken{p, debug.Stack()})
	}
}

// keep inspects a reply and stores it.
func (x *errand) keep(raw []byte) (*cache.Entry, error) {
	in := inspections.Get().(*inspected)
	defer inspections.Put(in)
	in.reset()
	err := in.inspect(raw, &x.flight.Key, func(a address) bool {
		return x.view.Local || !private(a) || x.world.Landing.spares(a)
	})
	if err != nil {
		return nil, err
	}
	if in.stripped {
		x.r.counts.rebinding.Inc()
	}
	f := in.facts(x.world.Index, x.flight.Name)
	return x.r.cfg.Cache.Store(&x.flight.Key, &in.reply, f, x.r.cfg.Now().Unix())
}

// inspections holds the memory of inspections between replies.
var inspections = sync.Pool{New: func() any { return new(inspected) }}

// refresh returns an entry's facts as index reads them, and leaves them in the
// entry if they were another index's.
func refresh(e *cache.Entry, index *blocklists.Index) *cache.Facts {
	f := e.Facts()
	if f.Index == index {
		return f
	}
	next := read(index, e.Name(), f.Names)
	next.EDE = f.EDE
	e.SetFacts(&next)
	return &next
}

// read returns what index says of a name and of the targets its answer leads
// to, the latter in wire form one behind the other. A target lends none of its
// ok.* to the name that points at it.
func read(index *blocklists.Index, asked, targets []byte) cache.Facts {
	f := cache.Facts{Index: index, Names: targets}
	key := index.Key()
	var h blocklists.Hashes
	key.Hash(asked, &h)
	f.Match = index.Match(&h)
	if len(targets) == 0 {
		return f
	}
	lent, _ := index.Taxonomy().Select("ok.*")
	for rest := targets; len(rest) > 0; {
		name := first(rest)
		rest = rest[len(name):]
		key.Hash(name, &h)
		f.Chain = policy.AppendTarget(f.Chain, &h)
		m := index.Match(&h)
		f.Targets.Categories = f.Targets.Categories.Or(m.Categories.AndNot(lent))
		f.Targets.Labels = max(f.Targets.Labels, m.Labels)
	}
	return f
}

// first returns the wire-form name at the start of b.
func first(b []byte) []byte {
	n := 0
	for n < len(b) && b[n] != 0 {
		n += int(b[n]) + 1
	}
	return b[:min(n+1, len(b))]
}
