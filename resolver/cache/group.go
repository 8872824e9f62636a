package cache

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Group merges identical questions in flight, so that however many clients ask
// the same thing at once, one question goes upstream. That is also a defence:
// with many identical questions outstanding a forged answer has as many chances
// to fit one of them (RFC 5452 section 5, the birthday attack). Nobody blocks in
// it: who waits is told. The zero value is ready for use. It is a
// prometheus.Collector and must not be copied.
type Group struct {
	mu       sync.Mutex
	flights  map[question]*Flight
	turn     uint64 // of the last flight forgotten
	watching bool
	merged   atomic.Uint64
}

// question is a Key that can be a map's.
type question struct {
	name        string
	view        uint32
	qtype, qcls uint16
	cd          bool
	turn        uint64 // 0: it can be joined
}

func (k *Key) question() question {
	return question{name: string(k.Name), view: k.View, qtype: k.Type, qcls: k.Class, cd: k.CD}
}

// Waiter is told what a resolution gave, once and from any goroutine: an entry, or
// an error, which wraps context.DeadlineExceeded or the cause of a context's end
// for one whose own time was over.
type Waiter interface {
	Resolved(e *Entry, err error)
}

// Flight is one resolution under way.
type Flight struct {
	Key // with a Name of its own

	group   *Group
	asks    question
	began   time.Time
	waiting []waiter
	first   [1]waiter // the room for the usual one

	forgotten atomic.Bool
}

// waiter is one of those that wait, and how long.
type waiter struct {
	Waiter
	ctx   context.Context
	until time.Time
}

// Join has w told the result of the resolution of k. If none is under way it
// returns a new Flight, and the caller has to make the resolution and Finish it;
// otherwise it returns nil. A waiter whose time is over, at until or at the end of
// ctx, is told so within 25 ms; the resolution goes on, for the others and for the
// cache that the next question finds filled.
func (g *Group) Join(ctx context.Context, k *Key, until time.Time, w Waiter) *Flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	asks := k.question()
	f := g.flights[asks]
	if f != nil {
		g.merged.Add(1)
		f.waiting = append(f.waiting, waiter{w, ctx, until})
		return nil
	}
	if g.flights == nil {
		g.flights = make(map[question]*Flight)
	}
	f = &Flight{Key: *k, group: g, asks: asks, began: time.Now()}
	f.Name = []byte(asks.name)
	f.waiting = append(f.first[:0], waiter{w, ctx, until})
	g.flights[asks] = f
	if !g.watching {
		g.watching = true
		go g.watch()
	}
	return f
}

// Began returns since when a resolution of k is under way, if one is.
func (g *Group) Began(k *Key) (since time.Time, pending bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.flights[k.question()]
	if f == nil {
		return time.Time{}, false
	}
	return f.began, true
}

// Forget lets nobody join the resolutions under way that which returns true for: who
// waits is told what they give, and the next question starts another.
func (g *Group) Forget(which func(*Key) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for asks, f := range g.flights {
		if asks.turn != 0 || !which(&f.Key) {
			continue
		}
		f.forgotten.Store(true)
		delete(g.flights, asks)
		g.turn++
		f.asks.turn = g.turn
		g.flights[f.asks] = f
	}
}

// Forgotten reports whether what the flight gives is not to be kept any more.
func (f *Flight) Forgotten() bool { return f.forgotten.Load() }

// Finish tells all who still wait and ends the flight: the next question starts
// another. Only the first call does anything.
func (f *Flight) Finish(e *Entry, err error) {
	f.group.mu.Lock()
	if f.group.flights[f.asks] == f {
		delete(f.group.flights, f.asks)
	}
	waiting := f.waiting
	f.waiting = nil
	f.group.mu.Unlock()
	for _, w := range waiting {
		w.Resolved(e, err)
	}
}

// watchEvery is how often those are looked for whose time is over. A timer for each
// would cost every question what only the rare late one needs.
const watchEvery = 25 * time.Millisecond

// watch tells waiters that their time is over, as long as there are flights.
func (g *Group) watch() {
	for {
		time.Sleep(watchEvery)
		late, more := g.late(time.Now())
		for _, w := range late {
			w.Resolved(nil, fmt.Errorf("waiting for the answer: %w", w.ended()))
		}
		if !more {
			return
		}
	}
}

// late takes out those whose time is over; more is false when there are no flights.
func (g *Group) late(now time.Time) (late []waiter, more bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.flights {
		kept := f.waiting[:0]
		for _, w := range f.waiting {
			if now.Before(w.until) && w.ctx.Err() == nil {
				kept = append(kept, w)
				continue
			}
			late = append(late, w)
		}
		clear(f.waiting[len(kept):])
		f.waiting = kept
	}
	g.watching = len(g.flights) > 0
	return late, g.watching
}

// ended returns why the waiter's time is over.
func (w *waiter) ended() error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	return context.DeadlineExceeded
}

// Describe implements prometheus.Collector.
func (g *Group) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(g, ch) }

// Collect implements prometheus.Collector.
func (g *Group) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	pending := len(g.flights)
	g.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(
		prometheus.NewDesc("hearth_cache_merged_total", "Questions that joined an identical one in flight.", nil, nil),
		prometheus.CounterValue, float64(g.merged.Load()))
	ch <- prometheus.MustNewConstMetric(
		prometheus.NewDesc("hearth_cache_in_flight", "Resolutions under way that identical questions can join.", nil, nil),
		prometheus.GaugeValue, float64(pending))
}
