package forward

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one Forwarder. The label zone tells forwarders apart that
// share an upstream; it is empty for the one that answers all other names.
type metrics struct {
	queries, failures, junk, extras *prometheus.CounterVec
	latency                         *prometheus.HistogramVec
	up, open, limit                 *prometheus.Desc
	waiting                         atomic.Int64 // exchanges over UDP
	traffic                         *trafficMetrics
}

// counters are those of one upstream.
type counters struct {
	queries, junk prometheus.Counter
	failures      [reasons]prometheus.Counter
	extras        [extras]prometheus.Counter
	latency       prometheus.Observer
	open          *atomic.Int64 // exchanges over UDP of the Forwarder
	traffic       *traffic      // over connections
}

func newMetrics(zone string) *metrics {
	constant := prometheus.Labels{"zone": zone}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hearth_upstream_" + name, Help: help, ConstLabels: constant,
		}, append([]string{"upstream"}, labels...))
	}
	return &metrics{
		traffic:  newTrafficMetrics(constant),
		queries:  counter("queries_total", "Queries sent to the upstream, repeated ones and those over TCP included."),
		failures: counter("failures_total", "Tries that gave no usable reply, by reason.", "reason"),
		junk:     counter("junk_total", "Packets that were no reply to the query they came for: forged, late or broken."),
		extras:   counter("extra_total", "Questions asked of the upstream beside another, by reason: it is down, its latency is to stay known, a race, a hedge.", "reason"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hearth_upstream_latency_seconds", Help: "Time from a query to its reply.", ConstLabels: constant,
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"upstream"}),
		up: prometheus.NewDesc("hearth_upstream_up", "1 if the upstream is believed to answer, 0 if it is asked last.",
			[]string{"upstream"}, constant),
		open:  prometheus.NewDesc("hearth_upstream_open_exchanges", "Questions over UDP that wait for their reply.", nil, constant),
		limit: prometheus.NewDesc("hearth_upstream_open_exchanges_limit", "Questions over UDP that may wait at most, for all zones together.", nil, constant),
	}
}

// of returns the counters of one upstream, all at 0 in the next scrape.
func (m *metrics) of(url string) counters {
	c := counters{
		queries: m.queries.WithLabelValues(url),
		junk:    m.junk.WithLabelValues(url),
		latency: m.latency.WithLabelValues(url),
		open:    &m.waiting,
		traffic: m.traffic.of(url),
	}
	for r := range reasons {
		c.failures[r] = m.failures.WithLabelValues(url, r.String())
	}
	for e := range extras {
		c.extras[e] = m.extras.WithLabelValues(url, e.String())
	}
	return c
}

// Describe implements prometheus.Collector.
func (f *Forwarder) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range f.metrics.collectors() {
		c.Describe(ch)
	}
	f.metrics.traffic.describe(ch)
	ch <- f.metrics.up
	ch <- f.metrics.open
	ch <- f.metrics.limit
}

// Collect implements prometheus.Collector.
func (f *Forwarder) Collect(ch chan<- prometheus.Metric) {
	for _, c := range f.metrics.collectors() {
		c.Collect(ch)
	}
	f.metrics.traffic.collect(ch, f.upstreams)
	for _, u := range f.upstreams {
		up := 1.0
		if u.health.down() {
			up = 0
		}
		ch <- prometheus.MustNewConstMetric(f.metrics.up, prometheus.GaugeValue, up, u.url)
	}
	ch <- prometheus.MustNewConstMetric(f.metrics.open, prometheus.GaugeValue, float64(f.metrics.waiting.Load()))
	ch <- prometheus.MustNewConstMetric(f.metrics.limit, prometheus.GaugeValue, maxOpen)
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.queries, m.failures, m.junk, m.extras, m.latency}
}
