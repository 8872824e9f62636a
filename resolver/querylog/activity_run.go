package querylog

import (
	"context"
	"errors"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
	"github.com/prometheus/client_golang/prometheus"
)

// flushEvery is how often what waits is written: each time costs a flash card a commit.
const flushEvery = 10 * time.Second

// Run writes what waits, and drops what is kept long enough, until ctx ends.
func (a *Activity) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	silent := false // that it fails was said
	for {
		err := errors.Join(a.Flush(), a.retain())
		if err != nil && !silent && !errors.Is(err, store.ErrReadOnly) { // which was said at the start
			a.cfg.Log.Error("activity is not kept as it should be", "error", err)
		}
		silent = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

var (
	descWaiting = prometheus.NewDesc("hearth_activity_waiting", "Records of activity that wait to be written.", nil, nil)
	descLost    = prometheus.NewDesc("hearth_activity_lost_total", "Records of activity and notices that were lost, by why.", []string{"why"}, nil)
	descKeep    = prometheus.NewDesc("hearth_activity_limit", "Limits of what is remembered of activity.", []string{"limit"}, nil)
)

// limits are what the gauge tells.
func limits() map[string]float64 {
	return map[string]float64{
		"waiting": maxWaiting, "things": maxThings, "destinations": policy.MaxDestinations, "news": maxNews, "notices": policy.MaxNotices,
		"readers": policy.MaxReaders, "devices": policy.MaxSighted,
		"month_days": float64(keptDays[kindMonth]), "week_days": float64(keptDays[kindWeek]), "day_days": float64(keptDays[kindDay]),
	}
}

// Describe implements prometheus.Collector.
func (a *Activity) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descWaiting, descLost, descKeep} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (a *Activity) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	waiting := a.records
	a.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(descWaiting, prometheus.GaugeValue, float64(waiting))
	for why, n := range map[string]uint64{"room": a.lost.Load(), "store": a.unkept.Load(), "notices": a.notices.Load()} {
		ch <- prometheus.MustNewConstMetric(descLost, prometheus.CounterValue, float64(n), why)
	}
	for limit, n := range limits() {
		ch <- prometheus.MustNewConstMetric(descKeep, prometheus.GaugeValue, n, limit)
	}
}
