package cache

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestLifetime(t *testing.T) {
	const soa = "example.com. 900 IN SOA ns.example.com. root.example.com. 1 7200 900 604800 300"
	tests := []struct {
		name  string
		qtype uint16
		rcode int
		s     sections
		want  int64 // seconds; 0: not kept
	}{
		{"the smallest TTL of the answer", dns.TypeA, 0, sections{answer: "www.example.com. 300 IN CNAME a.example.net.\na.example.net. 60 IN A 192.0.2.1"}, 60},
		{"an additional record does not count", dns.TypeA, 0, sections{answer: "www.example.com. 300 IN A 192.0.2.1", additional: "x.example.com. 5 IN A 192.0.2.2"}, 300},
		{"a day at most", dns.TypeA, 0, sections{answer: "www.example.com. 604800 IN A 192.0.2.1"}, 86400},
		{"TTL 0 (RFC 1035 3.2.1)", dns.TypeA, 0, sections{answer: "www.example.com. 0 IN A 192.0.2.1"}, 0},
		{"largest TTL (RFC 2181 8)", dns.TypeA, 0, sections{answer: "www.example.com. 2147483647 IN A 192.0.2.1"}, 86400},
		{"top bit counts as 0 (RFC 2181 8)", dns.TypeA, 0, sections{answer: "www.example.com. 2147483648 IN A 192.0.2.1"}, 0},
		{"all bits count as 0", dns.TypeA, 0, sections{answer: "www.example.com. 4294967295 IN A 192.0.2.1"}, 0},
		{"NXDOMAIN by MINIMUM (RFC 2308 5)", dns.TypeA, dns.RcodeNameError, sections{authority: soa}, 300},
		{"NXDOMAIN by the SOA's TTL", dns.TypeA, dns.RcodeNameError, sections{authority: "example.com. 120 IN SOA ns.example.com. root.example.com. 1 2 3 4 300"}, 120},
		{"NODATA", dns.TypeA, 0, sections{authority: soa}, 300},
		{"NODATA at the end of a chain", dns.TypeAAAA, 0, sections{answer: "www.example.com. 200 IN CNAME a.example.com.", authority: soa}, 200},
		{"NXDOMAIN at the end of a chain", dns.TypeA, dns.RcodeNameError, sections{answer: "www.example.com. 900 IN CNAME a.example.com.", authority: soa}, 300},
		{"NODATA without SOA", dns.TypeA, 0, sections{}, 0},
		{"NXDOMAIN without SOA", dns.TypeA, dns.RcodeNameError, sections{}, 0},
		{"chain to nothing without SOA", dns.TypeA, 0, sections{answer: "www.example.com. 200 IN CNAME a.example.com."}, 0},
		{"an hour at most for a negative answer", dns.TypeA, dns.RcodeNameError, sections{authority: "example.com. 86400 IN SOA ns.example.com. root.example.com. 1 2 3 4 86400"}, 3600},
		{"MINIMUM 0", dns.TypeA, dns.RcodeNameError, sections{authority: "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 0"}, 0},
		{"SOA with the top bit", dns.TypeA, dns.RcodeNameError, sections{authority: "example.com. 2147483648 IN SOA ns.example.com. root.example.com. 1 2 3 4 60"}, 0},
		{"the SOA asked for is an answer", dns.TypeSOA, 0, sections{answer: "www.example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 60"}, 900},
		{"SERVFAIL", dns.TypeA, dns.RcodeServerFailure, sections{authority: soa}, 0},
		{"REFUSED", dns.TypeA, dns.RcodeRefused, sections{}, 0},
		{"ANY", dns.TypeANY, 0, sections{answer: "www.example.com. 77 IN TXT \"RFC8482\""}, 77},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Config{})
			k := key(t, "www.example.com.", tt.qtype)
			e := store(t, c, k, upstream(t, "www.example.com.", tt.qtype, tt.rcode, tt.s))
			if e.Kept() != (tt.want > 0) {
				t.Errorf("Kept() = %v, want %v", e.Kept(), tt.want > 0)
			}
			if tt.want > 0 && fresh(c, k, 1000+tt.want-1) != e {
				t.Errorf("gone a second before its end at %d s", tt.want)
			}
			if fresh(c, k, 1000+tt.want) != nil {
				t.Errorf("still there after %d s", tt.want)
			}
			// Kept or not, the reply serves this question and its merged waiters.
			m := read(t, e.AppendReply(nil, query(t, "www.example.com.", tt.qtype, nil), 1000, NoCap))
			if m.Rcode != tt.rcode || len(m.Answer) != len(rrs(t, tt.s.answer)) {
				t.Errorf("reply for the first asker = %v", m)
			}
		})
	}
}

// RFC 2308 section 3: the SOA is sent with the smaller of its TTL and MINIMUM, so
// that caches behind us forget as soon as we do.
func TestNegativeAnswerSendsTheSmallerTTL(t *testing.T) {
	e := store(t, New(Config{}), key(t, "www.example.com.", dns.TypeA),
		upstream(t, "www.example.com.", dns.TypeA, dns.RcodeNameError, sections{
			authority: "example.com. 900 IN SOA ns.example.com. root.example.com. 1 7200 900 604800 300",
		}))
	m := read(t, e.AppendReply(nil, query(t, "www.example.com.", dns.TypeA, nil), 1100, NoCap))
	if got := m.Ns[0].Header().Ttl; got != 200 {
		t.Errorf("SOA TTL after 100 s = %d, want 200", got)
	}
}

func TestConfiguredLimits(t *testing.T) {
	c := New(Config{MaxTTL: 30 * time.Second, MaxNegativeTTL: 10 * time.Second})
	k := key(t, "www.example.com.", dns.TypeA)
	e := store(t, c, k, upstream(t, "www.example.com.", dns.TypeA, 0, sections{answer: "www.example.com. 300 IN A 192.0.2.1"}))
	if e.life != 30 {
		t.Errorf("life = %d, want 30", e.life)
	}
	if m := read(t, e.AppendReply(nil, query(t, "www.example.com.", dns.TypeA, nil), 1000, NoCap)); m.Answer[0].Header().Ttl != 30 {
		t.Errorf("TTL sent = %d, want 30", m.Answer[0].Header().Ttl)
	}
	e = store(t, c, k, upstream(t, "www.example.com.", dns.TypeA, dns.RcodeNameError, sections{
		authority: "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 300"}))
	if e.life != 10 {
		t.Errorf("negative life = %d, want 10", e.life)
	}
}
