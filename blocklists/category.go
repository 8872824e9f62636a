package blocklists

import (
	"iter"
	"math/bits"
)

// Category is the number of a category inside one Taxonomy. Numbers mean nothing without it: what
// is stored or shown is the category's id.
type Category uint8

// MaxCategories is how many categories one Taxonomy can hold.
const MaxCategories = 256

// Categories is a set of categories of one Taxonomy. The zero value is the empty set.
type Categories [4]uint64

// Has reports whether c is in s.
func (s Categories) Has(c Category) bool { return s[c>>6]&(1<<(c&63)) != 0 }

// Add puts c into s.
func (s *Categories) Add(c Category) { s[c>>6] |= 1 << (c & 63) }

// Or returns the categories that are in s or in t.
func (s Categories) Or(t Categories) Categories {
	return Categories{s[0] | t[0], s[1] | t[1], s[2] | t[2], s[3] | t[3]}
}

// And returns the categories that are in both s and t.
func (s Categories) And(t Categories) Categories {
	return Categories{s[0] & t[0], s[1] & t[1], s[2] & t[2], s[3] & t[3]}
}

// AndNot returns the categories of s that are not in t.
func (s Categories) AndNot(t Categories) Categories {
	return Categories{s[0] &^ t[0], s[1] &^ t[1], s[2] &^ t[2], s[3] &^ t[3]}
}

// Intersects reports whether s and t have a category in common.
func (s Categories) Intersects(t Categories) bool {
	return s[0]&t[0]|s[1]&t[1]|s[2]&t[2]|s[3]&t[3] != 0
}

// IsZero reports whether s is empty.
func (s Categories) IsZero() bool { return s[0]|s[1]|s[2]|s[3] == 0 }

// Len returns the number of categories in s.
func (s Categories) Len() int {
	return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) + bits.OnesCount64(s[2]) + bits.OnesCount64(s[3])
}

// First returns the category of s with the lowest number, and false if s is empty.
func (s Categories) First() (Category, bool) {
	for i, word := range s {
		if word != 0 {
			return Category(i<<6 | bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// All yields the categories of s in ascending order.
func (s Categories) All() iter.Seq[Category] {
	return func(yield func(Category) bool) {
		for c, ok := s.First(); ok; c, ok = s.First() {
			if !yield(c) {
				return
			}
			s[c>>6] &^= 1 << (c & 63)
		}
	}
}
