package resolver

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// BenchmarkMiss is a miss without network and listener: both strokes, another name
// each time.
func BenchmarkMiss(b *testing.B) {
	h := newHouse(b, upstreamFunc(func(q wire.Question) []byte {
		msg := append([]byte{0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, q.Name...)
		msg = append(msg, 0, byte(q.Type), 0, byte(q.Class))
		return append(msg, 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 192, 0, 2, 1)
	}))
	m := new(dns.Msg).SetQuestion("n00000000.example.com.", dns.TypeA)
	packet, err := m.Pack()
	if err != nil {
		b.Fatal(err)
	}
	c := Client{Addr: netip.MustParseAddr("10.0.0.4")}
	buf := make([]byte, 0, 4096)
	var q wire.Query
	var s Stroke
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		for i, d := 0, n; i < 8; i, d = i+1, d/16 {
			packet[14+i] = "0123456789abcdef"[d%16]
		}
		if q.Parse(packet) != wire.None {
			b.Fatal("no query")
		}
		if _, done := h.r.Answer(&s, &q, c, buf); done {
			b.Fatal("no miss")
		}
		if reply := resolve(context.Background(), h.r, &s, time.Now().Add(time.Minute)); binary.BigEndian.Uint16(reply[6:]) != 1 {
			b.Fatalf("no answer: %x", reply)
		}
	}
}

type upstreamFunc func(wire.Question) []byte

func (f upstreamFunc) Exchange(q wire.Question, done func([]byte, error)) { done(f(q), nil) }
