package resolver

import (
	"net"
	"net/netip"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// vouching answers with addresses, AD and an option that tells of the client's network.
func vouching(addresses ...string) upstreamFunc {
	return func(q wire.Question) []byte {
		name, _, _ := dns.UnpackDomainName(q.Name, 0)
		m := new(dns.Msg).SetQuestion(name, q.Type)
		m.Response, m.AuthenticatedData, m.CheckingDisabled = true, true, q.CD
		for _, a := range addresses {
			h := dns.RR_Header{Name: name, Rrtype: q.Type, Class: dns.ClassINET, Ttl: 300}
			if q.Type == dns.TypeA {
				m.Answer = append(m.Answer, &dns.A{Hdr: h, A: net.ParseIP(a)})
			} else {
				m.Answer = append(m.Answer, &dns.AAAA{Hdr: h, AAAA: net.ParseIP(a)})
			}
		}
		m.SetEdns0(1232, true)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)}}
		raw, err := m.Pack()
		if err != nil {
			panic(err)
		}
		return raw
	}
}

func asks(name string, change func(*dns.Msg)) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.SetEdns0(1232, false)
	change(m)
	return m
}

// RFC 6840 sections 5.7 and 5.8: what the upstream is believed to have validated is marked for
// those that ask for it, from the cache as from upstream; what something was taken out of is not,
// nor what we say ourselves.
func TestADOfTheUpstream(t *testing.T) {
	for name, tt := range map[string]struct {
		upstream upstreamFunc
		query    *dns.Msg
		want     bool
	}{
		"asked by AD":     {vouching("192.0.2.7"), asks("www.example.com.", func(m *dns.Msg) { m.AuthenticatedData = true }), true},
		"asked by DO":     {vouching("192.0.2.7"), asks("www.example.com.", func(m *dns.Msg) { m.IsEdns0().SetDo() }), true},
		"not asked":       {vouching("192.0.2.7"), asks("www.example.com.", func(*dns.Msg) {}), false},
		"all taken out":   {vouching("192.168.0.7"), asks("www.example.com.", func(m *dns.Msg) { m.AuthenticatedData = true }), false},
		"one taken out":   {vouching("192.0.2.7", "127.0.0.1"), asks("www.example.com.", func(m *dns.Msg) { m.AuthenticatedData = true }), false},
		"blocked":         {vouching("192.0.2.7"), asks("porn.example.", func(m *dns.Msg) { m.AuthenticatedData = true }), false},
		"read as a whole": {vouching("192.0.2.7"), asks("www.example.com.", func(m *dns.Msg) { m.AuthenticatedData = true; m.Question[0].Qtype = dns.TypeLOC }), true},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.query.Question[0].Qtype != dns.TypeA {
				tt.upstream = vouching()
			}
			h := newHouse(t, tt.upstream)
			for _, from := range []string{"upstream", "cache"} {
				if got := h.send("10.0.0.2", tt.query); got.AuthenticatedData != tt.want {
					t.Errorf("from %s: AD %v, want %v\n%v", from, got.AuthenticatedData, tt.want, got)
				}
			}
		})
	}
}

// RFC 7871 section 11.1: what the upstream says of a network goes to no client, whether it sent
// the option or not.
func TestSubnetIsStripped(t *testing.T) {
	own := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(198, 51, 100, 0)}
	for name, query := range map[string]*dns.Msg{
		"sent":     asks("www.example.com.", func(m *dns.Msg) { m.IsEdns0().Option = []dns.EDNS0{own} }),
		"not sent": asks("www.example.com.", func(*dns.Msg) {}),
	} {
		h := newHouse(t, vouching("192.0.2.7"))
		for range 2 {
			got := h.send("10.0.0.4", query)
			if len(got.Answer) != 1 {
				t.Fatalf("%s: no answer: %v", name, got)
			}
			for _, o := range got.IsEdns0().Option {
				if o.Option() == dns.EDNS0SUBNET {
					t.Errorf("%s: the client gets %v", name, o)
				}
			}
		}
	}
}

// DNS rebinding through a translator: a name that leads to a private address behind its prefix is
// as one that leads there directly (RFC 6052 section 5.1).
func TestTranslatedAddresses(t *testing.T) {
	for _, tt := range []struct {
		prefix, address string
		want            bool
	}{
		{"2001:db8:64::/96", "2001:db8:64::192.168.1.1", true},
		{"2001:db8:64::/96", "2001:db8:64::192.0.2.1", false},
		{"2001:db8::/32", "2001:db8:a00:1::", true},
		{"2001:db8::/32", "2001:db8:c000:201::", false},
		{"64:ff9b:1::/96", "64:ff9b:1::192.0.2.1", false},
		{"64:ff9b:1::/96", "64:ff9b:1::10.0.0.1", true},
		{"64:ff9b:1::/96", "64:ff9b::10.0.0.1", true},
		{"", "64:ff9b:1::192.0.2.1", true},
		{"", "64:ff9b::127.0.0.1", true},
		{"", "2001:db8:64::192.168.1.1", false},
	} {
		v := &View{}
		if tt.prefix != "" {
			v.Translator = netip.MustParsePrefix(tt.prefix)
		}
		if got := v.exposes(netip.MustParseAddr(tt.address)); got != tt.want {
			t.Errorf("%s behind %q exposes: %v, want %v", tt.address, tt.prefix, got, tt.want)
		}
		if v.Local = true; v.exposes(netip.MustParseAddr(tt.address)) {
			t.Errorf("%s exposes in a local zone", tt.address)
		}
	}
}

// TestPrefixOfTheTranslatorIsTold: phones learn the prefix of DNS64 from ipv4only.arpa (RFC 7050).
func TestPrefixOfTheTranslatorIsTold(t *testing.T) {
	h := newHouse(t, records(t))
	if got := answers(h.ask(pat, "ipv4only.arpa", dns.TypeAAAA)); got != "" {
		t.Errorf("without DNS64: %q", got)
	}
	w := newWorld(t, buildIndex(), records(t))
	w.Upstreams.profiles[0].Translator = netip.MustParsePrefix("64:ff9b::/96")
	h.r.Swap(w)
	for qtype, want := range map[uint16]string{
		dns.TypeA:    "ipv4only.arpa. A 192.0.0.170\nipv4only.arpa. A 192.0.0.171",
		dns.TypeAAAA: "ipv4only.arpa. AAAA 64:ff9b::c000:aa\nipv4only.arpa. AAAA 64:ff9b::c000:ab",
	} {
		if got := answers(h.ask(pat, "ipv4only.arpa", qtype)); got != want {
			t.Errorf("%s: %q, want %q", dns.TypeToString[qtype], got, want)
		}
	}
}
