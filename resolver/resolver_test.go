package resolver

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
	dto "github.com/prometheus/client_model/go"
)

const (
	guest = "10.0.0.99"
	kim   = "10.0.0.2"
	alex  = "10.0.0.3"
	pat   = "10.0.0.4"
)

func TestBlockedForms(t *testing.T) {
	h := newHouse(t, records(t))
	for _, tt := range []struct {
		from, name string
		qtype      uint16
		rcode      int
		answer     string
		soa        bool
	}{
		{guest, "porn.example", dns.TypeA, 0, "porn.example. A 10.0.0.1", false},
		{guest, "a.b.porn.example", dns.TypeAAAA, 0, "a.b.porn.example. AAAA fd00::1", false},
		{guest, "porn.example", dns.TypeHTTPS, 0, "", true},
		{guest, "porn.example", dns.TypeSVCB, 0, "", true},
		{guest, "porn.example", dns.TypeTXT, 0, "", true},
		{guest, "porn.example", dns.TypeANY, 0, "", true},
		{"10.0.0.11", "porn.example", dns.TypeA, 0, "", true}, // an allowed name lies beneath: RFC 8020
		{"10.0.0.12", "porn.example", dns.TypeA, 0, "porn.example. A 0.0.0.0", false},
		{"10.0.0.12", "porn.example", dns.TypeAAAA, 0, "porn.example. AAAA ::", false},
		{"10.0.0.13", "porn.example", dns.TypeA, dns.RcodeRefused, "", false},
	} {
		r := h.ask(tt.from, tt.name, tt.qtype)
		if r.Rcode != tt.rcode || answers(r) != tt.answer || (len(r.Ns) == 1) != tt.soa {
			t.Errorf("%s %s from %s: rcode %d, answer %q, %d authority records; want %d, %q, SOA %v", tt.name, dns.TypeToString[tt.qtype], tt.from, r.Rcode, answers(r), len(r.Ns), tt.rcode, tt.answer, tt.soa)
		}
		if e := extended(r); e == nil || e.InfoCode != 17 || !strings.Contains(e.ExtraText, "adult.porn") {
			t.Errorf("%s from %s: %v, want EDE 17 with text and decision id", tt.name, tt.from, e)
		}
		if r.Authoritative || !r.RecursionAvailable || !r.RecursionDesired || r.AuthenticatedData {
			t.Errorf("%s: flags %+v, want AA and AD clear, RA and RD set", tt.name, r.MsgHdr)
		}
		for _, rr := range append(r.Answer, r.Ns...) {
			if rr.Header().Ttl > 10 {
				t.Errorf("%s: TTL %d, want at most the block TTL of 10 s", tt.name, rr.Header().Ttl)
			}
		}
	}
	if h.r.World().Upstreams.profiles[0].Upstream.(*said).asked.Load() != 0 {
		t.Error("a blocked name was asked for upstream")
	}
	if len(h.seen) != 10 || h.seen[0].Name().String() != "porn.example" {
		t.Errorf("the observer saw %d blocks, want 10", len(h.seen))
	}
}

// TestNoNameAboveAnAllowedOneIsDenied: in nxdomain mode a name is said not to
// exist only if nothing beneath it is allowed (RFC 8020).
func TestNoNameAboveAnAllowedOneIsDenied(t *testing.T) {
	h := newHouse(t, records(t))
	for name, want := range map[string]int{
		"chat.example":       dns.RcodeNameError,
		"www.chat.example":   dns.RcodeNameError,
		"casino.example":     dns.RcodeSuccess, // the household allows a name beneath
		"porn.example":       dns.RcodeSuccess, // helped.porn.example is help, and an own rule allows another
		"x.porn.example":     dns.RcodeSuccess, // the index marks the whole zone: safe, if coarse
		"denied.example.com": dns.RcodeSuccess, // an own rule: what lies beneath may be help
	} {
		r := h.ask("10.0.0.11", name, dns.TypeA)
		if r.Rcode != want || len(r.Answer) != 0 || extended(r) == nil {
			t.Errorf("%s: rcode %d with %d answers, want rcode %d", name, r.Rcode, len(r.Answer), want)
		}
	}
}

