package blocklists

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// A table of b buckets with r bits of remainder has S = b*2^r places. n random names fill d of them, in the mean
// S*(1-(1-1/S)^n); an unlisted name is taken for a listed one with probability d/S. With about 8 names a
// bucket that is 8*2^-r, which at 40 bits is one in 10^11: too rare to see, so it is seen at 8, 12 and 16.
func TestFalsePositivesFollowTheFormula(t *testing.T) {
	for bits, probes := range map[int]int{8: 200_000, 12: 500_000, 16: 3_000_000} {
		t.Run(fmt.Sprintf("bits=%d", bits), func(t *testing.T) {
			const names = 40_000
			b := newTestBuilder(t, BuilderConfig{RemainderBits: bits, Key: Key{uint64(bits), 99}})
			l := b.List(setOf(1))
			for i := range names {
				if err := b.Add(l, Entry{Name: syntheticName(i)}); err != nil {
					t.Fatal(err)
				}
			}
			ix, s := buildIndex(t, b)
			listed := float64(s.Names + s.Merged)
			places := math.Ceil(listed/8) * math.Pow(2, float64(bits))

			// Places taken: the variance of d is at most the mean number of shared places.
			filled := places * -math.Expm1(listed*math.Log1p(-1/places))
			if off := math.Abs(float64(s.Names) - filled); off > 5*math.Sqrt(listed-filled+1) {
				t.Errorf("%d places taken, the formula says %.1f", s.Names, filled)
			}
			if rate := 8 * math.Pow(2, -float64(bits)); math.Abs(filled/places/rate-1) > 0.02 {
				t.Errorf("the formula says %g, 8*2^-r is %g", filled/places, rate)
			}

			// Probes of random hashes: binomial.
			rng := rand.New(rand.NewPCG(uint64(bits), 5))
			hits := 0
			h := Hashes{N: 1}
			for range probes {
				h.H[0] = rng.Uint64()
				if ix.Match(&h).Labels > 0 {
					hits++
				}
			}
			p := filled / places
			if want, sigma := p*float64(probes), math.Sqrt(p*(1-p)*float64(probes)); math.Abs(float64(hits)-want) > 5*sigma {
				t.Errorf("%d of %d unlisted hashes match, the formula says %.0f +- %.0f", hits, probes, want, sigma)
			}
		})
	}
}

// The same for whole names: each of the suffixes is a probe of its own.
func TestFalsePositivesOfNames(t *testing.T) {
	const names, probes, bits = 20_000, 100_000, 8
	b := newTestBuilder(t, BuilderConfig{RemainderBits: bits, Key: Key{8, 8}})
	l := b.List(setOf(1))
	for i := range names {
		if err := b.Add(l, Entry{Name: syntheticName(i)}); err != nil {
			t.Fatal(err)
		}
	}
	ix, s := buildIndex(t, b)
	p := float64(s.Names) / (math.Ceil(float64(s.Names+s.Merged)/8) * 256)
	var h Hashes
	hits := 0
	for i := range probes {
		ix.Key().Hash(fmt.Appendf(nil, "\x07%07d\x08%08d\x07%07d\x00", i, i, i), &h)
		if ix.Match(&h).Labels > 0 {
			hits++
		}
	}
	any3 := 1 - (1-p)*(1-p)*(1-p)
	if want, sigma := any3*probes, math.Sqrt(any3*(1-any3)*probes); math.Abs(float64(hits)-want) > 5*sigma {
		t.Errorf("%d of %d unlisted names of three labels match, the formula says %.0f +- %.0f", hits, probes, want, sigma)
	}
}

// A listed name is found in every table, and names that share a place get what both have.
func TestNoFalseNegatives(t *testing.T) {
	for _, bits := range []int{8, 12, 16, 40} {
		b := newTestBuilder(t, BuilderConfig{RemainderBits: bits, Key: Key{5, uint64(bits)}})
		even, odd := b.List(setOf(2)), b.List(setOf(3))
		const names = 20_000
		for i := range names {
			if err := b.Add([...]ListID{even, odd}[i&1], Entry{Name: syntheticName(i)}); err != nil {
				t.Fatal(err)
			}
		}
		ix, s := buildIndex(t, b)
		if bits == 8 && s.Merged == 0 || bits == 40 && s.Merged != 0 {
			t.Errorf("%d bits: %d names share a place", bits, s.Merged)
		}
		var h Hashes
		for i := range names {
			name := syntheticName(i)
			ix.Key().Hash(name, &h)
			if m := ix.Match(&h); int(m.Labels) != name.Labels() || !m.Categories.Has(Category(2+i&1)) {
				t.Fatalf("%d bits: %s gets %+v", bits, name, m)
			}
		}
	}
}
