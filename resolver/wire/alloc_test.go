package wire_test

import (
	"net/netip"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

func TestHotPathAllocatesNothing(t *testing.T) {
	msg := ask(t, "www.Example.com.", dns.TypeA, edns(1232, true))
	bad := packet(t, "abcd 0100 0001 0001 0000 0000"+example)
	reply, zone := chain(t), []byte("\x07example\x03com\x00")
	buf, name := make([]byte, 0, 4096), make([]byte, 0, wire.MaxName)
	q, addr := new(wire.Query), netip.MustParseAddr("127.0.0.1")
	ede := &wire.EDE{Code: 17, Text: []byte("Adult content. 10.adult.porn-3f2a91bc")}
	q.Parse(msg)
	end, _ := wire.SkipQuestion(reply)
	sum := 0
	steps := map[string]func(){
		"Parse": func() { q.Parse(msg) },
		"Name":  func() { sum += len(q.Name()) },
		"block": func() {
			b := wire.AppendAddress(wire.Start(buf, q, wire.NoError), 10, addr)
			sum += len(wire.Finish(b, q, wire.NoError, ede))
		},
		"NODATA": func() {
			b := wire.AppendSOA(wire.Start(buf, q, wire.NoError), zone, 10, 10)
			sum += len(wire.Finish(b, q, wire.NoError, ede))
		},
		"TXT":         func() { sum += len(wire.AppendTXT(wire.Start(buf, q, wire.NoError), 0, zone)) },
		"Fit":         func() { sum += len(wire.Fit(append(buf, reply...), q, 64)) },
		"AppendFault": func() { sum += len(wire.AppendFault(buf, bad, wire.FaultFormErr)) },
		"BADVERS":     func() { sum += len(wire.AppendFault(buf, msg, wire.FaultBadVers)) },
		"TTLOffsets":  func() { _ = wire.TTLOffsets(reply, end, func(off int) { sum += off }) },
		"SoundRR":     func() { _ = wire.WalkRRs(reply, end, func(rr wire.RR) bool { return wire.SoundRR(reply, rr) }) },
		"AppendName":  func() { _, n, _ := wire.AppendName(name, reply, wire.HeaderLen); sum += n },
	}
	for what, step := range steps {
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%s: %v allocations, want 0", what, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	msg := ask(b, "www.Example.com.", dns.TypeA, edns(1232, true))
	var q wire.Query
	b.ReportAllocs()
	for b.Loop() {
		q.Parse(msg)
	}
}

func BenchmarkBlockReply(b *testing.B) {
	q := parsed(b, ask(b, "www.Example.com.", dns.TypeA, edns(1232, true)))
	buf, addr := make([]byte, 0, 4096), netip.MustParseAddr("127.0.0.1")
	ede := &wire.EDE{Code: 17, Text: []byte("Adult content. 10.adult.porn-3f2a91bc")}
	b.ReportAllocs()
	for b.Loop() {
		m := wire.AppendAddress(wire.Start(buf, q, wire.NoError), 10, addr)
		wire.Finish(m, q, wire.NoError, ede)
	}
}
