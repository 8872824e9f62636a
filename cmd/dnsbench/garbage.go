//go:build linux

package main

import "slices"

// mark is the bit of an ID that tells malformed packets from good ones, so that
// an error which answers one is not taken for an answer to the other.
const mark = 0x8000

// garbage returns packets that are no DNS messages, each broken in another way.
// All carry an ID with mark.
func garbage() [][]byte {
	header := []byte{0x80, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	packet := func(rest ...byte) []byte { return append(slices.Clone(header), rest...) }
	long := packet()
	for range 5 {
		long = append(append(long, 63), slices.Repeat([]byte{'a'}, 63)...)
	}
	option := packet(1, 'a', 0, 0, 1, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 40, 1)
	option[11] = 1
	return [][]byte{
		header[:5],                                             // cut inside the header
		packet(40, 'a', 'b'),                                   // a label past the end
		packet(0xc0, 12, 0, 1, 0, 1),                           // a pointer to itself
		packet(0xc0, 200, 0, 1, 0, 1),                          // a pointer past the end
		packet(0x41, 'a', 0, 0, 1, 0, 1),                       // a label of a reserved type
		append(long, 0, 0, 1, 0, 1),                            // a name of more than 255 octets
		packet(3, 'w', 'w', 'w', 3, 'c', 'o', 'm', 0, 0, 1, 0), // cut inside the question
		option, // an option that runs past its record and the packet
	}
}