// TestNoOracle: nothing in the answer tells the abuse list from a virus list.
func TestNoOracle(t *testing.T) {
	h := newHouse(t, records(t))
	h.clock = now.Add(-4 * time.Second) // 11:59:56 in the household: bedtime ends in less than a block's TTL
	for _, from := range []string{guest, pat, "10.0.0.11", "10.0.0.15", "10.0.0.16", "10.0.0.17"} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT} {
			a, b := h.ask(from, "abuse.example", qtype), h.ask(from, "virus.example", qtype)
			if e := extended(a); e == nil || e.InfoCode != 15 || e.ExtraText != "" {
				t.Errorf("abuse.example: %v, want EDE 15 without a text", e)
			}
			a.Id = b.Id
			if got, want := strings.ReplaceAll(a.String(), "abuse.example", "virus.example"), b.String(); got != want {
				t.Errorf("the answers differ:\n%s\n%s", got, want)
			}
		}
	}
}

func TestAllowedIsResolvedOnce(t *testing.T) {
	u := records(t, "www.school.example. 300 IN A 192.0.2.7")
	h := newHouse(t, u)
	for i, from := range []string{guest, kim, alex, pat, guest} {
		r := h.ask(from, "www.School.example", dns.TypeA)
		if answers(r) != "www.School.example. A 192.0.2.7" && answers(r) != "www.school.example. A 192.0.2.7" {
			t.Errorf("ask %d: %q", i, answers(r))
		}
		if r.Question[0].Name != "www.School.example." {
			t.Errorf("the question came back as %q, want the client's spelling", r.Question[0].Name)
		}
	}
	if n := u.asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times, want once", n)
	}
}

// TestVerdictsAreNotCached: one family member's answer is never another's.
func TestVerdictsAreNotCached(t *testing.T) {
	h := newHouse(t, records(t, "porn.example. 300 IN A 192.0.2.9"))
	for range 3 {
		if got := answers(h.ask(pat, "porn.example", dns.TypeA)); got != "porn.example. A 192.0.2.9" {
			t.Errorf("adult: %q, want the upstream's", got)
		}
		if got := answers(h.ask(guest, "porn.example", dns.TypeA)); got != "porn.example. A 10.0.0.1" {
			t.Errorf("guest: %q, want the landing address", got)
		}
	}
}

func TestChains(t *testing.T) {
	u := records(t,
		"end.example. 60 IN A 192.0.2.3", // the address first: the order is ours to mend
		"two.example. 60 IN CNAME end.example.",
		"one.example. 60 IN CNAME two.example.",
		"cloak.example. 60 IN CNAME x.tracker.example.",
		"x.tracker.example. 60 IN A 192.0.2.4",
		"help.example. 60 IN CNAME cdn.casino.example.",
		"cdn.casino.example. 60 IN A 192.0.2.5",
		"kept.casino.example. 60 IN CNAME y.casino.example.",
		"y.casino.example. 60 IN A 192.0.2.6",
		"ill.example. 60 IN CNAME z.virus.example.",
		"z.virus.example. 60 IN A 192.0.2.7",
		"rule.example. 60 IN CNAME w.denied.example.com.",
		"w.denied.example.com. 60 IN A 192.0.2.8",
		"lent.example. 60 IN CNAME help.example.",
		"bystander.example. 60 IN A 192.0.2.66",
	)
	h := newHouse(t, u)
	for _, tt := range []struct{ from, name, want string }{
		{guest, "one.example", "one.example. CNAME two.example.\ntwo.example. CNAME end.example.\nend.example. A 192.0.2.3"},
		{guest, "cloak.example", "cloak.example. A 10.0.0.1"},
		{pat, "cloak.example", "cloak.example. CNAME x.tracker.example.\nx.tracker.example. A 192.0.2.4"},
		{guest, "help.example", "help.example. CNAME cdn.casino.example.\ncdn.casino.example. A 192.0.2.5"},
		{guest, "kept.casino.example", "kept.casino.example. CNAME y.casino.example.\ny.casino.example. A 192.0.2.6"},
		{pat, "ill.example", "ill.example. A 10.0.0.1"},
		{pat, "rule.example", "rule.example. A 10.0.0.1"},
		{guest, "lent.example", "lent.example. A 10.0.0.1"}, // lent → help → casino: the target lends no help
	} {
		for _, path := range []string{"miss", "hit"} {
			if got := answers(h.ask(tt.from, tt.name, dns.TypeA)); got != tt.want {
				t.Errorf("%s from %s (%s):\n%s\nwant\n%s", tt.name, tt.from, path, got, tt.want)
			}
		}
	}
}

