package resolver

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// located is a family of which some have rules of addresses.
const located = `
profiles:
  - {name: far, band: adult, addresses: [{country: AQ, action: deny}]}
  - {name: host, band: adult, addresses: [{system: 64500, action: deny}]}
  - {name: block, band: adult, block_mode: nxdomain, addresses: [{network: 198.51.100.0/25, action: deny}, {network: "2001:db8:bad::/48", action: deny}]}
  - {name: willing, band: adult, addresses: [{country: AQ, action: deny}], rules: [{name: n.example, action: allow}]}
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Pat, band: adult}]
    devices:
      - {name: pat, addresses: [10.0.0.4], member: Pat}
      - {name: far, addresses: [10.0.0.21], profile: far}
      - {name: host, addresses: [10.0.0.22], profile: host}
      - {name: block, addresses: [10.0.0.23], profile: block}
      - {name: willing, addresses: [10.0.0.24], profile: willing}
`

const (
	farFrom = "10.0.0.21"
	host    = "10.0.0.22"
	block   = "10.0.0.23"
	willing = "10.0.0.24"
)

// chart is an atlas of a few networks.
type chart struct {
	edition uint32
	places  map[string]policy.Whereabouts
}

func (c *chart) Edition() uint32 { return c.edition }

func (c *chart) Locate(a netip.Addr) policy.Whereabouts {
	for network, w := range c.places {
		if netip.MustParsePrefix(network).Contains(a) {
			return w
		}
	}
	return policy.Whereabouts{}
}

func country(t testing.TB, code string) policy.Country {
	t.Helper()
	c, ok := policy.ParseCountry(code)
	if !ok {
		t.Fatal(code)
	}
	return c
}

// polar says that 198.51.100.0/25 and 2001:db8:bad::/48 lie in Antarctica, and in AS64500.
func polar(t testing.TB, edition uint32) *chart {
	there := policy.Whereabouts{Country: country(t, "AQ"), System: 64500}
	return &chart{edition, map[string]policy.Whereabouts{
		"198.51.100.0/25": there, "2001:db8:bad::/48": there, "192.0.2.0/24": {Country: country(t, "NO"), System: 64501},
	}}
}

// inhabit makes a world of a family with an atlas.
func inhabit(t testing.TB, households string, ix *blocklists.Index, u Exchanger, a Atlas) *World {
	t.Helper()
	w := newWorldWith(t, households, ix, u, func(c *WorldConfig) { c.Atlas = a })
	w.Upstreams.profiles[0].Translator = netip.MustParsePrefix("2001:db8:64::/96")
	return w
}

// denied reports whether a reply is a block; a miss or a failure is neither.
func denied(t testing.TB, m *dns.Msg) bool {
	t.Helper()
	e := extended(m)
	if e == nil && len(m.Answer) == 0 || m.Rcode != dns.RcodeSuccess {
		t.Errorf("neither answered nor blocked: %v", m)
	}
	return e != nil && e.InfoCode != 3
}

