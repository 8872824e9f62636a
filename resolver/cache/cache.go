package cache

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// Cache holds packed answers, bounded in bytes. It is safe for concurrent use
// and is a prometheus.Collector (hearth_cache_*).
type Cache struct {
	seed   maphash.Seed
	shift  uint   // of a hash to the number of its shard
	enough uint32 // look-ups that are counted of an entry
	renews bool   // entries with so many are to be resolved again before their end
	shards []shard
	limits limits
	cfg    Config // with its defaults
	table  int64  // bytes of the empty table, part of MaxBytes

	stale, failures, flushes atomic.Uint64
}

// New returns an empty cache. Values below the least of Config are raised to it.
func New(cfg Config) *Cache {
	cfg = cfg.withDefaults()
	c := &Cache{
		seed:   maphash.MakeSeed(),
		enough: uint32(max(cfg.Prefetch, 1)), //nolint:gosec // Validate bounds it
		renews: cfg.Prefetch > 0,
		cfg:    cfg,
		limits: limits{least: seconds(cfg.MinTTL), positive: seconds(cfg.MaxTTL), negative: seconds(cfg.MaxNegativeTTL)},
	}
	c.build()
	return c
}

// Config returns what the cache was made with, defaults filled in.
func (c *Cache) Config() Config { return c.cfg }

const (
	maxShards  = 64
	shardBytes = 256 << 10 // least size of a shard: 30 of the largest entries
	slotBytes  = 256       // memory for each slot of the table: small entries take 300 bytes
)

// build makes the table: a power of two of shards, each with its share of slots.
func (c *Cache) build() {
	n := min(maxShards, uint64(c.cfg.MaxBytes/shardBytes))
	n = 1 << (bits.Len64(n) - 1)
	c.shift = 64 - uint(bits.Len64(n)-1)
	c.shards = make([]shard, n)
	per := c.cfg.MaxBytes / int64(n)
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

// Lookup returns what is known of k at now (unix seconds), nil for nothing. An entry
// that is not fresh is an answer that has run out, see Usable, or the memory of a
// failure, see Entry.Failure. It takes no lock and does not allocate.
func (c *Cache) Lookup(k *Key, now int64) (e *Entry, fresh bool) {
	h := k.hash(c.seed)
	s := c.shard(h)
	e = s.find(h, k)
	if e == nil || e.expired(now) {
		s.misses.Add(1)
		return e, false
	}
	if n := e.used.Load(); n < c.enough {
		e.used.Store(n + 1)
	}
	s.hits.Add(1)
	return e, true
}

// Store makes an entry of r, the reply to k with its DNSSEC records, received at
// now (unix seconds), and keeps it for later questions if its TTLs allow (see
// Entry.Kept). The entry returned serves this question in every case, and whatever was
// known of k before is forgotten: an older answer (RFC 8767 section 4) or a failure. r
// and k are the caller's again afterwards, with the TTLs in r bounded; the slices in f
// are the entry's from now on. The only error is ErrTooLarge.
func (c *Cache) Store(k *Key, r *Reply, f Facts, now int64) (*Entry, error) {
	e, err := newEntry(k, r, f, c.limits, now)
	if err != nil {
		return nil, err
	}
	e.hash = k.hash(c.seed)
	if e.Kept() {
		c.shard(e.hash).put(e, k, now)
	} else {
		c.shard(e.hash).drop(e.hash, k)
	}
	return e, nil
}

// Forget removes whatever is known of k.
func (c *Cache) Forget(k *Key) {
	h := k.hash(c.seed)
	c.shard(h).drop(h, k)
}

// Flush removes the entries that which returns true for, and returns how many there
// were. which is called with a lock held and must be quick.
func (c *Cache) Flush(which func(*Entry) bool) (removed int) {
	for i := range c.shards {
		removed += c.shards[i].flush(which)
	}
	c.flushes.Add(1)
	return removed
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
