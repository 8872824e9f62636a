package cache

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

func BenchmarkHit(b *testing.B) {
	for name, do := range map[string]func(*dns.Msg){"plain": nil, "DO": withDO} {
		b.Run(name, func(b *testing.B) {
			c := New(Config{})
			store(b, c, key(b, "www.example.com.", dns.TypeA), upstream(b, "www.example.com.", dns.TypeA, 0, sections{answer: signed}))
			q := query(b, "www.example.com.", dns.TypeA, do)
			buf := make([]byte, 0, 1232)
			b.ReportAllocs()
			for b.Loop() {
				k := Key{View: 1, Name: q.Name(), Type: q.Type, Class: q.Class}
				buf = fresh(c, &k, 1001).AppendReply(buf, q, 1001, NoCap)
			}
		})
	}
}

// BenchmarkLookup looks up names spread over a full cache, by all processors.
func BenchmarkLookup(b *testing.B) {
	const names = 100_000
	c := New(Config{})
	keys := make([]*Key, names)
	for i := range keys {
		name := fmt.Sprintf("n%d.example.com.", i)
		keys[i] = key(b, name, dns.TypeA)
		store(b, c, keys[i], answer(b, name, 3600))
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			c.Lookup(keys[i*7919%names], 1000)
		}
	})
}

func BenchmarkStore(b *testing.B) {
	for name, text := range map[string]string{"unsigned": "www.example.com. 300 IN A 192.0.2.1", "signed": signed} {
		b.Run(name, func(b *testing.B) {
			c := New(Config{})
			k := key(b, "www.example.com.", dns.TypeA)
			msg := upstream(b, "www.example.com.", dns.TypeA, 0, sections{answer: text})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Store(k, reply(b, msg), Facts{}, 1000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
