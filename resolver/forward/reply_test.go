package forward

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// Whatever arrives, reading it does not panic, and what is taken for a reply has
// the ID, the question and the shape of one.
func FuzzReadReply(f *testing.F) {
	sent := newQuestion(query(f, "www.example.com.", nil)).packet(true)
	m := new(dns.Msg)
	if err := m.Unpack(sent); err != nil {
		f.Fatal(err)
	}
	for _, kind := range junk(&visit{raw: sent, query: m, evil: &evil{t: f}}) {
		f.Add(kind)
	}
	for _, text := range []string{
		"www.example.com. 60 IN A 192.0.2.1", "www.example.com. 60 IN CNAME a.example.net.", "a.example.net. 60 IN AAAA 2001:db8::1",
		"example.com. 60 IN SOA ns.example.com. root.example.com. 1 2 3 4 60", "example.com. 60 IN NS ns.example.com.",
		"www.example.com. 60 IN RRSIG A 8 3 60 20300101000000 20200101000000 1 example.com. AAAA", "www.example.com. 60 IN MX 1 mail.example.com.",
	} {
		rr, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		r := (&visit{query: m, evil: &evil{t: f}}).reply("192.0.2.1")
		r.Compress, r.Answer = true, append(r.Answer, rr)
		raw, err := r.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		copy(msg, sent[:min(2, len(msg))]) // the ID is the first gate; go beyond it
		given := bytes.Clone(msg)
		r, ok := readReply(sent, msg)
		if !bytes.Equal(msg, given) {
			t.Fatal("the packet was changed")
		}
		if !ok {
			return
		}
		if msg[2]&0x80 == 0 {
			t.Fatal("a query was taken for a reply")
		}
		if r.bare || r.truncated {
			return
		}
		glanced, studied := reply{raw: msg, rcode: int(msg[3] & 0xf)}, reply{raw: msg, rcode: int(msg[3] & 0xf)}
		if glanced.glance() && (!studied.study() || glanced.edns != studied.edns || glanced.rcode != studied.rcode || studied.bogus) {
			t.Fatalf("glance has %+v, the library %+v", glanced, studied)
		}
		got := new(dns.Msg)
		if err := got.Unpack(msg); err != nil || len(got.Question) != 1 || got.Question[0].Qtype != dns.TypeA ||
			dns.CanonicalName(got.Question[0].Name) != "www.example.com." {
			t.Fatalf("taken: %v, %v", got, err)
		}
	})
}
