package blocklists

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
)

// Key is the secret of the hashes of one Index. Who does not know it cannot look for names that fall
// into the place of a listed one.
type Key [2]uint64

// NewKey returns a key from the system's random source.
func NewKey() Key {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	return Key{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

// Hashes holds the keyed hash of every suffix of one name: H[i] that of the last i+1 labels, so H[0] is
// the top-level domain and H[N-1] the whole name. N is 0 for the root. Reuse it: it is 1 KiB.
type Hashes struct {
	N int
	H [128]uint64
}

// Hash computes the hash of every suffix of name in one pass from the root, without allocating. name has to be
// in canonical wire form; what is not well-formed gets N = 0, as the root does.
func (k Key) Hash(name []byte, h *Hashes) {
	var starts [maxLabels]uint8
	n := labelStarts(name, &starts)
	s := k.begin()
	for i := range n {
		s = s.label(name, int(starts[n-1-i]))
		h.H[i] = s.sum()
	}
	h.N = n
}

// labelStarts notes where the labels of a name begin and returns their number, 0 if it is malformed.
func labelStarts(name []byte, starts *[maxLabels]uint8) int {
	if len(name) > maxNameOctets {
		return 0
	}
	n, at := 0, 0
	for at < len(name) && name[at] != 0 {
		if name[at] > maxLabelOctets || n == maxLabels {
			return 0
		}
		starts[n] = uint8(at)
		n++
		at += 1 + int(name[at])
	}
	if at != len(name)-1 {
		return 0
	}
	return n
}

// hashReversed returns the hash of the name whose labels stand in key from the root on, each behind its length
// octet: what Hash gives as H[N-1] for that name.
func (k Key) hashReversed(key []byte) uint64 {
	s := k.begin()
	for at := 0; at < len(key); at += 1 + int(key[at]) {
		s = s.label(key, at)
	}
	return s.sum()
}

// sip is the state of SipHash-1-3 (Aumasson and Bernstein 2012) over labels from the root on. Each label is
// absorbed with its length octet and padded with zeros to a multiple of 8 octets, which keeps
// different sequences of labels different; the sum may be taken after every label.
type sip struct{ v0, v1, v2, v3 uint64 }

func (k Key) begin() sip {
	return sip{
		v0: k[0] ^ 0x736f6d6570736575,
		v1: k[1] ^ 0x646f72616e646f6d,
		v2: k[0] ^ 0x6c7967656e657261,
		v3: k[1] ^ 0x7465646279746573,
	}
}

// label absorbs the label at offset at of b, its length octet included.
func (s sip) label(b []byte, at int) sip {
	left := 1 + int(b[at])
	for ; left >= 8; left -= 8 {
		s = s.absorb(binary.LittleEndian.Uint64(b[at:]))
		at += 8
	}
	if left > 0 {
		s = s.absorb(tail(b, at) & (1<<(8*left) - 1))
	}
	return s
}

// tail returns the octets of b from at on as a little-endian number; what lies behind b's end is 0.
func tail(b []byte, at int) uint64 {
	if at+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[at:])
	}
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b[len(b)-8:]) >> (8 * (at + 8 - len(b)))
	}
	var word uint64
	for i := len(b) - 1; i >= at; i-- {
		word = word<<8 | uint64(b[i])
	}
	return word
}

func (s sip) absorb(word uint64) sip {
	a, b, c, d := sipRound(s.v0, s.v1, s.v2, s.v3^word)
	return sip{a ^ word, b, c, d}
}

func (s sip) sum() uint64 {
	a, b, c, d := sipRound(s.v0, s.v1, s.v2^0xff, s.v3)
	a, b, c, d = sipRound(a, b, c, d)
	a, b, c, d = sipRound(a, b, c, d)
	return a ^ b ^ c ^ d
}

// sipRound is one round of SipHash. It is small enough to be inlined, which as a method on the state it is not.
func sipRound(a, b, c, d uint64) (uint64, uint64, uint64, uint64) {
	a += b
	c += d
	b = bits.RotateLeft64(b, 13) ^ a
	d = bits.RotateLeft64(d, 16) ^ c
	a = bits.RotateLeft64(a, 32) + d
	c += b
	b = bits.RotateLeft64(b, 17) ^ c
	d = bits.RotateLeft64(d, 21) ^ a
	return a, b, bits.RotateLeft64(c, 32), d
}
