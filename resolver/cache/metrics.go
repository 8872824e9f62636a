package cache

import "github.com/prometheus/client_golang/prometheus"

// Stats are counts since the start, and what the cache holds now.
type Stats struct {
	Hits, Misses    uint64 // look-ups
	Stale, Failures uint64 // answers served after their end, failures remembered
	Evictions       uint64
	Entries, Bytes  int64
	Limit           int64 // bytes
}

// Stats returns them.
func (c *Cache) Stats() Stats {
	t := Stats{Bytes: c.table, Limit: c.cfg.MaxBytes, Stale: c.stale.Load(), Failures: c.failures.Load()}
	for i := range c.shards {
		s := &c.shards[i]
		t.Hits += s.hits.Load()
		t.Misses += s.misses.Load()
		s.mu.Lock()
		t.Evictions += s.evictions
		t.Entries += s.count
		t.Bytes += s.bytes
		s.mu.Unlock()
	}
	return t
}

var limitDesc = prometheus.NewDesc("hearth_cache_limit",
	"Limits in force: times in seconds, and look-ups that make an answer worth renewing.", []string{"limit"}, nil)

// Describe implements prometheus.Collector.
func (c *Cache) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *Cache) Collect(ch chan<- prometheus.Metric) {
	t := c.Stats()
	for _, m := range []struct {
		name, help string
		kind       prometheus.ValueType
		value      float64
	}{
		{"hits_total", "Look-ups that found a usable answer; blocked names are looked up too.", prometheus.CounterValue, float64(t.Hits)},
		{"misses_total", "Look-ups that did not.", prometheus.CounterValue, float64(t.Misses)},
		{"evictions_total", "Answers removed before their time, for want of room.", prometheus.CounterValue, float64(t.Evictions)},
		{"stale_total", "Answers served after they had run out.", prometheus.CounterValue, float64(t.Stale)},
		{"failures_total", "Failures to resolve a question that were remembered.", prometheus.CounterValue, float64(t.Failures)},
		{"flushes_total", "Times that the operator had names forgotten.", prometheus.CounterValue, float64(c.flushes.Load())},
		{"entries", "Answers and failures held.", prometheus.GaugeValue, float64(t.Entries)},
		{"bytes", "Memory of what is held and of its table.", prometheus.GaugeValue, float64(t.Bytes)},
		{"limit_bytes", "Most memory that the cache may take.", prometheus.GaugeValue, float64(t.Limit)},
	} {
		desc := prometheus.NewDesc("hearth_cache_"+m.name, m.help, nil, nil)
		ch <- prometheus.MustNewConstMetric(desc, m.kind, m.value)
	}
	for name, v := range map[string]float64{
		"min_ttl": c.cfg.MinTTL.Seconds(), "max_ttl": c.cfg.MaxTTL.Seconds(), "max_negative_ttl": c.cfg.MaxNegativeTTL.Seconds(),
		"max_failure_ttl": c.cfg.MaxFailureTTL.Seconds(), "stale_for": c.cfg.Stale.For.Seconds(),
		"stale_after": c.cfg.Stale.After.Seconds(), "stale_ttl": c.cfg.Stale.TTL.Seconds(), "prefetch": float64(c.cfg.Prefetch),
	} {
		ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, v, name)
	}
}
