package cache

import (
	"errors"
	"hash/maphash"
	"iter"
	"math"
	"math/bits"
	"time"
	"unsafe"
)

// Defaults of Config. A day is what Unbound, PowerDNS and Knot believe at most;
// an hour for negative answers lies at the short end of what RFC 2308 section 5
// found to work (one to three hours), so that a new name is not missed for long.
const (
	DefaultMaxBytes       = 64 << 20
	DefaultMaxTTL         = 24 * time.Hour
	DefaultMaxNegativeTTL = time.Hour
)

// Config bounds a Cache. The zero value means the defaults.
type Config struct {
	MaxBytes       int64         `yaml:"max_bytes"`        // memory for all entries, overheads included; 0: 64 MiB; at least 1 MiB
	MaxTTL         time.Duration `yaml:"max_ttl"`          // longest lifetime of an answer; 0: 24 h; whole seconds
	MaxNegativeTTL time.Duration `yaml:"max_negative_ttl"` // longest lifetime of a negative answer; 0: 1 h; whole seconds
}

const (
	minBytes   = 1 << 20
	longestTTL = 7 * 24 * time.Hour
)

// Validate returns all errors of c, joined; each has a Path.
func (c Config) Validate() error {
	var errs []error
	if c.MaxBytes != 0 && c.MaxBytes < minBytes {
		errs = append(errs, fieldError{"max_bytes", "write at least 1048576 (1 MiB), or 0 for 64 MiB"})
	}
	check := func(path string, d time.Duration) {
		if d != 0 && (d < time.Second || d > longestTTL) {
			errs = append(errs, fieldError{path, "write a duration from 1s to 168h, or 0 for the default"})
		}
	}
	check("max_ttl", c.MaxTTL)
	check("max_negative_ttl", c.MaxNegativeTTL)
	return errors.Join(errs...)
}

type fieldError struct{ path, text string }

func (e fieldError) Path() string  { return e.path }
func (e fieldError) Error() string { return e.text }

// Cache holds packed answers, bounded in bytes. It is safe for concurrent use
// and is a prometheus.Collector (hearth_cache_*).
type Cache struct {
	seed   maphash.Seed
	limits limits
	limit  int64 // Config.MaxBytes
	table  int64 // bytes of the empty table, part of limit
	shift  uint  // of a hash to the number of its shard
	shards []shard
}

// New returns an empty cache. Values below the least of Config are raised to it.
func New(cfg Config) *Cache {
	limit := cfg.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	limit = max(limit, minBytes)
	c := &Cache{
		seed:  maphash.MakeSeed(),
		limit: limit,
		limits: limits{
			positive: seconds(cfg.MaxTTL, DefaultMaxTTL),
			negative: seconds(cfg.MaxNegativeTTL, DefaultMaxNegativeTTL),
		},
	}
	c.build()
	return c
}

// seconds returns d, or fallback if d is not positive, in whole seconds.
func seconds(d, fallback time.Duration) uint32 {
	if d <= 0 {
		d = fallback
	}
	return uint32(min(max(d/time.Second, 1), math.MaxInt32))
}

const (
	maxShards  = 64
	shardBytes = 256 << 10 // least size of a shard: 30 of the largest entries
	slotBytes  = 256       // memory for each slot of the table: small entries take 300 bytes
)

// build makes the table: a power of two of shards, each with its share of slots.
func (c *Cache) build() {
	n := min(maxShards, uint64(c.limit/shardBytes))
	n = 1 << (bits.Len64(n) - 1)
	c.shift = 64 - uint(bits.Len64(n)-1)
	c.shards = make([]shard, n)
	per := c.limit / int64(n)
	buckets := max(1, per/(slotBytes*ways))
	table := buckets * int64(unsafe.Sizeof(bucket{}))
	c.table = table * int64(n)
	for i := range c.shards {
		c.shards[i].buckets = make([]bucket, buckets)
		c.shards[i].limit = per - table
	}
}

// shard returns the shard of a hash. A shift by 64 gives 0, the only one.
func (c *Cache) shard(h uint64) *shard { return &c.shards[h>>c.shift] }

// Lookup returns the entry for k that is still usable at now (unix seconds), or
// nil. It takes no lock and does not allocate.
func (c *Cache) Lookup(k *Key, now int64) *Entry {
	h := k.hash(c.seed)
	s := c.shard(h)
	e := s.find(h, k)
	if e == nil || e.expired(now) {
		s.misses.Add(1)
		return nil
	}
	if e.used.Load() == 0 {
		e.used.Store(1)
	}
	s.hits.Add(1)
	return e
}

// Store makes an entry of r, the reply to k with its DNSSEC records, received at
// now (unix seconds), and keeps it for later questions if its TTLs allow (see
// Entry.Kept). The entry returned serves this question in every case. r and k are
// the caller's again afterwards, with the TTLs in r bounded; the slices in f are
// the entry's from now on. The only error is ErrTooLarge.
func (c *Cache) Store(k *Key, r *Reply, f Facts, now int64) (*Entry, error) {
	e, err := newEntry(k, r, f, c.limits, now)
	if err != nil {
		return nil, err
	}
	if e.Kept() {
		e.hash = k.hash(c.seed)
		c.shard(e.hash).put(e, k, now)
	}
	return e, nil
}

// Entries yields the entries held, in no order; those stored meanwhile may be
// missing. After an Index was swapped, its new facts can be set on all of them, so
// that no forgotten entry holds on to the old Index.
func (c *Cache) Entries() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range c.shards {
			for e := range c.shards[i].entries() {
				if !yield(e) {
					return
				}
			}
		}
	}
}