// TestAddressRules: an answer that leads to an address is blocked for whom a rule denies where it lies, in every kind of
// record, over every way of reading a reply, and after reloads.
func TestAddressRules(t *testing.T) {
	const binding = `IN HTTPS 1 svc.example. alpn="h2" `
	for _, tt := range []struct {
		zone  []string
		name  string
		qtype uint16
		block bool
	}{
		{[]string{"n.example. 300 IN A 192.0.2.1", "n.example. 300 IN A 198.51.100.1"}, "n.example", dns.TypeA, true},
		{[]string{"n.example. 300 IN A 192.0.2.1"}, "n.example", dns.TypeA, false},
		{[]string{"n.example. 300 IN A 198.51.100.129"}, "n.example", dns.TypeA, false},
		{[]string{"n.example. 300 IN AAAA 2001:db8:bad::1"}, "n.example", dns.TypeAAAA, true},
		{[]string{"n.example. 300 IN AAAA 2001:db8:900d::1"}, "n.example", dns.TypeAAAA, false},
		{[]string{"n.example. 300 IN AAAA ::ffff:198.51.100.1"}, "n.example", dns.TypeAAAA, true},
		{[]string{"n.example. 300 IN AAAA 64:ff9b::198.51.100.1"}, "n.example", dns.TypeAAAA, true},
		{[]string{"n.example. 300 IN AAAA 2001:db8:64::198.51.100.1"}, "n.example", dns.TypeAAAA, true}, // behind our DNS64
		{[]string{"n.example. 300 IN CNAME t.example.", "t.example. 300 IN A 198.51.100.1"}, "n.example", dns.TypeA, true},
		{[]string{"sub.example. 300 IN DNAME target.example.", "n.target.example. 300 IN A 198.51.100.1"}, "n.sub.example", dns.TypeA, true},
		{[]string{"n.example. 300 " + binding + "ipv4hint=192.0.2.1,198.51.100.1"}, "n.example", dns.TypeHTTPS, true},
		{[]string{"n.example. 300 " + binding + "ipv6hint=2001:db8:bad::1"}, "n.example", dns.TypeHTTPS, true},
		{[]string{"n.example. 300 " + binding + "ipv4hint=192.0.2.1"}, "n.example", dns.TypeHTTPS, false},
		{[]string{"n.example. 300 IN TXT \"198.51.100.1\""}, "n.example", dns.TypeTXT, false},
		{[]string{"n.example. 300 IN A 192.0.2.1", "stranger.example. 300 IN A 198.51.100.1"}, "n.example", dns.TypeA, false},
	} {
		t.Run(fmt.Sprint(tt.zone), func(t *testing.T) {
			u, ix := records(t, tt.zone...), buildIndex()
			h := newHouse(t, u)
			check := func(when string, countries bool) {
				t.Helper()
				for from, want := range map[string]bool{farFrom: tt.block && countries, host: tt.block && countries, block: tt.block,
					willing: tt.block && countries && tt.name != "n.example", pat: false} {
					if got := denied(t, h.ask(from, tt.name, tt.qtype)); got != want {
						t.Errorf("%s, %s: blocked %v, want %v", when, from, got, want)
					}
				}
			}
			h.r.Swap(inhabit(t, located, ix, u, polar(t, 1)))
			check("first", true)
			check("from the cache", true)
			h.r.Swap(inhabit(t, located, ix, u, nil))
			check("without databases", false)
			h.r.Swap(inhabit(t, located, ix, u, &chart{edition: 2}))
			check("with a database that knows nothing", false)
			h.r.Swap(inhabit(t, located, ix, u, polar(t, 3)))
			check("with a new database", true)
			h.r.Swap(inhabit(t, household, ix, u, polar(t, 3)))
			if denied(t, h.ask(farFrom, tt.name, tt.qtype)) {
				t.Error("nobody has rules, and an answer is blocked")
			}
			h.r.Swap(inhabit(t, located, ix, u, polar(t, 3)))
			check("with the rules again", true)
			if n := u.asked.Load(); n != 1 {
				t.Errorf("the upstream was asked %d times: a reload flushes nothing", n)
			}
		})
	}
}

// TestAddressRulesOverEveryPath: the verdict is of who asks, over answers that are fresh, kept, shared, renewed ahead of
// time, run out, and brought back after a restart.
func TestAddressRulesOverEveryPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "n.example. 100 IN A 198.51.100.1")
		h := newBridged(t, u, bridged)
		h.run(t)
		h.r.Swap(inhabit(t, located, buildIndex(), u, polar(t, 1)))
		h.r.World().Upstreams.profiles[0].Name = "all"
		check := func(path string) {
			t.Helper()
			for from, want := range map[string]bool{farFrom: true, host: true, block: true, willing: false, pat: false} {
				if got := denied(t, h.ask(from, "n.example", dns.TypeA)); got != want {
					t.Errorf("%s, %s: blocked %v, want %v", path, from, got, want)
				}
			}
		}
		// Two at once, of whom one may not: neither has what is the other's.
		slow := records(t, "n.example. 100 IN A 198.51.100.1").answer
		u.instead = func(q dns.Question) (*dns.Msg, error) {
			time.Sleep(100 * time.Millisecond)
			return slow(q)
		}
		replies := make(chan bool, 2)
		for _, from := range []string{farFrom, pat} {
			client := *h // of its own
			go func() { replies <- denied(t, client.ask(from, "n.example", dns.TypeA)) == (from == farFrom) }()
		}
		for range 2 {
			if !<-replies {
				t.Error("of two who wait for one answer, one has the other's verdict")
			}
		}
		u.instead = nil
		if n := u.asked.Load(); n != 1 {
			t.Errorf("asked %d times for two who ask at once", n)
		}
		check("kept")
		time.Sleep(91 * time.Second)
		check("shortly before the end")
		synctest.Wait()
		if n := u.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want once more, ahead of time", n)
		}
		check("renewed")
		kept := h.kept()
		u.instead = failing
		time.Sleep(5 * time.Minute)
		check("run out")
		check("run out, and known to fail")
		h.r.cfg.Cache = newCacheOf(bridged)
		if taken := h.r.Restore(kept); taken != 1 {
			t.Fatalf("%d answers were restored, want 1", taken)
		}
		check("after a restart")
	})
}

