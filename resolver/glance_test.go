package resolver

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// upstreamReplies are replies as upstreams send them, compressed. usual says that
// glance must not leave them to the library.
var upstreamReplies = []struct {
	name   string
	qtype  uint16
	rcode  int
	answer string
	ns     string
	usual  bool
}{
	{"address", dns.TypeA, 0, "www.example.com. 300 IN A 192.0.2.1\nwww.example.com. 300 IN A 192.0.2.2", "", true},
	{"spelt otherwise", dns.TypeA, 0, "wWW.eXample.com. 300 IN A 192.0.2.1", "", true},
	{"IPv6", dns.TypeAAAA, 0, "www.example.com. 300 IN AAAA 2001:db8::1", "", true},
	{"chain", dns.TypeA, 0, "www.example.com. 60 IN CNAME a.cdn.example.net.\na.cdn.example.net. 30 IN CNAME B.cdn.example.net.\nb.cdn.example.net. 5 IN A 192.0.2.1", "", true},
	{"chain backwards", dns.TypeA, 0, "b.example.net. 5 IN A 192.0.2.1\na.example.net. 30 IN CNAME b.example.net.\nwww.example.com. 60 IN CNAME a.example.net.", "", true},
	{"chain to nothing", dns.TypeAAAA, 0, "www.example.com. 60 IN CNAME a.example.net.", "example.net. 900 IN SOA ns.example.net. root.example.net. 1 2 3 4 60", true},
	{"strangers beside", dns.TypeA, 0, "www.example.com. 60 IN A 192.0.2.1\nbank.example. 60 IN A 192.0.2.66\nwww.example.com. 60 IN TXT \"x\"", "com. 60 IN NS ns.evil.example.", true},
	{"signed", dns.TypeA, 0, "www.example.com. 300 IN A 192.0.2.1\nwww.example.com. 300 IN RRSIG A 8 3 300 20300101000000 20200101000000 1 example.com. AAAA\nwww.example.com. 300 IN RRSIG AAAA 8 3 300 20300101000000 20200101000000 1 example.com. AAAA", "", true},
	{"signed chain", dns.TypeA, 0, "www.example.com. 300 IN CNAME a.example.net.\nwww.example.com. 300 IN RRSIG CNAME 8 3 300 20300101000000 20200101000000 1 example.com. AAAA\na.example.net. 60 IN A 192.0.2.1\na.example.net. 60 IN RRSIG A 8 3 60 20300101000000 20200101000000 1 example.net. AAAA", "", true},
	{"no such name", dns.TypeA, dns.RcodeNameError, "", "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 60\nexample.com. 900 IN RRSIG SOA 8 2 900 20300101000000 20200101000000 1 example.com. AAAA\nexample.com. 900 IN NSEC zzz.example.com. A NS SOA RRSIG NSEC TYPE1234\nexample.com. 900 IN RRSIG NSEC 8 2 900 20300101000000 20200101000000 1 example.com. AAAA", true},
	{"NSEC3", dns.TypeA, 0, "", "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 60\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.com. 900 IN NSEC3 1 1 12 AABBCCDD 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM", true},
	{"mail", dns.TypeMX, 0, "www.example.com. 60 IN MX 10 Mail.example.com.\nwww.example.com. 60 IN MX 20 mail.example.net.", "", true},
	{"text", dns.TypeTXT, 0, "www.example.com. 60 IN TXT \"one\" \"two\" \"\"", "", true},
	{"the CNAME itself", dns.TypeCNAME, 0, "www.example.com. 60 IN CNAME www.example.com.", "", true},
	{"keys", dns.TypeDNSKEY, 0, "www.example.com. 60 IN DNSKEY 257 3 8 AAAA", "", true},
	{"nothing at all", dns.TypeA, 0, "", "", true},
	{"private address", dns.TypeA, 0, "www.example.com. 300 IN A 192.168.0.1\nwww.example.com. 300 IN A 192.0.2.2", "", false},
	{"only private addresses", dns.TypeA, 0, "www.example.com. 300 IN A 10.0.0.1", "", false},
	{"loop", dns.TypeA, 0, "www.example.com. 60 IN CNAME a.example.com.\na.example.com. 60 IN CNAME www.example.com.", "", false},
	{"loop beyond", dns.TypeA, 0, "www.example.com. 60 IN CNAME a.example.com.\na.example.com. 60 IN CNAME b.example.com.\nb.example.com. 60 IN CNAME a.example.com.", "", false},
	{"DNAME", dns.TypeA, 0, "example.com. 60 IN DNAME example.net.\nwww.example.net. 60 IN A 192.0.2.1", "", false},
	{"service binding", dns.TypeHTTPS, 0, `www.example.com. 60 IN HTTPS 1 svc.example.net. alpn="h2" ipv4hint="192.0.2.1"`, "", false},
	{"service", dns.TypeSRV, 0, "www.example.com. 60 IN SRV 1 2 3 svc.example.net.", "", false},
	{"failure", dns.TypeA, dns.RcodeServerFailure, "", "", false},
	{"another class", dns.TypeA, 0, "www.example.com. 60 CH A 192.0.2.1", "", false},
}

