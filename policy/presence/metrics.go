package presence

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counters count what happened.
type counters struct{ looks, unanswered, overflows, leftOut atomic.Uint64 }

// Describe implements prometheus.Collector.
func (t *Table) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descMachines, descLimit, descLeases, descLooks, descUnanswered, descWaiting, descMaxWaiting, descOverflows, descLeftOut, descWatched} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (t *Table) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n))
	}
	count := func(d *prometheus.Desc, n *atomic.Uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n.Load()))
	}
	watched := 0
	if g := t.ground.Load(); g != nil && !g.outdated {
		watched = 1
	}
	gauge(descMachines, int(t.size.Load()))
	gauge(descLimit, maxMachines)
	gauge(descWatched, watched)
	gauge(descLeases, t.leases.Load().len())
	gauge(descWaiting, t.asks.len())
	gauge(descMaxWaiting, maxLooks)
	count(descLooks, &t.counts.looks)
	count(descUnanswered, &t.counts.unanswered)
	count(descOverflows, &t.counts.overflows)
	count(descLeftOut, &t.counts.leftOut)
}

var (
	descMachines   = desc("machines", "Addresses of which it is known which machine has them, from the kernel's neighbour table.")
	descLimit      = desc("machines_limit", "Such addresses that are kept at most.")
	descWatched    = desc("watched", "1 while the kernel's neighbour table is followed, 0 if it does not tell or is not to be followed.")
	descLeases     = desc("leases", "Leases of DHCP servers that hold.")
	descWaiting    = desc("waiting", "Queries that wait for the kernel to find out who sent them.")
	descMaxWaiting = desc("waiting_limit", "Such queries that wait at most.")
	descLooks      = desc("looks_total", "Queries from an address of which nothing was known, for which the kernel was asked.")
	descUnanswered = desc("unanswered_total", "Queries that got SERVFAIL because no machine answered for their address, or too many waited already.")
	descOverflows  = desc("overflows_total", "Times that the kernel had more to tell than there was room for, after which all was read anew.")
	descLeftOut    = desc("left_out_total", "Changes of addresses that found no room; for those the kernel is asked at each query.")
)

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("hearth_presence_"+name, help, nil, nil)
}
