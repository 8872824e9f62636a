package cache

import "github.com/prometheus/client_golang/prometheus"

// tally is what the shards know together.
type tally struct {
	hits, misses, evictions uint64
	entries, bytes          int64
}

func (c *Cache) tally() tally {
	t := tally{bytes: c.table}
	for i := range c.shards {
		s := &c.shards[i]
		t.hits += s.hits.Load()
		t.misses += s.misses.Load()
		s.mu.Lock()
		t.evictions += s.evictions
		t.entries += s.count
		t.bytes += s.bytes
		s.mu.Unlock()
	}
	return t
}

// Describe implements prometheus.Collector.
func (c *Cache) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *Cache) Collect(ch chan<- prometheus.Metric) {
	t := c.tally()
	for _, m := range []struct {
		name, help string
		kind       prometheus.ValueType
		value      float64
	}{
		{"hits_total", "Look-ups that found a usable answer; blocked names are looked up too.", prometheus.CounterValue, float64(t.hits)},
		{"misses_total", "Look-ups that did not.", prometheus.CounterValue, float64(t.misses)},
		{"evictions_total", "Answers removed before their time, for want of room.", prometheus.CounterValue, float64(t.evictions)},
		{"entries", "Answers held.", prometheus.GaugeValue, float64(t.entries)},
		{"bytes", "Memory of the answers held and of their table.", prometheus.GaugeValue, float64(t.bytes)},
		{"limit_bytes", "Most memory that the cache may take.", prometheus.GaugeValue, float64(c.limit)},
	} {
		desc := prometheus.NewDesc("hearth_cache_"+m.name, m.help, nil, nil)
		ch <- prometheus.MustNewConstMetric(desc, m.kind, m.value)
	}
}
