package cache

import (
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
)

// ways is how many entries a bucket holds: with their tags they fill one cache
// line of 64 octets on a 64-bit machine.
const ways = 7

// bucket is a place for the entries of a few hashes. Its tags, one octet a slot,
// tell which slots are worth following; 0 is an empty slot. Readers take no lock:
// an entry found is compared with the full key, and a reader that sees a tag and
// a slot of different moments at worst misses once.
type bucket struct {
	tags  atomic.Uint64
	slots [ways]atomic.Pointer[Entry]
}

// shard is a part of the table with its own lock, for writers only.
type shard struct {
	buckets []bucket
	limit   int64 // bytes

	mu        sync.Mutex
	hand      int   // slot at which the clock goes on
	bytes     int64 // of the entries held
	count     int64 // entries held
	evictions uint64

	_            [64]byte // counters of readers, apart from what they only read
	hits, misses atomic.Uint64
	_            [48]byte
}

// tag returns the tag of a hash, never 0.
func tag(h uint64) uint64 { return h&0x7f | 0x80 }

// bucket returns the bucket of a hash. It uses other bits than tag and the
// choice of the shard do.
func (s *shard) bucket(h uint64) *bucket {
	return &s.buckets[(h>>16&0xffffffff)*uint64(len(s.buckets))>>32]
}

// find returns the entry for k, whose hash is h, or nil.
func (s *shard) find(h uint64, k *Key) *Entry {
	b := s.bucket(h)
	const low, high = 0x0101010101010101, 0x8080808080808080
	x := b.tags.Load() ^ tag(h)*low
	for m := (x - low) &^ x & high; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) / 8
		if i >= ways {
			break
		}
		if e := b.slots[i].Load(); e != nil && e.hash == h && e.holds(k) {
			return e
		}
	}
	return nil
}

// put stores e for k, in place of an older entry for k if there is one, and then
// evicts until the shard is within its limit again.
func (s *shard) put(e *Entry, k *Key, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bucket(e.hash)
	i := s.slot(b, e.hash, k, now)
	if old := b.slots[i].Load(); old != nil {
		if !old.holds(k) && !old.expired(now) {
			s.evictions++
		}
		s.clear(b, i)
	}
	b.slots[i].Store(e)
	b.tags.Store(b.tags.Load() | tag(e.hash)<<(8*i))
	s.bytes += int64(e.cost)
	s.count++
	for s.bytes > s.limit && s.count > 1 {
		s.evict(e, now)
	}
}

// drop removes the entry for k, whose hash is h, if there is one.
func (s *shard) drop(h uint64, k *Key) {
	if s.find(h, k) == nil {
		return // without the lock, as it nearly always is
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bucket(h)
	for i := range ways {
		if e := b.slots[i].Load(); e != nil && e.hash == h && e.holds(k) {
			s.clear(b, i)
		}
	}
}

// flush removes the entries that which returns true for.
func (s *shard) flush(which func(*Entry) bool) (removed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for j := range s.buckets {
		b := &s.buckets[j]
		for i := range ways {
			if e := b.slots[i].Load(); e != nil && which(e) {
				s.clear(b, i)
				removed++
			}
		}
	}
	return removed
}

// slot chooses where in b the entry for k goes: where k is, an empty slot, an
// expired one, or one that has to make way.
func (s *shard) slot(b *bucket, h uint64, k *Key, now int64) int {
	free := -1
	for i := range ways {
		switch e := b.slots[i].Load(); {
		case e == nil:
			free = i
		case e.hash == h && e.holds(k):
			return i
		case e.expired(now) && free < 0:
			free = i
		}
	}
	if free >= 0 {
		return free
	}
	return coldest(b, int(h>>8&0xff)%ways)
}

// coldest returns the first slot of a full bucket, beginning at start, that was
// not looked up since the clock hand last passed it, or else start.
func coldest(b *bucket, start int) int {
	for n := range ways {
		i := (start + n) % ways
		if b.slots[i].Load().used.Load() == 0 {
			return i
		}
	}
	return start
}

// patience is how many used entries the clock hand passes over before it takes
// one regardless, so that no Store holds the lock for a whole turn.
const patience = 64

// evict removes one entry other than spare, which the caller has just stored.
// The hand moves over the slots and takes the first that has expired or was not
// looked up since it last came by.
func (s *shard) evict(spare *Entry, now int64) {
	for passed := 0; ; {
		s.hand = (s.hand + 1) % (len(s.buckets) * ways)
		b, i := &s.buckets[s.hand/ways], s.hand%ways
		e := b.slots[i].Load()
		if e == nil || e == spare {
			continue
		}
		if e.expired(now) {
			s.clear(b, i)
			return
		}
		if e.used.Swap(0) == 0 || passed >= patience {
			s.clear(b, i)
			s.evictions++
			return
		}
		passed++
	}
}

// clear empties slot i of b.
func (s *shard) clear(b *bucket, i int) {
	s.bytes -= int64(b.slots[i].Load().cost)
	s.count--
	b.tags.Store(b.tags.Load() &^ (0xff << (8 * i)))
	b.slots[i].Store(nil)
}

// entries yields the entries held, without the lock.
func (s *shard) entries() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for j := range s.buckets {
			for i := range ways {
				if e := s.buckets[j].slots[i].Load(); e != nil && !yield(e) {
					return
				}
			}
		}
	}
}
