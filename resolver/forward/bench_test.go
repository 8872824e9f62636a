package forward

import (
	"net"
	"testing"
)

// BenchmarkExchange is a forwarded miss on loopback: the upstream answers at once
// from a ready packet, in this process, so its share is in the figure.
func BenchmarkExchange(b *testing.B) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	q := query(b, "www.example.com.", nil)
	record := "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
	go func() {
		for buf := make([]byte, 512); ; {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			msg := append(append([]byte(nil), buf[:n-len(opt)]...), record...)
			msg[2], msg[3], msg[7], msg[11] = 0x81, 0x80, 1, 0
			_, _ = conn.WriteToUDPAddrPort(msg, from)
		}
	}()
	f := forwarder(b, conn.LocalAddr().(*net.UDPAddr).AddrPort())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := answer(f, q); err != nil {
			b.Fatal(err)
		}
	}
}
