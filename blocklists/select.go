package blocklists

import (
	"fmt"
	"strings"
)

// Select returns the categories that pattern names. An id names itself alone ("social.chat" does
// not name "social.chat.random"); "adult.*" names adult, if there is one, and all beneath; a bare
// prefix that is no id ("adult") names all beneath. An error suggests the nearest id.
func (t *Taxonomy) Select(pattern string) (Categories, error) {
	var set Categories
	if c, ok := t.byID[pattern]; ok {
		set.Add(c)
		return set, nil
	}
	stem := strings.TrimSuffix(pattern, ".*")
	for i, row := range t.rows {
		if row.ID == stem || strings.HasPrefix(row.ID, stem+".") {
			set.Add(Category(i))
		}
	}
	if set.IsZero() {
		return set, fmt.Errorf("no category %q, did you mean %q?", pattern, t.Nearest(stem))
	}
	return set, nil
}

// Nearest returns the id, or prefix of ids, that takes the fewest edits to reach from id.
func (t *Taxonomy) Nearest(id string) string {
	best, fewest := "", int(^uint(0)>>1)
	try := func(candidate string) {
		if n := Edits(id, candidate); n < fewest {
			best, fewest = candidate, n
		}
	}
	for _, row := range t.rows {
		try(row.ID)
		if stem, _, dotted := strings.Cut(row.ID, "."); dotted {
			try(stem)
		}
	}
	return best
}

// Edits is the Levenshtein distance of two words in octets: how far apart a spelling is from what was meant.
func Edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			swap := diagonal
			if a[i] != b[j] {
				swap++
			}
			diagonal = row[j+1]
			row[j+1] = min(swap, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
