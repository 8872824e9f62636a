package certificate

import "github.com/prometheus/client_golang/prometheus"

var (
	descExpiry = prometheus.NewDesc("hearth_certificate_expiry_timestamp_seconds",
		"When the first certificate of a source runs out, in seconds since 1970. Beside acme stands local while an order is under way.", []string{"source"}, nil)
	descGood = prometheus.NewDesc("hearth_certificate_last_renewal_success",
		"1 if the last reading of changed files, or the last order, succeeded; 0 if the last good certificate serves on.", nil, nil)
)

// Describe implements prometheus.Collector.
func (k *Keeper) Describe(ch chan<- *prometheus.Desc) {
	ch <- descExpiry
	ch <- descGood
}

// Collect implements prometheus.Collector.
func (k *Keeper) Collect(ch chan<- prometheus.Metric) {
	shown := map[string]source{k.kind: k.source}
	if k.local != nil && k.source.expires().IsZero() {
		shown = map[string]source{Local: k.local}
	}
	for kind, s := range shown {
		ch <- prometheus.MustNewConstMetric(descExpiry, prometheus.GaugeValue, float64(s.expires().Unix()), kind)
	}
	good := 1.0
	if s, ok := k.source.(interface{ broken() bool }); ok && s.broken() {
		good = 0
	}
	ch <- prometheus.MustNewConstMetric(descGood, prometheus.GaugeValue, good)
}
