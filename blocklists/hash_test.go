package blocklists

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
)

// The first test vector of the SipHash paper (appendix A): SipHash-2-4, key 00..0f, message 00..0e.
func TestSipRoundAgreesWithThePaper(t *testing.T) {
	s := Key{0x0706050403020100, 0x0f0e0d0c0b0a0908}.begin()
	a, b, c, d := s.v0, s.v1, s.v2, s.v3
	for _, word := range []uint64{0x0706050403020100, 0x0f0e0d0c0b0a0908} {
		d ^= word
		a, b, c, d = sipRound(a, b, c, d)
		a, b, c, d = sipRound(a, b, c, d)
		a ^= word
	}
	c ^= 0xff
	for range 4 {
		a, b, c, d = sipRound(a, b, c, d)
	}
	if got := a ^ b ^ c ^ d; got != 0xa129ca6149be45e5 {
		t.Errorf("got %#x, want 0xa129ca6149be45e5", got)
	}
}

// naiveHash states in the simplest words what a hash is: SipHash-1-3 over 8-octet words, labels from the root.
func naiveHash(k Key, labels []string) uint64 {
	a, b, c, d := k[0]^0x736f6d6570736575, k[1]^0x646f72616e646f6d, k[0]^0x6c7967656e657261, k[1]^0x7465646279746573
	for _, label := range labels {
		block := append([]byte{byte(len(label))}, label...)
		for len(block)%8 != 0 {
			block = append(block, 0)
		}
		for ; len(block) > 0; block = block[8:] {
			word := binary.LittleEndian.Uint64(block)
			a, b, c, d = sipRound(a, b, c, d^word)
			a ^= word
		}
	}
	c ^= 0xff
	for range 3 {
		a, b, c, d = sipRound(a, b, c, d)
	}
	return a ^ b ^ c ^ d
}

func TestHashOfEverySuffix(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	key := Key{11, 12}
	var h Hashes
	for range 2000 {
		labels, name := []string{}, Name{0} // labels from the root on
		for range rng.IntN(12) {
			label := strings.Repeat("x", rng.IntN(19)) + string(rune('a'+rng.IntN(26)))
			labels = append(labels, label)
			name = append(append(Name{byte(len(label))}, label...), name...)
		}
		key.Hash(name, &h)
		if h.N != len(labels) {
			t.Fatalf("%s: N is %d, want %d", name, h.N, len(labels))
		}
		for i := range labels {
			if want := naiveHash(key, labels[:i+1]); h.H[i] != want {
				t.Fatalf("%s: hash %d is %#x, want %#x", name, i, h.H[i], want)
			}
		}
		if h.N > 0 {
			if got := key.hashReversed(appendReversed(nil, name)); got != h.H[h.N-1] {
				t.Fatalf("%s: %#x from the reversed key, want %#x", name, got, h.H[h.N-1])
			}
		}
	}
}

func TestHashTellsNamesApart(t *testing.T) {
	seen := map[uint64]string{}
	var h Hashes
	key := NewKey()
	for _, text := range []string{
		"a", "b", "aa", "a.a", "a.b", "b.a", "ab.c", "a.bc", `a\.b.c`, "a.b.c", `a\000`, `a\000\000`, "aaaaaaa", `aaaaaaa\000`, "aaaaaaaa",
		"aaaaaaa.a", "com.aaaaaaa", strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 126) + "b", strings.Repeat("a.", 125) + "a",
	} {
		key.Hash(mustName(t, text), &h)
		whole := h.H[h.N-1]
		if other, taken := seen[whole]; taken {
			t.Errorf("%s and %s have the same hash", text, other)
		}
		seen[whole] = text
	}
	key.Hash(mustName(t, "example.com"), &h)
	first := h.H[1]
	if NewKey().Hash(mustName(t, "example.com"), &h); h.H[1] == first {
		t.Error("another key gives the same hash")
	}
}

func TestHashOfMalformedNames(t *testing.T) {
	for _, wire := range []string{
		"", "\x00", "\x03com", "\x03com\x00\x00", "\x04com\x00", "\xc0\x0c", "\x40" + strings.Repeat("a", 64) + "\x00", "\xff",
		strings.Repeat("\x01a", 128) + "\x00", strings.Repeat("\x01a", 1000),
	} {
		h := Hashes{N: 9}
		if (Key{1, 2}).Hash([]byte(wire), &h); h.N != 0 {
			t.Errorf("%q: N is %d, want 0", wire, h.N)
		}
	}
}

func FuzzHash(f *testing.F) {
	f.Add([]byte("\x03www\x07example\x03com\x00"))
	f.Add([]byte("\x3f\x00"))
	f.Add(bytes.Repeat([]byte("\x01a"), 127))
	f.Fuzz(func(t *testing.T, wire []byte) {
		var h Hashes
		Key{1, 2}.Hash(wire, &h)
		if Name(wire).check() == nil && h.N != Name(wire).Labels() {
			t.Fatalf("%q: N is %d, want %d", wire, h.N, Name(wire).Labels())
		}
	})
}

func TestHashDoesNotAllocate(t *testing.T) {
	name, key := mustName(t, "www.example.co.uk"), NewKey()
	var h Hashes
	if n := testing.AllocsPerRun(100, func() { key.Hash(name, &h) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
