package resolver

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// The addresses, the key and the names that nobody with safe search may get to see.
var unsafe4, unsafe6 = netip.MustParseAddr("198.51.100.66"), netip.MustParseAddr("2001:db8:bad::66")

const (
	unsafeKey  = "dW5zYWZl" // of Encrypted Client Hello: "unsafe"
	unsafeName = "real.search-cdn.example"
)

// web is the internet as far as these tests need it.
func web(t testing.TB) *said {
	return records(t,
		"www.google.com. 300 IN A "+unsafe4.String(),
		"www.google.com. 300 IN AAAA "+unsafe6.String(),
		`www.google.com. 300 IN HTTPS 1 . alpn="h2,h3" ipv4hint="198.51.100.66" ipv6hint="2001:db8:bad::66" ech="`+unsafeKey+`"`,
		`www.google.com. 300 IN SVCB 1 . ipv4hint="198.51.100.66"`,
		"www.bing.com. 300 IN CNAME "+unsafeName+".",
		unsafeName+". 300 IN A "+unsafe4.String(),
		unsafeName+". 300 IN AAAA "+unsafe6.String(),
		"forcesafesearch.google.com. 3600 IN A 216.239.38.120",
		"forcesafesearch.google.com. 3600 IN AAAA 2001:4860:4802:32::78",
		"strict.bing.com. 200 IN CNAME strict-bing-com.ax.example.",
		"strict-bing-com.ax.example. 60 IN A 192.0.2.20",
		"strict-bing-com.ax.example. 60 IN A 192.0.2.21",
		"restrict.youtube.com. 300 IN A 192.0.2.30",
		"restrictmoderate.youtube.com. 300 IN A 192.0.2.31",
		"duckduckgo.com. 300 IN A "+unsafe4.String(),
		"duckduckgo.com. 300 IN MX 10 mail.duckduckgo.com.",
		"duckduckgo.com. 300 IN TXT hello",
	)
}

// leaks reports whether a reply holds anything that leads to the unsafe engine.
func leaks(m *dns.Msg) bool {
	packed, err := m.Pack()
	four, six := unsafe4.As4(), unsafe6.As16()
	return err != nil || bytes.Contains(packed, four[:]) || bytes.Contains(packed, six[:]) || bytes.Contains(packed, []byte("unsafe")) ||
		strings.Contains(m.String(), unsafeName)
}

func TestSafeSearch(t *testing.T) {
	h := newHouse(t, web(t))
	for range 2 { // resolved, and from the cache
		for _, tt := range []struct {
			from, name string
			qtype      uint16
			want       string
		}{
			{kim, "www.google.com", dns.TypeA, "www.google.com. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. A 216.239.38.120"},
			{kim, "www.google.com", dns.TypeAAAA, "www.google.com. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. AAAA 2001:4860:4802:32::78"},
			{kim, "www.google.com", dns.TypeHTTPS, ""},
			{kim, "www.google.com", dns.TypeSVCB, ""},
			{kim, "www.google.com", dns.TypeCNAME, "www.google.com. CNAME forcesafesearch.google.com."},
			{guest, "www.google.co.uk", dns.TypeA, "www.google.co.uk. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. A 216.239.38.120"},
			{kim, "www.bing.com", dns.TypeA, "www.bing.com. CNAME strict.bing.com.\nstrict.bing.com. CNAME strict-bing-com.ax.example.\n" +
				"strict-bing-com.ax.example. A 192.0.2.20\nstrict-bing-com.ax.example. A 192.0.2.21"},
			{kim, "www.bing.com", dns.TypeTXT, ""}, // its CNAME would lead to the addresses
			{kim, "www.bing.com", dns.TypeMX, ""},
			{kim, "www.youtube.com", dns.TypeA, "www.youtube.com. CNAME restrict.youtube.com.\nrestrict.youtube.com. A 192.0.2.30"},
			{alex, "www.youtube.com", dns.TypeA, "www.youtube.com. CNAME restrictmoderate.youtube.com.\nrestrictmoderate.youtube.com. A 192.0.2.31"},
			{kim, "www.youtube.com", dns.TypeAAAA, "www.youtube.com. CNAME restrict.youtube.com."}, // it has none
			{kim, "duckduckgo.com", dns.TypeMX, "duckduckgo.com. MX 10 mail.duckduckgo.com."},
			{kim, "duckduckgo.com", dns.TypeTXT, `duckduckgo.com. TXT "hello"`},
			{pat, "www.google.com", dns.TypeA, "www.google.com. A 198.51.100.66"},
			{pat, "www.bing.com", dns.TypeCNAME, "www.bing.com. CNAME " + unsafeName + "."},
			{kim, "forcesafesearch.google.com", dns.TypeA, "forcesafesearch.google.com. A 216.239.38.120"},
		} {
			r := h.ask(tt.from, tt.name, tt.qtype)
			if r.Rcode != dns.RcodeSuccess || answers(r) != tt.want {
				t.Errorf("%s %s for %s: %s\n%s\nwant\n%s", tt.name, dns.TypeToString[tt.qtype], tt.from, dns.RcodeToString[r.Rcode], answers(r), tt.want)
			}
			if tt.want == "" && (len(r.Ns) != 1 || r.Ns[0].Header().Rrtype != dns.TypeSOA) {
				t.Errorf("%s %s: no SOA to cache that nothing is there by: %v", tt.name, dns.TypeToString[tt.qtype], r.Ns)
			}
			for _, rr := range r.Answer {
				if tt.from != pat && rr.Header().Ttl > 300 {
					t.Errorf("%s for %s: %v lives longer than a child's answers may", tt.name, tt.from, rr)
				}
			}
		}
	}
}

