package e2e

import (
	wire "encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestMutatedPackets sends some thousand damaged questions over UDP and a few
// hundred over TCP. Whatever comes back has to be a reply (QR set, at most 1232
// octets over UDP) that another implementation can read, and the server still
// answers afterwards.
func TestMutatedPackets(t *testing.T) {
	s := example(t, newUpstream(t)).start()
	random := rand.New(rand.NewPCG(4711, 1)) //nolint:gosec // a corpus that is the same each time
	seeds := attackSeeds(t)

	c, err := net.Dial("udp", s.dns)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 65535)
	for i := range 4000 {
		if _, err := c.Write(mutate(random, seeds[i%len(seeds)])); err != nil {
			t.Fatal(err)
		}
		if i%20 == 19 {
			readReplies(t, c, buf, 2*time.Millisecond)
		}
	}
	readReplies(t, c, buf, 200*time.Millisecond)

	for i := range 200 {
		framed(t, s.dns, mutate(random, seeds[i%len(seeds)]))
	}
	for _, network := range []string{"udp", "tcp"} {
		if got := addresses(s.ask(network, "127.0.0.1", "pornhub.com", dns.TypeA)); got != "127.0.0.1" {
			t.Errorf("%s: after the attack pornhub.com A = %q, want the landing address", network, got)
		}
		if got := addresses(s.ask(network, "127.0.0.1", "allowed.example.org", dns.TypeA)); got != "192.0.2.1" {
			t.Errorf("%s: after the attack allowed.example.org A = %q, want the upstream's 192.0.2.1", network, got)
		}
	}
}

func attackSeeds(t *testing.T) [][]byte {
	t.Helper()
	var seeds [][]byte
	for name, qtype := range map[string]uint16{
		"pornhub.com.": dns.TypeA, "allowed.example.org.": dns.TypeHTTPS, "whoami.hearth.home.arpa.": dns.TypeTXT,
		"1.0.0.127.in-addr.arpa.": dns.TypePTR, `a\.b.example.org.`: dns.TypeAAAA, "example.org.": dns.TypeANY,
	} {
		q := new(dns.Msg).SetQuestion(name, qtype).SetEdns0(4096, true)
		q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}}
		b, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	return seeds
}

// mutate damages a copy of a packet in one to four places.
func mutate(r *rand.Rand, packet []byte) []byte {
	b := append([]byte(nil), packet...)
	for range 1 + r.IntN(4) {
		i := r.IntN(len(b))
		switch r.IntN(6) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b[i] = []byte{0, 1, 63, 64, 128, 191, 192, 255}[r.IntN(8)]
		case 2: // a pointer somewhere
			if i+1 < len(b) {
				b[i], b[i+1] = 0xc0, byte(r.IntN(64))
			}
		case 3: // lying counts
			if len(b) > 12 {
				b[4+r.IntN(8)] = []byte{0, 1, 2, 255}[r.IntN(4)]
			}
		case 4:
			b = b[:i+1]
		case 5:
			b = append(b, byte(r.IntN(256)))
		}
	}
	return b
}

func readReplies(t *testing.T, c net.Conn, buf []byte, wait time.Duration) {
	t.Helper()
	for {
		_ = c.SetReadDeadline(time.Now().Add(wait))
		n, err := c.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatalf("reading replies: %v", err)
		}
		checkReply(t, buf[:n], 1232)
	}
}

func checkReply(t *testing.T, b []byte, most int) {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Errorf("a reply cannot be read: %v\n%x", err, b)
		return
	}
	if !m.Response || len(b) > most {
		t.Errorf("QR %v with %d octets, want a reply of at most %d: %x", m.Response, len(b), most, b)
	}
}

// framed sends one packet over a TCP connection of its own. The server may
// answer or close, not send what is no reply.
func framed(t *testing.T, addr string, packet []byte) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Write(append(wire.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)) //nolint:gosec // far below 64 KiB
	_ = c.(*net.TCPConn).CloseWrite()
	b, err := io.ReadAll(c)
	if err != nil || len(b) == 0 {
		return
	}
	if len(b) < 2 || int(wire.BigEndian.Uint16(b)) != len(b)-2 {
		t.Errorf("not one framed reply: %x", b)
		return
	}
	checkReply(t, b[2:], 65535)
}
