package resolver

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// macHome knows its devices by their MACs; its guests are grown-ups, so that whoever is taken for one is not filtered.
const macHome = `
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24, "fe80::/10"]
    guest: adult
    members: [{name: Kim, band: child}, {name: Pat, band: adult}]
    devices:
      - {name: tablet, member: Kim, macs: ["a4:cf:12:00:00:01"], id: k4t9w2mzr7qx5bvd}
      - {name: laptop, member: Pat, macs: ["a4:cf:12:00:00:02"], addresses: [10.0.0.4]}
`

// neighbours is a Presence that says what a test does.
type neighbours struct {
	table map[netip.Addr]policy.MAC // at once
	later map[netip.Addr]policy.MAC // once somebody looks; who is in neither table is nobody
	far   map[netip.Addr]bool       // of whom nothing can be known
	looks int
}

func (n *neighbours) Find(f *policy.Facts) bool {
	if n.far[f.Addr] {
		return true
	}
	m, known := n.table[f.Addr]
	f.MAC = m
	return known
}

func (n *neighbours) Look(f *policy.Facts, _ time.Time, done func(bool)) {
	n.looks++
	go func() {
		var found bool
		f.MAC, found = n.later[f.Addr]
		done(found)
	}()
}

func newNeighbours(t testing.TB) (*house, *neighbours) {
	t.Helper()
	child, parent := policy.MAC{0xa4, 0xcf, 0x12, 0, 0, 1}, policy.MAC{0xa4, 0xcf, 0x12, 0, 0, 2}
	at := netip.MustParseAddr
	n := &neighbours{
		table: map[netip.Addr]policy.MAC{at("10.0.0.20"): child, at("10.0.0.30"): parent, at("fe80::20%eth0"): child, at("10.0.0.4"): parent},
		later: map[netip.Addr]policy.MAC{at("10.0.0.21"): child, at("10.0.0.31"): parent, at("10.0.0.41"): {0xa4, 0xcf, 0x12, 9, 9, 9}},
		far:   map[netip.Addr]bool{at("10.0.0.77"): true},
	}
	h := newHouse(t, records(t, "casino.example. 60 IN A 192.0.2.1", "www.example. 60 IN A 192.0.2.1"))
	h.r.cfg.Presence = n
	h.r.Swap(newWorldOf(t, macHome, buildIndex(), records(t, "casino.example. 60 IN A 192.0.2.1")))
	return h, n
}

// TestPresence: a device is known at each of its addresses, from the first query on; of whom nobody knows who they
// are nothing is told.
func TestPresence(t *testing.T) {
	const page, site, nothing = "casino.example. A 10.0.0.1", "casino.example. A 192.0.2.1", ""
	h, n := newNeighbours(t)
	for range 2 { // what the cache has changes nothing
		for _, c := range []struct {
			from, id string
			rcode    int
			want     string
			looks    int
		}{
			{"10.0.0.30", "", 0, site, 0},
			{"10.0.0.20", "", 0, page, 0},
			{"10.0.0.21", "", 0, page, 1}, // a new address of the child's device
			{"10.0.0.31", "", 0, site, 1},
			{"10.0.0.41", "", 0, site, 1}, // a guest
			{"10.0.0.77", "", 0, site, 0}, // beyond a router: a guest
			{"10.0.0.99", "", dns.RcodeServerFailure, nothing, 1},
			{"fe80::20%eth0", "", 0, page, 0},
			{"fe80::20%eth1", "", dns.RcodeServerFailure, nothing, 1},
			{"10.0.0.99", "k4t9w2mzr7qx5bvd", 0, page, 0}, // an id needs no MAC
			{"10.0.0.99", "v5x2d9tq4kz8mrbe", dns.RcodeServerFailure, nothing, 1},
		} {
			n.looks = 0
			from := netip.MustParseAddr(c.from)
			r := h.over(Client{Addr: from.WithZone(""), From: from, Identity: c.id}, withOPT("casino.example", dns.TypeA))
			if r.Rcode != c.rcode || answers(r) != c.want || n.looks != c.looks {
				t.Errorf("%s with id %q: rcode %d %q, want %d %q; looked %d times, want %d", c.from, c.id, r.Rcode, answers(r), c.rcode, c.want, n.looks, c.looks)
			}
		}
	}
}

// TestNobodyLooksWithoutNeed: where devices are known by addresses alone, no query waits for a MAC.
func TestNobodyLooksWithoutNeed(t *testing.T) {
	h := newHouse(t, records(t, "www.example. 60 IN A 192.0.2.1"))
	n := &neighbours{}
	h.r.cfg.Presence = n
	if r := h.ask("10.0.0.99", "www.example", dns.TypeA); r.Rcode != 0 || n.looks != 0 {
		t.Errorf("rcode %d after %d looks", r.Rcode, n.looks)
	}
}

// TestPresenceAllocatesNothing pins the paths of answers that need nobody.
func TestPresenceAllocatesNothing(t *testing.T) {
	h, _ := newNeighbours(t)
	for _, from := range []string{"10.0.0.20", "10.0.0.30", "10.0.0.77", "fe80::20%eth0"} {
		at := netip.MustParseAddr(from)
		c := Client{Addr: at.WithZone(""), From: at}
		h.over(c, withOPT("casino.example", dns.TypeA)) // warm
		packet, _ := withOPT("casino.example", dns.TypeA).Pack()
		var q wire.Query
		var s Stroke
		buf := make([]byte, 0, 1500)
		n := testing.AllocsPerRun(200, func() {
			q.Parse(packet)
			if _, done := h.r.Answer(&s, &q, c, buf); !done {
				t.Fatalf("%s is not answered at once", from)
			}
			h.r.events.each(func(*Event) {})
		})
		if n != 0 {
			t.Errorf("%s: %v allocations, want none", from, n)
		}
	}
}

// TestAssumedLearnsNoID: whoever is at an address of the device, but has another MAC, is not led to the secret name.
func TestAssumedLearnsNoID(t *testing.T) {
	const home = `
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: child}]
    devices: [{name: tablet, member: Kim, macs: ["a4:cf:12:00:00:01"], addresses: [10.0.0.2], id: k4t9w2mzr7qx5bvd}]
`
	h := newDiscovered(t, "dns.family.example", Designation{Endpoints: everyEndpoint})
	h.r.Swap(newWorldWith(t, home, buildIndex(), records(t), func(c *WorldConfig) { c.Designated = h.r.World().designated.Designation }))
	at := netip.MustParseAddr("10.0.0.2")
	for m, told := range map[policy.MAC]bool{{0xa4, 0xcf, 0x12, 0, 0, 1}: true, {0xa4, 0xcf, 0x12, 9, 9, 9}: false} {
		h.r.cfg.Presence = &neighbours{table: map[netip.Addr]policy.MAC{at: m}}
		r := h.ask("10.0.0.2", "_dns.resolver.arpa", dns.TypeSVCB)
		if got := strings.Contains(r.String(), "k4t9w2mzr7qx5bvd"); got != told || len(r.Answer) == 0 {
			t.Errorf("with the MAC %s the id is told: %t, want %t, in %v", m, got, told, r.Answer)
		}
	}
}
