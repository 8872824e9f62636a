package resolver

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// kind is how Hearth itself answers a name that it never asks anybody about.
type kind uint8

const (
	kindNone       kind = iota
	kindRoute           // a conditional zone of the operator: not special after all
	kindAbsent          // NXDOMAIN, the name and all beneath
	kindZone            // locally served zone without names: NODATA at its apex, NXDOMAIN beneath (RFC 6303)
	kindHost            // localhost (RFC 6761 section 6.3)
	kindLoopback        // the reverse of 127.0.0.1 and ::1
	kindNAT64           // ipv4only.arpa (RFC 8880)
	kindOwn             // our own name: the landing address, NXDOMAIN beneath
	kindResolver        // resolver.arpa: NODATA, but for what the resolver says of itself
	kindDesignated      // the name of the encrypted listeners
	kindWhoami          // who we take the client for
	kindWhy             // why the name beneath it is answered as it is
	kindCheck           // any name beneath it: the landing address
)

// CheckLabel stands before the own name in the names that are asked for to see which way a device asks: any name beneath has
// the landing address.
const CheckLabel = "check"

// told are the kinds whose answer is put together for the one who asks, which takes the second stroke.
func (k kind) told() bool { return k == kindWhoami || k == kindWhy }

// zoneKinds is the table of names with a meaning of their own. Sources: RFC 6761
// (localhost, test, invalid), RFC 6762 (local), RFC 7686 (onion), RFC 9476 (alt),
// RFC 8375 (home.arpa), RFC 8880 (ipv4only.arpa), RFC 9462 section 6.4
// (resolver.arpa). The canaries stand apart.
var zoneKinds = map[string]kind{
	"localhost":              kindHost,
	"test":                   kindAbsent,
	"invalid":                kindAbsent,
	"local":                  kindAbsent,
	"onion":                  kindAbsent,
	"alt":                    kindAbsent,
	"home.arpa":              kindZone,
	"resolver.arpa":          kindResolver,
	"ipv4only.arpa":          kindNAT64,
	"127.in-addr.arpa":       kindZone,
	"1.0.0.127.in-addr.arpa": kindLoopback,
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa": kindLoopback,
}

// canaries are the names by which systems ask, of themselves, whether the network
// filters. The answer that says so is NXDOMAIN for all of them; each maker takes an
// answer without an address for the same, and Apple asks for a fast one rather than
// none. No list has them, so they never count as an attempt to get round the filter.
var canaries = [...]string{
	// Firefox keeps to the network's resolver, unless somebody chose another by
	// hand: support.mozilla.org, "Canary domain - use-application-dns.net".
	"use-application-dns.net",
	// An Apple device tells its owner that the private relay is off in this network:
	// developer.apple.com, "Prepare your network or web server for iCloud Private
	// Relay". The third is not in that page; devices ask for it all the same.
	"mask.icloud.com",
	"mask-h2.icloud.com",
	"mask-canary.icloud.com",
	// Chrome looks a page up before it shows what it fetched ahead through Google's
	// proxy, so that a blocked page is not shown from there: developer.chrome.com,
	// "Private prefetch proxy in Chrome for network administrators".
	"dns-tunnel-check.googlezip.net",
}

// reverseZones are the locally served reverse zones of RFC 6303 section 4 and
// RFC 7793 that are not written out above.
func reverseZones() []string {
	zones := []string{
		"0.in-addr.arpa", "10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa",
		"2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
		"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
	}
	for i := 16; i <= 31; i++ {
		zones = append(zones, fmt.Sprintf("%d.172.in-addr.arpa", i))
	}
	for i := 64; i <= 127; i++ {
		zones = append(zones, fmt.Sprintf("%d.100.in-addr.arpa", i))
	}
	return zones
}

// PrivateReverseZones are those of reverseZones whose addresses a home has: RFC 1918, RFC 4193
// and the link-local ones of RFC 3927 and RFC 4291. The router may know names for them.
func PrivateReverseZones() []string {
	zones := []string{"10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa", "d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa"}
	for i := 16; i <= 31; i++ {
		zones = append(zones, fmt.Sprintf("%d.172.in-addr.arpa", i))
	}
	return zones
}

// forEachSpecial calls visit for every special name, the operator's conditional
// zones included: those win over a special name that they equal or contain, and
// over the part of a special zone that they are.
func forEachSpecial(own, designated blocklists.Name, zones []blocklists.Name, visit func(blocklists.Name, kind)) {
	add := func(text string, k kind) {
		name, err := blocklists.ParseName(text)
		if err == nil && !within(name, zones) {
			visit(name, k)
		}
	}
	for text, k := range zoneKinds {
		add(text, k)
	}
	for _, text := range canaries {
		add(text, kindAbsent)
	}
	for _, text := range reverseZones() {
		add(text, kindZone)
	}
	for _, z := range zones {
		visit(z, kindRoute)
	}
	if len(designated) > 0 {
		visit(designated, kindDesignated)
	}
	visit(own, kindOwn)
	for label, k := range map[string]kind{"ask": kindOwn, "whoami": kindWhoami, "why": kindWhy, CheckLabel: kindCheck} {
		name := append(blocklists.Name{byte(len(label))}, label...)
		visit(append(name, own...), k)
	}
}

// within reports whether name is one of zones or lies beneath one.
func within(name blocklists.Name, zones []blocklists.Name) bool {
	for rest := name; len(rest) > 0 && rest[0] != 0; rest = rest[rest[0]+1:] {
		for _, z := range zones {
			if string(z) == string(rest) {
				return true
			}
		}
	}
	return false
}

// FixedNames returns the names that the resolver answers by itself, as the
// directory's second step needs them, in the same order each time: the directory's version is
// made of them too. designated is the name of a Designation.
func FixedNames(own, designated blocklists.Name, zones []blocklists.Name) []policy.FixedName {
	var out []policy.FixedName
	forEachSpecial(own, designated, zones, func(n blocklists.Name, k kind) {
		out = append(out, policy.FixedName{Name: n, Subtree: true, Except: k == kindRoute})
	})
	slices.SortStableFunc(out, func(a, b policy.FixedName) int { return bytes.Compare(a.Name, b.Name) })
	return out
}

// specials is the table above, by suffix hash.
type specials struct {
	kinds map[uint64]kind
	own   uint64
	depth int // labels of the own name
}

func newSpecials(key blocklists.Key, own, designated blocklists.Name, zones []blocklists.Name) specials {
	s := specials{kinds: make(map[uint64]kind)}
	var h blocklists.Hashes
	forEachSpecial(own, designated, zones, func(n blocklists.Name, k kind) {
		key.Hash(n, &h)
		s.kinds[h.H[h.N-1]] = k
	})
	key.Hash(own, &h)
	s.own, s.depth = h.H[h.N-1], h.N
	return s
}

// find returns the kind of the deepest special suffix of at most depth labels and its number of labels.
func (s *specials) find(h *blocklists.Hashes, depth int) (kind, int) {
	for n := depth; n > 0; n-- {
		if k := s.kinds[h.H[n-1]]; k != kindNone {
			return k, n
		}
	}
	return kindNone, 0
}

// mine reports whether the name is the own name or beneath it.
func (s *specials) mine(h *blocklists.Hashes) bool {
	return h.N >= s.depth && h.H[s.depth-1] == s.own
}
