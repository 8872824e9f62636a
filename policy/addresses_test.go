package policy

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestAddressesAgainstNetip compares the look-up with netip's own Contains over
// random nested networks.
func TestAddressesAgainstNetip(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	random := func() netip.Addr {
		if r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(r.IntN(3)), byte(r.IntN(4)), byte(r.IntN(8))}) //nolint:gosec // small
		}
		b := [16]byte{0x20, 0x01, 0x0d, 0xb8, 5: byte(r.IntN(2)), 7: byte(r.IntN(2)), 9: byte(r.IntN(3)), 15: byte(r.IntN(8))} //nolint:gosec // small
		return netip.AddrFrom16(b)
	}
	table := newAddresses()
	networks := map[netip.Prefix]int32{}
	devices := map[netip.Addr]int32{}
	for at := int32(1); at <= 120; at++ {
		a := random()
		if at > 90 {
			devices[a] = at
			table.addDevice(a, at)
			continue
		}
		p := netip.PrefixFrom(a, 1+r.IntN(a.BitLen())).Masked()
		networks[p] = at
		table.addNetwork(p, at)
	}
	hits := 0
	for range 20000 {
		a := random()
		want, bits := int32(0), -1
		for p, at := range networks {
			if p.Contains(a) && p.Bits() > bits {
				want, bits = at, p.Bits()
			}
		}
		if at, ok := devices[a]; ok {
			want = at
		}
		if want != 0 {
			hits++
		}
		if got := table.find(a); got != want {
			t.Fatalf("%s: %d, want %d", a, got, want)
		}
		if a.Is4() {
			if got := table.find(netip.AddrFrom16(a.As16())); got != want {
				t.Fatalf("%s in IPv6: %d, want %d", a, got, want)
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits: the test is too narrow", hits)
	}
	if got := table.find(netip.Addr{}); got != 0 {
		t.Errorf("the invalid address is client %d", got)
	}
}