func TestDNAME(t *testing.T) {
	u := records(t, "old.example. 60 IN DNAME new.example.", "www.new.example. 60 IN A 192.0.2.3", "bad.example. 60 IN DNAME tracker.example.", "q.tracker.example. 60 IN A 192.0.2.4")
	h := newHouse(t, u)
	want := "old.example. DNAME new.example.\nwww.old.example. CNAME www.new.example.\nwww.new.example. A 192.0.2.3"
	if got := answers(h.ask(guest, "www.old.example", dns.TypeA)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := answers(h.ask(guest, "q.bad.example", dns.TypeA)); got != "q.bad.example. A 10.0.0.1" {
		t.Errorf("a DNAME into a tracker: %q, want the landing address", got)
	}
}

func TestChainLoopAndLength(t *testing.T) {
	long := []string{}
	for i := range 14 {
		long = append(long, string(rune('a'+i))+".long.example. 60 IN CNAME "+string(rune('b'+i))+".long.example.")
	}
	h := newHouse(t, records(t, append(long, "l1.example. 60 IN CNAME l2.example.", "l2.example. 60 IN CNAME l1.example.")...))
	for _, name := range []string{"l1.example", "a.long.example"} {
		if r := h.ask(guest, name, dns.TypeA); r.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s: rcode %d, want SERVFAIL", name, r.Rcode)
		}
	}
}

func TestServiceBindingTargets(t *testing.T) {
	u := records(t,
		"svc.example. 60 IN HTTPS 1 x.tracker.example. alpn=h2",
		"hint.example. 60 IN HTTPS 1 . ipv4hint=192.168.1.1",
		"good.example. 60 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1")
	only := func(name string) *said {
		return &said{answer: func(q dns.Question) (*dns.Msg, error) {
			m, err := u.answer(q)
			var kept []dns.RR
			for _, rr := range m.Answer {
				if rr.Header().Name == name {
					kept = append(kept, rr)
				}
			}
			m.Answer = kept
			return m, err
		}}
	}
	if got := answers(newHouse(t, only("svc.example.")).ask(guest, "svc.example", dns.TypeHTTPS)); got != "" {
		t.Errorf("an HTTPS record that leads to a tracker was passed on: %q", got)
	}
	if got := answers(newHouse(t, only("hint.example.")).ask(guest, "hint.example", dns.TypeHTTPS)); got != "" {
		t.Errorf("an HTTPS record with a private address hint was passed on: %q", got)
	}
	if got := answers(newHouse(t, only("good.example.")).ask(guest, "good.example", dns.TypeHTTPS)); !strings.Contains(got, "HTTPS") {
		t.Errorf("an honest HTTPS record was lost: %q", got)
	}
}

func TestRebinding(t *testing.T) {
	for _, addr := range []string{"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.20.0.1", "192.168.1.1", "192.0.0.8", "198.18.0.1", "224.0.0.251", "240.0.0.1", "255.255.255.255"} {
		h := newHouse(t, records(t, "evil.example. 60 IN A "+addr))
		for range 2 {
			r := h.ask(guest, "evil.example", dns.TypeA)
			if e := extended(r); r.Rcode != 0 || len(r.Answer) != 0 || e == nil || e.InfoCode != 15 {
				t.Errorf("%s: %v, want NODATA with EDE 15", addr, r)
			}
		}
	}
	for _, addr := range []string{"::", "::1", "fc00::1", "fe80::1", "::ffff:192.168.1.1", "64:ff9b::c0a8:101", "2002:c0a8:101::1", "ff02::1", "::ffff:0:c0a8:101", "2001::3f57:fefe"} {
		h := newHouse(t, records(t, "evil.example. 60 IN AAAA "+addr))
		if r := h.ask(guest, "evil.example", dns.TypeAAAA); len(r.Answer) != 0 {
			t.Errorf("%s was passed on", addr)
		}
	}
	h := newHouse(t, records(t, "page.example. 60 IN A 10.0.0.1", "mixed.example. 60 IN A 192.0.2.1", "mixed.example. 60 IN A 10.9.9.9"))
	h2 := newHouse(t, records(t, "page.example. 60 IN A 10.0.0.1"))
	if got := answers(h2.ask(guest, "page.example", dns.TypeA)); got != "page.example. A 10.0.0.1" {
		t.Errorf("the landing address itself: %q, want it spared", got)
	}
	if got := answers(h.ask(guest, "mixed.example", dns.TypeA)); got != "mixed.example. A 192.0.2.1" {
		t.Errorf("mixed: %q, want the public address alone", got)
	}
}

