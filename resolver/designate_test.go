package resolver

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// newDiscovered is the roaming household with a resolver that has encrypted transports under a name.
func newDiscovered(t testing.TB, name string, d Designation) *house {
	t.Helper()
	u := records(t)
	h := newHouse(t, u)
	if name != "" {
		d.Name = parse(t, name)
	}
	h.r.Swap(newWorldWith(t, roaming, buildIndex(), u, func(c *WorldConfig) { c.Designated, c.InfoURL = d, "https://dns.family.example/about" }))
	return h
}

var everyEndpoint = []Endpoint{{Transport: HTTPS, Port: 8443, Path: "/dns-query"}, {Transport: QUIC, Port: 853}, {Transport: TLS, Port: 8853}}

// bindings gives each SVCB record of a reply in presentation form, without owner and TTL.
func bindings(r *dns.Msg) []string {
	var all []string
	for _, rr := range r.Answer {
		f := strings.Fields(rr.String())
		all = append(all, strings.Join(f[4:], " "))
	}
	return all
}

// TestDiscovery: the records are those of RFC 9461 and RFC 9462, and a device is led to its own name and path.
func TestDiscovery(t *testing.T) {
	h := newDiscovered(t, "dns.family.example", Designation{Endpoints: everyEndpoint})
	over := func(from, id, local, name string) []string {
		c := Client{Addr: netip.MustParseAddr(from), Identity: id, Local: netip.MustParseAddr(local)}
		r := h.over(c, withOPT(name, dns.TypeSVCB))
		for _, rr := range r.Answer {
			if rr.Header().Ttl > 60 {
				t.Errorf("%s: TTL %d, want at most 60 s", name, rr.Header().Ttl)
			}
		}
		return bindings(r)
	}
	plain := func(host, path, hint string) []string {
		return []string{
			`1 ` + host + ` alpn="h2,h3" port="8443" ` + hint + ` dohpath="` + path + `{?dns}"`,
			`2 ` + host + ` alpn="doq" ` + hint,
			`3 ` + host + ` alpn="dot" port="8853" ` + hint,
		}
	}
	const host = "dns.family.example."
	own, mine := plain(host, "/dns-query", `ipv4hint="10.0.0.53"`), plain(phoneID+"."+host, "/dns-query/"+phoneID, `ipv4hint="10.0.0.53"`)
	for _, c := range []struct {
		what, from, id, local, name string
		want                        []string
	}{
		{"an unknown device", "10.0.0.9", "", "10.0.0.53", "_dns.resolver.arpa", own},
		{"a device at its address", "10.0.0.2", "", "10.0.0.53", "_dns.resolver.arpa", mine},
		{"a device by its id", "203.0.113.5", phoneID, "10.0.0.53", "_DNS.Resolver.arpa", mine},
		{"an unknown id", "10.0.0.9", noID, "10.0.0.53", "_dns.resolver.arpa", own},
		{"over IPv6", "10.0.0.9", "", "fd00::53", "_dns.resolver.arpa", plain(host, "/dns-query", `ipv6hint="fd00::53"`)},
		{"by name", "10.0.0.2", "", "10.0.0.53", "_dns.dns.family.example", own},
		{"by a device's name", "10.0.0.9", "", "10.0.0.53", "_dns." + phoneID + ".dns.family.example", mine},
		{"by a name of no device", "10.0.0.9", "", "10.0.0.53", "_dns." + noID + ".dns.family.example", plain(noID+"."+host, "/dns-query/"+noID, `ipv4hint="10.0.0.53"`)},
		{"beneath", "10.0.0.2", "", "10.0.0.53", "x._dns.resolver.arpa", nil},
		{"beside", "10.0.0.2", "", "10.0.0.53", "_http.resolver.arpa", nil},
		{"opted out", "203.0.113.5", tabletID, "10.0.0.53", "_dns.resolver.arpa", own},
	} {
		if got := over(c.from, c.id, c.local, c.name); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	if n := h.r.World().Upstreams.profiles[0].Upstream.(*said).asked.Load(); n != 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

// TestDesignatedAddresses: hints and addresses are the configured ones, and an endpoint of one address is told of to
// who came to it.
func TestDesignatedAddresses(t *testing.T) {
	two := []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("192.0.2.54")}
	h := newDiscovered(t, "dns.family.example", Designation{Addresses: two, Endpoints: everyEndpoint[1:2]})
	if got := bindings(h.ask("10.0.0.9", "_dns.resolver.arpa", dns.TypeSVCB)); !slices.Equal(got, []string{`1 dns.family.example. alpn="doq" ipv4hint="192.0.2.53,192.0.2.54" ipv6hint="2001:db8::53"`}) {
		t.Errorf("hints: %q", got)
	}
	for _, name := range []string{"dns.family.example", phoneID + ".dns.family.example", noID + ".dns.family.example"} {
		if got := answers(h.ask("10.0.0.9", name, dns.TypeA)); got != name+". A 192.0.2.53\n"+name+". A 192.0.2.54" {
			t.Errorf("%s A: %q", name, got)
		}
		if got := answers(h.ask("10.0.0.9", name, dns.TypeAAAA)); got != name+". AAAA 2001:db8::53" {
			t.Errorf("%s AAAA: %q", name, got)
		}
		if r := h.ask("10.0.0.9", name, dns.TypeMX); r.Rcode != 0 || len(r.Answer) != 0 || len(r.Ns) != 1 {
			t.Errorf("%s MX: %v, want NODATA", name, r)
		}
	}
	local := netip.MustParseAddr("10.0.0.53")
	h = newDiscovered(t, "dns.family.example", Designation{Endpoints: []Endpoint{{Transport: TLS, Port: 853, At: local}, {Transport: QUIC, Port: 853, At: netip.MustParseAddr("127.0.0.1")}}})
	r := h.over(Client{Addr: netip.MustParseAddr("10.0.0.9"), Local: local}, withOPT("_dns.resolver.arpa", dns.TypeSVCB))
	if got := bindings(r); !slices.Equal(got, []string{`1 dns.family.example. alpn="dot" ipv4hint="10.0.0.53"`}) {
		t.Errorf("one of two endpoints: %q", got)
	}
	r = h.over(Client{Addr: netip.MustParseAddr("10.0.0.9"), Local: local}, withOPT(phoneID+".dns.family.example", dns.TypeA))
	if got := answers(r); got != phoneID+".dns.family.example. A 10.0.0.53" {
		t.Errorf("where the query came in: %q", got)
	}
}

// TestDesignatedOwnName: where the encrypted listeners have our own name, the page keeps its address unless
// others are written, and nothing but what could be an id appears beneath.
func TestDesignatedOwnName(t *testing.T) {
	at := netip.MustParseAddr("192.0.2.53")
	local := Client{Addr: netip.MustParseAddr("10.0.0.9"), Local: netip.MustParseAddr("10.0.0.53")}
	for _, c := range []struct {
		addresses []netip.Addr
		name      string
		rcode     int
		want      string
	}{
		{nil, "hearth.home.arpa", 0, "A 10.0.0.1"},
		{nil, noID + ".hearth.home.arpa", 0, "A 10.0.0.53"},
		{[]netip.Addr{at}, "hearth.home.arpa", 0, "A 192.0.2.53"},
		{[]netip.Addr{at}, phoneID + ".hearth.home.arpa", 0, "A 192.0.2.53"},
		{[]netip.Addr{at}, "ask.hearth.home.arpa", 0, "A 10.0.0.1"},
		{[]netip.Addr{at}, "test-money-gambling.hearth.home.arpa", 0, "A 10.0.0.1"},
		{[]netip.Addr{at}, "nothing.hearth.home.arpa", dns.RcodeNameError, ""},
		{[]netip.Addr{at}, "x." + phoneID + ".hearth.home.arpa", dns.RcodeNameError, ""},
		{[]netip.Addr{at}, "_dns.hearth.home.arpa", 0, ""},
	} {
		h := newDiscovered(t, "hearth.home.arpa", Designation{Addresses: c.addresses, Endpoints: everyEndpoint})
		want := c.want
		if want != "" {
			want = c.name + ". " + want
		}
		if r := h.over(local, withOPT(c.name, dns.TypeA)); r.Rcode != c.rcode || answers(r) != want {
			t.Errorf("%s with %v: rcode %d %q, want %d %q", c.name, c.addresses, r.Rcode, answers(r), c.rcode, want)
		}
	}
}

// TestBesideTheDesignatedName: what else the operator has beneath the name is asked upstream, unless it lies in a
// zone that is nobody's.
func TestBesideTheDesignatedName(t *testing.T) {
	h := newDiscovered(t, "family.example", Designation{Endpoints: everyEndpoint})
	h.ask("10.0.0.9", "www.family.example", dns.TypeA)
	h.ask("10.0.0.9", "_acme-challenge.family.example", dns.TypeTXT)
	if n := h.r.World().Upstreams.profiles[0].Upstream.(*said).asked.Load(); n != 2 {
		t.Errorf("the upstream was asked %d times, want twice", n)
	}
	h = newDiscovered(t, "dns.home.arpa", Designation{Endpoints: everyEndpoint})
	if r := h.ask("10.0.0.9", "www.dns.home.arpa", dns.TypeA); r.Rcode != dns.RcodeNameError {
		t.Errorf("beneath home.arpa: %v, want NXDOMAIN", r)
	}
}

// TestIDsAreToldToNobody: what is looked up with an id in it, such as a TLSA record of the server (RFC 6698), is asked of
// nobody, also where a list has the name of the encrypted listeners, as those of resolvers by which filters are passed.
func TestIDsAreToldToNobody(t *testing.T) {
	for _, name := range []string{"dns.family.example", "chat.example", "dns.virus.example"} {
		h := newDiscovered(t, name, Designation{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.53")}, Endpoints: everyEndpoint})
		for _, id := range []string{phoneID, noID} {
			host := id + "." + name
			if got := answers(h.ask("10.0.0.9", host, dns.TypeA)); got != host+". A 192.0.2.53" {
				t.Errorf("%s: %q", host, got)
			}
			if got := bindings(h.ask("10.0.0.9", "_dns."+host, dns.TypeSVCB)); len(got) != len(everyEndpoint) {
				t.Errorf("_dns.%s: %q", host, got)
			}
			for _, beneath := range []string{"_853._tcp." + host, "www." + host, "_dns.www." + host} {
				if r := h.ask("10.0.0.9", beneath, dns.TypeTLSA); r.Rcode != dns.RcodeNameError || len(r.Ns) != 1 {
					t.Errorf("%s: %v, want NXDOMAIN", beneath, r)
				}
			}
		}
		if n := h.r.World().Upstreams.profiles[0].Upstream.(*said).asked.Load(); n != 0 {
			t.Errorf("%s: the upstream was asked %d times", name, n)
		}
	}
}

// TestFixedNamesHaveAnOrder: decision ids tell versions of the policy apart, which the order of these names is part of.
func TestFixedNamesHaveAnOrder(t *testing.T) {
	fixed := func() []policy.FixedName {
		return FixedNames(parse(t, "hearth.home.arpa"), parse(t, "dns.family.example"), []blocklists.Name{parse(t, "lan")})
	}
	same := func(a, b policy.FixedName) bool { return string(a.Name) == string(b.Name) && a.Except == b.Except }
	for range 10 {
		if !slices.EqualFunc(fixed(), fixed(), same) {
			t.Fatal("the order changes")
		}
	}
}

// TestNothingDesignated: without encrypted listeners all is as ever.
func TestNothingDesignated(t *testing.T) {
	h := newDiscovered(t, "", Designation{})
	for name, rcode := range map[string]int{"_dns.resolver.arpa": 0, "resolver.arpa": 0, "x.y.resolver.arpa": 0, "_dns.hearth.home.arpa": 3, phoneID + ".hearth.home.arpa": 3} {
		for _, qtype := range []uint16{dns.TypeSVCB, dns.TypeA} {
			if r := h.ask("10.0.0.2", name, qtype); r.Rcode != rcode || len(r.Answer) != 0 || len(r.Ns) != 1 {
				t.Errorf("%s: %v, want rcode %d without an answer", name, r, rcode)
			}
		}
	}
}

// TestResolverInfo: RFC 9606, at resolver.arpa, at our own name and at those of the encrypted listeners.
func TestResolverInfo(t *testing.T) {
	facts := []string{"exterr=0-13,15,17-19,21-24", "infourl=https://dns.family.example/about"}
	for _, designated := range []string{"", "dns.family.example", "hearth.home.arpa"} {
		h := newDiscovered(t, designated, Designation{Endpoints: everyEndpoint})
		names := []string{"resolver.arpa", "hearth.home.arpa"}
		if designated != "" {
			names = append(names, designated, noID+"."+designated)
		}
		for _, name := range names {
			r := h.ask("10.0.0.9", name, typeResolverInfo)
			if len(r.Answer) != 1 {
				t.Errorf("%s: %v, want one record", name, r)
				continue
			}
			if rr, ok := r.Answer[0].(*dns.RESINFO); !ok || rr.Hdr.Rrtype != 261 || !slices.Equal(rr.Txt, facts) {
				t.Errorf("%s: %v, want %q", name, r.Answer[0], facts)
			}
		}
		for _, name := range []string{"ask.hearth.home.arpa", "_dns.resolver.arpa"} {
			if r := h.ask("10.0.0.9", name, typeResolverInfo); len(r.Answer) != 0 {
				t.Errorf("%s: %v, want none", name, r)
			}
		}
	}
}

// TestDiscoveryAllocatesNothing: clients ask each time they join the network.
func TestDiscoveryAllocatesNothing(t *testing.T) {
	h := newDiscovered(t, "dns.family.example", Designation{Endpoints: everyEndpoint})
	for _, name := range []string{"_dns.resolver.arpa", "_dns." + phoneID + ".dns.family.example", phoneID + ".dns.family.example"} {
		for _, qtype := range []uint16{dns.TypeSVCB, dns.TypeA, typeResolverInfo} {
			packet, err := withOPT(name, qtype).Pack()
			if err != nil {
				t.Fatal(err)
			}
			var q wire.Query
			var s Stroke
			buf := make([]byte, 0, 1500)
			c := Client{Addr: netip.MustParseAddr("10.0.0.2"), Local: netip.MustParseAddr("10.0.0.53")}
			if n := testing.AllocsPerRun(100, func() {
				q.Parse(packet)
				if _, done := h.r.Answer(&s, &q, c, buf); !done {
					t.Fatalf("%s is not answered at once", name)
				}
			}); n != 0 {
				t.Errorf("%s type %d: %v allocations, want none", name, qtype, n)
			}
		}
	}
}

// TestToldErrorsAreThoseSent: RESINFO lists every code that an answer may carry, and none besides.
func TestToldErrorsAreThoseSent(t *testing.T) {
	told := map[uint16]bool{}
	for part := range strings.SplitSeq(sentErrors, ",") {
		var from, to uint16
		if n, err := fmt.Sscanf(part, "%d-%d", &from, &to); n < 2 && err != nil {
			to = from
		}
		for code := from; code <= to; code++ {
			told[code] = true
		}
	}
	sent := map[uint16]bool{
		0:        true, // of the listeners, over a rate
		edeStale: true, edeCached: true, edeStaleNXDomain: true, edeBlocked: true, edeFiltered: true, edeProhibited: true,
		edeNotSupported: true, edeNoReachable: true, edeNetworkError: true, edeInvalidAnswer: true,
	}
	for code := range uint16(100) {
		m := withOPT("www.example", dns.TypeA)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: code}}
		sent[reasonOf(m)] = true
	}
	if !maps.Equal(told, sent) {
		t.Errorf("told %v, sent %v", slices.Sorted(maps.Keys(told)), slices.Sorted(maps.Keys(sent)))
	}
}
