package parents

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/policy"
)

var (
	descActs    = prometheus.NewDesc("hearth_parents_acts", "Pauses, grants and the like that are in force.", nil, nil)
	descFullest = prometheus.NewDesc("hearth_parents_acts_fullest", "Those of the household that has the most.", nil, nil)
	descWaiting = prometheus.NewDesc("hearth_parents_birthdays_waiting", "Members whose birthday waits for a parent.", nil, nil)
	descWrong   = prometheus.NewDesc("hearth_parents_wrong_total", "Wrong codes and PINs.", []string{"what"}, nil)
	descLimit   = prometheus.NewDesc("hearth_parents_limit", "Limits in force: counts.", []string{"limit"}, nil)
)

// limits are what docs/operations.md gives reasons for.
func limits() map[string]float64 {
	return map[string]float64{"acts": policy.MaxActs, "audit": maxAudit, "codes": maxCodes, "wrong_codes": wrongCodes, "wrong_pins": wrongPINs, "uses": maxUses}
}

// counters are what the metrics tell that is not counted elsewhere.
type counters struct{ wrongCodes, wrongPINs atomic.Uint64 }

// Describe implements prometheus.Collector.
func (d *Desk) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{descActs, descFullest, descWaiting, descWrong, descLimit} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (d *Desk) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	all, most := 0, 0
	for _, s := range d.States() {
		n := len(s.Grants) + len(s.Pauses) + len(s.Offs) + len(s.Uses)
		all, most = all+n, max(most, n)
	}
	gauge(descActs, float64(all))
	gauge(descFullest, float64(most))
	gauge(descWaiting, float64(len(d.Waiting())))
	for what, n := range map[string]*atomic.Uint64{"code": &d.counts.wrongCodes, "pin": &d.counts.wrongPINs} {
		ch <- prometheus.MustNewConstMetric(descWrong, prometheus.CounterValue, float64(n.Load()), what)
	}
	for name, v := range limits() {
		gauge(descLimit, v, name)
	}
}