func TestConditionalZones(t *testing.T) {
	router := records(t, "nas.lan. 60 IN A 192.168.1.9", "printer.home.arpa. 60 IN A 192.168.1.10", "9.1.168.192.in-addr.arpa. 60 IN PTR nas.lan.")
	public := records(t)
	zone := func(id uint32, name string) *View {
		return &View{ID: id, Zones: []blocklists.Name{parse(t, name)}, Local: true, Upstream: router}
	}
	h := newHouse(t, public, zone(2, "lan"), zone(3, "home.arpa"), zone(4, "168.192.in-addr.arpa"))
	for name, want := range map[string]string{
		"nas.lan":           "nas.lan. A 192.168.1.9",
		"printer.home.arpa": "printer.home.arpa. A 192.168.1.10",
		"hearth.home.arpa":  "hearth.home.arpa. A 10.0.0.1",
	} {
		if got := answers(h.ask(guest, name, dns.TypeA)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := answers(h.ask(guest, "9.1.168.192.in-addr.arpa", dns.TypePTR)); !strings.Contains(got, "nas.lan") {
		t.Errorf("the reverse name: %q, want the router's answer", got)
	}
	if n := public.asked.Load(); n != 0 {
		t.Errorf("the public upstream was asked %d times for local names", n)
	}
}

func TestSpecialNames(t *testing.T) {
	u := records(t)
	h := newHouse(t, u)
	for _, tt := range []struct {
		name  string
		qtype uint16
		rcode int
		want  string
	}{
		{"localhost", dns.TypeA, 0, "localhost. A 127.0.0.1"},
		{"app.localhost", dns.TypeAAAA, 0, "app.localhost. AAAA ::1"},
		{"localhost", dns.TypeMX, 0, ""},
		{"x.test", dns.TypeA, 3, ""},
		{"x.invalid", dns.TypeA, 3, ""},
		{"printer.local", dns.TypeA, 3, ""},
		{"hidden.onion", dns.TypeA, 3, ""},
		{"home.arpa", dns.TypeA, 0, ""},
		{"nas.home.arpa", dns.TypeA, 3, ""},
		{"1.0.0.127.in-addr.arpa", dns.TypePTR, 0, "1.0.0.127.in-addr.arpa. PTR localhost."},
		{"5.1.168.192.in-addr.arpa", dns.TypePTR, 3, ""},
		{"168.192.in-addr.arpa", dns.TypeSOA, 0, ""},
		{"1.20.172.in-addr.arpa", dns.TypePTR, 3, ""},
		{"1.100.100.in-addr.arpa", dns.TypePTR, 3, ""},
		{"_dns.resolver.arpa", dns.TypeSVCB, 0, ""},
		{"use-application-dns.net", dns.TypeA, 3, ""},
		{"mask.icloud.com", dns.TypeA, 3, ""},
		{"ipv4only.arpa", dns.TypeA, 0, "ipv4only.arpa. A 192.0.0.170\nipv4only.arpa. A 192.0.0.171"},
		{"printer", dns.TypeA, 0, ""},
		{"com", dns.TypeA, 0, ""}, // not NXDOMAIN: a cache would deny all of com (RFC 8020)
		{"hearth.home.arpa", dns.TypeA, 0, "hearth.home.arpa. A 10.0.0.1"},
		{"ask.hearth.home.arpa", dns.TypeAAAA, 0, "ask.hearth.home.arpa. AAAA fd00::1"},
		{"nothing.hearth.home.arpa", dns.TypeA, 3, ""},
		{"check.hearth.home.arpa", dns.TypeA, 0, ""},
		{"any-0.check.hearth.home.arpa", dns.TypeA, 0, "any-0.check.hearth.home.arpa. A 10.0.0.1"},
		{"any-0.check.hearth.home.arpa", dns.TypeAAAA, 0, "any-0.check.hearth.home.arpa. AAAA fd00::1"},
		{"any-0.check.hearth.home.arpa", dns.TypeHTTPS, 0, ""},
		{"wikipedia.example", dns.TypeANY, 0, `wikipedia.example. HINFO "RFC8482" ""`},
	} {
		r := h.ask(kim, tt.name, tt.qtype)
		if r.Rcode != tt.rcode || answers(r) != tt.want {
			t.Errorf("%s %s: rcode %d %q, want %d %q", tt.name, dns.TypeToString[tt.qtype], r.Rcode, answers(r), tt.rcode, tt.want)
		}
		if len(r.Answer) == 0 && len(r.Ns) != 1 {
			t.Errorf("%s: a negative answer without the SOA that lets it be cached", tt.name)
		}
		for _, rr := range append(r.Answer, r.Ns...) {
			if rr.Header().Ttl > 300 {
				t.Errorf("%s: TTL %d, want at most the 300 s of a managed profile", tt.name, rr.Header().Ttl)
			}
		}
	}
	if n := u.asked.Load(); n != 0 {
		t.Errorf("the upstream was asked %d times for names that are ours", n)
	}
	h.ask(pat, "com", dns.TypeDS)
	if n := u.asked.Load(); n != 1 {
		t.Error("a validating client's DS question about a top-level domain was not asked")
	}
}

func TestSelfTestNames(t *testing.T) {
	h := newHouse(t, records(t))
	for _, name := range []string{"test-adult.porn.hearth.home.arpa", "test-adult-porn.hearth.home.arpa"} {
		if e := extended(h.ask(kim, name, dns.TypeA)); e == nil || e.InfoCode != 17 {
			t.Errorf("%s for a child: %v, want EDE 17", name, e)
		}
		if r := h.ask(pat, name, dns.TypeA); extended(r) != nil || answers(r) != name+". A 10.0.0.1" {
			t.Errorf("%s for an adult: %v, want our own page without a reason", name, r)
		}
	}
}

func TestWhoami(t *testing.T) {
	h := newHouse(t, records(t))
	got := answers(h.ask(kim, "whoami.hearth.home.arpa", dns.TypeTXT))
	for _, want := range []string{"node=test", "version=v0", "household=known", "device=known", "band=child", "transport=udp"} {
		if !strings.Contains(got, want) {
			t.Errorf("whoami does not say %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Kim") {
		t.Error("whoami names a person")
	}
}

func TestAccess(t *testing.T) {
	u := records(t, "www.example. 60 IN A 192.0.2.1")
	h := newHouse(t, u)
	for _, tt := range []struct {
		from     string
		listener int
		served   bool
	}{
		{"10.0.0.2", 0, true},
		{"10.0.0.77", 0, true},       // an unknown device of the household
		{"192.168.9.9", 0, false},    // private, but nobody's, and no guest policy here
		{"203.0.113.5", 0, false},    // the internet
		{"192.168.9.9", 1, true},     // private, on a listener with a guest policy
		{"198.51.100.7", 1, true},    // allowed by name
		{"203.0.113.5", 1, false},    // not
		{"100.64.1.1", 1, false},     // a carrier's NAT: strangers
		{"::ffff:10.0.0.2", 0, true}, // mapped
		{"2001:db8::1", 1, false},
	} {
		r := h.over(Client{Addr: netip.MustParseAddr(tt.from), Listener: tt.listener}, withOPT("www.example", dns.TypeA))
		e := extended(r)
		if served := r.Rcode == 0; served != tt.served || !served && (r.Rcode != dns.RcodeRefused || e == nil || e.InfoCode != 18) {
			t.Errorf("%s on listener %d: rcode %d, %v; want served %v", tt.from, tt.listener, r.Rcode, e, tt.served)
		}
	}
}

func withOPT(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	return m.SetEdns0(1232, false)
}

func TestOddQuestions(t *testing.T) {
	u := records(t)
	h := newHouse(t, u)
	chaos := withOPT("version.bind", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	if r := h.send(pat, chaos); r.Rcode != dns.RcodeRefused || len(r.Answer) != 0 {
		t.Errorf("class CH: %v", r)
	}
	for qtype, want := range map[uint16]int{0: dns.RcodeFormatError, dns.TypeAXFR: dns.RcodeNotImplemented, dns.TypeIXFR: dns.RcodeNotImplemented, dns.TypeMAILB: dns.RcodeNotImplemented, dns.TypeTKEY: dns.RcodeNotImplemented} {
		if r := h.ask(pat, "www.example", qtype); r.Rcode != want {
			t.Errorf("type %d: rcode %d, want %d", qtype, r.Rcode, want)
		}
	}
	if u.asked.Load() != 0 {
		t.Error("an odd question went upstream")
	}
}

// TestEveryTypeOfABlockedName: the decision is about the name.
func TestEveryTypeOfABlockedName(t *testing.T) {
	u := records(t)
	h := newHouse(t, u)
	for qtype := uint16(1); qtype < 0xffff; qtype++ {
		r := h.ask(guest, "porn.example", qtype)
		if r.Rcode == 0 && len(r.Answer) > 0 && qtype != dns.TypeA && qtype != dns.TypeAAAA {
			t.Fatalf("type %d of a blocked name has an answer: %v", qtype, r)
		}
	}
	if u.asked.Load() != 0 {
		t.Error("a blocked name was asked for upstream")
	}
}

func TestUpstreamFailure(t *testing.T) {
	h := newHouse(t, &said{answer: func(dns.Question) (*dns.Msg, error) {
		return nil, &Error{wire.ServFail, edeNoReachable, errors.New("all upstreams are silent")}
	}})
	if r := h.ask(guest, "www.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure || extended(r).InfoCode != 22 {
		t.Errorf("%v, want SERVFAIL with EDE 22", r)
	}
	if got := answers(h.ask(guest, "porn.example", dns.TypeA)); got != "porn.example. A 10.0.0.1" {
		t.Errorf("a blocked name with the upstream dead: %q", got)
	}
}

// TestSilence: a client whose time is up is told that nothing was reached; the
// answer that comes later is there for its next try.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := records(t, "slow.example. 300 IN A 192.0.2.1")
		h := newHouse(t, &said{answer: func(q dns.Question) (*dns.Msg, error) {
			time.Sleep(4 * time.Second)
			return u.answer(q)
		}})
		h.patience = 1800 * time.Millisecond // as the listener gives it
		if r := h.ask(guest, "slow.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure || extended(r).InfoCode != 22 {
			t.Errorf("%v, want SERVFAIL with EDE 22", r)
		}
		time.Sleep(3 * time.Second)
		if got := answers(h.ask(guest, "slow.example", dns.TypeA)); got != "slow.example. A 192.0.2.1" {
			t.Errorf("the next try: %q, want the late answer", got)
		}
	})
}

// TestPanicIsSeen: what breaks while a hostile reply is read is counted and does
// not blame the network.
func TestPanicIsSeen(t *testing.T) {
	h := newHouse(t, upstreamFunc(func(wire.Question) []byte { panic("broken") }))
	if r := h.ask(guest, "www.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure || extended(r) != nil {
		t.Errorf("%v, want SERVFAIL without a reason", r)
	}
	var m dto.Metric
	if err := h.r.counts.panics.Write(&m); err != nil || m.GetCounter().GetValue() != 1 {
		t.Errorf("%v panics counted, %v; want 1", m.GetCounter().GetValue(), err)
	}
}

// TestUpstreamReason: what an upstream says of a failed validation is passed on,
// what it says of its own blocks is not.
func TestUpstreamReason(t *testing.T) {
	for sent, want := range map[uint16]uint16{6: 6, 9: 9, 22: 22, 15: 23, 17: 23, 0: 23} {
		m := new(dns.Msg)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: sent}}
		if got := reasonOf(m); got != want {
			t.Errorf("an upstream's EDE %d becomes %d, want %d", sent, got, want)
		}
	}
}

