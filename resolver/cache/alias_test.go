package cache

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestAlias: whatever the entry is like, an alias has its records as it has them itself, without
// signatures, behind a CNAME in the client's own spelling.
func TestAlias(t *testing.T) {
	long := strings.Repeat("a23456789.", 19) + "example.com."
	for name, s := range map[string]sections{
		"an address":       {answer: "safe.example.com. 300 IN A 192.0.2.1"},
		"several":          {answer: "safe.example.com. 300 IN A 192.0.2.1\nsafe.example.com. 300 IN A 192.0.2.2\nsafe.example.com. 300 IN A 192.0.2.3"},
		"a chain":          {answer: "safe.example.com. 300 IN CNAME a.example.net.\na.example.net. 60 IN CNAME b.example.com.\nb.example.com. 20 IN A 192.0.2.1\nb.example.com. 20 IN A 192.0.2.2"},
		"a long chain":     {answer: "safe.example.com. 300 IN CNAME " + long + "\n" + long + " 60 IN A 192.0.2.1"},
		"signed":           {answer: strings.ReplaceAll(signed, "www.", "safe.")},
		"nothing":          {authority: "example.com. 300 IN SOA ns.example.com. root.example.com. 1 2 3 4 60"},
		"nothing behind":   {answer: "safe.example.com. 300 IN CNAME a.example.net.", authority: "example.net. 300 IN SOA ns.example.com. root.example.com. 1 2 3 4 60"},
		"nothing at all":   {},
		"signed, and none": {authority: "example.com. 300 IN SOA ns.example.com. root.example.com. 1 2 3 4 60\nexample.com. 300 IN RRSIG SOA 8 2 300 20300101000000 20200101000000 1 example.com. AAAA"},
	} {
		e := store(t, New(Config{}), key(t, "safe.example.com.", dns.TypeA), upstream(t, "safe.example.com.", dns.TypeA, dns.RcodeSuccess, s))
		want := read(t, e.AppendReply(nil, query(t, "safe.example.com.", dns.TypeA, nil), 1010, 100))
		for _, alias := range []string{"wWw.search.ORG.", "a.b.", "safe.example.com.evil.test.", long} {
			q := query(t, alias, dns.TypeA, withDO)
			q.AD = true
			got := read(t, e.AppendAlias(nil, q, 1010, 100))
			if len(got.Answer) == 0 || got.Answer[0].String() != fmt.Sprintf("%s\t100\tIN\tCNAME\tsafe.example.com.", alias) {
				t.Fatalf("%s, %s: no alias in front: %v", name, alias, got.Answer)
			}
			if g, w := fmt.Sprint(got.Answer[1:], got.Ns, got.Extra), fmt.Sprint(want.Answer, want.Ns, want.Extra); g != w {
				t.Errorf("%s, %s: got\n%s\nwant\n%s", name, alias, g, w)
			}
			if got.AuthenticatedData || got.Question[0].Name != alias || got.Rcode != want.Rcode {
				t.Errorf("%s, %s: %v", name, alias, got)
			}
		}
	}
}

// TestAliasLives: an alias lives no longer than it may, nor than its own five minutes.
func TestAliasLives(t *testing.T) {
	c := New(Config{})
	k := key(t, "safe.example.com.", dns.TypeA)
	e := store(t, c, k, upstream(t, "safe.example.com.", dns.TypeA, dns.RcodeSuccess, sections{answer: "safe.example.com. 1000 IN A 192.0.2.1"}))
	q := query(t, "www.search.org.", dns.TypeA, nil)
	for limit, want := range map[uint32][2]uint32{NoCap: {300, 900}, 10: {10, 10}, 0: {0, 0}} {
		m := read(t, e.AppendAlias(nil, q, 1100, limit))
		if got := [2]uint32{m.Answer[0].Header().Ttl, m.Answer[1].Header().Ttl}; got != want {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	before := c.Stats().Stale
	m := read(t, c.AppendStaleAlias(nil, e, q, NoCap))
	if m.Answer[0].Header().Ttl > 30 || m.Answer[1].Header().Ttl > 30 || c.Stats().Stale != before+1 {
		t.Errorf("stale: %v", m.Answer)
	}
}

// TestAliasTooLong: pointers reach 16 KiB; what is longer is no reply.
func TestAliasTooLong(t *testing.T) {
	var s sections
	for i := range 1100 {
		s.answer += fmt.Sprintf("safe.example.com. 300 IN A 192.0.%d.%d\n", i/256, i%256)
	}
	k := key(t, "safe.example.com.", dns.TypeA)
	e := store(t, New(Config{}), k, upstream(t, "safe.example.com.", dns.TypeA, dns.RcodeSuccess, s))
	if got := e.AppendAlias(nil, query(t, "www.search.org.", dns.TypeA, nil), 1000, NoCap); len(got) != 0 {
		t.Errorf("%d octets, want none", len(got))
	}
}