// TestNothingOfAnEngineLeaks asks for every type, as it comes and from the cache that an adult has
// filled, whose answers are different.
func TestNothingOfAnEngineLeaks(t *testing.T) {
	h := newHouse(t, web(t))
	for _, name := range []string{"www.google.com", "www.bing.com", "duckduckgo.com", "WWW.gooGLE.com"} {
		for qtype := range uint16(270) {
			for _, from := range []string{kim, pat, kim} {
				m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
				m.SetEdns0(1232, qtype%2 == 0)
				m.CheckingDisabled = qtype%3 == 0
				if r := h.send(from, m); from == kim && leaks(r) {
					t.Fatalf("%s %s:\n%v", name, dns.Type(qtype), r)
				}
			}
		}
	}
}

// TestSafeHostsAreFacts: what is cached is the safe host's, for all who need it and whoever asks for it.
func TestSafeHostsAreFacts(t *testing.T) {
	u := web(t)
	h := newHouse(t, u)
	h.ask(pat, "forcesafesearch.google.com", dns.TypeA)
	for _, name := range []string{"www.google.com", "www.google.de", "www.google.com.br"} {
		if r := h.ask(kim, name, dns.TypeA); len(r.Answer) != 2 {
			t.Errorf("%s: %v", name, r.Answer)
		}
	}
	if n := u.asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times, want once", n)
	}
	h.ask(pat, "www.google.com", dns.TypeA)
	if n := u.asked.Load(); n != 2 {
		t.Errorf("the upstream was asked %d times after the adult, want twice", n)
	}
}

func TestSafeHostIsDown(t *testing.T) {
	u := newDying(t, "www.google.com. 300 IN A "+unsafe4.String())
	h := newHouse(t, u)
	if r := h.ask(pat, "www.google.com", dns.TypeA); !leaks(r) {
		t.Fatalf("the adult: %v", r)
	}
	u.instead = failing
	for range 2 { // as it comes, and as it is remembered
		r := h.ask(kim, "www.google.com", dns.TypeA)
		if e := extended(r); r.Rcode != dns.RcodeServerFailure || len(r.Answer) != 0 || e == nil {
			t.Errorf("want SERVFAIL with a reason: %v", r)
		}
	}
	u.instead = func(q dns.Question) (*dns.Msg, error) {
		soa, err := dns.NewRR("google.com. 60 IN SOA ns1.google.com. dns-admin.google.com. 1 900 900 1800 60")
		m := &dns.Msg{Ns: []dns.RR{soa}}
		m.Rcode = dns.RcodeNameError
		return m, err
	}
	h.clock = now.Add(time.Hour)
	r := h.ask(kim, "www.google.com", dns.TypeA)
	if r.Rcode != dns.RcodeNameError || answers(r) != "www.google.com. CNAME forcesafesearch.google.com." || len(r.Ns) != 1 || r.Ns[0].Header().Name != "google.com." {
		t.Errorf("a safe host that is gone: %v", r)
	}
}

func TestSafeSearchStaleAndAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.google.com. 100 IN A "+unsafe4.String(), "forcesafesearch.google.com. 100 IN A 216.239.38.120")
		h := newBridged(t, u, bridged)
		h.run(t)
		const want = "www.google.com. CNAME forcesafesearch.google.com.\nforcesafesearch.google.com. A 216.239.38.120"
		for range 5 {
			h.ask(kim, "www.google.com", dns.TypeA)
		}
		time.Sleep(95 * time.Second)
		if got := answers(h.ask(kim, "www.google.com", dns.TypeA)); got != want {
			t.Errorf("before it is asked for ahead: %s", got)
		}
		synctest.Wait()
		if n := u.asked.Load(); n != 2 {
			t.Errorf("the upstream was asked %d times, want once more ahead of time", n)
		}
		if got := h.ask(kim, "www.google.com", dns.TypeA); answers(got) != want || got.Answer[1].Header().Ttl != 100 {
			t.Errorf("asked for ahead: %v", got)
		}
		u.instead = failing
		time.Sleep(200 * time.Second)
		r := h.ask(kim, "www.google.com", dns.TypeA)
		if e := extended(r); answers(r) != want || e == nil || e.InfoCode != dns.ExtendedErrorCodeStaleAnswer {
			t.Errorf("stale: %v", r)
		}
		for _, rr := range r.Answer {
			if rr.Header().Ttl > 30 {
				t.Errorf("a stale answer lives for %d s", rr.Header().Ttl)
			}
		}
	})
}

// TestSafeSearchTogether: who asks at the same time for the engine under different names, and for its
// safe host, waits for one answer, and each gets their own.
func TestSafeSearchTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "forcesafesearch.google.com. 100 IN A 216.239.38.120")
		alive := u.answer
		u.answer = func(q dns.Question) (*dns.Msg, error) { time.Sleep(time.Second); return alive(q) }
		h := newBridged(t, u, bridged)
		h.r.cfg.Observer = nil
		var wait sync.WaitGroup
		for i, name := range []string{"www.google.com", "www.google.de", "forcesafesearch.google.com", "www.google.com"} {
			own := *h // what the observer saw is each one's own
			wait.Go(func() {
				want := 2
				if i == 2 {
					want = 1
				}
				if r := own.ask(kim, name, dns.TypeA); len(r.Answer) != want || r.Answer[0].Header().Name != dns.Fqdn(name) {
					t.Errorf("%s: %v", name, r.Answer)
				}
			})
		}
		wait.Wait()
		if n := u.asked.Load(); n != 1 {
			t.Errorf("the upstream was asked %d times, want once", n)
		}
	})
}

// TestSafeSearchIsNotSigned: who asks for signatures gets none, and no claim that it was validated,
// though the safe host's answer was.
func TestSafeSearchIsNotSigned(t *testing.T) {
	sig, err := dns.NewRR("forcesafesearch.google.com. 300 IN RRSIG A 13 3 300 20300101000000 20200101000000 1 google.com. c2ln")
	if err != nil {
		t.Fatal(err)
	}
	u := &said{answer: func(q dns.Question) (*dns.Msg, error) {
		a, err := dns.NewRR("forcesafesearch.google.com. 300 IN A 216.239.38.120")
		m := &dns.Msg{Answer: []dns.RR{a, sig}}
		return m, err
	}}
	h := newHouse(t, validated{u})
	m := new(dns.Msg).SetQuestion("www.google.com.", dns.TypeA)
	m.SetEdns0(1232, true)
	m.AuthenticatedData = true
	for range 2 {
		if r := h.send(kim, m.Copy()); len(r.Answer) != 2 || r.AuthenticatedData {
			t.Errorf("want the alias and the address, without AD and signatures: %v", r)
		}
	}
	direct := new(dns.Msg).SetQuestion("forcesafesearch.google.com.", dns.TypeA)
	direct.SetEdns0(1232, true)
	if r := h.send(kim, direct); len(r.Answer) != 2 || !r.AuthenticatedData {
		t.Errorf("under its own name it keeps both: %v", r)
	}
}

// validated sets AD in what an upstream answers.
type validated struct{ *said }

func (v validated) Exchange(q wire.Question, done func([]byte, error)) {
	v.said.Exchange(q, func(raw []byte, err error) {
		if err == nil {
			raw[3] |= byte(wire.AD)
		}
		done(raw, err)
	})
}

// TestSafeHostIsJudged: a rule or a list against the safe host, or against what that leads to, blocks the engine.
func TestSafeHostIsJudged(t *testing.T) {
	listed["strict-bing-com.ax.example"] = "money.gambling"
	listed["forcesafesearch.google.com"] = "sec.malware"
	defer delete(listed, "strict-bing-com.ax.example")
	defer delete(listed, "forcesafesearch.google.com")
	h := newHouse(t, web(t))
	for range 2 {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeHTTPS} {
			if r := h.ask(kim, "www.google.de", qtype); extended(r) == nil || extended(r).InfoCode != dns.ExtendedErrorCodeBlocked {
				t.Errorf("a safe host on a security list: %v", r)
			}
		}
		if r := h.ask(kim, "www.bing.com", dns.TypeA); answers(r) != "www.bing.com. A 10.0.0.1" {
			t.Errorf("what the safe host leads to is blocked: %v", r)
		}
	}
}

