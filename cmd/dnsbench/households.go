//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
)

// town is a number of households that share loopback's 127.0.0.0/8, each with a
// network, people and devices of its own.
type town int

// prefix is how long the networks are: at least eight addresses each.
func (t town) prefix() int { return 8 + bits.Len(uint(t-1)) }

// network is the first address of a household.
func (t town) network(household int) uint32 {
	return 127<<24 + uint32(household)<<(32-t.prefix())
}

func address(a uint32) string { return fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255) }

// configuration is the households of hearth's file, each on a line.
func (t town) configuration() string {
	var b strings.Builder
	for i := range int(t) {
		n := t.network(i)
		fmt.Fprintf(&b, `  - {id: h%d, consent: {by: the benchmark, at: 2026-01-01}, networks: ["%s/%d"], members: [{name: Kim, band: child}, {name: Toni, band: teen}, {name: Alex, band: adult}], `,
			i, address(n), t.prefix())
		fmt.Fprintf(&b, "devices: [{name: tablet, member: Kim, addresses: [%s]}, {name: phone, member: Toni, addresses: [%s]}], guest: preteen}\n", address(n+2), address(n+3))
	}
	return b.String()
}

// clients draws n addresses from all over the town: every second one is a known
// device, the others are guests.
func (t town) clients(n int) [][4]byte {
	r := rand.New(rand.NewPCG(9, 10))
	all := make([][4]byte, n)
	for i := range all {
		host := uint32(2 + r.IntN(2))
		if i%2 == 1 {
			host = 4 + r.Uint32N(1<<(32-t.prefix())-5) // not the last one, which may be a broadcast
		}
		binary.BigEndian.PutUint32(all[i][:], t.network(r.IntN(int(t)))+host)
	}
	return all
}
