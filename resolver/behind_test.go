package resolver

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// aliases are names of others that lead to engines. The first is so on the internet.
func aliases() []string {
	return []string{
		"noai.duckduckgo.com. 300 IN CNAME duckduckgo.com.",
		"duckduckgo.com. 300 IN A " + unsafe4.String(),
		"duckduckgo.com. 300 IN AAAA " + unsafe6.String(),
		`duckduckgo.com. 300 IN HTTPS 1 . ipv4hint="198.51.100.66" ech="` + unsafeKey + `"`,
		"duckduckgo.com. 300 IN TXT unsafe",
		"own.example. 300 IN CNAME more.own.example.",
		"more.own.example. 300 IN CNAME www.google.com.",
		"tree.example. 300 IN DNAME google.com.",
		"brief.example. 0 IN CNAME www.google.com.",
		"bet.example. 300 IN CNAME casino.example.",
		"casino.example. 300 IN CNAME www.google.com.",
		"www.google.com. 300 IN A " + unsafe4.String(),
		"www.google.com. 300 IN AAAA " + unsafe6.String(),
		`bound.example. 300 IN HTTPS 0 www.google.com.`,
		`served.example. 300 IN SVCB 1 www.google.com. ipv4hint="198.51.100.66"`,
		"www.youtube.com. 300 IN A " + unsafe4.String(),
		"film.example. 300 IN CNAME www.youtube.com.",
		"cdn.example. 300 IN CNAME edge.cdn.example.",
		"edge.cdn.example. 300 IN A 192.0.2.40",
		"safe.duckduckgo.com. 300 IN A 192.0.2.50",
		"forcesafesearch.google.com. 300 IN A 216.239.38.120",
		"restrict.youtube.com. 300 IN A 192.0.2.30",
		"restrictmoderate.youtube.com. 300 IN A 192.0.2.31",
	}
}

// TestOtherNamesOfEngines: a name that leads to an engine's host becomes an alias of the safe host, and no type of it
// leads to the engine as it is.
func TestOtherNamesOfEngines(t *testing.T) {
	u := records(t, aliases()...)
	for what, h := range map[string]*house{"": newHouse(t, u), " with patterns": houseOf(t, u, casinos())} {
		for range 2 { // resolved, and from the cache, in which the adult's answers are too
			for _, tt := range []struct {
				from, name string
				qtype      uint16
				want       string
			}{
				{kim, "noai.duckduckgo.com", dns.TypeA, "noai.duckduckgo.com. CNAME safe.duckduckgo.com.\nsafe.duckduckgo.com. A 192.0.2.50"},
				{kim, "noai.duckduckgo.com", dns.TypeAAAA, "noai.duckduckgo.com. CNAME safe.duckduckgo.com."},
				{kim, "noai.duckduckgo.com", dns.TypeHTTPS, ""},
				{kim, "noai.duckduckgo.com", dns.TypeTXT, ""},
				{kim, "own.example", dns.TypeA, "own.example. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. A 216.239.38.120"},
				{kim, "www.tree.example", dns.TypeA, "www.tree.example. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. A 216.239.38.120"},
				{kim, "bound.example", dns.TypeHTTPS, ""},
				{kim, "served.example", dns.TypeSVCB, ""},
				{kim, "film.example", dns.TypeA, "film.example. CNAME restrict.youtube.com.\nrestrict.youtube.com. A 192.0.2.30"},
				{alex, "film.example", dns.TypeA, "film.example. CNAME restrictmoderate.youtube.com.\nrestrictmoderate.youtube.com. A 192.0.2.31"},
				{kim, "bet.example", dns.TypeA, "bet.example. A 10.0.0.1"}, // the chain is blocked before
				{kim, "cdn.example", dns.TypeA, "cdn.example. CNAME edge.cdn.example.\nedge.cdn.example. A 192.0.2.40"},
				{pat, "noai.duckduckgo.com", dns.TypeA, "noai.duckduckgo.com. CNAME duckduckgo.com.\nduckduckgo.com. A 198.51.100.66"},
				{pat, "own.example", dns.TypeA, "own.example. CNAME more.own.example.\nmore.own.example. CNAME www.google.com.\nwww.google.com. A 198.51.100.66"},
			} {
				r := h.ask(tt.from, tt.name, tt.qtype)
				if r.Rcode != dns.RcodeSuccess || answers(r) != tt.want {
					t.Errorf("%s %s for %s%s: %s\n%s\nwant\n%s", tt.name, dns.TypeToString[tt.qtype], tt.from, what, dns.RcodeToString[r.Rcode], answers(r), tt.want)
				}
			}
		}
		for _, name := range []string{"noai.duckduckgo.com", "own.example", "www.tree.example", "bound.example", "served.example", "brief.example"} {
			for qtype := range uint16(270) {
				if qtype == dns.TypeCNAME || qtype == dns.TypeDNAME { // tell of a name, which is an alias itself
					continue
				}
				if r := h.ask(kim, name, qtype); leaks(r) {
					t.Fatalf("%s %s%s:\n%v", name, dns.Type(qtype), what, r)
				}
			}
		}
	}
}