// TestSafeSearchSwitchedOnMeanwhile: the answer of an engine was on its way when the parents switched
// safe search on.
func TestSafeSearchSwitchedOnMeanwhile(t *testing.T) {
	off := strings.Replace(household, "{name: Kim, band: child}", "{name: Kim, profile: open}", 1)
	off = strings.Replace(off, "profiles:", "profiles:\n  - {name: open, band: child, safe_search: \"off\"}", 1)
	asked, proceed := make(chan struct{}), make(chan struct{})
	u := web(t)
	alive := u.answer
	u.answer = func(q dns.Question) (*dns.Msg, error) {
		if q.Name == "www.google.com." {
			asked <- struct{}{}
			<-proceed
		}
		return alive(q)
	}
	h := newHouse(t, u)
	ix := buildIndex()
	h.r.Swap(newWorldOf(t, off, ix, u))
	reply := make(chan *dns.Msg)
	go func() { reply <- h.ask(kim, "www.google.com", dns.TypeA) }()
	<-asked
	h.r.Swap(newWorldOf(t, household, ix, u))
	close(proceed)
	if r := <-reply; leaks(r) || r.Rcode != dns.RcodeServerFailure && len(r.Answer) != 2 {
		t.Errorf("the answer that was on its way: %v", r)
	}
	if r := h.ask(kim, "www.google.com", dns.TypeA); len(r.Answer) != 2 || leaks(r) {
		t.Errorf("after it: %v", r)
	}
}

// TestSafeSearchWithPatterns: patterns are asked about the engine's name, whose answer nobody caches.
func TestSafeSearchWithPatterns(t *testing.T) {
	h := houseOf(t, web(t), casinos(), outliers{category: "money.gambling", networks: []string{"203.0.113.0/24"}})
	for range 3 {
		if r := h.ask(kim, "www.google.com", dns.TypeA); len(r.Answer) != 2 || leaks(r) {
			t.Errorf("%v", r)
		}
	}
}

// TestSafeSearchAllocatesNothing pins the hit path of aliases, with patterns in the index and without.
func TestSafeSearchAllocatesNothing(t *testing.T) {
	for what, h := range map[string]*house{"": newHouse(t, web(t)), " with patterns": houseOf(t, web(t), casinos())} {
		for name, qtypes := range map[string][]uint16{
			"www.google.com": {dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeCNAME}, "www.google.fr": {dns.TypeA, dns.TypeAAAA},
			"www.bing.com": {dns.TypeA, dns.TypeHTTPS}, "www.youtube.com": {dns.TypeA}, "duckduckgo.com": {dns.TypeTXT, dns.TypeMX},
		} {
			for _, qtype := range qtypes {
				h.ask(kim, name, qtype) // warm
				packet, _ := withOPT(name, qtype).Pack()
				var q wire.Query
				var s Stroke
				buf := make([]byte, 0, 1500)
				n := testing.AllocsPerRun(100, func() {
					q.Parse(packet)
					if _, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(kim)}, buf); !done {
						t.Fatalf("%s %s%s is not answered at once", name, dns.Type(qtype), what)
					}
				})
				if n != 0 {
					t.Errorf("%s %s%s: %v allocations, want none", name, dns.Type(qtype), what, n)
				}
			}
		}
	}
}

// TestSafeHostWithManyRecords: as many as one reply may have are all behind the alias.
func TestSafeHostWithManyRecords(t *testing.T) {
	u := &said{answer: func(q dns.Question) (*dns.Msg, error) {
		m := new(dns.Msg)
		for i := range maxRecords {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, byte(2+i/256), byte(i))})
		}
		return m, nil
	}}
	h := newHouse(t, u)
	r := h.over(Client{Addr: netip.MustParseAddr(kim), Transport: TCP}, withOPT("www.google.com", dns.TypeA))
	if r.Rcode != dns.RcodeSuccess || len(r.Answer) != 1+maxRecords || r.Answer[maxRecords].Header().Name != "forcesafesearch.google.com." {
		t.Errorf("%s with %d records", dns.RcodeToString[r.Rcode], len(r.Answer))
	}
}