// TestLoop: an upstream that asks us what we are asking it is told so at once.
func TestLoop(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	h := newHouse(t, &said{answer: func(dns.Question) (*dns.Msg, error) {
		close(started)
		<-release
		return new(dns.Msg), nil
	}})
	done := make(chan *dns.Msg)
	go func() {
		packet, _ := withOPT("loop.example", dns.TypeA).Pack()
		var q wire.Query
		var s Stroke
		q.Parse(packet)
		var r dns.Msg
		_, _ = h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(guest)}, nil)
		_ = r.Unpack(resolve(context.Background(), h.r, &s, time.Now().Add(time.Minute)))
		done <- &r
	}()
	<-started
	if r := h.ask("10.0.0.53", "loop.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
		t.Errorf("the looping question: rcode %d, want SERVFAIL", r.Rcode)
	}
	close(release)
	if r := <-done; r.Rcode != 0 {
		t.Errorf("the first question: rcode %d", r.Rcode)
	}
}

// TestSwapRecomputes: after a reload a cached answer is judged by the new lists.
func TestSwapRecomputes(t *testing.T) {
	u := records(t, "fresh.example. 300 IN CNAME target.example.", "target.example. 300 IN A 192.0.2.1")
	h := newHouse(t, u)
	if got := answers(h.ask(guest, "fresh.example", dns.TypeA)); !strings.Contains(got, "192.0.2.1") {
		t.Fatalf("before: %q", got)
	}
	listed["target.example"] = "adult.porn"
	defer delete(listed, "target.example")
	h.r.Swap(newWorld(t, buildIndex(), u))
	if got := answers(h.ask(guest, "fresh.example", dns.TypeA)); got != "fresh.example. A 10.0.0.1" {
		t.Errorf("after the target was listed: %q, want the landing address", got)
	}
	if got := answers(h.ask(pat, "fresh.example", dns.TypeA)); !strings.Contains(got, "192.0.2.1") {
		t.Errorf("the adult: %q, want the cached answer", got)
	}
	if n := u.asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times, want once: a swap flushes nothing", n)
	}
}

