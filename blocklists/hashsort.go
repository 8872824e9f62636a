package blocklists

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
)

// hashed is a name on its way into the table.
type hashed struct {
	hash   uint64
	number uint32 // of its value
}

// hashSorter sorts hashes in bounded memory, as a sorter does keys.
type hashSorter struct {
	runs
	limit int // of order
	order []hashed
	spare []hashed
	at    int // of the next of order that advance gives
	key   [8]byte
}

const hashedSize = 16 // of a hashed in memory

func newHashSorter(dir string, memory int) *hashSorter {
	return &hashSorter{runs: runs{dir: dir}, limit: max(1, memory/(2*hashedSize))}
}

func (s *hashSorter) add(hash uint64, number uint16) error {
	if len(s.order) == s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.order = append(grown(s.order, 1, s.limit), hashed{hash, uint32(number)})
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
		if err := visit(h.hash, uint16(h.number)); err != nil {
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
	binary.BigEndian.PutUint64(s.key[:], s.order[s.at].hash)
	h.key, h.payload = s.key[:], uint64(s.order[s.at].number)
	s.at++
	return true, nil
}

func (s *hashSorter) spill() error {
	s.sort()
	err := s.write(func(r *run) error {
		var key [8]byte
		for _, h := range s.order {
			binary.BigEndian.PutUint64(key[:], h.hash)
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
// once the highest 22 bits are in order, hardly any two are not, and those stand beside each other.
func (s *hashSorter) sort() {
	if len(s.order) < radixFrom {
		slices.SortFunc(s.order, func(a, b hashed) int { return cmp.Compare(a.hash, b.hash) })
		return
	}
	s.spare = grown(s.spare[:0], len(s.order), s.limit)[:len(s.order)]
	scatter(s.spare, s.order, 42)
	scatter(s.order, s.spare, 53)
	for i := 1; i < len(s.order); i++ {
		h := s.order[i]
		at := i
		for ; at > 0 && s.order[at-1].hash > h.hash; at-- {
			s.order[at] = s.order[at-1]
		}
		s.order[at] = h
	}
}

// scatter copies from into to by the eleven bits of the hash from the given one on, keeping the order of equal ones.
func scatter(to, from []hashed, shift uint) {
	const mask = 1<<11 - 1
	var places [mask + 1]int
	for _, h := range from {
		places[h.hash>>shift&mask]++
	}
	at := 0
	for i, count := range places {
		places[i] = at
		at += count
	}
	for _, h := range from {
		digit := h.hash >> shift & mask
		to[places[digit]] = h
		places[digit]++
	}
}
