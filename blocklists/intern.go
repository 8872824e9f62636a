package blocklists

import (
	"encoding/binary"
	"fmt"
)

// interner numbers distinct values.
type interner struct {
	numbers map[value]uint16
	values  []value
	last    value  // most names of a run have the value of the one before
	latest  uint16 // its number
}

func newInterner() *interner { return &interner{numbers: make(map[value]uint16)} }

// number returns the number of v, a new one if v is new.
func (in *interner) number(v value) (uint16, error) {
	if len(in.values) > 0 && v == in.last {
		return in.latest, nil
	}
	n, known := in.numbers[v]
	if !known {
		if len(in.values) == maxValues {
			return 0, fmt.Errorf("more than %d different combinations of categories: use fewer lists or categories", maxValues)
		}
		n = uint16(len(in.values))
		in.numbers[v] = n
		in.values = append(in.values, v)
	}
	in.last, in.latest = v, n
	return n, nil
}

// union returns the number of the value that has the categories of both.
func (in *interner) union(a, b uint16) (uint16, error) {
	x, y := in.values[a], in.values[b]
	return in.number(value{exact: x.exact.Or(y.exact), subtree: x.subtree.Or(y.subtree)})
}

// appendValue appends v as an index file stores it.
func appendValue(b []byte, v value) []byte {
	for _, word := range v.exact {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	for _, word := range v.subtree {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return b
}
