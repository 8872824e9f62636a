package blocklists

import (
	"sync/atomic"
	"weak"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// CatalogConfig sizes a Catalog.
type CatalogConfig struct {
	Entries int // names remembered; 0 or less means 65536
	Shards  int // parts with a lock each; 0 or less means 16
}

// Catalog remembers what an Index said of recent names. It is independent of who asked, so one household's
// look-up warms everyone's. It is safe for concurrent use, and a prometheus.Collector.
type Catalog struct {
	shards  []shard
	limit   int
	hits    *prometheus.Desc
	misses  *prometheus.Desc
	entries *prometheus.Desc
	bound   *prometheus.Desc
}

// shard is one part of a Catalog. golang-lru takes its lock exclusively even to read, which is why there are
// several, each with counters on cache lines of its own.
type shard struct {
	recent *lru.Cache[uint64, memory]
	hits   atomic.Uint64
	misses atomic.Uint64
	_      [104]byte
}

// memory is a remembered Match. Its index is held weakly, so that a name nobody asks for any more does not
// keep the memory of an index that was replaced.
type memory struct {
	index weak.Pointer[Index]
	match Match
}

// NewCatalog returns an empty Catalog.
func NewCatalog(config CatalogConfig) *Catalog {
	if config.Entries <= 0 {
		config.Entries = 65536
	}
	if config.Shards <= 0 {
		config.Shards = 16
	}
	each := (config.Entries + config.Shards - 1) / config.Shards
	c := &Catalog{
		shards:  make([]shard, config.Shards),
		limit:   each * config.Shards,
		hits:    prometheus.NewDesc("hearth_catalog_hits_total", "Names found among the remembered ones.", nil, nil),
		misses:  prometheus.NewDesc("hearth_catalog_misses_total", "Names that were looked up in the index.", nil, nil),
		entries: prometheus.NewDesc("hearth_catalog_entries", "Names remembered now.", nil, nil),
		bound:   prometheus.NewDesc("hearth_catalog_limit", "Names that can be remembered at most.", nil, nil),
	}
	for i := range c.shards {
		c.shards[i].recent, _ = lru.New[uint64, memory](each) // fails only for a size below 1
	}
	return c
}

// Match returns what ix says of the name with the hashes h, from memory if it was learned from this very
// ix. It learns nothing itself and does not allocate.
func (c *Catalog) Match(ix *Index, h *Hashes) Match {
	if h.N == 0 {
		return Match{}
	}
	s, whole := c.shard(h)
	if m, ok := s.recent.Get(whole); ok && m.index == ix.self {
		s.hits.Add(1)
		return m.match
	}
	s.misses.Add(1)
	return ix.Match(h)
}

// Learn remembers that ix says m of the name with the hashes h. It allocates and, when the shard is full, forgets
// the name that was not asked for the longest: it is for what comes from upstream, not for the path of a cached answer.
func (c *Catalog) Learn(ix *Index, h *Hashes, m Match) {
	if h.N == 0 {
		return
	}
	s, whole := c.shard(h)
	s.recent.Add(whole, memory{index: ix.self, match: m})
}

// shard returns the shard of a name and the hash of the whole name. Hashes are keyed, so nobody can aim at one.
func (c *Catalog) shard(h *Hashes) (*shard, uint64) {
	whole := h.H[h.N-1]
	return &c.shards[whole%uint64(len(c.shards))], whole
}

// Describe implements prometheus.Collector.
func (c *Catalog) Describe(out chan<- *prometheus.Desc) {
	out <- c.hits
	out <- c.misses
	out <- c.entries
	out <- c.bound
}

// Collect implements prometheus.Collector.
func (c *Catalog) Collect(out chan<- prometheus.Metric) {
	var hits, misses uint64
	entries := 0
	for i := range c.shards {
		s := &c.shards[i]
		hits += s.hits.Load()
		misses += s.misses.Load()
		entries += s.recent.Len()
	}
	out <- prometheus.MustNewConstMetric(c.hits, prometheus.CounterValue, float64(hits))
	out <- prometheus.MustNewConstMetric(c.misses, prometheus.CounterValue, float64(misses))
	out <- prometheus.MustNewConstMetric(c.entries, prometheus.GaugeValue, float64(entries))
	out <- prometheus.MustNewConstMetric(c.bound, prometheus.GaugeValue, float64(c.limit))
}
