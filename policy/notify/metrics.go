package notify

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descSent    = prometheus.NewDesc("hearth_notify_sent_total", "Messages that a receiver took.", []string{"by"}, nil)
	descFailed  = prometheus.NewDesc("hearth_notify_failed_total", "Messages that were given up after all tries.", []string{"by"}, nil)
	descRemoved = prometheus.NewDesc("hearth_notify_removed_total", "Channels that were removed, because the subscription had ended.", nil, nil)
	descJoined  = prometheus.NewDesc("hearth_notify_joined_total", "Messages that went with others as one.", nil, nil)
	descDropped = prometheus.NewDesc("hearth_notify_dropped_total", "Messages that were lost before a try.", []string{"why"}, nil)
	descWaiting = prometheus.NewDesc("hearth_notify_waiting", "Messages of one kind for one channel that wait, or whose minute of quiet is not over.", []string{"by"}, nil)
	descLimit   = prometheus.NewDesc("hearth_notify_limit", "Limits in force: counts.", []string{"limit"}, nil)
)

// limits are what docs/operations.md gives reasons for.
func limits() map[string]float64 {
	all := map[string]float64{
		"backlog": backlog, "channels": MaxChannels, "lanes": maxLanes, "household": maxHomely, "tests": tests, "tested": testers, "last": maxLast, "tries": float64(len(backoff) + 1),
	}
	for c, n := range atOnce {
		all[string(c)] = float64(n)
	}
	return all
}

// Describe implements prometheus.Collector.
func (p *Post) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSent, descFailed, descRemoved, descJoined, descDropped, descWaiting, descLimit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p *Post) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	waiting := map[Carrier]int{}
	p.mu.Lock()
	for key := range p.lanes {
		waiting[key.carrier]++
	}
	p.mu.Unlock()
	for _, c := range Carriers() {
		put(descSent, prometheus.CounterValue, float64(p.sent[c].Load()), string(c))
		put(descFailed, prometheus.CounterValue, float64(p.failed[c].Load()), string(c))
		put(descWaiting, prometheus.GaugeValue, float64(waiting[c]), string(c))
	}
	for d, n := range map[*prometheus.Desc]*atomic.Uint64{descRemoved: &p.removed, descJoined: &p.joined} {
		put(d, prometheus.CounterValue, float64(n.Load()))
	}
	put(descDropped, prometheus.CounterValue, float64(p.noRoom.Load()), "room")
	put(descDropped, prometheus.CounterValue, float64(p.noStore.Load()), "store")
	for name, n := range limits() {
		put(descLimit, prometheus.GaugeValue, n, name)
	}
}
