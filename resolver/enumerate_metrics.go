package resolver

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// today counts what happens in a day of the machine's time zone. At midnight it begins again at 0.
type today struct {
	mu  sync.Mutex
	day int
	n   uint64
}

func dayOf(now time.Time) int { return now.Year()*1000 + now.YearDay() }

func (t *today) count(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if day := dayOf(now); day != t.day {
		t.day, t.n = day, 0
	}
	t.n++
}

func (t *today) value(now time.Time) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.day != dayOf(now) {
		return 0
	}
	return t.n
}

var (
	lawTodayDesc = prometheus.NewDesc("hearth_legal_blocks_today",
		"Blocks by legal lists since midnight of the machine's time zone. Nothing else is counted of them.", nil, nil)
	limitedDesc = prometheus.NewDesc("hearth_legal_limited_total",
		"Times that a client found so many names of legal lists that every name was withheld from it for the rest of an hour.", nil, nil)
)

// collectLaw tells of legal lists what may be told.
func (r *Resolver) collectLaw(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(lawTodayDesc, prometheus.GaugeValue, float64(r.lawToday.value(r.cfg.Now())))
	ch <- prometheus.MustNewConstMetric(limitedDesc, prometheus.CounterValue, float64(r.finders.total.Load()))
}
