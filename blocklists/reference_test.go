package blocklists

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// reference decides by brute force over dotted strings. It shares no code with the builder or the index:
// for each list it looks at all entries of that list, one by one.
type reference struct {
	lists   []Categories
	entries [][]referenceEntry
}

type referenceEntry struct {
	name                                string
	scope                               string
	exception, important, yield, cancel bool
}

func (r *reference) categories(name string) Categories {
	var all Categories
	for i, set := range r.lists {
		if r.listed(r.entries[i], name) {
			all = all.Or(set)
		}
	}
	return all
}

// listed: important beats unimportant, then the longer name beats the shorter, then exception beats block. If a
// block wins, but an exception that yields stands beneath it with no less weight, only what stands at the name
// of that exception or beneath is left to say something.
func (r *reference) listed(entries []referenceEntry, name string) bool {
	var covering []referenceEntry
	for _, e := range entries {
		covered := e.scope != "below" && name == e.name ||
			e.scope != "exact" && strings.HasSuffix(name, "."+e.name)
		if covered && !e.cancel && !r.cancelled(entries, e) {
			covering = append(covering, e)
		}
	}
	depth := func(e referenceEntry) int { return strings.Count("."+e.name, ".") }
	for least := 0; ; {
		bestRank, best := -1, referenceEntry{exception: true}
		for _, e := range covering {
			rank := 2 * depth(e)
			if e.important {
				rank += 1000
			}
			if e.exception {
				rank++
			}
			if !e.yield && depth(e) >= least && rank > bestRank {
				bestRank, best = rank, e
			}
		}
		undone := 0
		for _, e := range covering {
			if e.yield && depth(e) > depth(best) && (e.important || !best.important) {
				undone = max(undone, depth(e))
			}
		}
		if best.exception || undone == 0 {
			return !best.exception
		}
		least = undone
	}
}

func (r *reference) cancelled(entries []referenceEntry, e referenceEntry) bool {
	e.cancel = true
	for _, other := range entries {
		if other == e {
			return true
		}
	}
	return false
}

// randomCase makes lists and entries over a small alphabet, so that names nest and collide often.
func randomCase(t testing.TB, rng *rand.Rand, lists, entries int) *reference {
	r := &reference{}
	for range lists {
		var set Categories
		for range 1 + rng.IntN(2) {
			if c := Category(rng.IntN(80)); c != openCategory(t) {
				set.Add(c)
			}
		}
		r.lists = append(r.lists, set)
		r.entries = append(r.entries, nil)
	}
	for range entries {
		l := rng.IntN(lists)
		e := referenceEntry{
			name:      randomName(rng),
			scope:     [...]string{"subtree", "subtree", "exact", "below"}[rng.IntN(4)],
			exception: rng.IntN(3) == 0,
			important: rng.IntN(8) == 0,
		}
		e.yield = e.exception && rng.IntN(2) == 0
		r.entries[l] = append(r.entries[l], e)
		if rng.IntN(10) == 0 {
			e.cancel = true
			r.entries[l] = append(r.entries[l], e)
		}
	}
	return r
}

func randomName(rng *rand.Rand) string {
	labels := make([]string, 1+rng.IntN(5))
	for i := range labels {
		labels[i] = [...]string{"a", "b", "c", "aa", "longer-label-of-more-than-8"}[rng.IntN(5)]
	}
	return strings.Join(labels, ".")
}

// compile builds an index of r's entries, in an order of its own.
func (r *reference) compile(t *testing.T, rng *rand.Rand, config BuilderConfig) (*Index, Summary) {
	t.Helper()
	b := newTestBuilder(t, config)
	ids := make([]ListID, len(r.lists))
	for i, set := range r.lists {
		ids[i] = b.List(set)
	}
	type addition struct {
		list  ListID
		entry Entry
	}
	scopes := map[string]Scope{"subtree": Subtree, "exact": Exact, "below": Below}
	var additions []addition
	for i, entries := range r.entries {
		for _, e := range entries {
			additions = append(additions, addition{ids[i], Entry{
				Name: mustName(t, e.name), Scope: scopes[e.scope],
				Exception: e.exception, Important: e.important, Yield: e.yield, Cancel: e.cancel,
			}})
		}
	}
	rng.Shuffle(len(additions), func(i, j int) { additions[i], additions[j] = additions[j], additions[i] })
	for _, a := range additions {
		if err := b.Add(a.list, a.entry); err != nil {
			t.Fatal(err)
		}
	}
	return buildIndex(t, b)
}

