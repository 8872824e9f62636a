package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// outliers is what the lists say in ways other than entries: expressions and networks, by category.
type outliers struct {
	patterns []blocklists.Pattern
	networks []string
	category string
}

// withOutliers is the index of these tests with more.
func withOutliers(all ...outliers) *blocklists.Index {
	return policytest.Index(policytest.Lists(listed), func(b *blocklists.Builder, taxonomy *blocklists.Taxonomy) (err error) {
		for _, o := range all {
			set, wrong := taxonomy.Select(o.category)
			l := b.List(set)
			for _, p := range o.patterns {
				wrong = errors.Join(wrong, b.AddPattern(l, p))
			}
			for _, p := range o.networks {
				wrong = errors.Join(wrong, b.AddPrefix(l, netip.MustParsePrefix(p), false))
			}
			err = errors.Join(err, wrong)
		}
		return err
	})
}

// casinos are names that only an expression can list.
func casinos() outliers {
	return outliers{category: "money.gambling", patterns: []blocklists.Pattern{{Expr: `^(.*\.)?jackpot[0-9]+\.`}}}
}

// houseOf is a house whose lists have more than entries.
func houseOf(t testing.TB, u Exchanger, all ...outliers) *house {
	t.Helper()
	h := newHouse(t, u)
	h.r.Swap(newWorld(t, withOutliers(all...), u))
	return h
}

// at answers as Answer does, and fails the test if that has to wait.
func (h *house) at(from, name string, qtype uint16) string {
	h.t.Helper()
	packet, err := withOPT(name, qtype).Pack()
	if err != nil {
		h.t.Fatal(err)
	}
	var q wire.Query
	var s Stroke
	if q.Parse(packet) != wire.None {
		h.t.Fatal("no query")
	}
	reply, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(from)}, nil)
	if !done {
		return "waits"
	}
	var m dns.Msg
	if err := m.Unpack(reply); err != nil {
		h.t.Fatal(err)
	}
	return answers(&m)
}

// TestPatternBlocksWithoutUpstream: the first query is not answered at once, but nobody else hears of it; the next
// ones are blocked at once, and the adult has the name.
func TestPatternBlocksWithoutUpstream(t *testing.T) {
	u := records(t, "www.jackpot7.example. 300 IN A 192.0.2.1")
	h := houseOf(t, u, casinos())
	if got := h.at(alex, "www.jackpot7.example", dns.TypeA); got != "waits" {
		t.Fatalf("before anybody asked the patterns: %q", got)
	}
	const landed = "www.jackpot7.example. A 10.0.0.1"
	if got := answers(h.ask(alex, "www.jackpot7.example", dns.TypeA)); got != landed {
		t.Errorf("the first query: %q, want %q", got, landed)
	}
	if got := h.at(alex, "www.jackpot7.example", dns.TypeA); got != landed {
		t.Errorf("the next query: %q, want %q", got, landed)
	}
	if got := h.at(alex, "www.jackpot7.example", dns.TypeAAAA); got != "www.jackpot7.example. AAAA fd00::1" {
		t.Errorf("another type: %q", got)
	}
	if n := u.asked.Load(); n != 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
	if got := answers(h.ask(pat, "www.jackpot7.example", dns.TypeA)); got != "www.jackpot7.example. A 192.0.2.1" {
		t.Errorf("for the adult: %q", got)
	}
	if got := h.at(alex, "www.jackpot7.example", dns.TypeA); got != landed {
		t.Errorf("once it is cached: %q, want %q", got, landed)
	}
}

