package policy

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// addresses finds a client by address: devices first, then one map for each
// length of network present, the longest first. Keys are plain numbers, which
// hash in a few nanoseconds; netip's own types hold a pointer to their zone.
type addresses struct {
	devices4 map[uint32]int32
	devices6 map[wide]int32
	length4  []length4
	length6  []length6
}

// wide is an IPv6 address.
type wide struct{ high, low uint64 }

type length4 struct {
	mask    uint32
	clients map[uint32]int32
}

type length6 struct {
	mask    wide
	clients map[wide]int32
}

func newAddresses() addresses {
	return addresses{devices4: map[uint32]int32{}, devices6: map[wide]int32{}}
}

// find gives the place of a client, 0 for nobody's address.
func (t *addresses) find(a netip.Addr) int32 {
	switch {
	case a.Is4() || a.Is4In6():
		return t.find4(number4(a))
	case a.Is6():
		return t.find6(number6(a))
	}
	return 0
}

func (t *addresses) find4(n uint32) int32 {
	if at, ok := t.devices4[n]; ok {
		return at
	}
	for i := range t.length4 {
		if at, ok := t.length4[i].clients[n&t.length4[i].mask]; ok {
			return at
		}
	}
	return 0
}

func (t *addresses) find6(n wide) int32 {
	if at, ok := t.devices6[n]; ok {
		return at
	}
	for i := range t.length6 {
		m := t.length6[i].mask
		if at, ok := t.length6[i].clients[wide{n.high & m.high, n.low & m.low}]; ok {
			return at
		}
	}
	return 0
}

func (t *addresses) addDevice(a netip.Addr, at int32) {
	if a.Is4() || a.Is4In6() {
		t.devices4[number4(a)] = at
		return
	}
	t.devices6[number6(a)] = at
}

func (t *addresses) addNetwork(p netip.Prefix, at int32) {
	p = p.Masked()
	if p.Addr().Is4() {
		mask := ^uint32(0) << (32 - p.Bits())
		i := slices.IndexFunc(t.length4, func(l length4) bool { return l.mask <= mask })
		if i < 0 {
			i = len(t.length4)
		}
		if i == len(t.length4) || t.length4[i].mask != mask {
			t.length4 = slices.Insert(t.length4, i, length4{mask, map[uint32]int32{}})
		}
		t.length4[i].clients[number4(p.Addr())] = at
		return
	}
	mask := mask6(p.Bits())
	i := slices.IndexFunc(t.length6, func(l length6) bool { return !l.mask.longer(mask) })
	if i < 0 {
		i = len(t.length6)
	}
	if i == len(t.length6) || t.length6[i].mask != mask {
		t.length6 = slices.Insert(t.length6, i, length6{mask, map[wide]int32{}})
	}
	t.length6[i].clients[number6(p.Addr())] = at
}

func (w wide) longer(o wide) bool {
	return w.high > o.high || w.high == o.high && w.low > o.low
}

func mask6(bits int) wide {
	if bits <= 64 {
		return wide{^uint64(0) << (64 - bits), 0}
	}
	return wide{^uint64(0), ^uint64(0) << (128 - bits)}
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func number6(a netip.Addr) wide {
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}
