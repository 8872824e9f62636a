package store_test

import (
	"fmt"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
)

// BenchmarkPut writes what a parent does at once: a grant and its line of audit.
func BenchmarkPut(b *testing.B) {
	s := open(b)
	for i := 0; b.Loop(); i++ {
		_, err := s.Put(b.Context(), set("smith/grant/1", `{"kind":"time","minutes":30,"member":"Mia"}`),
			set(fmt.Sprintf("smith/audit/%d", i%1000), `{"by":"parent","what":"grant"}`))
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend flushes the activity of 100 persons: five quotas and ten categories each.
func BenchmarkAppend(b *testing.B) {
	s := open(b)
	var all []store.Addition
	for person := range 100 {
		minutes := store.Addition{Partition: partition("minutes", "2026-03-01", "smith", fmt.Sprint("person-", person))}
		totals := store.Addition{Partition: partition("totals", "2026-03-01", "smith", fmt.Sprint("person-", person))}
		for i := range 5 {
			minutes.Records = append(minutes.Records, store.Record{Key: fmt.Sprint("quota-", i), Bits: make([]uint64, 23)})
		}
		for i := range 10 {
			totals.Records = append(totals.Records, store.Record{Key: fmt.Sprint("category-", i), Count: 1})
		}
		all = append(all, minutes, totals)
	}
	for b.Loop() {
		if _, err := s.Append(all...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutInAFullHousehold is a change that adds a value where nearly all of a household's share is taken.
func BenchmarkPutInAFullHousehold(b *testing.B) {
	s := open(b)
	for n := 0; n < store.MaxShare-store.MaxBatch; n += store.MaxBatch {
		writes := make([]store.Write, store.MaxBatch)
		for i := range writes {
			writes[i] = set(fmt.Sprintf("smith/audit/%d", n+i), `{"by":"parent","what":"grant"}`)
		}
		if _, err := s.Put(b.Context(), writes...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for _, w := range []store.Write{set("smith/grant/1", `1`), drop("smith/grant/1")} {
			if _, err := s.Put(b.Context(), w); err != nil {
				b.Fatal(err)
			}
		}
	}
}
