package blocklists

import (
	"context"
	"encoding/binary"
	"slices"
)

// hashed is a name on its way into the table.
type hashed struct {
	high, low uint32 // halves of the hash, so that it takes 12 octets
	number    uint16 // of its value
}

func (h hashed) hash() uint64 { return uint64(h.high)<<32 | uint64(h.low) }

// hashSorter sorts hashes in bounded memory, as a sorter does keys.
type hashSorter struct {
	runs
	limit int // of order
	order []hashed
	spare []hashed // as long as order, for sorting
	at    int      // of the next of order that advance gives
	key   [8]byte
}

const hashedSize = 12 // of a hashed in memory

// newHashSorter returns a sorter that is going to take at most so many names.
func newHashSorter(dir string, memory, most int) *hashSorter {
	limit := max(1, memory/(2*hashedSize))
	return &hashSorter{runs: runs{dir: dir}, limit: limit, order: make([]hashed, 0, min(limit, most))}
}

func (s *hashSorter) add(hash uint64, number uint16) error {
	if len(s.order) == s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.order = append(s.order, hashed{uint32(hash >> 32), uint32(hash), number})
	return nil
}

// each calls visit for all by ascending hash. It may be called once.
func (s *hashSorter) each(ctx context.Context, visit func(hash uint64, number uint16) error) error {
	s.sort()
	if len(s.files) > 0 {
		return merge(ctx, append(s.streams(), s), func(key []byte, number uint64) error {
			return visit(binary.BigEndian.Uint64(key), uint16(number))
		})
	}
	for i, h := range s.order {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := visit(h.hash(), h.number); err != nil {
			return err
		}
	}
	return nil
}

// advance implements stream for what is in memory.
func (s *hashSorter) advance(h *head) (bool, error) {
	if s.at == len(s.order) {
		return false, nil
	}
	binary.BigEndian.PutUint64(s.key[:], s.order[s.at].hash())
	h.key, h.payload = s.key[:], uint64(s.order[s.at].number)
	s.at++
	return true, nil
}

func (s *hashSorter) spill() error {
	s.sort()
	err := s.write(func(r *run) error {
		var key [8]byte
		for _, h := range s.order {
			binary.BigEndian.PutUint64(key[:], h.hash())
			if err := r.append(key[:], uint64(h.number)); err != nil {
				return err
			}
		}
		return nil
	})
	s.order = s.order[:0]
	return err
}

func (s *hashSorter) close() {
	s.runs.close()
	s.order, s.spare = nil, nil
}

// sort brings order into ascending hashes. They are evenly spread, and nobody without the key can make them otherwise:
// once the highest 22 bits are in order, hardly any two are not, and those stand beside each other. It takes a third of
// the time of sorting in place.
func (s *hashSorter) sort() {
	if len(s.order) >= radixFrom {
		s.spare = slices.Grow(s.spare[:0], len(s.order))[:len(s.order)]
		scatter(s.spare, s.order, 10)
		scatter(s.order, s.spare, 21)
	}
	for i := 1; i < len(s.order); i++ {
		h := s.order[i]
		at := i
		for ; at > 0 && h.hash() < s.order[at-1].hash(); at-- {
			s.order[at] = s.order[at-1]
		}
		s.order[at] = h
	}
}

// scatter copies from into to by the eleven bits of the hashes' high halves from the given one on, keeping the order of
// equal ones.
func scatter(to, from []hashed, shift uint) {
	const mask = 1<<11 - 1
	var places [mask + 1]int
	for _, h := range from {
		places[h.high>>shift&mask]++
	}
	at := 0
	for i, count := range places {
		places[i] = at
		at += count
	}
	for _, h := range from {
		digit := h.high >> shift & mask
		to[places[digit]] = h
		places[digit]++
	}
}
