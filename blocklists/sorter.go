package blocklists

import (
	"context"
	"encoding/binary"
)

// sorter sorts records, each a key of at most 255 octets and a payload, in bounded memory: they gather in a
// buffer; a full buffer is sorted and written to a temporary file, a run; the runs are merged. What fits in
// the buffer touches no file.
type sorter struct {
	dir     string
	memory  int
	records []byte // encoded, in the order of adding
	order   []record
	spare   []record // as long as order, for sorting
	runs    []*run
	spilled int // runs ever written
}

// record is a place in sorter.records with the first 12 octets of its key, which settle nearly all comparisons.
type record struct {
	prefix uint64
	more   uint32
	at     uint32
}

const (
	recordSize = 16 // of a record in memory
	// recordHead is what an encoded record has besides its key: the length octet and the payload.
	recordHead = 1 + 4
	maxKey     = 255
	// fanIn is how many runs are merged at once, each through a buffer of runBuffer octets.
	fanIn     = 64
	runBuffer = 32 << 10
	// checkEvery is how many records pass between two looks at the context.
	checkEvery = 1 << 13
)

func newSorter(dir string, memory int) *sorter { return &sorter{dir: dir, memory: memory} }

// add takes a copy of key and its payload.
func (s *sorter) add(key []byte, payload uint32) error {
	size, room, places := recordHead+len(key), s.memory*7/16, s.memory*9/16/(2*recordSize)
	if len(s.records)+size > room || len(s.order) == places {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.records, s.order = grown(s.records, size, room), grown(s.order, 1, places)
	prefix, more := prefixOf(key)
	s.order = append(s.order, record{prefix: prefix, more: more, at: uint32(len(s.records))})
	s.records = append(s.records, byte(len(key)))
	s.records = append(s.records, key...)
	s.records = binary.LittleEndian.AppendUint32(s.records, payload)
	return nil
}

// grown returns b with a capacity for n more elements, doubled up to limit: a few names take a few octets.
func grown[T any](b []T, n, limit int) []T {
	if len(b)+n <= cap(b) {
		return b
	}
	return append(make([]T, 0, min(max(2*cap(b), 1<<10), limit)), b...)
}

// each calls visit for every record by ascending key and, for one key, ascending payload. The key is valid
// until visit returns. It may be called once.
func (s *sorter) each(ctx context.Context, visit func(key []byte, payload uint32) error) error {
	if len(s.runs) == 0 {
		s.sort()
		for i, r := range s.order {
			if i%checkEvery == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			key, payload := decodeRecord(s.records[r.at:])
			if err := visit(key, payload); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.records, s.order, s.spare = nil, nil, nil
	return merge(ctx, s.runs, visit)
}

// close gives up memory and files.
func (s *sorter) close() {
	closeRuns(s.runs)
	s.runs, s.records, s.order, s.spare = nil, nil, nil, nil
}

// spill writes what the buffer holds to a run and empties it. As many runs as can be merged at once
// become one first.
func (s *sorter) spill() error {
	if len(s.order) == 0 {
		return nil
	}
	if len(s.runs) == fanIn {
		if err := s.compact(); err != nil {
			return err
		}
	}
	s.sort()
	err := s.write(func(r *run) error {
		for _, place := range s.order {
			size := recordHead + int(s.records[place.at])
			if err := r.append(s.records[place.at : int(place.at)+size]); err != nil {
				return err
			}
		}
		return nil
	})
	s.records, s.order = s.records[:0], s.order[:0]
	return err
}

// compact merges all runs into one.
func (s *sorter) compact() error {
	old := s.runs
	s.runs = nil
	defer closeRuns(old)
	var encoded []byte
	return s.write(func(r *run) error {
		return merge(context.Background(), old, func(key []byte, payload uint32) error {
			encoded = append(append(encoded[:0], byte(len(key))), key...)
			encoded = binary.LittleEndian.AppendUint32(encoded, payload)
			return r.append(encoded)
		})
	})
}

// write makes a new run of what fill appends to it.
func (s *sorter) write(fill func(*run) error) error {
	r, err := newRun(s.dir)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	s.spilled++
	if err := fill(r); err != nil {
		return err
	}
	return r.rewind()
}

// decodeRecord returns the first record of b.
func decodeRecord(b []byte) (key []byte, payload uint32) {
	size := int(b[0])
	return b[1 : 1+size], binary.LittleEndian.Uint32(b[1+size:])
}

// prefixOf returns the first 12 octets of key as numbers that compare as they do; what lies behind its end is 0.
func prefixOf(key []byte) (prefix uint64, more uint32) {
	if len(key) < 12 {
		var padded [12]byte
		copy(padded[:], key)
		key = padded[:]
	}
	return binary.BigEndian.Uint64(key), binary.BigEndian.Uint32(key[8:])
}
