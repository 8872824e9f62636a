package wire_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

func parsed(t testing.TB, msg []byte) *wire.Query {
	t.Helper()
	q := new(wire.Query)
	if f := q.Parse(msg); f != wire.None {
		t.Fatalf("Parse = %v", f)
	}
	return q
}

func edns(size uint16, do bool) func(*dns.Msg) {
	return func(m *dns.Msg) { m.SetEdns0(size, do) }
}

// records prints a section as the library reads it.
func records(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		out = append(out, strings.Join(strings.Fields(rr.String()), " "))
	}
	return out
}

func TestReplyWithAddresses(t *testing.T) {
	q := parsed(t, ask(t, "PornHub.com.", dns.TypeA, func(m *dns.Msg) {
		m.CheckingDisabled = true
		m.SetEdns0(4096, true)
	}))
	b := wire.Start(nil, q, wire.NoError)
	b = wire.AppendAddress(b, 10, netip.MustParseAddr("127.0.0.1"))
	b = wire.AppendAddress(b, 10, netip.MustParseAddr("::1"))
	b = wire.AppendAddress(b, 10, netip.MustParseAddr("::ffff:192.0.2.1"))
	b = wire.AppendAddress(b, 10, netip.Addr{})
	b = wire.Finish(b, q, wire.NoError, &wire.EDE{Code: 17, Text: []byte("Adult content. 10.adult.porn-3f2a91bc")})

	m := unpack(t, b)
	want := dns.MsgHdr{Id: 0xABCD, Response: true, RecursionDesired: true, RecursionAvailable: true, CheckingDisabled: true}
	if diff := cmp.Diff(want, m.MsgHdr); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if m.Question[0].Name != "PornHub.com." {
		t.Errorf("spelling not echoed: %q", m.Question[0].Name)
	}
	answers := []string{"PornHub.com. 10 IN A 127.0.0.1", "PornHub.com. 10 IN AAAA ::1", "PornHub.com. 10 IN A 192.0.2.1"}
	if diff := cmp.Diff(answers, records(m.Answer)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	o := m.IsEdns0()
	if o == nil || o.UDPSize() != 1232 || !o.Do() || o.Version() != 0 {
		t.Fatalf("OPT: %v", o)
	}
	ede := &dns.EDNS0_EDE{InfoCode: 17, ExtraText: "Adult content. 10.adult.porn-3f2a91bc"}
	if diff := cmp.Diff([]dns.EDNS0{ede}, o.Option); diff != "" {
		t.Errorf("EDE (-want +got):\n%s", diff)
	}
}

func TestReplyHasEDNSOnlyIfAsked(t *testing.T) {
	ede := &wire.EDE{Code: 15, Text: []byte("x")}
	q := parsed(t, ask(t, "example.com.", dns.TypeA, nil))
	m := unpack(t, wire.Finish(wire.Start(nil, q, wire.NXDomain), q, wire.NXDomain, ede))
	if len(m.Extra) != 0 || m.Rcode != dns.RcodeNameError {
		t.Errorf("reply without EDNS: %v", m)
	}
	m = unpack(t, wire.Finish(wire.Start(nil, q, wire.NoError), q, wire.BadVers, nil))
	if m.Rcode != dns.RcodeServerFailure {
		t.Errorf("extended rcode without EDNS: %s, want SERVFAIL", dns.RcodeToString[m.Rcode])
	}
	q = parsed(t, ask(t, "example.com.", dns.TypeA, edns(1232, false)))
	m = unpack(t, wire.Finish(wire.Start(nil, q, wire.NoError), q, wire.BadVers, nil))
	if m.Rcode != dns.RcodeBadVers || m.IsEdns0().Do() || len(m.IsEdns0().Option) != 0 {
		t.Errorf("reply with EDNS: %v", m)
	}
}

func TestReplyWithSOA(t *testing.T) {
	tests := []struct {
		name  string
		zone  []byte
		owner string
	}{
		{"the question's own name", nil, "www.Home.Arpa."},
		{"an ancestor, pointed to", []byte("\x04home\x04arpa\x00"), "Home.Arpa."},
		{"the root", []byte("\x00"), "."},
		{"a zone elsewhere", []byte("\x05other\x04arpa\x00"), "other.arpa."},
		{"a tail that is no boundary of labels", []byte("\x03ome\x04arpa\x00"), "ome.arpa."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := parsed(t, ask(t, "www.Home.Arpa.", dns.TypeHTTPS, nil))
			b := wire.AppendSOA(wire.Start(nil, q, wire.NoError), tt.zone, 10, 5)
			m := unpack(t, wire.Finish(b, q, wire.NoError, nil))
			want := []string{tt.owner + " 10 IN SOA " + tt.owner + " nobody.invalid. 1 3600 1200 604800 5"}
			if diff := cmp.Diff(want, records(m.Ns)); diff != "" {
				t.Errorf("authority (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplyWithTXT(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 510, 511, 65025, 70000} {
		q := parsed(t, ask(t, "version.bind.", dns.TypeTXT, func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }))
		b := wire.AppendTXT(wire.Start(nil, q, wire.NoError), 0, []byte(strings.Repeat("x", n)))
		m := unpack(t, wire.Finish(b, q, wire.NoError, nil))
		txt := m.Answer[0].(*dns.TXT)
		if got, want := len(strings.Join(txt.Txt, "")), min(n, 65025); got != want {
			t.Errorf("text of %d octets came out as %d, want %d", n, got, want)
		}
		if want := max(1, (min(n, 65025)+254)/255); len(txt.Txt) != want {
			t.Errorf("text of %d octets: %d strings, want %d", n, len(txt.Txt), want)
		}
		if txt.Hdr.Class != dns.ClassCHAOS {
			t.Errorf("class %d, want that of the question", txt.Hdr.Class)
		}
	}
}

func TestReplyWithRecordsInEverySection(t *testing.T) {
	q := parsed(t, ask(t, "a.test.", dns.TypeCNAME, nil))
	b := wire.Start(make([]byte, 0, 512), q, wire.NoError)
	b = wire.AppendRR(b, wire.Answer, nil, wire.TypeCNAME, wire.ClassIN, 60, []byte("\x01b\x04test\x00"))
	b = wire.AppendRR(b, wire.Answer, []byte("\x01b\x04test\x00"), wire.TypeA, wire.ClassIN, 60, []byte{192, 0, 2, 1})
	b = wire.AppendRR(b, wire.Authority, []byte("\x04test\x00"), wire.TypeNS, wire.ClassIN, 60, []byte("\x02ns\x04test\x00"))
	b = wire.AppendRR(b, wire.Additional, []byte("\x02ns\x04test\x00"), wire.TypeA, wire.ClassIN, 60, []byte{192, 0, 2, 2})
	m := unpack(t, wire.Finish(b, q, wire.NoError, nil))
	got := [][]string{records(m.Answer), records(m.Ns), records(m.Extra)}
	want := [][]string{{"a.test. 60 IN CNAME b.test.", "b.test. 60 IN A 192.0.2.1"}, {"test. 60 IN NS ns.test."}, {"ns.test. 60 IN A 192.0.2.2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
}

func TestReplyInTheQuerysOwnBuffer(t *testing.T) {
	msg := append(make([]byte, 0, 512), ask(t, "example.com.", dns.TypeA, nil)...)
	q := parsed(t, msg)
	b := wire.AppendAddress(wire.Start(msg, q, wire.NoError), 1, netip.MustParseAddr("192.0.2.1"))
	if m := unpack(t, wire.Finish(b, q, wire.NoError, nil)); m.Id != 0xABCD || len(m.Answer) != 1 {
		t.Errorf("reply: %v", m)
	}
}

func TestLongWordsAreCutBetweenCharacters(t *testing.T) {
	q := parsed(t, ask(t, "example.com.", dns.TypeA, edns(4096, false)))
	b := wire.Finish(wire.Start(nil, q, wire.NoError), q, wire.NoError, &wire.EDE{Code: 17, Text: []byte("x" + strings.Repeat("é", 400))})
	text := unpack(t, b).IsEdns0().Option[0].(*dns.EDNS0_EDE).ExtraText
	if want := "x" + strings.Repeat("é", 255); text != want {
		t.Errorf("text of %d octets: %q", len(text), text)
	}
}
