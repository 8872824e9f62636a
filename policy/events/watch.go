package events

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// backlog is how many events may wait for who is told: at an edge a household of 50 devices makes
	// as many at once. What does not fit is dropped and counted.
	backlog = 1024
	// pace is the longest time between two looks: quotas are counted in minutes.
	pace = time.Minute
	// least is the shortest: an edge that many devices share is looked at once.
	least = time.Second
)

// Config is what a Watch stands on.
type Config struct {
	View func() *policy.Directory // the Directory in force; called at each look
	// Addresses gives those that a device has beside the configured ones; nil: nobody knows any.
	Addresses func(d *policy.Device) []netip.Addr
	Deliver   []Receiver
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: nothing is logged
}

// Receiver is who is told.
type Receiver interface {
	// Deliver tells of one event, within a bounded time.
	Deliver(ctx context.Context, event []byte) error
	// String names the receiver in the log.
	String() string
}

// Watch looks who is stopped, and tells of changes. It is a prometheus.Collector (hearth_edges_*).
type Watch struct {
	cfg     Config
	poke    chan struct{}
	waiting chan Event
	last    map[subject]*device

	sent, failed, dropped atomic.Uint64
}

// subject is a device that is told of.
type subject struct{ household, device string }

// New returns a Watch; it looks once Run runs.
func New(cfg Config) *Watch {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Watch{cfg: cfg, poke: make(chan struct{}, 1), waiting: make(chan Event, backlog), last: map[subject]*device{}}
}

// Changed has it look again at once: somebody paused or granted something, or there is a new Directory. It
// does not wait.
func (w *Watch) Changed() {
	select {
	case w.poke <- struct{}{}:
	default: // it will look anyway
	}
}

// Run looks and tells until ctx ends. What is stopped at its start is told, so that a router that was restarted
// learns of it.
func (w *Watch) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.deliver(ctx)
	}()
	defer func() { <-done }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-w.poke:
		}
		timer.Reset(w.look())
	}
}

// look compares every device with what was told of it, and returns when to look again.
func (w *Watch) look() time.Duration {
	now, next := w.cfg.Now(), pace
	seen := make(map[subject]bool, len(w.last))
	for _, h := range w.cfg.View().Households() {
		if !h.Enabled {
			continue
		}
		for _, d := range h.Devices {
			s := subject{h.ID, d.Name}
			seen[s] = true
			if edge := w.device(h, d, s, now); edge != 0 {
				next = min(next, time.Unix(edge, 0).Sub(now))
			}
		}
	}
	for s := range w.last {
		if !seen[s] {
			delete(w.last, s)
		}
	}
	return max(next, least)
}

// device tells of one device, and returns its next edge, 0 for none.
func (w *Watch) device(h *policy.Household, d *policy.Device, s subject, now time.Time) (edge int64) {
	c := h.Client(d).Now(now)
	last := w.last[s]
	if last == nil {
		last = &device{warned: map[string]time.Time{}}
		w.last[s] = last
	}
	send := func(e Event) {
		e.Household, e.Device = h.ID, d.Name
		if c.Member != nil {
			e.Member = c.Member.Name
		}
		e.Addresses = w.addresses(d)
		w.tell(e, h.Location)
	}
	var next [2]*policy.Coming
	for _, coming := range h.Client(d).Coming(now) {
		next[slices.Index(kinds[:], what(coming.Timed))] = &coming
	}
	for i, ask := range []func(*policy.Client, time.Time) policy.Stop{(*policy.Client).Stopped, (*policy.Client).StoppedTimed} {
		stop := ask(&c, now)
		if stop.Until != 0 && (edge == 0 || stop.Until < edge) {
			edge = stop.Until
		}
		if event, is := last.told[i].change(now, stop, next[i]); is {
			event.What = kinds[i]
			send(event)
		}
		if end := last.told[i].until; end > now.Unix() && end < edge {
			edge = end
		}
	}
	for _, event := range last.lastMinutes(now, c.Quotas(now)) {
		send(event)
	}
	if edge != 0 { // people are told ten minutes before
		if early := edge - policy.SoonMinutes*60; early > now.Unix() {
			edge = early
		}
	}
	return edge
}

func (w *Watch) addresses(d *policy.Device) []netip.Addr {
	found := slices.Clone(d.Addresses)
	if w.cfg.Addresses != nil {
		found = append(found, w.cfg.Addresses(d)...)
	}
	slices.SortFunc(found, netip.Addr.Compare)
	if found = slices.Compact(found); found == nil {
		found = []netip.Addr{}
	}
	return found
}

// tell has an event delivered, in the household's time.
func (w *Watch) tell(e Event, loc *time.Location) {
	e.From = e.From.Truncate(time.Second).In(loc)
	if !e.Until.IsZero() {
		e.Until = e.Until.In(loc)
	}
	select {
	case w.waiting <- e:
	default:
		w.dropped.Add(1)
	}
}

var (
	descSent    = prometheus.NewDesc("hearth_edges_sent_total", "Events that were delivered to a receiver.", nil, nil)
	descFailed  = prometheus.NewDesc("hearth_edges_failed_total", "Events that a receiver did not take.", nil, nil)
	descDropped = prometheus.NewDesc("hearth_edges_dropped_total", "Events for which there was no room.", nil, nil)
	descLimit   = prometheus.NewDesc("hearth_edges_backlog_limit", "Events that may wait.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *Watch) Describe(ch chan<- *prometheus.Desc) {
	ch <- descSent
	ch <- descFailed
	ch <- descDropped
	ch <- descLimit
}

// Collect implements prometheus.Collector.
func (w *Watch) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(descSent, prometheus.CounterValue, float64(w.sent.Load()))
	ch <- prometheus.MustNewConstMetric(descFailed, prometheus.CounterValue, float64(w.failed.Load()))
	ch <- prometheus.MustNewConstMetric(descDropped, prometheus.CounterValue, float64(w.dropped.Load()))
	ch <- prometheus.MustNewConstMetric(descLimit, prometheus.GaugeValue, backlog)
}
