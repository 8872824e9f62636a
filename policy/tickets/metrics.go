package tickets

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descOpen      = prometheus.NewDesc("hearth_tickets_open", "Tickets that wait for the operator.", []string{"kind"}, nil)
	descOverdue   = prometheus.NewDesc("hearth_tickets_overdue", "Those that wait longer than was promised.", []string{"kind"}, nil)
	descMedian    = prometheus.NewDesc("hearth_tickets_median_age_seconds", "Age of the open ticket in the middle.", nil, nil)
	descOldest    = prometheus.NewDesc("hearth_tickets_oldest_age_seconds", "Age of the oldest open ticket.", nil, nil)
	descKept      = prometheus.NewDesc("hearth_tickets_kept", "Tickets that are kept, open and decided.", nil, nil)
	descProposals = prometheus.NewDesc("hearth_tickets_proposals", "Names that were accepted for the signed list.", []string{"action"}, nil)
	descAsked     = prometheus.NewDesc("hearth_tickets_asked_total", "Appeals and reports that were taken.", []string{"kind", "category"}, nil)
	descOutcomes  = prometheus.NewDesc("hearth_tickets_outcomes_total", "Tickets that were decided, or ran out.", []string{"kind", "category", "outcome"}, nil)
	descRefused   = prometheus.NewDesc("hearth_tickets_refused_total", "Appeals and reports that were not taken.", []string{"why"}, nil)
	descHotline   = prometheus.NewDesc("hearth_tickets_hotline_total", "People who were sent to a hotline.", nil, nil)
	descLimit     = prometheus.NewDesc("hearth_tickets_limit", "Limits in force: counts.", []string{"limit"}, nil)
)

// limits are what docs/operations.md gives reasons for.
func limits() map[string]float64 {
	return map[string]float64{
		"household_day": maxAsks, "hotline_day": maxHotlines, "households_day": maxAskers, "open": maxOpen, "new_day": maxNew, "kept": maxKept, "ticket_numbers": maxNumbers,
		"numbers": maxAllNumbers, "ticket_households": MaxHouseholds, "ticket_words": maxWords, "word": maxWord, "looks": maxLooks, "proposals": maxProposals,
	}
}

// refusals are why something is not taken.
func refusals() []string { return []string{"wrong", "unlisted", "household", "queue"} }

// sum is what one counter is about; its outcome is whatAsked where something was taken.
type sum struct {
	kind          Kind
	category, out string
}

// counters are what the metrics tell that is not counted elsewhere. Categories are those of the taxonomy.
type counters struct {
	hotline atomic.Uint64
	guard   sync.Mutex
	sums    map[sum]uint64
	refused map[string]uint64
}

func (c *counters) add(kind Kind, category, out string) {
	c.guard.Lock()
	defer c.guard.Unlock()
	if c.sums == nil {
		c.sums = map[sum]uint64{}
	}
	c.sums[sum{kind, category, out}]++
}

func (c *counters) refuse(why string) {
	c.guard.Lock()
	defer c.guard.Unlock()
	if c.refused == nil {
		c.refused = map[string]uint64{}
	}
	c.refused[why]++
}

// Describe implements prometheus.Collector.
func (d *Desk) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{descOpen, descOverdue, descMedian, descOldest, descKept, descProposals, descAsked, descOutcomes, descRefused, descHotline, descLimit} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (d *Desk) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	d.collectQueue(gauge)
	for name, v := range limits() {
		gauge(descLimit, v, name)
	}
	total := func(desc *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(v), labels...)
	}
	total(descHotline, d.counts.hotline.Load())
	d.counts.guard.Lock()
	defer d.counts.guard.Unlock()
	for _, why := range refusals() {
		total(descRefused, d.counts.refused[why], why)
	}
	shown := map[sum]uint64{}
	for _, kind := range Kinds() { // also what has not come yet
		for _, out := range []Outcome{whatAsked, Upheld, Declined, Sent, Duplicate, Expired} {
			shown[sum{kind, "", string(out)}] = 0
		}
	}
	for s, n := range d.counts.sums {
		shown[s] = n
	}
	for s, n := range shown {
		if s.out == whatAsked {
			total(descAsked, n, string(s.kind), s.category)
			continue
		}
		total(descOutcomes, n, string(s.kind), s.category, s.out)
	}
}

// collectQueue tells how the queue stands.
func (d *Desk) collectQueue(gauge func(*prometheus.Desc, float64, ...string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	open, overdue, actions := map[Kind]int{}, map[Kind]int{}, map[Action]int{}
	var ages []time.Duration
	for _, number := range d.open {
		t := d.tickets[number]
		open[t.Kind]++
		if now.After(t.Due) {
			overdue[t.Kind]++
		}
		ages = append(ages, now.Sub(t.Opened))
	}
	for _, p := range d.proposals {
		actions[p.Action]++
	}
	for _, kind := range Kinds() {
		gauge(descOpen, float64(open[kind]), string(kind))
		gauge(descOverdue, float64(overdue[kind]), string(kind))
	}
	for _, a := range []Action{Block, Allow} {
		gauge(descProposals, float64(actions[a]), string(a))
	}
	slices.Sort(ages)
	gauge(descMedian, median(ages).Seconds())
	gauge(descOldest, oldest(ages).Seconds())
	gauge(descKept, float64(len(d.tickets)))
}

// median is the middle of sorted ages; of an even number, the mean of the two in the middle.
func median(ages []time.Duration) time.Duration {
	n := len(ages)
	if n == 0 {
		return 0
	}
	return (ages[(n-1)/2] + ages[n/2]) / 2
}

func oldest(ages []time.Duration) time.Duration {
	if len(ages) == 0 {
		return 0
	}
	return ages[len(ages)-1]
}
