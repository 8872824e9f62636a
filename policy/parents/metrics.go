package parents

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/policy"
)

var (
	descActs    = prometheus.NewDesc("hearth_parents_acts", "Pauses, grants and the like that are in force.", nil, nil)
	descFullest = prometheus.NewDesc("hearth_parents_acts_fullest", "Those of the household that has the most.", nil, nil)
	descWaiting = prometheus.NewDesc("hearth_parents_birthdays_waiting", "Members whose birthday waits for a parent.", nil, nil)
	descWrong   = prometheus.NewDesc("hearth_parents_wrong_total", "Wrong codes and PINs.", []string{"what"}, nil)
	descWishes  = prometheus.NewDesc("hearth_parents_requests", "Requests of children that wait for an answer.", nil, nil)
	descKept    = prometheus.NewDesc("hearth_parents_requests_fullest", "Requests that are kept of the household that has the most, open and closed.", nil, nil)
	descTold    = prometheus.NewDesc("hearth_parents_requests_total", "Requests that were asked, refused, and answered.", []string{"what"}, nil)
	descLimit   = prometheus.NewDesc("hearth_parents_limit", "Limits in force: counts.", []string{"limit"}, nil)
)

// limits are what docs/operations.md gives reasons for.
func limits() map[string]float64 {
	return map[string]float64{"acts": policy.MaxActs, "audit": maxAudit, "codes": maxCodes, "wrong_codes": wrongCodes, "wrong_pins": wrongPINs, "uses": maxUses,
		"requests_open": openRequests, "requests_day": dayRequests, "requests": maxRequests}
}

// counters are what the metrics tell that is not counted elsewhere.
type counters struct {
	wrongCodes, wrongPINs atomic.Uint64
	requests              tally
}

// tally counts by a word of a closed set.
type tally struct {
	mu sync.Mutex
	n  map[string]uint64
}

func (t *tally) add(word string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]uint64{}
	}
	t.n[word]++
}

func (t *tally) of(word string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[word]
}

// requestCounts gives how many requests wait, and how many are kept of the household that has the most.
func (d *Desk) requestCounts() (waiting, fullest int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	for _, h := range d.homes {
		list := h.requests(now)
		fullest = max(fullest, len(list))
		for i := range list {
			if list[i].Open() {
				waiting++
			}
		}
	}
	return waiting, fullest
}

// Describe implements prometheus.Collector.
func (d *Desk) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{descActs, descFullest, descWaiting, descWrong, descWishes, descKept, descTold, descLimit} {
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
	waiting, fullest := d.requestCounts()
	gauge(descWishes, float64(waiting))
	gauge(descKept, float64(fullest))
	for _, what := range []string{"asked", "refused", string(Half), string(Granted), string(Declined)} {
		ch <- prometheus.MustNewConstMetric(descTold, prometheus.CounterValue, float64(d.counts.requests.of(what)), what)
	}
	for name, v := range limits() {
		gauge(descLimit, v, name)
	}
}
