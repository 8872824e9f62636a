package source

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/blocklists/source/transfer"
)

const (
	// noticeGap is the least time between two updates that NOTIFY asks for; those that come meanwhile join the next one.
	noticeGap = 500 * time.Millisecond
	// interruptGap is the least time between two downloads that NOTIFY interrupts, so that a primary which changes
	// without an end does not keep other lists from coming.
	interruptGap = 15 * time.Minute
	// relisten is when listening is tried again: an address may come later than the program.
	relisten = time.Minute
)

// notifyQueue holds the sources of which a primary has said that they changed.
type notifyQueue struct {
	listener atomic.Pointer[transfer.Listener] // nil: not listening

	mu        sync.Mutex
	pending   map[string]bool // names of sources
	interrupt func()          // ends the update that is running; nil: there is none that may be interrupted

	wake        chan struct{} // holds one element where something is pending
	taken       time.Time     // of the last pending ones; used by Run alone
	interrupted time.Time     // the same
}

func newNotifyQueue() *notifyQueue {
	return &notifyQueue{pending: make(map[string]bool), wake: make(chan struct{}, 1)}
}

// add notes that a source has changed. It does not block.
func (n *notifyQueue) add(source string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending[source] = true
	if n.interrupt != nil {
		n.interrupt()
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take returns what is pending, in order, and forgets it.
func (n *notifyQueue) take(now time.Time) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.wake:
	default:
	}
	names := slices.Sorted(maps.Keys(n.pending))
	clear(n.pending)
	if len(names) > 0 {
		n.taken = now
	}
	return names
}

// interruptible returns a context that a notice ends, unless one did not long ago.
func (n *notifyQueue) interruptible(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if now.Sub(n.interrupted) < interruptGap {
		return ctx, cancel
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.interrupt = cancel
	if len(n.pending) > 0 {
		cancel()
	}
	return ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.interrupt = nil
		if ctx.Err() != nil {
			n.interrupted = now
		}
		cancel()
	}
}

// wait sleeps for d, or until there is a notice. It reports false where ctx ended first.
func (n *notifyQueue) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-n.wake:
		return sleep(ctx, noticeGap-time.Since(n.taken))
	}
}

// round updates the zones of which a NOTIFY came, or else what is due, until a NOTIFY comes: a slow server of another
// list must not hold back a zone that changed.
func (l *Library) round(ctx context.Context) ([]Result, error) {
	if names := l.notices.take(time.Now()); len(names) > 0 {
		return l.Update(ctx, names...)
	}
	ctx, end := l.notices.interruptible(ctx, time.Now())
	defer end()
	return l.Update(ctx)
}

// hear listens for NOTIFY until ctx ends. Where it cannot, that is logged and tried again: the SOA timers go on.
func (l *Library) hear(ctx context.Context) {
	for len(l.lists.Notify) > 0 && ctx.Err() == nil {
		listener, err := l.listener()
		if err == nil {
			l.notices.listener.Store(listener)
			err = listener.Serve(ctx, l.lists.Notify)
		}
		if err != nil {
			l.config.Log.Error("NOTIFY is not heard; zones are asked when their refresh time is over", "error", err)
			sleep(ctx, relisten)
		}
	}
}

// missed has every zone asked for that a NOTIFY may have been of while nobody listened.
func (l *Library) missed() {
	for _, s := range l.vault.all {
		if s.isZone() && len(l.lists.Notify) > 0 {
			l.notices.add(s.Name)
		}
	}
}

// listener knows the zones, who may speak of them, and with which keys.
func (l *Library) listener() (*transfer.Listener, error) {
	peers, names := make(map[string]transfer.Peer), make(map[string]string)
	for _, s := range l.vault.all {
		if !s.isZone() {
			continue
		}
		key, err := l.zoneKey(s)
		if err != nil {
			return nil, err
		}
		addresses, err := s.primaries()
		if err != nil {
			return nil, err
		}
		var from []netip.Addr
		for _, a := range addresses {
			from = append(from, a.Addr().Unmap())
		}
		peers[s.Zone.Name] = transfer.Peer{Primaries: from, Key: key}
		names[dns.CanonicalName(s.Zone.Name)] = s.Name
	}
	return transfer.NewListener(peers, func(zone string) { l.notices.add(names[zone]) })
}

func listNotify() metric {
	return metric{"hearth_list_notify_total", "NOTIFY messages of zones' primaries, by what became of them.",
		[]string{"outcome"}, prometheus.CounterValue}
}

// collectNotify exports the counts of the listener; without one they are zero.
func (l *Library) collectNotify(out chan<- prometheus.Metric) {
	m, listener := listNotify(), l.notices.listener.Load()
	for _, o := range transfer.Outcomes() {
		var n uint64
		if listener != nil {
			n = listener.Count(o)
		}
		out <- prometheus.MustNewConstMetric(m.desc(), m.kind, float64(n), o.String())
	}
}
