package events

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// pace is the longest time between two looks: quotas are counted in minutes. It is also how long a receiver rests
	// that did not take an event.
	pace = time.Minute
	// least is the shortest: an edge that many devices share is looked at once.
	least = time.Second
)

// Config is what a Watch stands on. Its functions are called by several goroutines.
type Config struct {
	View func() *policy.Directory // the Directory in force; called at each look
	// Addresses gives those that devices of a Directory have beside the configured ones; nil: nobody knows any.
	Addresses func(d *policy.Directory) map[*policy.Device][]netip.Addr
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
	cfg   Config
	lines []*line

	sent, failed atomic.Uint64
}

// New returns a Watch; it looks once Run runs.
func New(cfg Config) *Watch {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watch{cfg: cfg}
	for _, to := range cfg.Deliver {
		w.lines = append(w.lines, &line{Watch: w, to: to, poke: make(chan struct{}, 1), behind: true, last: map[subject]*device{}})
	}
	return w
}

// Changed has it look again at once: somebody paused or granted something, or there is a new Directory. It
// does not wait.
func (w *Watch) Changed() {
	for _, l := range w.lines {
		select {
		case l.poke <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// Run looks and tells until ctx ends. It begins with a Reset and every stop that is in force, whatever a receiver
// knows of the time before. No receiver waits for another.
func (w *Watch) Run(ctx context.Context) error {
	var receivers sync.WaitGroup
	for _, l := range w.lines {
		receivers.Go(func() { l.run(ctx) })
	}
	<-ctx.Done()
	receivers.Wait()
	return nil
}

var (
	descSent   = prometheus.NewDesc("hearth_edges_sent_total", "Events that were delivered to a receiver.", nil, nil)
	descFailed = prometheus.NewDesc("hearth_edges_failed_total", "Events that a receiver did not take in three tries.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *Watch) Describe(ch chan<- *prometheus.Desc) {
	ch <- descSent
	ch <- descFailed
}

// Collect implements prometheus.Collector.
func (w *Watch) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(descSent, prometheus.CounterValue, float64(w.sent.Load()))
	ch <- prometheus.MustNewConstMetric(descFailed, prometheus.CounterValue, float64(w.failed.Load()))
}
