package policy

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// addresses finds a client by address: devices first, then one table for each
// length of network present, the longest first. The keys are plain numbers:
// with a netip.Prefix an IPv6 client takes twice as long.
type addresses struct {
	lengths4 []length4
	lengths6 []length6
}

type length4 struct {
	mask    number4
	clients table[number4]
}

type length6 struct {
	mask    number6
	clients table[number6]
}

// number4 is an IPv4 address.
type number4 uint32

// number6 is an IPv6 address.
type number6 struct{ high, low uint64 }

func newAddresses() addresses {
	return addresses{
		lengths4: []length4{{mask: ^number4(0)}}, // of devices
		lengths6: []length6{{mask: number6{^uint64(0), ^uint64(0)}}},
	}
}

// find gives the place of a client, 0 for nobody's address.
func (t *addresses) find(a netip.Addr) int32 {
	switch {
	case a.Is4() || a.Is4In6():
		return t.find4(asNumber4(a))
	case a.Is6():
		return t.find6(asNumber6(a))
	}
	return 0
}

func (t *addresses) find4(n number4) int32 {
	for i := range t.lengths4 {
		l := &t.lengths4[i]
		key := n & l.mask
		if at := l.clients.find(key, key.hash()); at != 0 {
			return at
		}
	}
	return 0
}

func (t *addresses) find6(n number6) int32 {
	for i := range t.lengths6 {
		l := &t.lengths6[i]
		key := n.and(l.mask)
		if at := l.clients.find(key, key.hash()); at != 0 {
			return at
		}
	}
	return 0
}

func (t *addresses) addDevice(a netip.Addr, at int32) {
	if a.Is4() || a.Is4In6() {
		t.lengths4[0].clients.put(asNumber4(a), at, number4.hash)
		return
	}
	t.lengths6[0].clients.put(asNumber6(a), at, number6.hash)
}

func (t *addresses) addNetwork(p netip.Prefix, at int32) {
	if p.Addr().Is4() {
		t.addNetwork4(asNumber4(p.Addr()), ^number4(0)<<(32-p.Bits()), at)
		return
	}
	mask := number6{^uint64(0) << max(0, 64-p.Bits()), ^uint64(0) << min(64, 128-p.Bits())}
	t.addNetwork6(asNumber6(p.Addr()), mask, at)
}

func (t *addresses) addNetwork4(n, mask number4, at int32) {
	i := 1
	for i < len(t.lengths4) && t.lengths4[i].mask > mask {
		i++
	}
	if i == len(t.lengths4) || t.lengths4[i].mask != mask {
		t.lengths4 = slices.Insert(t.lengths4, i, length4{mask: mask})
	}
	t.lengths4[i].clients.put(n&mask, at, number4.hash)
}

func (t *addresses) addNetwork6(n, mask number6, at int32) {
	i := 1
	for i < len(t.lengths6) && t.lengths6[i].mask.longer(mask) {
		i++
	}
	if i == len(t.lengths6) || t.lengths6[i].mask != mask {
		t.lengths6 = slices.Insert(t.lengths6, i, length6{mask: mask})
	}
	t.lengths6[i].clients.put(n.and(mask), at, number6.hash)
}

func asNumber4(a netip.Addr) number4 {
	b := a.As4()
	return number4(binary.BigEndian.Uint32(b[:]))
}

func asNumber6(a netip.Addr) number6 {
	b := a.As16()
	return number6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (n number6) and(mask number6) number6 { return number6{n.high & mask.high, n.low & mask.low} }

// longer says of two masks which leaves less out.
func (n number6) longer(o number6) bool {
	return n.high > o.high || n.high == o.high && n.low > o.low
}

func (n number4) hash() uint64 { return number6{low: uint64(n)}.hash() }

// hash multiplies the halves, so that each bit of the result depends on all of them.
func (n number6) hash() uint64 {
	high, low := bits.Mul64(n.high^0x9e3779b97f4a7c15, n.low^0xd1b54a32d192ed03)
	return high ^ low
}
