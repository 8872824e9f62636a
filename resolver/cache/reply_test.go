package cache

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

const signed = `www.example.com. 300 IN CNAME a.example.net.
www.example.com. 300 IN RRSIG CNAME 8 3 300 20300101000000 20200101000000 1 example.com. AAAA
a.example.net. 60 IN A 192.0.2.1
a.example.net. 60 IN RRSIG A 8 3 60 20300101000000 20200101000000 1 example.net. AAAA`

// The header and the question are the client's, not the upstream's (RFC 1035
// section 4.1.1, RFC 6840 section 5.7 for AD, RFC 4343 for spelling).
func TestReplyBelongsToTheClient(t *testing.T) {
	c := New(Config{})
	k := key(t, "www.example.com.", dns.TypeA)
	e := store(t, c, k, upstream(t, "www.example.com.", dns.TypeA, dns.RcodeSuccess, sections{
		answer: "www.example.com. 300 IN A 192.0.2.1",
	}))
	q := query(t, "wWw.eXample.COM.", dns.TypeA, func(m *dns.Msg) {
		m.Id, m.RecursionDesired, m.CheckingDisabled = 7, true, true
	})
	raw := e.AppendReply(nil, q, 1000, NoCap)
	if !bytes.Equal(raw[12:q.End], q.Msg[12:q.End]) {
		t.Errorf("question = % x, want the client's own % x", raw[12:q.End], q.Msg[12:q.End])
	}
	m := read(t, raw)
	if m.Id != 7 || !m.Response || !m.RecursionDesired || !m.RecursionAvailable || !m.CheckingDisabled ||
		m.Authoritative || m.AuthenticatedData || m.Truncated {
		t.Errorf("header = %+v, want id 7 and only QR RD RA CD", m.MsgHdr)
	}
	if len(m.Answer) != 1 || m.Answer[0].Header().Name != "wWw.eXample.COM." || len(m.Ns) != 0 || len(m.Extra) != 0 {
		t.Errorf("records = %v %v %v, want one answer in the client's spelling and no OPT", m.Answer, m.Ns, m.Extra)
	}
	q = query(t, "www.example.com.", dns.TypeA, func(m *dns.Msg) { m.RecursionDesired = false })
	if m := read(t, e.AppendReply(raw, q, 1000, NoCap)); m.RecursionDesired || m.CheckingDisabled {
		t.Errorf("header = %+v, want RD and CD clear as in the query", m.MsgHdr)
	}
}

func TestReplyToAnotherQuestionIsEmpty(t *testing.T) {
	e := store(t, New(Config{}), key(t, "www.example.com.", dns.TypeA),
		upstream(t, "www.example.com.", dns.TypeA, dns.RcodeSuccess, sections{}))
	if got := e.AppendReply(nil, query(t, "example.com.", dns.TypeA, nil), 1000, NoCap); len(got) != 0 {
		t.Errorf("reply = % x, want nothing", got)
	}
}

// RFC 4035 section 3.2.1: without DO no authenticating records, unless asked for.
func TestDNSSECRecordsAreForDO(t *testing.T) {
	nodata := sections{authority: `example.com. 300 IN SOA ns.example.com. root.example.com. 1 2 3 4 60
example.com. 300 IN RRSIG SOA 8 2 300 20300101000000 20200101000000 1 example.com. AAAA
www.example.com. 300 IN NSEC x.example.com. A RRSIG NSEC`}
	tests := []struct {
		name            string
		qtype           uint16
		s               sections
		plain, complete int // records without and with DO
	}{
		{"signed chain", dns.TypeA, sections{answer: signed}, 2, 4},
		{"unsigned", dns.TypeA, sections{answer: "www.example.com. 9 IN A 192.0.2.1"}, 1, 1},
		{"signed NODATA", dns.TypeA, nodata, 1, 3},
		{"asked for RRSIG", dns.TypeRRSIG, sections{answer: `www.example.com. 300 IN RRSIG A 8 3 300 20300101000000 20200101000000 1 example.com. AAAA`}, 1, 1},
		{"asked for DNSKEY", dns.TypeDNSKEY, sections{answer: `www.example.com. 300 IN DNSKEY 257 3 8 AAAA
www.example.com. 300 IN RRSIG DNSKEY 8 3 300 20300101000000 20200101000000 1 example.com. AAAA`}, 1, 2},
		{"DS beside the answer", dns.TypeA, sections{answer: "www.example.com. 9 IN A 192.0.2.1", authority: "www.example.com. 9 IN DS 1 8 2 00"}, 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := store(t, New(Config{}), key(t, "www.example.com.", tt.qtype),
				upstream(t, "www.example.com.", tt.qtype, dns.RcodeSuccess, tt.s))
			count := func(change func(*dns.Msg)) int {
				m := read(t, e.AppendReply(nil, query(t, "www.example.com.", tt.qtype, change), 1000, NoCap))
				return len(m.Answer) + len(m.Ns) + len(m.Extra)
			}
			if got := count(nil); got != tt.plain {
				t.Errorf("without DO: %d records, want %d", got, tt.plain)
			}
			if got := count(withDO); got != tt.complete {
				t.Errorf("with DO: %d records, want %d", got, tt.complete)
			}
			if shared := e.plain == e.full; shared != (tt.plain == tt.complete) {
				t.Errorf("bodies shared = %v", shared)
			}
		})
	}
}

