package cache

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// Whatever an upstream sends, Add and Store do not panic, and what they take can be
// served: the library reads both bodies, and no TTL has grown.
func FuzzStore(f *testing.F) {
	f.Add(answer(f, "www.example.com.", 300))
	f.Add(upstream(f, "www.example.com.", dns.TypeA, 0, sections{answer: signed}))
	f.Add(upstream(f, "www.example.com.", dns.TypeA, dns.RcodeNameError, sections{
		authority: "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 300"}))
	k := key(f, "www.example.com.", dns.TypeA)
	plain, do := query(f, "www.example.com.", dns.TypeA, nil), query(f, "WWW.example.com.", dns.TypeA, withDO)
	f.Fuzz(func(t *testing.T, msg []byte) {
		given := bytes.Clone(msg)
		r, ok := apart(msg)
		if !ok {
			return
		}
		e, err := New(Config{MaxBytes: minBytes}).Store(k, r, Facts{}, 1000)
		if !bytes.Equal(given, msg) {
			t.Fatal("the message was changed")
		}
		if err != nil {
			return
		}
		full := read(t, e.AppendReply(nil, do, 1000, NoCap))
		part := read(t, e.AppendReply(nil, plain, 2000, 77))
		if len(part.Answer) > len(full.Answer) || len(part.Ns) > len(full.Ns) || len(part.Extra) > len(full.Extra) {
			t.Fatalf("more records without DO: %v %v", part, full)
		}
		for _, section := range [][]dns.RR{part.Answer, part.Ns, part.Extra} {
			for _, rr := range section {
				if h := rr.Header(); h.Rrtype != dns.TypeOPT && h.Ttl > 77 {
					t.Fatalf("TTL %d over the cap: %v", h.Ttl, rr)
				}
			}
		}
	})
}
