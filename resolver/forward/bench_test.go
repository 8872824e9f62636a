package forward

import (
	"net"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
)

// BenchmarkExchange is a forwarded miss on loopback: the upstream answers at once
// from a ready packet, in this process, so its share is in the figure.
func BenchmarkExchange(b *testing.B) {
	benchmarkExchange(b, Strict, nil)
}

// BenchmarkExchangeWithCookie is the same with an upstream that gives a cookie.
func BenchmarkExchangeWithCookie(b *testing.B) {
	benchmarkExchange(b, Strict, func(query []byte) []byte {
		at := wire.HeaderLen + len("www.example.com.") + 1 + 4 + len(opt) + 4
		option := append([]byte{0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 20, 0, byte(wire.OptionCookie), 0, 16}, query[at:at+8]...)
		return append(option, "\x01\x02\x03\x04\x05\x06\x07\x08"...)
	})
}

// BenchmarkRace asks two of them each time.
func BenchmarkRace(b *testing.B) {
	benchmarkExchange(b, Race, nil)
}

func benchmarkExchange(b *testing.B, strategy string, withOPT func(query []byte) []byte) {
	b.Helper()
	cfg := Config{Strategy: strategy}
	for range 2 {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		go serveBench(conn, withOPT)
		cfg.Upstreams = append(cfg.Upstreams, conn.LocalAddr().String())
		if strategy == Strict {
			break
		}
	}
	f := impatient(b, cfg)
	q := query(b, "www.example.com.", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := answer(f, q); err != nil {
			b.Fatal(err)
		}
	}
}

func serveBench(conn *net.UDPConn, withOPT func(query []byte) []byte) {
	const record = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
	end := wire.HeaderLen + len("www.example.com.") + 1 + 4
	for buf := make([]byte, 512); ; {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		msg := append(append([]byte(nil), buf[:end]...), record...)
		msg[2], msg[3], msg[7], msg[11] = 0x81, 0x80, 1, 0
		if withOPT != nil {
			msg[11] = 1
			msg = append(msg, withOPT(buf[:n])...)
		}
		_, _ = conn.WriteToUDPAddrPort(msg, from)
	}
}