func TestTTLEndsWithTheDecision(t *testing.T) {
	for _, tt := range []struct {
		until int64
		nanos int64
		limit uint32
		want  uint32
	}{
		{0, 0, 300, 300}, {100, 0, 300, 100}, {100, 1, 300, 99}, {400, 0, 300, 300}, {0, 5, 300, 300}, {-5, 0, 300, 0},
	} {
		at := time.Unix(1000, tt.nanos)
		until := tt.until
		if until != 0 {
			until += 1000
		}
		if got := capped(tt.limit, until, at); got != tt.want {
			t.Errorf("capped(%d, %d s ahead, +%d ns) = %d, want %d", tt.limit, tt.until, tt.nanos, got, tt.want)
		}
	}
}

// TestObserve: what is only watched is answered, security is not only watched.
func TestObserve(t *testing.T) {
	h := newHouse(t, records(t, "porn.example. 60 IN A 192.0.2.1"))
	if got := answers(h.ask("10.0.0.14", "porn.example", dns.TypeA)); got != "porn.example. A 192.0.2.1" {
		t.Errorf("observed: %q, want the upstream's answer", got)
	}
	if got := answers(h.ask("10.0.0.14", "virus.example", dns.TypeA)); got != "virus.example. A 10.0.0.1" {
		t.Errorf("security while observing: %q, want the landing address", got)
	}
}

