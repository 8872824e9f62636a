package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultTimeout bounds one resolution of a Group whose Timeout is 0.
const DefaultTimeout = 10 * time.Second

// Group merges identical questions in flight, so that however many clients ask
// the same thing at once, one question goes upstream. That is also a defence:
// with many identical questions outstanding a forged answer has as many chances
// to fit one of them (RFC 5452 section 5, the birthday attack). The zero value is
// ready for use. It is a prometheus.Collector and must not be copied.
type Group struct {
	Timeout time.Duration // of one resolution; 0: 10 s. Set it before the first Do

	mu     sync.Mutex
	calls  map[flight]*call
	merged atomic.Uint64
}

// flight is a Key that can be a map's.
type flight struct {
	name        string
	view        uint32
	qtype, qcls uint16
	cd          bool
}

func (k *Key) flight() flight {
	return flight{string(k.Name), k.View, k.Type, k.Class, k.CD}
}

// call is one resolution under way.
type call struct {
	done   chan struct{} // closed when entry and err are set
	cancel context.CancelFunc
	entry  *Entry
	err    error
}

// PanicError is what Do returns when fn panicked.
type PanicError struct {
	Value any
	Stack []byte
}

// Error tells the value; the stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("resolving: panic: %v", e.Value) }

var errExit = errors.New("resolving: the goroutine exited")

// Do returns the result of fn for k. If a resolution of k is under way its result
// is awaited and shared instead of calling fn; shared tells so. A caller whose ctx
// ends leaves with its cause; the resolution goes on, for the others and for the
// cache that the next question finds filled, and ends after Timeout. fn runs in a goroutine of its own with
// a context that carries ctx's values but not its end, and may outlive the call:
// it must not use memory that the caller takes back, such as the packet.
func (g *Group) Do(ctx context.Context, k *Key, fn func(context.Context) (*Entry, error)) (e *Entry, err error, shared bool) { //nolint:revive,staticcheck // the order of x/sync/singleflight, fixed by its callers
	c, shared := g.join(ctx, k, fn)
	select {
	case <-c.done:
		return c.entry, c.err, shared
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the answer: %w", context.Cause(ctx)), shared
	}
}

// Pending reports whether a resolution of k is under way.
func (g *Group) Pending(k *Key) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[k.flight()] != nil
}

// join returns the call for k, started if need be.
func (g *Group) join(ctx context.Context, k *Key, fn func(context.Context) (*Entry, error)) (c *call, shared bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := k.flight()
	if c = g.calls[id]; c != nil {
		g.merged.Add(1)
		return c, true
	}
	timeout := g.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	c = &call{done: make(chan struct{}), cancel: cancel}
	if g.calls == nil {
		g.calls = make(map[flight]*call)
	}
	g.calls[id] = c
	go g.run(ctx, id, c, fn)
	return c, false
}

// run calls fn and publishes what it returns, whatever way it ends.
func (g *Group) run(ctx context.Context, id flight, c *call, fn func(context.Context) (*Entry, error)) {
	widen()
	c.err = errExit // what stands if fn never returns
	defer func() {
		if v := recover(); v != nil {
			c.entry, c.err = nil, &PanicError{v, debug.Stack()}
		}
		g.mu.Lock()
		g.forget(id, c)
		g.mu.Unlock()
		c.cancel()
		close(c.done)
	}()
	c.entry, c.err = fn(ctx)
}

// forget takes c out of the calls that can be joined. g.mu is held.
func (g *Group) forget(id flight, c *call) {
	if g.calls[id] == c {
		delete(g.calls, id)
	}
}

// Describe implements prometheus.Collector.
func (g *Group) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(g, ch) }

// Collect implements prometheus.Collector.
func (g *Group) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	pending := len(g.calls)
	g.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(
		prometheus.NewDesc("hearth_cache_merged_total", "Questions that joined an identical one in flight.", nil, nil),
		prometheus.CounterValue, float64(g.merged.Load()))
	ch <- prometheus.MustNewConstMetric(
		prometheus.NewDesc("hearth_cache_in_flight", "Resolutions under way that identical questions can join.", nil, nil),
		prometheus.GaugeValue, float64(pending))
}

// widen gives a new goroutine at once the stack that the way to a socket and back
// needs. To be moved twice on that way, with all the frames by then on it, costs
// as much as all system calls to send a query: 7 of 42 us a miss were measured.
//
//go:noinline
func widen() {
	var room [5000]byte
	runtime.KeepAlive(&room)
}
