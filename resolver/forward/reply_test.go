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
	raw, _ := (&visit{query: m, evil: &evil{t: f}}).reply("192.0.2.1").Pack()
	f.Add(raw)
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
		got := new(dns.Msg)
		if err := got.Unpack(msg); err != nil || len(got.Question) != 1 || got.Question[0].Qtype != dns.TypeA ||
			dns.CanonicalName(got.Question[0].Name) != "www.example.com." {
			t.Fatalf("taken: %v, %v", got, err)
		}
	})
}