// TestAnswerAllocatesNothing pins the hit path and the block path.
func TestAnswerAllocatesNothing(t *testing.T) {
	h := newHouse(t, records(t, "www.hit.example. 300 IN A 192.0.2.1", "c.example. 300 IN CNAME www.hit.example."))
	for _, name := range []string{"www.hit.example", "c.example", "porn.example", "x.y.porn.example", "virus.example", "localhost", "hearth.home.arpa", "printer"} {
		h.ask(guest, name, dns.TypeA) // warm
		packet, _ := withOPT(name, dns.TypeA).Pack()
		var q wire.Query
		var s Stroke
		buf := make([]byte, 0, 1500)
		c := Client{Addr: netip.MustParseAddr(guest)}
		n := testing.AllocsPerRun(200, func() {
			q.Parse(packet)
			if _, done := h.r.Answer(&s, &q, c, buf); !done {
				t.Fatalf("%s is not answered at once", name)
			}
			h.r.events.each(func(*Event) {})
		})
		if n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	h := newHouse(b, records(b, "www.hit.example. 300 IN A 192.0.2.1"))
	for _, name := range []string{"www.hit.example", "x.porn.example"} {
		b.Run(name, func(b *testing.B) {
			h.ask(guest, name, dns.TypeA)
			packet, _ := withOPT(name, dns.TypeA).Pack()
			var q wire.Query
			var s Stroke
			buf := make([]byte, 0, 1500)
			c := Client{Addr: netip.MustParseAddr(guest)}
			b.ReportAllocs()
			for b.Loop() {
				q.Parse(packet)
				h.r.Answer(&s, &q, c, buf)
			}
		})
	}
}