// TestOtherNamesOfEnginesWait: the safe host is asked for once, after the name; while it is down the name fails, and
// while all is down neither is answered by what the name led to.
func TestOtherNamesOfEnginesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, aliases()...)
		h := newBridged(t, u, bridged)
		h.r.cfg.Observer = nil
		h.ask(pat, "own.example", dns.TypeA)
		const want = "own.example. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. A 216.239.38.120"
		if got := answers(h.ask(kim, "own.example", dns.TypeA)); got != want || u.asked.Load() != 2 {
			t.Errorf("%s, with %d questions to the upstream", got, u.asked.Load())
		}
		alive := u.answer
		u.answer = func(q dns.Question) (*dns.Msg, error) {
			if strings.HasPrefix(q.Name, "safe.") {
				return nil, errSilent
			}
			return alive(q)
		}
		if r := h.ask(kim, "noai.duckduckgo.com", dns.TypeA); r.Rcode != dns.RcodeServerFailure || leaks(r) {
			t.Errorf("the safe host is down: %v", r)
		}
		u.instead = failing
		time.Sleep(400 * time.Second)
		for _, name := range []string{"own.example", "noai.duckduckgo.com"} {
			if r := h.ask(kim, name, dns.TypeA); leaks(r) {
				t.Errorf("%s is old: %v", name, r)
			}
			if r := h.ask(pat, name, dns.TypeA); !leaks(r) {
				t.Errorf("%s is old, and the adult's: %v", name, r)
			}
		}
	})
}

// TestBehindReadsAnyList: what policy is given as a chain may be no such list.
func TestBehindReadsAnyList(t *testing.T) {
	kims := newHouse(t, records(t, aliases()...)).r.World().Directory.Identify(netip.MustParseAddr(kim)).Profile
	for _, chain := range [][]uint64{nil, {0}, {1}, {7, 1}, {1 << 63}, {1 << 63, 1}, slices.Repeat([]uint64{1<<63 | 5}, 4)} {
		if kims.Behind(chain) != nil {
			t.Errorf("%v leads to an engine", chain)
		}
	}
}

// TestOtherNamesOfEnginesAllocateNothing pins their hit path.
func TestOtherNamesOfEnginesAllocateNothing(t *testing.T) {
	h := newHouse(t, records(t, aliases()...))
	for _, qtype := range []uint16{dns.TypeA, dns.TypeHTTPS, dns.TypeTXT} {
		h.ask(kim, "noai.duckduckgo.com", qtype) // warm
		packet, _ := withOPT("noai.duckduckgo.com", qtype).Pack()
		var q wire.Query
		var s Stroke
		buf := make([]byte, 0, 1500)
		if n := testing.AllocsPerRun(100, func() {
			q.Parse(packet)
			if _, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(kim)}, buf); !done {
				t.Fatalf("%s is not answered at once", dns.Type(qtype))
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", dns.Type(qtype), n)
		}
	}
}
