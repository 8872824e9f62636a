package resolver

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// renewBacklog is how many popular answers may wait to be resolved again: what a
	// house asks for within a second. What does not fit runs out as any other does.
	renewBacklog = 64
	// maxRenewals is how many may be under way at once.
	maxRenewals = 16
	// renewTime is how long one counts as under way at most.
	renewTime = 10 * time.Second
)

// renewals are the answers that are resolved again before they run out.
type renewals struct {
	waiting  chan renewal
	underWay atomic.Int64
	begun    prometheus.Counter
	dropped  prometheus.Counter
}

// renewal is an answer with the view that gave it.
type renewal struct {
	entry *cache.Entry
	view  *View
}

func newRenewals() renewals {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return renewals{
		waiting: make(chan renewal, renewBacklog),
		begun:   counter("hearth_prefetches_total", "Popular answers that were resolved again before they ran out."),
		dropped: counter("hearth_prefetches_dropped_total", "Popular answers that were not resolved again ahead of time, because too many were to be at once."),
	}
}

// add has e resolved again. It never waits and allocates nothing.
func (p *renewals) add(e *cache.Entry, v *View) {
	select {
	case p.waiting <- renewal{e, v}:
	default:
		p.dropped.Inc()
	}
}

// Resolved implements cache.Waiter: nobody waits for the answer itself.
func (p *renewals) Resolved(*cache.Entry, error) { p.underWay.Add(-1) }

// renew resolves an answer again, unless that is happening already.
func (r *Resolver) renew(ctx context.Context, n renewal) {
	if r.ahead.underWay.Load() >= maxRenewals {
		r.ahead.dropped.Inc()
		return
	}
	r.ahead.underWay.Add(1)
	key := n.entry.Key()
	if flight := r.flights.Join(ctx, &key, time.Now().Add(renewTime), &r.ahead); flight != nil {
		r.ahead.begun.Inc()
		r.send(&errand{r, r.world.Load(), n.view, flight})
	}
}