// TestPatternsOfAReload: an answer that was cached before a reload brought a pattern is not served to whom the
// pattern blocks it for, and the upstream is not asked again.
func TestPatternsOfAReload(t *testing.T) {
	u := records(t, "www.jackpot7.example. 300 IN A 192.0.2.1", "play.example. 300 IN CNAME www.jackpot7.example.")
	h := newHouse(t, u)
	names := []string{"www.jackpot7.example", "play.example"}
	for _, name := range names {
		if got := h.ask(alex, name, dns.TypeA).Answer; len(got) == 0 || u.asked.Load() == 0 {
			t.Fatalf("%s before the reload: %v", name, got)
		}
	}
	asked := u.asked.Load()
	w := newWorld(t, withOutliers(casinos()), u)
	h.r.world.Store(w) // Swap reads the entries again; this is the moment before it has
	for _, name := range names {
		if got := h.at(alex, name, dns.TypeA); got != "waits" {
			t.Errorf("%s right after the reload: %q", name, got)
		}
		if got, want := answers(h.ask(alex, name, dns.TypeA)), name+". A 10.0.0.1"; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if got, want := h.at(alex, name, dns.TypeA), name+". A 10.0.0.1"; got != want {
			t.Errorf("%s, asked again: %q, want %q", name, got, want)
		}
		if got := h.ask(pat, name, dns.TypeA).Answer; len(got) == 0 {
			t.Errorf("%s is taken from the adult", name)
		}
	}
	h.r.Swap(newWorld(t, withOutliers(), u))
	for _, name := range names {
		if got := h.at(alex, name, dns.TypeA); got == "waits" || got == name+". A 10.0.0.1" {
			t.Errorf("%s after a reload without patterns: %q", name, got)
		}
	}
	if n := u.asked.Load(); n != asked {
		t.Errorf("the upstream was asked %d times more", n-asked)
	}
}

// TestPatternOfOneType: what holds for one type says nothing of another, whichever was asked first.
func TestPatternOfOneType(t *testing.T) {
	typed := outliers{category: "money.gambling", patterns: []blocklists.Pattern{{Expr: "jackpot", Types: []uint16{dns.TypeAAAA}}}}
	for range 2 {
		u := records(t, "jackpot.example. 300 IN A 192.0.2.1", "jackpot.example. 300 IN AAAA 2001:db8::1")
		h := houseOf(t, u, typed)
		for range 3 {
			if got := answers(h.ask(alex, "jackpot.example", dns.TypeAAAA)); got != "jackpot.example. AAAA fd00::1" {
				t.Errorf("AAAA: %q, want the landing address", got)
			}
			if got := answers(h.ask(alex, "jackpot.example", dns.TypeA)); got != "jackpot.example. A 192.0.2.1" {
				t.Errorf("A: %q, want the upstream's answer", got)
			}
		}
		if n := u.asked.Load(); n != 1 {
			t.Errorf("the upstream was asked %d times", n)
		}
		typed.patterns[0].Types, typed.patterns[0].Except = []uint16{dns.TypeA}, true // the same, said otherwise
	}
}

// TestPatternsOfTargets: a chain that leads to a name that a pattern has is blocked, and ok.* is not lent.
func TestPatternsOfTargets(t *testing.T) {
	help := outliers{category: "ok.help", patterns: []blocklists.Pattern{{Expr: "^hotline[0-9]"}}}
	h := houseOf(t, records(t, "play.example. 300 IN CNAME www.jackpot7.example.", "www.jackpot7.example. 300 IN A 192.0.2.1"), casinos(), help)
	for _, from := range []string{alex, alex} {
		if got := answers(h.ask(from, "play.example", dns.TypeA)); got != "play.example. A 10.0.0.1" {
			t.Errorf("%q, want the landing address", got)
		}
	}
	if got := len(h.ask(pat, "play.example", dns.TypeA).Answer); got != 2 {
		t.Errorf("the adult has %d records", got)
	}
}

// TestPatternThatAllows: a name that entries block and a pattern of help protects is answered, whoever asked before.
func TestPatternThatAllows(t *testing.T) {
	help := outliers{category: "ok.help", patterns: []blocklists.Pattern{{Expr: `^hotline[0-9]\.(porn|sad)\.example$`}}}
	h := houseOf(t, records(t, "hotline1.porn.example. 300 IN A 192.0.2.1"), help)
	for range 2 {
		if got := answers(h.ask(alex, "hotline1.porn.example", dns.TypeA)); got != "hotline1.porn.example. A 192.0.2.1" {
			t.Errorf("protected by a pattern: %q", got)
		}
		if got := answers(h.ask(alex, "x.porn.example", dns.TypeA)); got != "x.porn.example. A 10.0.0.1" {
			t.Errorf("beside it: %q", got)
		}
	}
	// NXDOMAIN would deny the protected name with all others beneath (RFC 8020).
	if m := h.ask("10.0.0.11", "sad.example", dns.TypeA); m.Rcode != dns.RcodeSuccess {
		t.Errorf("above it: %s, want NODATA", dns.RcodeToString[m.Rcode])
	}
}

