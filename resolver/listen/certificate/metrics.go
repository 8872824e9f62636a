package certificate

import (
	"crypto/tls"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descExpiry = prometheus.NewDesc("hearth_certificate_expiry_timestamp_seconds",
		"When the first certificate of a source runs out, in seconds since 1970; local with ACME until the first order is done.", []string{"source"}, nil)
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
	kind, all := k.held()
	first := slices.MinFunc(all, func(a, b *tls.Certificate) int { return a.Leaf.NotAfter.Compare(b.Leaf.NotAfter) })
	ch <- prometheus.MustNewConstMetric(descExpiry, prometheus.GaugeValue, float64(first.Leaf.NotAfter.Unix()), kind)
	good := 1.0
	if k.source.broken() {
		good = 0
	}
	ch <- prometheus.MustNewConstMetric(descGood, prometheus.GaugeValue, good)
}
