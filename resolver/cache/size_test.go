package cache

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/miekg/dns"
)

// The memory stays below the limit, is what the cache says it is, and what is
// asked for again and again is found nine times in ten while ten times as much as
// fits passes through.
func TestSizeIsBoundedInBytes(t *testing.T) {
	const limit = 4 << 20
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	c := New(Config{MaxBytes: limit})
	var hot []*Key
	for i := range 100 {
		name := fmt.Sprintf("hot%d.example.com.", i)
		hot = append(hot, key(t, name, dns.TypeA))
		store(t, c, hot[i], answer(t, name, 3600))
	}
	asked, found := 0, 0
	msg := answer(t, "n000000.example.com.", 3600)
	k := key(t, "n000000.example.com.", dns.TypeA)
	for i := range 10 * limit / 400 {
		copy(msg[13:], fmt.Sprintf("n%06d", i))
		copy(k.Name[1:], fmt.Sprintf("n%06d", i))
		store(t, c, k, msg)
		if i%1000 == 0 {
			for j, h := range hot {
				asked++
				if fresh(c, h, 1000) != nil {
					found++
					continue
				}
				store(t, c, h, answer(t, fmt.Sprintf("hot%d.example.com.", j), 3600))
			}
		}
		if i%5000 == 0 && c.Stats().Bytes > limit {
			t.Fatalf("after %d replies: %d bytes, limit %d", i, c.Stats().Bytes, limit)
		}
	}
	said, grown := c.Stats().Bytes, heap()-before
	if said > limit || said < limit*8/10 {
		t.Errorf("holds %d bytes of %d, want it nearly full", said, limit)
	}
	if grown > said*11/10 || grown < said*8/10 {
		t.Errorf("says %d bytes, the heap grew by %d", said, grown)
	}
	if found < asked*9/10 {
		t.Errorf("%d of %d look-ups of names in use found them, want nine in ten", found, asked)
	}
	t.Logf("%d bytes said, %d measured; %d of %d hot look-ups found", said, grown, found, asked)
	if c.Stats().Evictions == 0 {
		t.Error("nothing was evicted")
	}
	runtime.KeepAlive(c)
}

// When the whole shard is in use, the hand gives up after a bounded way.
func TestEvictionWhenAllIsInUse(t *testing.T) {
	c := New(Config{MaxBytes: 1})
	for i := range 20000 {
		name := fmt.Sprintf("n%d.example.com.", i)
		k := key(t, name, dns.TypeA)
		store(t, c, k, answer(t, name, 3600)).used.Store(1)
	}
	if got := c.Stats(); got.Bytes > minBytes || got.Entries < 500 {
		t.Errorf("tally = %+v, want at most %d bytes", got, minBytes)
	}
}

func TestExpiredEntriesGoFirst(t *testing.T) {
	s := &shard{buckets: make([]bucket, 1), limit: 1 << 20}
	for i := range ways + 1 {
		name := fmt.Sprintf("n%d.example.", i)
		ttl, k := 3600, key(t, name, dns.TypeA)
		if i == 3 {
			ttl = 5
		}
		e, err := newEntry(k, reply(t, answer(t, name, ttl)), Facts{}, limits{positive: 3600, negative: 3600}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		e.hash = uint64(i)
		s.put(e, k, 1010)
	}
	if s.find(3, key(t, "n3.example.", dns.TypeA)) != nil {
		t.Error("the expired entry is still there")
	}
	if s.evictions != 0 || s.count != ways {
		t.Errorf("evictions = %d, entries = %d; want 0 and %d", s.evictions, s.count, ways)
	}
}