// TestPatternOfAnUnknownName: who has names blocked that no list knows gets those that only a pattern knows.
func TestPatternOfAnUnknownName(t *testing.T) {
	const closed = "10.0.0.18"
	films := outliers{category: "fun.video", patterns: []blocklists.Pattern{{Expr: `^film[0-9]`}}}
	h := houseOf(t, records(t, "film1.example. 300 IN A 192.0.2.1"), films)
	for range 2 {
		if got := answers(h.ask(closed, "film1.example", dns.TypeA)); got != "film1.example. A 192.0.2.1" {
			t.Errorf("known by a pattern: %q", got)
		}
		if got := answers(h.ask(closed, "film.example", dns.TypeA)); got != "film.example. A 10.0.0.1" {
			t.Errorf("known by nobody: %q", got)
		}
	}
}

// TestPatternIsNoDenialBeneath: nobody knows which names beneath a matching one match too.
func TestPatternIsNoDenialBeneath(t *testing.T) {
	h := houseOf(t, records(t), outliers{category: "money.gambling", patterns: []blocklists.Pattern{{Expr: `^jackpot\.example$`}}})
	if m := h.ask("10.0.0.11", "jackpot.example", dns.TypeA); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 0 || len(m.Ns) != 1 {
		t.Errorf("got %v, want NODATA", m)
	}
}

// TestNamesOfOurOwnNeedNoPatterns: what the resolver answers itself stays so.
func TestNamesOfOurOwnNeedNoPatterns(t *testing.T) {
	h := houseOf(t, records(t), outliers{category: "money.gambling", patterns: []blocklists.Pattern{{Expr: "."}}})
	if got := h.at(alex, "hearth.home.arpa", dns.TypeA); got != "hearth.home.arpa. A 10.0.0.1" {
		t.Errorf("our own name: %q", got)
	}
	if got := answers(h.ask(alex, "test-money-gambling.hearth.home.arpa", dns.TypeA)); got != "test-money-gambling.hearth.home.arpa. A 10.0.0.1" {
		t.Errorf("a self-test: %q", got)
	}
	if m := h.ask(alex, "any.example", dns.TypeANY); len(m.Answer) != 0 {
		t.Errorf("ANY of a name that a pattern blocks: %v", m.Answer)
	}
}

