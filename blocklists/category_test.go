package blocklists

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func setOf(members ...Category) Categories {
	var s Categories
	for _, c := range members {
		s.Add(c)
	}
	return s
}

func TestCategoriesAtTheEdgesOfWords(t *testing.T) {
	edges := []Category{0, 1, 63, 64, 127, 128, 191, 192, 255}
	s := setOf(edges...)
	if got := slices.Collect(s.All()); !slices.Equal(got, edges) {
		t.Errorf("All: got %v, want %v", got, edges)
	}
	if s.Len() != len(edges) {
		t.Errorf("Len: got %d, want %d", s.Len(), len(edges))
	}
	if s.Has(2) || s.Has(62) || s.Has(254) {
		t.Error("Has reports categories that were not added")
	}
	for c := range setOf(7, 200).All() {
		if c != 7 {
			t.Errorf("breaking out of All came too late, at %d", c)
		}
		break
	}
}

func TestEmptyCategories(t *testing.T) {
	var s Categories
	if _, ok := s.First(); ok || !s.IsZero() || s.Len() != 0 || s.Intersects(setOf(0, 255)) {
		t.Error("the zero value is not the empty set")
	}
	if setOf(255).IsZero() {
		t.Error("a set with one member is reported empty")
	}
}

// Set algebra is compared with maps, member by member.
func TestCategoriesAlgebra(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a, b := map[Category]bool{}, map[Category]bool{}
		var s, u Categories
		for range rng.IntN(40) {
			c, d := Category(rng.IntN(256)), Category(rng.IntN(256))
			a[c], b[d] = true, true
			s.Add(c)
			u.Add(d)
		}
		first, common := 256, false
		for i := range 256 {
			c := Category(i)
			if s.Or(u).Has(c) != (a[c] || b[c]) || s.And(u).Has(c) != (a[c] && b[c]) || s.AndNot(u).Has(c) != (a[c] && !b[c]) {
				t.Fatalf("category %d of %v and %v", c, s, u)
			}
			if a[c] && first == 256 {
				first = i
			}
			common = common || a[c] && b[c]
		}
		if s.Intersects(u) != common || s.Len() != len(a) {
			t.Fatalf("Intersects or Len of %v and %v", s, u)
		}
		if got, ok := s.First(); ok != (first < 256) || ok && int(got) != first {
			t.Fatalf("First of %v: got %d, want %d", s, got, first)
		}
	}
}
