package forward

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// traffic is what goes on over the connections to one upstream.
type traffic struct {
	connections, waiting atomic.Int64
	whole, resumed       prometheus.Counter // handshakes
}

// began notes a connection that was opened.
func (t *traffic) began(resumed bool) {
	if resumed {
		t.resumed.Inc()
		return
	}
	t.whole.Inc()
}

// trafficMetrics are those of all upstreams of a Forwarder.
type trafficMetrics struct {
	opened                         *prometheus.CounterVec
	open, limit, waiting, waitable *prometheus.Desc
}

func newTrafficMetrics(constant prometheus.Labels) *trafficMetrics {
	gauge := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("hearth_upstream_"+name, help, labels, constant)
	}
	return &trafficMetrics{
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hearth_upstream_connections_opened_total", Help: "Connections opened, by whether a TLS session was resumed.", ConstLabels: constant,
		}, []string{"upstream", "resumed"}),
		open:     gauge("connections", "Connections to the upstream: TCP, TLS, HTTPS or QUIC.", "upstream"),
		limit:    gauge("connections_limit", "Connections that there may be at most to one upstream."),
		waiting:  gauge("connection_queries", "Queries on these connections that wait for their reply.", "upstream"),
		waitable: gauge("connection_queries_limit", "Queries that may wait at most on the connections to one upstream."),
	}
}

// of returns the traffic of one upstream.
func (m *trafficMetrics) of(url string) *traffic {
	return &traffic{whole: m.opened.WithLabelValues(url, "false"), resumed: m.opened.WithLabelValues(url, "true")}
}

func (m *trafficMetrics) describe(ch chan<- *prometheus.Desc) {
	m.opened.Describe(ch)
	for _, d := range []*prometheus.Desc{m.open, m.limit, m.waiting, m.waitable} {
		ch <- d
	}
}

func (m *trafficMetrics) collect(ch chan<- prometheus.Metric, all []*upstream) {
	gauge := func(d *prometheus.Desc, value int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	m.opened.Collect(ch)
	for _, u := range all {
		gauge(m.open, u.metrics.traffic.connections.Load(), u.url)
		gauge(m.waiting, u.metrics.traffic.waiting.Load(), u.url)
	}
	gauge(m.limit, maxLinks)
	gauge(m.waitable, maxLinks*maxRiders)
}
