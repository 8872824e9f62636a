package listen

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// networks is a set of addresses. A look-up costs little, however many networks there are.
type networks struct{ four, six spans }

// spans are of one family, sorted, and do not meet.
type spans []span

type span struct{ first, last number }

// number is an address as a number, of IPv4 in the low half.
type number struct{ high, low uint64 }

func numberOf(a netip.Addr) number {
	if a.Is4() {
		b := a.As4()
		return number{low: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return number{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

func (n number) less(o number) bool { return n.high < o.high || n.high == o.high && n.low < o.low }

func newNetworks(prefixes []netip.Prefix) (n networks) {
	for _, p := range prefixes {
		if p.Addr().Is4() {
			n.four = append(n.four, spanOf(p))
		} else {
			n.six = append(n.six, spanOf(p))
		}
	}
	return networks{merge(n.four), merge(n.six)}
}

// merge sorts spans and makes one of those that meet.
func merge(all spans) (merged spans) {
	slices.SortFunc(all, func(a, b span) int {
		if a.first.less(b.first) {
			return -1
		}
		return 1
	})
	for _, s := range all {
		if n := len(merged); n > 0 && !merged[n-1].last.less(s.first) {
			if merged[n-1].last.less(s.last) {
				merged[n-1].last = s.last
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

func spanOf(p netip.Prefix) span {
	first := numberOf(p.Masked().Addr())
	spare := p.Addr().BitLen() - p.Bits() // the bits that are free
	return span{first, number{first.high | ones(spare-64), first.low | ones(spare)}}
}

// ones has the lowest n bits set, of 64.
func ones(n int) uint64 {
	switch {
	case n <= 0:
		return 0
	case n >= 64:
		return ^uint64(0)
	}
	return 1<<n - 1
}

// contains reports whether a, which is not in its IPv6-mapped form, is in the set.
func (n *networks) contains(a netip.Addr) bool {
	all := n.six
	if a.Is4() {
		all = n.four
	}
	v := numberOf(a)
	low, high := 0, len(all)
	for low < high {
		if middle := (low + high) / 2; all[middle].last.less(v) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(all) && !v.less(all[low].first)
}
