package blocklists

import "context"

// sorter sorts records, each a key of at most maxKey octets and a payload, in bounded memory: they gather in a
// buffer; a full buffer is sorted and written to a temporary file, a run; the runs are merged. What fits in
// the buffer touches no file.
type sorter struct {
	runs
	memory  int
	records []byte // encoded, in the order of adding
	order   []record
	spare   []record // as long as order, for sorting
	at      int      // of the next record of order that advance gives
}

// record is a place in sorter.records with the first 12 octets of its key, which settle nearly all comparisons.
type record struct {
	prefix uint64
	more   uint32
	at     uint32
}

const (
	recordSize = 16 // of a record in memory
	// recordHead is what an encoded record has besides its key: its length and the payload.
	recordHead = 2 + 8
	// maxKey is the longest key: that of the longest pattern, with room to spare. Names have 254 octets at most.
	maxKey = 2 << 10
	// fanIn is how many runs are merged at once, each through a buffer of runBuffer octets.
	fanIn     = 64
	runBuffer = 32 << 10
	// checkEvery is how many records pass between two looks at the context.
	checkEvery = 1 << 13
)

func newSorter(dir string, memory int) *sorter { return &sorter{runs: runs{dir: dir}, memory: memory} }

// add takes a copy of key and its payload.
func (s *sorter) add(key []byte, payload uint64) error {
	size, room, places := recordHead+len(key), s.memory*7/16, s.memory*9/16/(2*recordSize)
	if len(s.order) > 0 && len(s.records)+size > room || len(s.order) == places {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.records, s.order = grown(s.records, size, room), grown(s.order, 1, places)
	s.order = append(s.order, recordOf(key, len(s.records)))
	s.records = appendRecord(s.records, key, payload)
	return nil
}

// grown returns b with a capacity for n more elements, doubled up to limit: a few names take a few octets.
func grown[T any](b []T, n, limit int) []T {
	if len(b)+n <= cap(b) {
		return b
	}
	return append(make([]T, 0, max(len(b)+n, min(max(2*cap(b), 1<<10), limit))), b...)
}

// each calls visit for every record by ascending key and, for one key, ascending payload. The key is valid
// until visit returns. It may be called once.
func (s *sorter) each(ctx context.Context, visit func(key []byte, payload uint64) error) error {
	streams, err := s.sorted()
	if err != nil {
		return err
	}
	return merge(ctx, streams, visit)
}

// sorted ends adding and returns what, merged, gives every record once.
func (s *sorter) sorted() ([]stream, error) {
	if len(s.files) == 0 {
		s.sort()
		return []stream{s}, nil
	}
	err := s.spill()
	s.records, s.order, s.spare = nil, nil, nil
	return s.streams(), err
}

// used returns how many octets of memory are in use.
func (s *sorter) used() int { return cap(s.records) + recordSize*(cap(s.order)+cap(s.spare)) }

// advance implements stream for what fitted in memory.
func (s *sorter) advance(h *head) (bool, error) {
	if s.at == len(s.order) {
		return false, nil
	}
	h.key, h.payload = decodeRecord(s.records[s.order[s.at].at:])
	s.at++
	return true, nil
}

// close gives up memory and files.
func (s *sorter) close() {
	s.runs.close()
	s.records, s.order, s.spare = nil, nil, nil
}

// spill writes what the buffer holds to a run and empties it.
func (s *sorter) spill() error {
	if len(s.order) == 0 {
		return nil
	}
	s.sort()
	err := s.write(func(r *run) error {
		for _, place := range s.order {
			if err := r.append(decodeRecord(s.records[place.at:])); err != nil {
				return err
			}
		}
		return nil
	})
	s.records, s.order = s.records[:0], s.order[:0]
	return err
}

// recordOf returns the record of a key that stands at an offset of sorter.records.
func recordOf(key []byte, at int) record {
	prefix, more := prefixOf(key)
	return record{prefix, uint32(more >> 32), uint32(at)}
}