func TestIndexAgreesWithReference(t *testing.T) {
	sizes := []struct{ lists, entries, memory int }{
		{1, 5, 0}, {1, 60, 0}, {3, 40, 0}, {5, 400, 0},
		{5, 400, 4 << 10},    // a few runs, one merge
		{40, 3000, 4 << 10},  // many lists speak about one name
		{20, 12000, 4 << 10}, // more runs than are merged at once
	}
	for _, size := range sizes {
		for seed := range uint64(8) {
			if size.entries > 1000 && seed >= 3 {
				break
			}
			t.Run(fmt.Sprintf("lists=%d,entries=%d,memory=%d,seed=%d", size.lists, size.entries, size.memory, seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, uint64(size.entries)))
				r := randomCase(t, rng, size.lists, size.entries)
				ix, _ := r.compile(t, rng, BuilderConfig{Memory: size.memory, Key: Key{seed, 7}})
				for range 200 {
					name := randomName(rng)
					if got, want := lookup(t, ix, name).Categories, r.categories(name); got != want {
						t.Fatalf("%s: got %v, want %v", name, show(ix, got), show(ix, want))
					}
				}
			})
		}
	}
}

// Helpers that other tests use as well.

func newTestBuilder(t testing.TB, config BuilderConfig) *Builder {
	t.Helper()
	if config.Taxonomy == nil {
		taxonomy, err := NewTaxonomy()
		if err != nil {
			t.Fatal(err)
		}
		config.Taxonomy = taxonomy
	}
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	b, err := NewBuilder(config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func buildFile(t testing.TB, b *Builder) ([]byte, Summary) {
	t.Helper()
	var file bytes.Buffer
	summary, err := b.Build(context.Background(), &file)
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), summary
}

func buildIndex(t testing.TB, b *Builder) (*Index, Summary) {
	t.Helper()
	file, summary := buildFile(t, b)
	ix, err := ReadIndex(file)
	if err != nil {
		t.Fatal(err)
	}
	return ix, summary
}

func mustName(t testing.TB, text string) Name {
	t.Helper()
	name, err := ParseName(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return name
}

func lookup(t testing.TB, ix *Index, name string) Match {
	t.Helper()
	var h Hashes
	ix.Key().Hash(mustName(t, name), &h)
	return ix.Match(&h)
}

func show(ix *Index, set Categories) []string {
	ids := []string{}
	for c := range set.All() {
		ids = append(ids, ix.Taxonomy().ID(c))
	}
	return ids
}

func openCategory(t testing.TB) Category {
	t.Helper()
	c, ok := builtinTaxonomy(t).Lookup("meta.open")
	if !ok {
		t.Fatal("the taxonomy has no meta.open")
	}
	return c
}

// TestOpenAgreesWithReference: whenever some name beneath a listed one has fewer categories, or one more that can allow it, the
// listed one is marked, and so is every name beneath it that inherits from it.
func TestOpenAgreesWithReference(t *testing.T) {
	var lifting Categories
	for i, row := range builtinTaxonomy(t).All() {
		if row.Service || strings.HasPrefix(row.ID, "ok.") {
			lifting.Add(Category(i))
		}
	}
	marked := 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 99))
		r := randomCase(t, rng, 4, 60)
		ix, _ := r.compile(t, rng, BuilderConfig{Key: Key{seed, 8}})
		for range 300 {
			above := randomName(rng)
			beneath := randomName(rng) + "." + above
			a, b := r.categories(above), r.categories(beneath)
			if a.IsZero() || a.AndNot(b).IsZero() && !b.AndNot(a).Intersects(lifting) {
				continue
			}
			marked++
			var h Hashes
			ix.Key().Hash(mustName(t, above), &h)
			m := ix.Match(&h)
			h.H[h.N], h.N = 1, h.N+1 // a name beneath that nobody lists
			unlisted := ix.Match(&h).Categories
			if !a.AndNot(unlisted).IsZero() || unlisted.AndNot(a).Intersects(lifting) {
				continue // what an unlisted name beneath gets tells it already
			}
			if !m.Open {
				t.Fatalf("seed %d: %s is %v, %s beneath it is %v, and nothing tells", seed, above, show(ix, a), beneath, show(ix, b))
			}
		}
	}
	if marked < 100 {
		t.Fatalf("only %d cases were met", marked)
	}
}

func TestClosedNamesAreNotMarked(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	l := b.List(setOf(0))
	more := b.List(setOf(0, 1))
	for list, name := range map[ListID]string{l: "example.com", more: "worse.example.com"} {
		if err := b.Add(list, Entry{Name: mustName(t, name)}); err != nil {
			t.Fatal(err)
		}
	}
	ix, _ := buildIndex(t, b)
	for _, name := range []string{"example.com", "a.example.com", "worse.example.com", "com"} {
		if lookup(t, ix, name).Open {
			t.Errorf("%s is marked, but all beneath it is blocked with it", name)
		}
	}
}