// TestAddressDenyIsNoDenialBeneath: what lies beneath a name that is denied for its address may be allowed.
func TestAddressDenyIsNoDenialBeneath(t *testing.T) {
	u := records(t, "n.example. 300 IN A 198.51.100.1")
	h := newHouse(t, u)
	h.r.Swap(inhabit(t, located, buildIndex(), u, polar(t, 1)))
	for _, path := range []string{"miss", "hit"} {
		r := h.ask(block, "n.example", dns.TypeA) // its blocks look like NXDOMAIN where nothing is beneath
		if r.Rcode != dns.RcodeSuccess || len(r.Answer) != 0 || len(r.Ns) != 1 || extended(r) == nil {
			t.Errorf("%s: %v, want NODATA with a reason", path, r)
		}
	}
}

// TestNamesThatSpellAnAddress: an address written as a name is a name like any other, and what zones such as those of
// nip.io make of one is judged by where it leads.
func TestNamesThatSpellAnAddress(t *testing.T) {
	u := records(t, "198-51-100-1.dashes.example. 300 IN A 198.51.100.1", "192-0-2-1.dashes.example. 300 IN A 192.0.2.1")
	only := &said{answer: func(q dns.Question) (*dns.Msg, error) {
		m, err := u.answer(q)
		kept := m.Answer[:0]
		for _, rr := range m.Answer {
			if rr.Header().Name == q.Name {
				kept = append(kept, rr)
			}
		}
		if m.Answer = kept; len(kept) == 0 {
			m.Rcode = dns.RcodeNameError
		}
		return m, err
	}}
	h := newHouse(t, only)
	h.r.Swap(inhabit(t, located, buildIndex(), only, polar(t, 1)))
	if !denied(t, h.ask(farFrom, "198-51-100-1.dashes.example", dns.TypeA)) {
		t.Error("a name that spells a denied address is answered with it")
	}
	if denied(t, h.ask(farFrom, "192-0-2-1.dashes.example", dns.TypeA)) {
		t.Error("a name that spells an innocent address is blocked")
	}
	if r := h.ask(farFrom, "198.51.100.1", dns.TypeA); r.Rcode != dns.RcodeNameError || len(r.Answer) != 0 {
		t.Errorf("an address as a name: %v, want what the root says, NXDOMAIN", r)
	}
}

// TestAddressRulesAllocateNothing pins the hit path and the block path of a family with rules of addresses.
func TestAddressRulesAllocateNothing(t *testing.T) {
	u := records(t, "n.example. 300 IN A 198.51.100.1", "n.example. 300 IN A 192.0.2.1")
	h := newHouse(t, u)
	h.r.Swap(inhabit(t, located, buildIndex(), u, polar(t, 1)))
	for _, from := range []string{farFrom, host, block, willing, pat} {
		h.ask(from, "n.example", dns.TypeA) // warm
		packet, _ := withOPT("n.example", dns.TypeA).Pack()
		var q wire.Query
		var s Stroke
		buf := make([]byte, 0, 1500)
		n := testing.AllocsPerRun(200, func() {
			q.Parse(packet)
			if _, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(from)}, buf); !done {
				t.Fatal("not answered at once")
			}
			h.r.events.each(func(*Event) {})
		})
		if n != 0 {
			t.Errorf("for %s: %v allocations, want none", from, n)
		}
	}
}

// TestNobodyIsAskedInVain: while nobody has rules of addresses, none is looked up and none is kept.
func TestNobodyIsAskedInVain(t *testing.T) {
	u := records(t, "n.example. 300 IN A 198.51.100.1")
	h := newHouse(t, u)
	h.r.Swap(inhabit(t, household, buildIndex(), u, refusing{t}))
	h.ask(pat, "n.example", dns.TypeA)
	for e := range h.r.cfg.Cache.Entries() {
		if len(e.Facts().Chain) != 0 {
			t.Errorf("%d words are kept of an address that no rule is about", len(e.Facts().Chain))
		}
	}
}

type refusing struct{ t *testing.T }

func (r refusing) Edition() uint32 { return 1 }

func (r refusing) Locate(a netip.Addr) policy.Whereabouts {
	r.t.Errorf("%s was looked up", a)
	return policy.Whereabouts{}
}

func BenchmarkAnswerOfAddresses(b *testing.B) {
	u := records(b, "n.example. 300 IN A 192.0.2.1", "n.example. 300 IN A 192.0.2.2")
	for name, family := range map[string]string{"nobody has rules": household, "the client has": located} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, u)
			h.r.Swap(inhabit(b, family, buildIndex(), u, polar(b, 1)))
			h.ask(farFrom, "n.example", dns.TypeA)
			packet, _ := withOPT("n.example", dns.TypeA).Pack()
			var q wire.Query
			var s Stroke
			buf := make([]byte, 0, 1500)
			c := Client{Addr: netip.MustParseAddr(farFrom)}
			b.ReportAllocs()
			for b.Loop() {
				q.Parse(packet)
				h.r.Answer(&s, &q, c, buf)
			}
		})
	}
}
