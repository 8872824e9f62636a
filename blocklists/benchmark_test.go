package blocklists

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// syntheticName makes the i-th of a sequence of names shaped like those of real lists: about 19 octets, two thirds
// with two labels, half of them under one top-level domain.
func syntheticName(i int) Name {
	rng := rand.New(rand.NewPCG(uint64(i), 0x5eed))
	tlds := [...]string{"com", "com", "com", "com", "com", "net", "org", "ru", "info", "xyz", "de", "co", "top", "online"}
	name := make(Name, 0, 48)
	label := func(size int) {
		name = append(name, byte(size))
		for range size {
			name = append(name, "abcdefghijklmnopqrstuvwxyzaeiounrst0123-"[rng.IntN(40)])
		}
	}
	for range [...]int{0, 0, 1, 0, 1, 0, 0, 1, 2}[rng.IntN(9)] {
		label(2 + rng.IntN(5))
	}
	label(7 + rng.IntN(13))
	tld := tlds[rng.IntN(len(tlds))]
	return append(append(append(name, byte(len(tld))), tld...), 0)
}

// growth is the numbers of names that what grows is measured with.
var growth = [...]int{10_000, 100_000, 1_000_000, 5_000_000, 20_000_000}

// buildSynthetic writes an index of the first count names, a tenth of them in a second list, and returns the processor
// time that the builder took.
func buildSynthetic(b testing.TB, count int, w io.Writer) (Summary, time.Duration) {
	b.Helper()
	builder := newTestBuilder(b, BuilderConfig{})
	var lists [4]ListID
	for i := range lists {
		var set Categories
		set.Add(Category(i * 7))
		lists[i] = builder.List(set)
	}
	names := make([]Name, 0, 10_000)
	var spent time.Duration
	for first := 0; first < count; first += len(names) {
		names = names[:0]
		for i := first; i < min(count, first+cap(names)); i++ {
			names = append(names, syntheticName(i))
		}
		begin := cpuTime(b)
		for i, name := range names {
			if err := builder.Add(lists[i&3], Entry{Name: name}); err != nil {
				b.Fatal(err)
			}
			if i%10 == 0 {
				if err := builder.Add(lists[(i+1)&3], Entry{Name: name}); err != nil {
					b.Fatal(err)
				}
			}
		}
		spent += cpuTime(b) - begin
	}
	begin := cpuTime(b)
	summary, err := builder.Build(context.Background(), w)
	if err != nil {
		b.Fatal(err)
	}
	return summary, spent + cpuTime(b) - begin
}

// syntheticIndex opens an index of count names.
func syntheticIndex(b *testing.B, count int) *Index {
	b.Helper()
	path := filepath.Join(b.TempDir(), "index")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	buildSynthetic(b, count, file)
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	ix, err := OpenIndex(path)
	if err != nil {
		b.Fatal(err)
	}
	return ix
}

// BenchmarkBuild makes the names too, so its time says nothing; its metrics do.
func BenchmarkBuild(b *testing.B) {
	for _, count := range growth {
		b.Run(fmt.Sprintf("names=%d", count), func(b *testing.B) {
			var total time.Duration
			var summary Summary
			for b.Loop() {
				s, spent := buildSynthetic(b, count, io.Discard)
				summary, total = s, total+spent
			}
			b.ReportMetric(float64(total)/float64(b.N)/float64(count), "cpu-ns/name")
			b.ReportMetric(float64(summary.Bytes)/float64(summary.Names), "octets/name")
			b.ReportMetric(float64(summary.Runs), "runs")
		})
	}
}

// asked is how many names BenchmarkMatch asks for in turn, so many that no cache near the processor holds their places
// in a large table; a power of two.
const asked = 1 << 18

// suffixes are the hashes of one of them; a Hashes is too large for so many.
type suffixes struct {
	n int
	h [5]uint64
}

func BenchmarkMatch(b *testing.B) {
	for _, count := range growth {
		ix := syntheticIndex(b, count)
		run := func(kind string, of func(i int) Name) {
			names, h := make([]suffixes, asked), new(Hashes)
			for i := range names {
				ix.Key().Hash(of(i), h)
				names[i].n = copy(names[i].h[:], h.H[:h.N])
			}
			b.Run(fmt.Sprintf("names=%d/%s", count, kind), func(b *testing.B) {
				b.ReportAllocs()
				i, listed := 0, 0
				for b.Loop() {
					name := &names[i&(asked-1)]
					h.N = name.n
					*(*[len(name.h)]uint64)(h.H[:]) = name.h
					if ix.Match(h).Labels > 0 {
						listed++
					}
					i++
				}
				b.ReportMetric(float64(listed)/float64(b.N), "listed/op")
			})
		}
		run("listed", func(i int) Name { return syntheticName(i * 7919 % count) })
		run("beneath", func(i int) Name { return append(Name("\x03www"), syntheticName(i*7919%count)...) })
		run("unlisted", func(i int) Name { return append(Name("\x03www"), syntheticName(count+i)...) })
	}
}

func BenchmarkHash(b *testing.B) {
	for _, text := range []string{"example.com", "www.example.co.uk", "a1b2c3.cdn.static.example-content.net"} {
		name, key := mustName(b, text), NewKey()
		var h Hashes
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				key.Hash(name, &h)
			}
		})
	}
}

func BenchmarkOpenIndex(b *testing.B) {
	path := filepath.Join(b.TempDir(), "index")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	summary, _ := buildSynthetic(b, 5_000_000, file)
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(summary.Bytes)
	for b.Loop() {
		if _, err := OpenIndex(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCatalog(b *testing.B) {
	ix, catalog := syntheticIndex(b, 1_000_000), NewCatalog(CatalogConfig{})
	hashes := make([]Hashes, 4096)
	for i := range hashes {
		ix.Key().Hash(syntheticName(i), &hashes[i])
		catalog.Learn(ix, &hashes[i], ix.Match(&hashes[i]))
	}
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			catalog.Match(ix, &hashes[i&4095])
			i++
		}
	})
	b.Run("learn", func(b *testing.B) {
		b.ReportAllocs()
		h := Hashes{N: 1}
		for b.Loop() {
			h.H[0] += 0x9e3779b97f4a7c15
			catalog.Learn(ix, &h, Match{})
		}
	})
}
