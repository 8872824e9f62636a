package blocklists

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// patternIndex has n patterns in the shapes that lists have.
func patternIndex(t testing.TB, n int) *Index {
	t.Helper()
	b := newTestBuilder(t, BuilderConfig{Key: Key{1, 2}})
	l := b.List(setOf(0))
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		w := make([]byte, 4+rng.IntN(8))
		for i := range w {
			w[i] = 'a' + byte(rng.IntN(26))
		}
		return string(w)
	}
	for i := range n {
		expr := [...]string{
			`^ad[0-9]+\.%s\.com$`, `(^|\.)%s[a-z]*\.net$`, `%s`, `^%s-.*\.cdn\.example\.org$`, `^(.+\.)?%s[0-9]{1,3}\.`,
		}[i%5]
		if err := b.AddPattern(l, Pattern{Expr: fmt.Sprintf(expr, word())}); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if _, err := b.Build(context.Background(), &file); err != nil {
		t.Fatal(err)
	}
	ix, err := ReadIndex(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// BenchmarkMatchPatterns is what a name that no pattern matches costs on the way of a miss.
func BenchmarkMatchPatterns(b *testing.B) {
	for _, n := range []int{0, 200, 2000, MaxPatterns} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			ix := patternIndex(b, n)
			runtime.GC()
			runtime.ReadMemStats(&after)
			names := []Name{
				mustName(b, "www.example.com"), mustName(b, "r4---sn-4g5e6nsz.googlevideo.com"), mustName(b, "edge-chat.instagram.net"),
				mustName(b, "d1a2b3c4d5e6f7.cloudfront.net"),
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				ix.MatchPatterns(names[i&3], 1, Match{})
				i++
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1024, "KiB")
		})
	}
}

// BenchmarkDearestPattern is the longest name against the longest expression that is taken.
func BenchmarkDearestPattern(b *testing.B) {
	build := newTestBuilder(b, BuilderConfig{})
	if err := build.AddPattern(build.List(setOf(0)), Pattern{Expr: `aaa(.{0,80}b|.{0,80}c|.{0,80}d|.{0,80}e|.{0,80}f|.{0,78}g)$`}); err != nil {
		b.Fatal(err)
	}
	ix, _ := buildIndex(b, build)
	var name Name
	for range 4 {
		label := bytes.Repeat([]byte{'a'}, 61)
		name = append(append(name, 61), label...)
	}
	name = append(name, 0)
	b.ReportAllocs()
	for b.Loop() {
		ix.MatchPatterns(name, 1, Match{})
	}
}

// BenchmarkReadPatterns is what patterns add to reading an index.
func BenchmarkReadPatterns(b *testing.B) {
	build := newTestBuilder(b, BuilderConfig{})
	l := build.List(setOf(0))
	for i := range 2000 {
		if err := build.AddPattern(l, Pattern{Expr: fmt.Sprintf(`^ad[0-9]*-%x\.(com|net|org)$`, i*7919)}); err != nil {
			b.Fatal(err)
		}
	}
	file, _ := buildFile(b, build)
	for b.Loop() {
		if _, err := ReadIndex(file); err != nil {
			b.Fatal(err)
		}
	}
}
