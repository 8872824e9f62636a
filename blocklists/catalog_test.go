package blocklists

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/prometheus/client_golang/prometheus"
)

func catalogIndex(t testing.TB, set Categories) *Index {
	t.Helper()
	b := newTestBuilder(t, BuilderConfig{Key: Key{7, 7}})
	if err := b.Add(b.List(set), Entry{Name: mustName(t, "example.com")}); err != nil {
		t.Fatal(err)
	}
	ix, _ := buildIndex(t, b)
	return ix
}

func hashesOf(t testing.TB, ix *Index, name string) *Hashes {
	t.Helper()
	var h Hashes
	ix.Key().Hash(mustName(t, name), &h)
	return &h
}

// counters returns the catalog's metrics by name without their common prefix.
func counters(t testing.TB, c *Catalog) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		m := family.GetMetric()[0]
		values[strings.TrimPrefix(family.GetName(), "hearth_catalog_")] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return values
}

func TestCatalogRemembersWhatItLearned(t *testing.T) {
	ix, c := catalogIndex(t, setOf(1)), NewCatalog(CatalogConfig{Entries: 100, Shards: 4})
	h := hashesOf(t, ix, "www.example.com")
	if got := c.Match(ix, h); got != (Match{Categories: setOf(1), Labels: 2}) {
		t.Errorf("first: got %+v", got)
	}
	if got := counters(t, c)["entries"]; got != 0 {
		t.Errorf("a look-up inserted %v entries", got)
	}
	richer := Match{Categories: setOf(1, 9), Labels: 3} // what workers find beyond the index
	c.Learn(ix, h, richer)
	if got := c.Match(ix, h); got != richer {
		t.Errorf("learned: got %+v, want %+v", got, richer)
	}
	root := hashesOf(t, ix, ".")
	c.Learn(ix, root, richer)
	if got := c.Match(ix, root); got != (Match{}) {
		t.Errorf("root: got %+v", got)
	}
	want := map[string]float64{"hits_total": 1, "misses_total": 1, "entries": 1, "limit": 100}
	if got := counters(t, c); len(got) != 4 || got["hits_total"] != 1 || got["misses_total"] != 1 || got["entries"] != 1 || got["limit"] != 100 {
		t.Errorf("metrics: got %v, want %v", got, want)
	}
}

// Two indexes with the same key: what one said must not be told for the other.
func TestCatalogForgetsWithTheIndex(t *testing.T) {
	old, c := catalogIndex(t, setOf(1)), NewCatalog(CatalogConfig{})
	h := hashesOf(t, old, "example.com")
	c.Learn(old, h, old.Match(h))
	renewed := catalogIndex(t, setOf(2))
	if got := c.Match(renewed, h); got != (Match{Categories: setOf(2), Labels: 2}) {
		t.Errorf("got %+v of the old index", got)
	}
	c.Learn(renewed, h, renewed.Match(h))
	if got := c.Match(old, h); got != (Match{Categories: setOf(1), Labels: 2}) {
		t.Errorf("a reader of the old index got %+v", got)
	}
}

// A remembered name must not keep the memory of an index that was replaced.
func TestCatalogDoesNotKeepAnIndex(t *testing.T) {
	c := NewCatalog(CatalogConfig{})
	gone := func() weak.Pointer[Index] {
		ix := catalogIndex(t, setOf(1))
		h := hashesOf(t, ix, "example.com")
		c.Learn(ix, h, ix.Match(h))
		return weak.Make(ix)
	}()
	for range 100 {
		if runtime.GC(); gone.Value() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the catalog keeps an index that nobody uses")
}

func TestCatalogIsBounded(t *testing.T) {
	ix, c := catalogIndex(t, setOf(1)), NewCatalog(CatalogConfig{Entries: 64, Shards: 3})
	h := Hashes{N: 1}
	for i := range uint64(10_000) {
		h.H[0] = i * 0x9e3779b97f4a7c15
		c.Learn(ix, &h, Match{})
	}
	if got := counters(t, c); got["entries"] != 66 || got["limit"] != 66 { // 22 in each of 3 shards
		t.Errorf("got %v", got)
	}
}

func TestCatalogMatchDoesNotAllocate(t *testing.T) {
	ix, c := catalogIndex(t, setOf(1)), NewCatalog(CatalogConfig{})
	known, unknown := hashesOf(t, ix, "example.com"), hashesOf(t, ix, "example.org")
	c.Learn(ix, known, ix.Match(known))
	if n := testing.AllocsPerRun(100, func() { c.Match(ix, known); c.Match(ix, unknown) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCatalogConcurrently(t *testing.T) {
	ix, c := catalogIndex(t, setOf(1)), NewCatalog(CatalogConfig{Entries: 32, Shards: 2})
	names := []*Hashes{hashesOf(t, ix, "example.com"), hashesOf(t, ix, "a.example.com"), hashesOf(t, ix, "b.example.com")}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				h := names[i%len(names)]
				if got := c.Match(ix, h); got.Categories != setOf(1) {
					t.Errorf("got %+v", got)
					return
				}
				c.Learn(ix, h, ix.Match(h))
			}
		})
	}
	wg.Wait()
	if got := counters(t, c); got["hits_total"]+got["misses_total"] != 8000 {
		t.Errorf("%v look-ups counted, want 8000", got)
	}
}
