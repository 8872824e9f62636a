package source

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one name of what a Library exports.
type metric struct {
	name   string
	help   string
	labels []string
	kind   prometheus.ValueType
}

func (m metric) desc() *prometheus.Desc {
	return prometheus.NewDesc(m.name, m.help, m.labels, nil)
}

func listNames() metric {
	return metric{"hearth_list_names", "Entries of the list's last good copy.", []string{"list"}, prometheus.GaugeValue}
}

func listRejected() metric {
	return metric{"hearth_list_rejected", "Lines of the list's last good copy that gave no entry, by reason.",
		[]string{"list", "reason"}, prometheus.GaugeValue}
}

func listAge() metric {
	return metric{"hearth_list_age_seconds", "Time since the last good copy was last confirmed to be the current one.",
		[]string{"list"}, prometheus.GaugeValue}
}

func listFailures() metric {
	return metric{"hearth_list_update_failures_total", "Updates of the list that failed or were refused.",
		[]string{"list"}, prometheus.CounterValue}
}

func listHeld() metric {
	return metric{"hearth_list_held", "1 if a newer version of the list is held back until it is accepted.", []string{"list"}, prometheus.GaugeValue}
}

func listStale() metric {
	return metric{"hearth_list_stale", "1 if the list's origin has not confirmed it for several refresh times.", []string{"list"}, prometheus.GaugeValue}
}

func listLimit() metric {
	return metric{"hearth_list_limit", "How far a new version of a list may go without being accepted.", []string{"limit"}, prometheus.GaugeValue}
}

func listMaxBytes() metric {
	return metric{"hearth_list_max_bytes", "Largest list that is downloaded, in bytes.", nil, prometheus.GaugeValue}
}

func listMaxInflated() metric {
	return metric{"hearth_list_max_inflated_bytes", "Largest list that is read, decompressed, in bytes.", nil, prometheus.GaugeValue}
}

func listTimeout() metric {
	return metric{"hearth_list_timeout_seconds", "Longest time that a download may take.", nil, prometheus.GaugeValue}
}

// Describe implements prometheus.Collector.
func (l *Library) Describe(out chan<- *prometheus.Desc) {
	for _, m := range []metric{listNames(), listRejected(), listAge(), listFailures(), listHeld(), listStale(), listLimit(),
		listMaxBytes(), listMaxInflated(), listTimeout(), listNotify()} {
		out <- m.desc()
	}
}

// Collect implements prometheus.Collector. It never waits for an update.
func (l *Library) Collect(out chan<- prometheus.Metric) {
	gauge := func(m metric, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(m.desc(), m.kind, v, labels...)
	}
	now := l.config.Now()
	for _, s := range l.Stats() {
		if !l.hasLegal(s.Name) { // the number of names of a legal list stands in lists stats alone
			gauge(listNames(), float64(s.Names), s.Name)
			for why, n := range s.Rejected {
				gauge(listRejected(), float64(n), s.Name, string(why))
			}
		}
		if !s.Confirmed.IsZero() {
			gauge(listAge(), now.Sub(s.Confirmed).Seconds(), s.Name)
		}
	}
	failures := l.failureCounts()
	for _, s := range l.vault.all {
		k := l.recall(s.Name)
		gauge(listFailures(), float64(failures[s.Name]), s.Name)
		gauge(listHeld(), number(l.isHeld(s, k)), s.Name)
		gauge(listStale(), number(l.isStale(s, k)), s.Name)
	}
	gauge(listLimit(), float64(l.lists.Guards.Shrink), "shrink_percent")
	gauge(listLimit(), float64(l.lists.Guards.Growth), "growth_percent")
	gauge(listLimit(), float64(l.lists.Guards.PopularTop), "popular_top")
	gauge(listLimit(), float64(l.lists.Guards.StaleAfter), "stale_after_refreshes")
	gauge(listMaxBytes(), float64(l.lists.MaxBytes))
	gauge(listMaxInflated(), float64(l.lists.maxInflated()))
	gauge(listTimeout(), l.lists.Timeout.Seconds())
	l.collectNotify(out)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func (l *Library) failureCounts() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.failures)
}
