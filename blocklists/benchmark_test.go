package blocklists

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
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

// syntheticNames has a tenth of its names in a second list.
func syntheticNames(count int) []Name {
	names := make([]Name, count)
	for i := range names {
		names[i] = syntheticName(i)
	}
	return names
}

func buildSynthetic(b testing.TB, names []Name, memory int, w io.Writer) Summary {
	b.Helper()
	builder := newTestBuilder(b, BuilderConfig{Memory: memory})
	var lists [4]ListID
	for i := range lists {
		var set Categories
		set.Add(Category(i * 7))
		lists[i] = builder.List(set)
	}
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
	summary, err := builder.Build(context.Background(), w)
	if err != nil {
		b.Fatal(err)
	}
	return summary
}

func BenchmarkBuild(b *testing.B) {
	for _, count := range []int{10_000, 100_000, 1_000_000} {
		names := syntheticNames(count)
		b.Run(fmt.Sprintf("names=%d", count), func(b *testing.B) {
			var summary Summary
			begin := cpuTime(b)
			for b.Loop() {
				summary = buildSynthetic(b, names, 0, io.Discard)
			}
			b.ReportMetric(float64(cpuTime(b)-begin)/float64(b.N)/float64(count), "cpu-ns/name")
			b.ReportMetric(float64(summary.Bytes)/float64(summary.Names), "octets/name")
			b.ReportMetric(float64(summary.Runs), "runs")
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, count := range []int{10_000, 100_000, 1_000_000, 5_000_000} {
		var file bytes.Buffer
		names := syntheticNames(count)
		buildSynthetic(b, names, 0, &file)
		ix, err := ReadIndex(file.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		hits, misses := make([]Hashes, 4096), make([]Hashes, 4096)
		for i := range hits {
			ix.Key().Hash(names[i*(count/len(hits))], &hits[i])
			ix.Key().Hash(syntheticName(count+i), &misses[i])
		}
		run := func(kind string, hashes []Hashes) {
			b.Run(fmt.Sprintf("names=%d/%s", count, kind), func(b *testing.B) {
				b.ReportAllocs()
				i, listed := 0, 0
				for b.Loop() {
					if ix.Match(&hashes[i&4095]).Labels > 0 {
						listed++
					}
					i++
				}
				b.ReportMetric(float64(listed)/float64(b.N), "listed/op")
			})
		}
		run("listed", hits)
		run("unlisted", misses)
		// Four thousand names fit in the caches; names that nobody asked for before do not.
		b.Run(fmt.Sprintf("names=%d/cold", count), func(b *testing.B) {
			rng, h := rand.New(rand.NewPCG(1, 2)), Hashes{N: 3}
			for b.Loop() {
				h.H[0], h.H[1], h.H[2] = rng.Uint64(), rng.Uint64(), rng.Uint64()
				ix.Match(&h)
			}
		})
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
	const count = 5_000_000
	path := filepath.Join(b.TempDir(), "index")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	summary := buildSynthetic(b, syntheticNames(count), 0, file)
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
	var file bytes.Buffer
	names := syntheticNames(1_000_000)
	buildSynthetic(b, names, 0, &file)
	ix, err := ReadIndex(file.Bytes())
	if err != nil {
		b.Fatal(err)
	}
	catalog := NewCatalog(CatalogConfig{})
	hashes := make([]Hashes, 4096)
	for i := range hashes {
		ix.Key().Hash(names[i], &hashes[i])
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
