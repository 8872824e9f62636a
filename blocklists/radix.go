package blocklists

import (
	"bytes"
	"cmp"
	"slices"
)

// radixFrom is the number of records from which on sorting by octets is faster than comparing.
const radixFrom = 1 << 10

// sort brings order into ascending keys and payloads.
func (s *sorter) sort() {
	if len(s.order) < radixFrom {
		slices.SortFunc(s.order, func(a, b record) int {
			if a.prefix != b.prefix {
				return cmp.Compare(a.prefix, b.prefix)
			}
			return s.compare(a, b)
		})
		return
	}
	s.spare = slices.Grow(s.spare[:0], len(s.order))[:len(s.order)]
	s.order, s.spare = radixSort(s.order, s.spare)
	for begin := 0; begin < len(s.order); {
		end := begin + 1
		for end < len(s.order) && s.order[end].prefix == s.order[begin].prefix {
			end++
		}
		if end-begin > 1 {
			slices.SortFunc(s.order[begin:end], s.compare)
		}
		begin = end
	}
}

// compare compares records whose prefixes are equal: in nearly all cases without a look at their keys, which lie
// far apart.
func (s *sorter) compare(a, b record) int {
	if a.more != b.more {
		return cmp.Compare(a.more, b.more)
	}
	keyA, payloadA := decodeRecord(s.records[a.at:])
	keyB, payloadB := decodeRecord(s.records[b.at:])
	if order := bytes.Compare(keyA, keyB); order != 0 {
		return order
	}
	return cmp.Compare(payloadA, payloadB)
}

// radixSort sorts by prefix, octet by octet from the last on, moving the records to and fro between two
// slices of one length. It returns the sorted one and the other. Against comparing prefixes it takes a third off
// the processor time of a whole build: 900 to 640 ns a name, a million names.
func radixSort(order, spare []record) (sorted, other []record) {
	var counts [8][256]int
	for _, r := range order {
		for digit := range counts {
			counts[digit][r.prefix>>(8*digit)&0xff]++
		}
	}
	for digit := range counts {
		if counts[digit][order[0].prefix>>(8*digit)&0xff] == len(order) {
			continue // all have the same octet here
		}
		at := 0
		for octet, count := range counts[digit] {
			counts[digit][octet] = at
			at += count
		}
		for _, r := range order {
			octet := r.prefix >> (8 * digit) & 0xff
			spare[counts[digit][octet]] = r
			counts[digit][octet]++
		}
		order, spare = spare, order
	}
	return order, spare
}