// TestNetworksBlockAnswers: an answer with an address of a listed network is blocked for whom the category is, in every
// kind of record, over every way of reading a reply, and after a reload.
func TestNetworksBlockAnswers(t *testing.T) {
	gambling := outliers{category: "money.gambling", networks: []string{"198.51.100.0/25", "2001:db8:bad::/48"}}
	const binding = `IN HTTPS 1 svc.example. alpn="h2" `
	for _, tt := range []struct {
		zone  []string
		name  string
		qtype uint16
		block bool
	}{
		{[]string{"n.example. 300 IN A 192.0.2.1", "n.example. 300 IN A 198.51.100.1"}, "n.example", dns.TypeA, true},
		{[]string{"n.example. 300 IN A 198.51.100.129"}, "n.example", dns.TypeA, false},
		{[]string{"n.example. 300 IN AAAA 2001:db8:bad::1"}, "n.example", dns.TypeAAAA, true},
		{[]string{"n.example. 300 IN AAAA ::ffff:198.51.100.1"}, "n.example", dns.TypeAAAA, true},
		{[]string{"n.example. 300 IN AAAA 2001:db8:900d::1"}, "n.example", dns.TypeAAAA, false},
		{[]string{"n.example. 300 IN AAAA 64:ff9b::198.51.100.1"}, "n.example", dns.TypeAAAA, true},
		{[]string{"n.example. 300 IN AAAA 64:ff9b::198.51.100.129"}, "n.example", dns.TypeAAAA, false},
		{[]string{"n.example. 300 IN AAAA 2001:db8:64::198.51.100.1"}, "n.example", dns.TypeAAAA, true}, // behind our DNS64
		{[]string{"n.example. 300 IN CNAME t.example.", "t.example. 300 IN A 198.51.100.1"}, "n.example", dns.TypeA, true},
		{[]string{"sub.example. 300 IN DNAME target.example.", "n.target.example. 300 IN A 198.51.100.1"}, "n.sub.example", dns.TypeA, true},
		{[]string{"n.example. 300 " + binding + "ipv4hint=198.51.100.1"}, "n.example", dns.TypeHTTPS, true},
		{[]string{"n.example. 300 " + binding + "ipv4hint=192.0.2.1,198.51.100.1"}, "n.example", dns.TypeHTTPS, true},
		{[]string{"n.example. 300 " + binding + "ipv6hint=2001:db8:bad::1"}, "n.example", dns.TypeHTTPS, true},
		{[]string{"n.example. 300 " + binding + "ipv4hint=192.0.2.1"}, "n.example", dns.TypeHTTPS, false},
		{[]string{"n.example. 300 IN TXT \"198.51.100.1\""}, "n.example", dns.TypeTXT, false},
		{[]string{"n.example. 300 IN A 192.0.2.1", "stranger.example. 300 IN A 198.51.100.1"}, "n.example", dns.TypeA, false},
	} {
		t.Run(fmt.Sprint(tt.zone), func(t *testing.T) {
			u := records(t, tt.zone...)
			h := newHouse(t, u)
			serve := func(all ...outliers) {
				w := newWorld(t, withOutliers(all...), u)
				w.Upstreams.profiles[0].Translator = netip.MustParsePrefix("2001:db8:64::/96")
				h.r.Swap(w)
			}
			serve(gambling)
			check := func(when string) {
				t.Helper()
				m := h.ask(alex, tt.name, tt.qtype)
				if blocked := extended(m) != nil; blocked != tt.block {
					t.Errorf("%s: blocked %v, want %v: %v", when, blocked, tt.block, m)
				}
				if m := h.ask(pat, tt.name, tt.qtype); len(m.Answer) == 0 || extended(m) != nil {
					t.Errorf("%s: the adult has %v", when, m)
				}
			}
			check("first")
			check("from the cache")
			serve()
			if m := h.ask(alex, tt.name, tt.qtype); extended(m) != nil {
				t.Errorf("without the networks: %v", m)
			}
			serve(gambling)
			check("after a reload")
			if n := u.asked.Load(); n != 1 {
				t.Errorf("the upstream was asked %d times", n)
			}
		})
	}
}

// TestPatternsKeepAnswersFree pins the hit path and the block path of an index with patterns and networks.
func TestPatternsKeepAnswersFree(t *testing.T) {
	u := records(t, "www.hit.example. 300 IN A 198.51.100.1", "c.example. 300 IN CNAME www.hit.example.", "jackpot7.example. 300 IN A 192.0.2.1",
		"porn.example. 300 IN A 192.0.2.1")
	networks := outliers{category: "money.gambling", networks: []string{"198.51.100.0/25"}}
	h := houseOf(t, u, casinos(), networks)
	for _, from := range []string{alex, pat} {
		for _, name := range []string{"www.hit.example", "c.example", "jackpot7.example", "porn.example", "virus.example", "hearth.home.arpa"} {
			h.ask(from, name, dns.TypeA) // warm
			packet, _ := withOPT(name, dns.TypeA).Pack()
			var q wire.Query
			var s Stroke
			buf := make([]byte, 0, 1500)
			n := testing.AllocsPerRun(200, func() {
				q.Parse(packet)
				if _, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(from)}, buf); !done {
					t.Fatalf("%s is not answered at once", name)
				}
				h.r.events.each(func(*Event) {})
			})
			if n != 0 {
				t.Errorf("%s for %s: %v allocations, want none", name, from, n)
			}
		}
	}
	// A name that entries block is blocked at once, whoever asked for it.
	if got := h.at(alex, "never.asked.porn.example", dns.TypeA); got != "never.asked.porn.example. A 10.0.0.1" {
		t.Errorf("blocked by an entry, never asked for: %q", got)
	}
}
