package forward

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// records are in replies as upstreams send them; usual says that glance must not
// leave them to the library.
var records = []struct {
	text  string
	usual bool
}{
	{"www.example.com. 60 IN A 192.0.2.1", true},
	{"a.example.net. 60 IN AAAA 2001:db8::1", true},
	{"www.example.com. 60 IN CNAME a.example.net.", true},
	{"example.com. 60 IN NS ns.example.com.", true},
	{"1.2.0.192.in-addr.arpa. 60 IN PTR www.example.com.", true},
	{"www.example.com. 60 IN MX 1 mail.example.com.", true},
	{`www.example.com. 60 IN TXT "one" "" "two"`, true},
	{"example.com. 60 IN SOA ns.example.com. root.example.com. 1 2 3 4 60", true},
	{"example.com. 60 IN DS 1 8 2 0011", true},
	{"example.com. 60 IN DNSKEY 257 3 8 AAAA", true},
	{"www.example.com. 60 IN RRSIG A 8 3 60 20300101000000 20200101000000 1 example.com. AAAA", true},
	{"example.com. 60 IN NSEC zzz.example.com. A NS SOA RRSIG NSEC TYPE1234", true},
	{"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.com. 60 IN NSEC3 1 1 12 AABBCCDD 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA", true},
	{"_sip._udp.example.com. 60 IN SRV 1 2 3 sip.example.com.", false},
	{"www.example.com. 60 IN HTTPS 1 . alpn=h2", false},
	{"example.com. 60 IN DNAME example.net.", false},
}

// holding is a reply with the record in each section, compressed.
func holding(t testing.TB, text string) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA)
	m.Response, m.Compress = true, true
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		*section = append(*section, rr)
	}
	m.SetEdns0(1232, true)
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// parity fails the test unless glance leaves msg to the library or reads the same
// in it.
func parity(t testing.TB, msg []byte) (glanced bool) {
	t.Helper()
	quick, slow := reply{raw: msg, rcode: int(msg[3] & 0xf)}, reply{raw: msg, rcode: int(msg[3] & 0xf)}
	if !quick.glance() {
		return false
	}
	if !slow.study() || quick.edns != slow.edns || quick.rcode != slow.rcode || quick.options != slow.options || slow.bogus {
		t.Fatalf("glance has %+v, the library %+v\n%x", quick, slow, msg)
	}
	return true
}

func TestGlanceIsStudy(t *testing.T) {
	for _, tt := range records {
		if got := parity(t, holding(t, tt.text)); got != tt.usual {
			t.Errorf("%s: glance took it: %v, want %v", tt.text, got, tt.usual)
		}
	}
}

// What glance takes, the library takes too and reads the same in it.
func FuzzGlance(f *testing.F) {
	for _, tt := range records {
		raw := holding(f, tt.text)
		f.Add(raw)
		f.Add(raw[:len(raw)-len(opt)-1])
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) >= 12 {
			parity(t, msg)
		}
	})
}

// Whatever arrives, reading it does not panic, and what is taken for a reply has
// the ID, the question and the shape of one.
func FuzzReadReply(f *testing.F) {
	sent := question{asked(query(f, "www.example.com.", nil))}.packet(form{edns: true})
	m := new(dns.Msg)
	if err := m.Unpack(sent.msg); err != nil {
		f.Fatal(err)
	}
	for _, kind := range junk(&visit{raw: sent.msg, query: m, evil: &evil{t: f}}) {
		f.Add(kind)
	}
	for _, tt := range records {
		f.Add(holding(f, tt.text))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		copy(msg, sent.msg[:min(2, len(msg))]) // the ID is the first gate; go beyond it
		given := bytes.Clone(msg)
		r, is := readReply(sent, msg)
		if !bytes.Equal(msg, given) {
			t.Fatal("the packet was changed")
		}
		if is == unrelated {
			return
		}
		if msg[2]&0x80 == 0 {
			t.Fatal("a query was taken for a reply")
		}
		if r.bare || r.truncated {
			return
		}
		got := new(dns.Msg)
		if err := got.Unpack(msg); err != nil || len(got.Question) != 1 || got.Question[0].Qtype != dns.TypeA ||
			dns.CanonicalName(got.Question[0].Name) != "www.example.com." {
			t.Fatalf("taken: %v, %v", got, err)
		}
	})
}
