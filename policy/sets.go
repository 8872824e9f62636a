package policy

import (
	"math/bits"

	"github.com/hearthdns/hearth/blocklists"
)

// A set of categories has 32 octets, and each method called by value copies one
// or two: it made up a third of a decision, which meets a dozen sets. On its way
// they go by pointer.

// has says that a category is in a set.
func has(set *blocklists.Categories, c blocklists.Category) bool {
	return set[c>>6]&(1<<(c&63)) != 0
}

// meet says that two sets share a category.
func meet(a, b *blocklists.Categories) bool {
	return a[0]&b[0]|a[1]&b[1]|a[2]&b[2]|a[3]&b[3] != 0
}

// within says that all of a set lies in another.
func within(a, b *blocklists.Categories) bool {
	return a[0]&^b[0]|a[1]&^b[1]|a[2]&^b[2]|a[3]&^b[3] == 0
}

// take takes off all of a set that another has.
func take(from, off *blocklists.Categories) {
	for i := range from {
		from[i] &^= off[i]
	}
}

// common gives the first category that two sets share. Most share none, so
// that is found out first.
func common(a, b *blocklists.Categories) (blocklists.Category, bool) {
	if !meet(a, b) {
		return 0, false
	}
	for i := range a {
		if word := a[i] & b[i]; word != 0 {
			return blocklists.Category(i<<6 | bits.TrailingZeros64(word)), true //nolint:gosec // at most 255
		}
	}
	return 0, false
}
