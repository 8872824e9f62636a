package blocklists

import (
	"context"
	"encoding/binary"
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
	at    int // of the next of order that advance gives
	key   [8]byte
}

const hashedSize = 16 // of a hashed in memory

// newHashSorter returns a sorter that is going to take at most so many names.
func newHashSorter(dir string, memory, most int) *hashSorter {
	limit := max(1, memory/hashedSize)
	return &hashSorter{runs: runs{dir: dir}, limit: limit, order: make([]hashed, 0, min(limit, most))}
}

func (s *hashSorter) add(hash uint64, number uint16) error {
	if len(s.order) == s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.order = append(s.order, hashed{hash, uint32(number)})
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
	s.order = nil
}

// sort brings order into ascending hashes, in place: that needs half the memory of scattering them to and fro.
func (s *hashSorter) sort() { sortHashed(s.order, 64-8) }

// sortHashed sorts by the octet of the hash at shift and those below: each record is swapped to where its octet belongs,
// then each octet's records are sorted by the next one. Hashes are evenly spread, so few octets settle it.
func sortHashed(order []hashed, shift uint) {
	if len(order) < 1<<5 {
		insertHashed(order)
		return
	}
	var next, ends [256]int
	for _, h := range order {
		ends[h.hash>>shift&0xff]++
	}
	sum := 0
	for octet, count := range ends {
		next[octet], sum = sum, sum+count
		ends[octet] = sum
	}
	for octet, end := range ends {
		for next[octet] < end {
			h := order[next[octet]]
			for to := int(h.hash >> shift & 0xff); to != octet; to = int(h.hash >> shift & 0xff) {
				order[next[to]], h = h, order[next[to]]
				next[to]++
			}
			order[next[octet]] = h
			next[octet]++
		}
	}
	if shift == 0 {
		return
	}
	begin := 0
	for _, end := range ends {
		sortHashed(order[begin:end], shift-8)
		begin = end
	}
}

// insertHashed sorts a few.
func insertHashed(order []hashed) {
	for i := 1; i < len(order); i++ {
		h := order[i]
		at := i
		for ; at > 0 && order[at-1].hash > h.hash; at-- {
			order[at] = order[at-1]
		}
		order[at] = h
	}
}
