package blocklists

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// Each case is one or more lists, written "<list> <network>", an exception with "@@" before it. Then addresses and
// their categories.
func TestWhatNetworksCover(t *testing.T) {
	for _, test := range []struct{ title, lists, want string }{
		{"IPv4", "A 192.0.2.0/24", "192.0.2.0=A 192.0.2.255=A 192.0.1.255=- 192.0.3.0=- ::192.0.2.1=- 2001:db8::1=-"},
		{"IPv4 in IPv6", "A 192.0.2.0/24", "::ffff:192.0.2.1=A ::ffff:192.0.3.1=-"},
		{"IPv6", "A 2001:db8::/32", "2001:db8::=A 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff=A 2001:db9::=- 2001:db7:ffff::=-"},
		{"one address", "A 192.0.2.7/32, B 2001:db8::7/128", "192.0.2.7=A 192.0.2.6=- 192.0.2.8=- 2001:db8::7=B 2001:db8::8=-"},
		{"bits behind the network's own", "A 192.0.2.77/24", "192.0.2.1=A"},
		{"the highest addresses", "A 255.255.255.0/24, B ffff::/16", "255.255.255.255=A ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=B"},
		{"the lowest addresses", "A 0.0.0.0/8", "0.0.0.0=A 1.0.0.0=-"},
		{"lists are united", "A 192.0.2.0/24, B 192.0.2.128/25", "192.0.2.1=A 192.0.2.129=AB"},
		{"the longer decides", "A 192.0.2.0/24, A @@192.0.2.128/25, A 192.0.2.192/26", "192.0.2.1=A 192.0.2.129=- 192.0.2.193=A"},
		{"an exception in the midst", "A 192.0.2.0/24, A @@192.0.2.4/30", "192.0.2.3=A 192.0.2.4=- 192.0.2.7=- 192.0.2.8=A"},
		{"an exception of one list", "A 192.0.2.0/24, B 192.0.2.0/24, A @@192.0.2.4/30", "192.0.2.4=B 192.0.2.8=AB"},
		{"of two alike the exception", "A 192.0.2.0/24, A @@192.0.2.0/24", "192.0.2.1=-"},
		{"side by side", "A 192.0.2.0/25, A 192.0.2.128/25, B 192.0.3.0/24", "192.0.2.127=A 192.0.2.128=A 192.0.3.0=B 192.0.4.0=-"},
	} {
		t.Run(test.title, func(t *testing.T) {
			b := newTestBuilder(t, BuilderConfig{})
			lists := map[string]ListID{"A": b.List(setOf(0)), "B": b.List(setOf(1))}
			for line := range strings.SplitSeq(test.lists, ", ") {
				list, text, _ := strings.Cut(line, " ")
				text, exception := strings.CutPrefix(text, "@@")
				if err := b.AddPrefix(lists[list], netip.MustParsePrefix(text), exception); err != nil {
					t.Fatal(err)
				}
			}
			ix, s := buildIndex(t, b)
			if n := 1 + strings.Count(test.lists, ", "); ix.Prefixes() != n || s.Networks != n {
				t.Errorf("%d networks, want %d; summary %+v", ix.Prefixes(), n, s)
			}
			for want := range strings.FieldsSeq(test.want) {
				text, _, _ := strings.Cut(want, "=")
				letters := ""
				for c := range ix.MatchAddress(netip.MustParseAddr(text)).All() {
					letters += string(rune('A' + c))
				}
				if letters == "" {
					letters = "-"
				}
				if got := text + "=" + letters; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

// Against one that asks every network of every list.
func TestNetworksAgreeWithReference(t *testing.T) {
	type naive struct {
		netip.Prefix
		exception bool
	}
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 3))
		address := func() netip.Addr {
			if rng.IntN(2) == 0 {
				return netip.AddrFrom4([4]byte{192, 0, byte(rng.IntN(2)), byte(rng.IntN(256))})
			}
			return netip.AddrFrom16([16]byte{0x20, 1, 14: byte(rng.IntN(2)), 15: byte(rng.IntN(256))})
		}
		b := newTestBuilder(t, BuilderConfig{})
		sets := make([]Categories, 1+rng.IntN(4))
		lists := make([][]naive, len(sets))
		for l := range sets {
			sets[l] = setOf(Category(rng.IntN(30)))
			id := b.List(sets[l])
			for range rng.IntN(60) {
				a := address()
				p := naive{netip.PrefixFrom(a, a.BitLen()-rng.IntN(12)).Masked(), rng.IntN(3) == 0}
				lists[l] = append(lists[l], p)
				if err := b.AddPrefix(id, p.Prefix, p.exception); err != nil {
					t.Fatal(err)
				}
			}
		}
		ix, _ := buildIndex(t, b)
		for range 500 {
			a := address()
			var want Categories
			for l, set := range sets {
				best, blocks := -1, false
				for _, p := range lists[l] {
					rank := 2 * p.Bits()
					if p.exception {
						rank++
					}
					if p.Contains(a) && rank > best {
						best, blocks = rank, !p.exception
					}
				}
				if blocks {
					want = want.Or(set)
				}
			}
			if got := ix.MatchAddress(a); got != want {
				t.Fatalf("seed %d, %s: got %v, want %v", seed, a, show(ix, got), show(ix, want))
			}
		}
	}
}

func TestNetworksThatAreRefused(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	l := b.List(setOf(0))
	for _, p := range []netip.Prefix{
		{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("::/8"), netip.MustParsePrefix("::ffff:0:0/96"),
	} {
		if err := b.AddPrefix(l, p, false); err == nil || errors.Is(err, ErrPrefixLimit) {
			t.Errorf("%s: got %v", p, err)
		}
	}
	if err := b.AddPrefix(7, netip.MustParsePrefix("192.0.2.0/24"), false); err == nil {
		t.Error("a list that was not declared is taken")
	}
	for i := range MaxPrefixes {
		a := netip.AddrFrom16([16]byte{0x20, 1, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		if err := b.AddPrefix(l, netip.PrefixFrom(a, 128), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.AddPrefix(l, netip.MustParsePrefix("192.0.2.0/24"), false); !errors.Is(err, ErrPrefixLimit) {
		t.Errorf("beyond the limit: got %v", err)
	}
	if ix, _ := buildIndex(t, b); ix.Prefixes() != MaxPrefixes || ix.MatchAddress(netip.MustParseAddr("2001::1:ffff")).IsZero() {
		t.Errorf("%d networks", ix.Prefixes())
	}
}

func TestMatchAddressDoesNotAllocate(t *testing.T) {
	ix, err := ReadIndex(smallFile(t))
	if err != nil {
		t.Fatal(err)
	}
	listed, unlisted := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	if ix.MatchAddress(listed).IsZero() || !ix.MatchAddress(unlisted).IsZero() {
		t.Fatal("the case does not test a listed and an unlisted address")
	}
	if n := testing.AllocsPerRun(100, func() { ix.MatchAddress(listed); ix.MatchAddress(unlisted) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMatchAddress(b *testing.B) {
	build := newTestBuilder(b, BuilderConfig{})
	l := build.List(setOf(0))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		a := netip.AddrFrom4([4]byte{byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))})
		if err := build.AddPrefix(l, netip.PrefixFrom(a, 24), false); err != nil {
			b.Fatal(err)
		}
	}
	ix, _ := buildIndex(b, build)
	a := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		ix.MatchAddress(a)
	}
}
