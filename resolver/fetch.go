package resolver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// fetch asks the view's upstream, together with everybody who is asking the same
// at this moment, and stores what it said.
func (r *Resolver) fetch(ctx context.Context, s *stroke, c Client) (*cache.Entry, error) {
	w, view := s.world, s.view
	if view.Peers[c.Addr] && r.flights.Pending(&s.key) {
		r.counts.loops.Inc()
		return nil, &Error{wire.ServFail, edeNetworkError, fmt.Errorf("%s asks us what we are asking it: a loop; remove one of the two from the other's upstreams", c.Addr)}
	}
	key := s.key
	key.Name = append([]byte(nil), s.key.Name...) // the packet is the listener's
	e, err, _ := r.flights.Do(ctx, &key, func(ctx context.Context) (*cache.Entry, error) {
		return r.exchange(ctx, w, view, &key)
	})
	return e, err
}

// exchange makes one upstream resolution and stores the inspected reply.
func (r *Resolver) exchange(ctx context.Context, w *World, view *View, key *cache.Key) (*cache.Entry, error) {
	ask, err := question(key)
	if err != nil {
		return nil, err
	}
	raw, err := view.Upstream.Exchange(ctx, ask)
	if err != nil {
		return nil, err
	}
	in := inspections.Get().(*inspected)
	defer inspections.Put(in)
	in.reset()
	err = in.inspect(raw, key, func(a address) bool {
		return view.Local || !private(a) || w.Landing.spares(a)
	})
	if err != nil {
		return nil, err
	}
	if in.stripped {
		r.counts.rebinding.Inc()
	}
	f := in.facts(w.Index, key.Name)
	return r.cfg.Cache.Store(key, &in.reply, f, r.cfg.Now().Unix())
}

// inspections holds the memory of inspections between replies.
var inspections = sync.Pool{New: func() any { return new(inspected) }}

// question makes the query that goes upstream: nothing of the client's packet is
// in it but the name, the type and the CD bit.
func question(key *cache.Key) (*wire.Query, error) {
	msg := make([]byte, 0, 12+len(key.Name)+4)
	msg = append(msg, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0) // RD, one question
	if key.CD {
		msg[3] |= 0x10
	}
	msg = append(msg, key.Name...)
	msg = append(msg, byte(key.Type>>8), byte(key.Type), byte(key.Class>>8), byte(key.Class))
	q := new(wire.Query)
	if f := q.Parse(msg); f != wire.None {
		return nil, errors.New("making the upstream question: the cache key is no question")
	}
	return q, nil
}

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