func packReply(t testing.TB, qtype uint16, rcode int, answer, ns string) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion("www.example.com.", qtype)
	m.Response, m.Compress, m.Rcode = true, true, rcode
	for section, text := range map[*[]dns.RR]string{&m.Answer: answer, &m.Ns: ns} {
		for line := range strings.Lines(text) {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			*section = append(*section, rr)
		}
	}
	m.SetEdns0(1232, true)
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// public allows the addresses that a public name may have.
func public(a address) bool { return !private(a) }

// served is what clients would get of in, with and without DO, and what is known
// of it.
func served(t testing.TB, in *inspected, key *cache.Key) string {
	t.Helper()
	e, err := cache.New(cache.Config{}).Store(key, &in.reply, cache.Facts{}, 1000)
	if err != nil {
		return err.Error()
	}
	out := fmt.Sprintf("targets %x stripped %v kept %v\n", in.targets, in.stripped, e.Kept())
	for _, do := range []bool{false, true} {
		q := queryFor(t, key)
		q.DO = do
		var m dns.Msg
		if err := m.Unpack(e.AppendReply(nil, q, 1000, cache.NoCap)); err != nil {
			t.Fatalf("what is served does not unpack: %v", err)
		}
		m.Id = 0
		out += m.String()
	}
	return out
}

// queryFor is a client's query for key.
func queryFor(t testing.TB, key *cache.Key) *wire.Query {
	t.Helper()
	msg := append([]byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, key.Name...)
	if key.CD {
		msg[3] |= 0x10
	}
	msg = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(msg, key.Type), key.Class)
	q := new(wire.Query)
	if f := q.Parse(msg); f != wire.None {
		t.Fatalf("the cache key is no question: %v", f)
	}
	return q
}

// keyOf returns the question of a reply, if it is one that can be asked.
func keyOf(raw []byte) (*cache.Key, bool) {
	end, err := wire.SkipQuestion(raw)
	if err != nil {
		return nil, false
	}
	name, _, err := wire.AppendName(nil, raw, wire.HeaderLen)
	key := &cache.Key{View: 1, Name: name, Type: binary.BigEndian.Uint16(raw[end-4:]), Class: wire.ClassIN}
	return key, err == nil && key.Type != 0 && key.Type < typeMeta && key.Type != wire.TypeOPT
}

// parity fails the test unless glance leaves raw to the library or makes the same
// of it.
func parity(t testing.TB, raw []byte) (glanced bool) {
	t.Helper()
	key, ok := keyOf(raw)
	if !ok {
		return false
	}
	var quick, slow inspected
	if !quick.glance(raw, key, public) {
		return false
	}
	if new(dns.Msg).Unpack(raw) != nil {
		return true // the Exchanger would not have let it through
	}
	if err := slow.study(raw, key, public); err != nil {
		t.Fatalf("taken, but the library says: %v\n%x", err, raw)
	}
	if got, want := served(t, &quick, key), served(t, &slow, key); got != want {
		t.Fatalf("got\n%s\nthe library has\n%s", got, want)
	}
	return true
}

func TestGlanceIsStudy(t *testing.T) {
	for _, tt := range upstreamReplies {
		t.Run(tt.name, func(t *testing.T) {
			if got := parity(t, packReply(t, tt.qtype, tt.rcode, tt.answer, tt.ns)); got != tt.usual {
				t.Errorf("glance took it: %v, want %v", got, tt.usual)
			}
		})
	}
}

// Whatever an upstream sends, glance does not panic, and what it takes the
// library takes too and makes the same of it.
func FuzzGlance(f *testing.F) {
	for _, tt := range upstreamReplies {
		f.Add(packReply(f, tt.qtype, tt.rcode, tt.answer, tt.ns))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		given := string(raw)
		parity(t, raw)
		if string(raw) != given {
			t.Fatal("the packet was changed")
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	for _, i := range []int{0, 3, 7} {
		tt := upstreamReplies[i]
		raw := packReply(b, tt.qtype, tt.rcode, tt.answer, tt.ns)
		key, _ := keyOf(raw)
		for name, read := range map[string]func(*inspected) error{
			"wire":    func(in *inspected) error { return in.inspect(raw, key, public) },
			"library": func(in *inspected) error { return in.study(raw, key, public) },
		} {
			b.Run(tt.name+"/"+name, func(b *testing.B) {
				var in inspected
				b.ReportAllocs()
				for b.Loop() {
					in.reset()
					if err := read(&in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
