package policy

import (
	"math/rand/v2"
	"testing"
)

// TestTableAgainstMap: a table knows what a map knows, the zero key too, whatever
// the hash: a bad one makes it slow, not wrong.
func TestTableAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for name, hash := range map[string]func(uint64) uint64{
		"even":        number4hash,
		"one for all": func(uint64) uint64 { return 1<<64 - 1 },
	} {
		var table table[uint64]
		want := map[uint64]int32{}
		for range 3000 {
			key := r.Uint64N(1000)
			if got := table.find(key, hash(key)); got != want[key] {
				t.Fatalf("%s: %d has %d, want %d", name, key, got, want[key])
			}
			value := 1 + r.Int32N(1000)
			table.put(key, value, hash)
			want[key] = value
		}
		for key := range uint64(1100) {
			if got := table.find(key, hash(key)); got != want[key] {
				t.Fatalf("%s: at the end %d has %d, want %d", name, key, got, want[key])
			}
		}
		if table.used != len(want) || 3*table.used > 2*len(table.slots) {
			t.Errorf("%s: %d of %d slots in use for %d keys", name, table.used, len(table.slots), len(want))
		}
	}
}

func number4hash(key uint64) uint64 { return number4(key).hash() } //nolint:gosec // small
