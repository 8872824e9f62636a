package listen

import (
	"sync/atomic"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/prometheus/client_golang/prometheus"
)

// reason says why something was shed.
type reason uint8

const (
	noRoom                reason = iota // Limits.InFlight
	noRoomForClient                     // Limits.PerClient
	tooLate                             // Limits.Late
	noConnection                        // TCPLimits.Connections and its like
	noConnectionForClient               // TCPLimits.PerClient and its like
	noHandshake                         // HandshakeLimits
	badHandshake                        // a TLS handshake that failed or took longer than TCPLimits.Frame
	badProxyHeader                      // a PROXY header that is none, or took longer than TCPLimits.Frame
	tooManyReads                        // TCPLimits.Reads
	tooMany                             // RateLimits.Queries
	tooManyOfPrefix                     // RateLimits.Prefix
	replyDropped                        // RateLimits.Replies
	replySlipped                        // any of the three, but the client is told to come over TCP
	slowReader                          // TCPLimits.Write
	unsent                              // a reply over UDP that the system would not send, such as with its buffer full

	reasons = iota
)

// String returns the reason as a metric label.
func (r reason) String() string {
	return [reasons]string{"in_flight", "per_client", "late", "connections", "connections_per_client", "handshakes",
		"bad_handshake", "bad_proxy_header", "reads", "rate", "prefix", "rrl_dropped", "rrl_slipped", "slow_reader", "unsent"}[r]
}

// tally holds the counters of one UDP socket or TCP listener, so that the cores that
// serve different sockets do not share a cache line.
type tally struct {
	transport Transport
	queries   atomic.Uint64
	faults    [wire.Faults]atomic.Uint64
	shed      [reasons]atomic.Uint64
}

var (
	descQueries     = prometheus.NewDesc("hearth_listen_queries_total", "Messages received as queries, malformed ones included.", []string{"transport"}, nil)
	descFaults      = prometheus.NewDesc("hearth_listen_faults_total", "Messages that were not a query to resolve, by what was wrong with them.", []string{"transport", "fault"}, nil)
	descShed        = prometheus.NewDesc("hearth_listen_shed_total", "Queries, replies and connections dropped at a limit, or replies that the system would not send.", []string{"transport", "reason"}, nil)
	descInFlight    = prometheus.NewDesc("hearth_listen_in_flight", "Queries that wait for an upstream now.", nil, nil)
	descConnections = prometheus.NewDesc("hearth_listen_connections", "Open connections now.", []string{"transport"}, nil)
	descPanics      = prometheus.NewDesc("hearth_listen_panics_total", "Queries answered with SERVFAIL because handling them panicked.", nil, nil)
	descLimit       = prometheus.NewDesc("hearth_listen_limit", "Limits in force: counts, sizes in bytes, percents, and times in seconds.", []string{"limit"}, nil)
)

// Describe implements prometheus.Collector.
func (s *Server) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descQueries, descFaults, descShed, descInFlight, descConnections, descPanics, descLimit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	for t := range Transport(transports) {
		s.collectTransport(ch, t)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descInFlight, float64(s.workers.used()))
	for t := TCP; t < transports; t++ {
		gauge(descConnections, float64(s.connections[t].workers.used()), t.String())
	}
	ch <- prometheus.MustNewConstMetric(descPanics, prometheus.CounterValue, float64(s.panics.Load()))
	for _, l := range s.limits() {
		gauge(descLimit, l.value, l.name)
	}
}

// collectTransport sums the tallies of one transport.
func (s *Server) collectTransport(ch chan<- prometheus.Metric, t Transport) {
	sum := func(d *prometheus.Desc, read func(*tally) *atomic.Uint64, labels ...string) {
		var n uint64
		for _, tl := range s.tallies {
			if tl.transport == t {
				n += read(tl).Load()
			}
		}
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	sum(descQueries, func(tl *tally) *atomic.Uint64 { return &tl.queries }, t.String())
	for f := wire.None + 1; f < wire.Faults; f++ {
		sum(descFaults, func(tl *tally) *atomic.Uint64 { return &tl.faults[f] }, t.String(), f.String())
	}
	for r := range reason(reasons) {
		sum(descShed, func(tl *tally) *atomic.Uint64 { return &tl.shed[r] }, t.String(), r.String())
	}
}