func TestTTLsDecayAndAreCapped(t *testing.T) {
	e := store(t, New(Config{}), key(t, "www.example.com.", dns.TypeA),
		upstream(t, "www.example.com.", dns.TypeA, dns.RcodeSuccess, sections{
			answer:     "www.example.com. 300 IN CNAME a.example.net.\na.example.net. 60 IN A 192.0.2.1",
			additional: "x.example.net. 10 IN A 192.0.2.9",
		}))
	tests := []struct {
		name   string
		now    int64
		limit  uint32
		answer [2]uint32
		extra  uint32
	}{
		{"at once", 1000, NoCap, [2]uint32{300, 60}, 10},
		{"after 7 s", 1007, NoCap, [2]uint32{293, 53}, 3},
		{"a hint that ran out", 1030, NoCap, [2]uint32{270, 30}, 0},
		{"capped", 1007, 40, [2]uint32{40, 40}, 3},
		{"capped at nothing", 1007, 0, [2]uint32{0, 0}, 0},
		{"clock stepped back", 900, NoCap, [2]uint32{300, 60}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := read(t, e.AppendReply(nil, query(t, "www.example.com.", dns.TypeA, nil), tt.now, tt.limit))
			got := [2]uint32{m.Answer[0].Header().Ttl, m.Answer[1].Header().Ttl}
			if got != tt.answer || m.Extra[0].Header().Ttl != tt.extra {
				t.Errorf("TTLs = %v %d, want %v %d", got, m.Extra[0].Header().Ttl, tt.answer, tt.extra)
			}
		})
	}
}

func TestRcodeIsKept(t *testing.T) {
	for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeYXDomain} {
		e := store(t, New(Config{}), key(t, "www.example.com.", dns.TypeA),
			upstream(t, "www.example.com.", dns.TypeA, rcode, sections{}))
		if e.Rcode() != wire.Rcode(rcode) {
			t.Errorf("Rcode() = %d, want %d", e.Rcode(), rcode)
		}
		if m := read(t, e.AppendReply(nil, query(t, "www.example.com.", dns.TypeA, nil), 1000, NoCap)); m.Rcode != rcode {
			t.Errorf("reply has rcode %d, want %d", m.Rcode, rcode)
		}
	}
}

// A name in a stored reply must not depend on octets that change: here the
// target of a CNAME is a pointer to the TTL of the record itself, which reads as
// "a." only while the TTL is 0x01610000.
func TestPointerIntoTTLDoesNotFollowIt(t *testing.T) {
	msg := []byte{
		0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0,
		1, 'x', 0, 0, 5, 0, 1, // x. CNAME IN, offset 12 to 18
		0xc0, 12, 0, 5, 0, 1, 1, 'a', 0, 0, 0, 2, 0xc0, 25, // TTL at offset 25
	}
	k := key(t, "x.", dns.TypeCNAME)
	e := store(t, New(Config{}), k, msg)
	for _, now := range []int64{1000, 1000 + 86000} {
		m := read(t, e.AppendReply(nil, query(t, "x.", dns.TypeCNAME, nil), now, 1<<24))
		if got := m.Answer[0].(*dns.CNAME).Target; got != "a." {
			t.Errorf("at %d the target reads %q, want \"a.\" as when it was inspected", now, got)
		}
	}
}
