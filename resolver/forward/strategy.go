package forward

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// exploring is how many questions there are to one that is also asked of an upstream
// which is not the fastest, so that its latency stays known.
const exploring = 20

// extra is why a question is asked of one more upstream than it needs; the closed set of
// the metric's label.
type extra uint8

const (
	extraProbe   extra = iota // it is down: does it answer again?
	extraExplore              // how fast is it now?
	extraRace
	extraHedge
	extras
)

// String returns the label.
func (e extra) String() string { return [extras]string{"probe", "explore", "race", "hedge"}[e] }

// order returns the upstreams as they are to be asked. Those that are down are at the
// end; when all are down all are asked. What it returns is not to be changed.
func (f *Forwarder) order() []*upstream {
	if f.strategy == Fastest || f.strategy == Race {
		return f.byLatency()
	}
	if !slices.ContainsFunc(f.upstreams, func(u *upstream) bool { return u.health.down() }) {
		return f.upstreams
	}
	order := make([]*upstream, 0, len(f.upstreams))
	var down []*upstream
	for _, u := range f.upstreams {
		if u.health.down() {
			down = append(down, u)
			continue
		}
		order = append(order, u)
	}
	return append(order, down...)
}

// The ranks of upstreams without a latency.
const (
	rankUnknown time.Duration = math.MaxInt64 - 1
	rankDown    time.Duration = math.MaxInt64
)

// byLatency orders the upstreams by how soon they answered of late, those of which
// nothing is known behind the others.
func (f *Forwarder) byLatency() []*upstream {
	type ranked struct {
		*upstream
		rank time.Duration
	}
	var space [maxUpstreams]ranked
	all := space[:0]
	for _, u := range f.upstreams {
		all = append(all, ranked{u, u.health.rank()})
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		if a.rank < b.rank {
			return -1
		}
		if a.rank > b.rank {
			return 1
		}
		return 0
	})
	order := make([]*upstream, len(all))
	for i := range all {
		order[i] = all[i].upstream
	}
	if f.strategy == Race {
		f.seat(order)
	}
	return order
}

// seat gives the second place of a race, now and then, to one that has no latency yet
// or has had it measured long ago.
func (f *Forwarder) seat(order []*upstream) {
	if len(order) < 3 {
		return
	}
	if at := f.explored(order[2:]); at >= 0 {
		order[1], order[2+at] = order[2+at], order[1]
	}
}

// explored returns which of some upstreams is worth a question of its own; -1: none.
// Those of which nothing is known are, the others in turn and seldom.
func (f *Forwarder) explored(others []*upstream) int {
	up := len(others)
	for i, u := range others {
		rank := u.health.rank()
		if rank == rankUnknown {
			return i
		}
		if rank == rankDown { // they stand at the end
			up = min(up, i)
		}
	}
	if up == 0 || rand.IntN(exploring) > 0 { //nolint:gosec // whom to look at is no secret
		return -1
	}
	return rand.IntN(up) //nolint:gosec // as above
}

// accompany asks one upstream more than the exchange needs, where there is a use in it. A
// client waits for none that is only looked at: those are asked beside. It reports
// whether one was.
func (f *Forwarder) accompany(q question, order []*upstream) bool {
	if order[0].health.down() {
		return false // where all are down the exchanges themselves are the probes
	}
	now := f.now()
	for _, u := range f.upstreams {
		if u.health.claimProbe(now) {
			go u.probe(q, extraProbe) // ends within four times maxTimeout
			return true
		}
	}
	if f.strategy != Fastest {
		return false
	}
	at := f.explored(order[1:])
	if at < 0 || !order[1+at].health.claimExploration() {
		return false
	}
	go order[1+at].probe(q, extraExplore)
	return true
}

// second returns why the second of order is asked beside the first, extras if it is not.
func (f *Forwarder) second(order []*upstream) extra {
	switch {
	case f.strategy != Race && f.strategy != Hedge, len(order) < 2, order[1].health.down():
		return extras
	case f.strategy == Race:
		return extraRace
	}
	return extraHedge
}
