package listen_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
)

// TestAnswerAllocatesNothing goes through real sockets, so that it covers reading,
// parsing, the handler and sending.
func TestAnswerAllocatesNothing(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		for _, network := range []string{"udp", "tcp"} {
			s := start(t, listen.Config{
				Handler: newStub(), Listeners: []listen.Listener{{Addr: netip.MustParseAddrPort(addr)}},
				Limits: listen.Limits{Rate: listen.RateLimits{Queries: 1e6, Prefix: 1e6, Replies: 1e6}},
			})
			s.addr = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.addr.Port())
			for what, b := range map[string][]byte{
				"hit": query(t, 1, "a.test"), "hit with a cookie": with(t, 1, "a.test", cookie(me)),
				"FORMERR": append(query(t, 1, "a.test"), 0),
			} {
				c, buf := s.dial(network), make([]byte, 4096)
				if network == "tcp" {
					b = frame(b)
				}
				n := testing.AllocsPerRun(200, func() {
					if _, err := c.Write(b); err != nil {
						t.Fatal(err)
					}
					if n, err := c.Read(buf); n == 0 || err != nil && err != io.EOF { //nolint:errorlint // no wrapping here
						t.Fatal(n, err)
					}
				})
				if n != 0 {
					t.Errorf("%s over %s at %s: %v allocations, want 0", what, network, addr, n)
				}
			}
		}
	}
}

// TestPipelinedAnswersAllocateNothing is the same for queries that come in one segment.
func TestPipelinedAnswersAllocateNothing(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	const depth = 20
	msg := query(t, 1, "a.test")
	msgs := frame(slices.Repeat([][]byte{msg}, depth)...)
	c, replies := s.dial("tcp"), make([]byte, depth*(2+len(msg)+28))
	n := testing.AllocsPerRun(200, func() {
		if _, err := c.Write(msgs); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, replies); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations in %d queries, want 0", n, depth)
	}
}

// TestTLSAnswersAllocateNothing allows what crypto/tls takes for itself, on both sides: as
// much as where it carries the same octets to a server that echoes them.
func TestTLSAnswersAllocateNothing(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s, client := startTLS(t, listen.Config{Handler: newStub()})
		client.MinVersion, client.MaxVersion = version, version
		near, far := net.Pipe()
		server, _ := tlsConfigs(t)
		go func() { echo(tls.Server(far, server)) }()
		bare := tls.Client(near, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}) //nolint:gosec // echoes
		if err := bare.Handshake(); err != nil {
			t.Fatal(err)
		}
		c := s.dialTLS(client)
		got, own := roundTrip(t, c), roundTrip(t, bare)
		for range 9 { // crypto/tls uses a sync.Pool, which forgets now and then
			got, own = min(got, roundTrip(t, c)), max(own, roundTrip(t, bare))
		}
		if got > own {
			t.Errorf("TLS %#x: %v allocations, %v of them by crypto/tls", version, got, own)
		}
		_ = bare.Close()
	}
}

// roundTrip counts the allocations of a query and its reply.
func roundTrip(t *testing.T, c net.Conn) float64 {
	msg, replies := frame(query(t, 1, "a.test")), make([]byte, 4096)
	return testing.AllocsPerRun(200, func() {
		if _, err := c.Write(msg); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(replies); err != nil {
			t.Fatal(err)
		}
	})
}

// echo sends back what comes.
func echo(c net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// BenchmarkRoundTrip is one query and its reply through loopback, client included.
func BenchmarkRoundTrip(b *testing.B) {
	for _, network := range []string{"udp", "tcp"} {
		b.Run(network, func(b *testing.B) {
			s := start(b, listen.Config{Handler: newStub()})
			msg := query(b, 1, "a.test")
			if network == "tcp" {
				msg = frame(msg)
			}
			c, buf := s.dial(network), make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(msg); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPipelined is one query and its reply where three of them share each turn of
// eight connections, as under load, client included.
func BenchmarkPipelined(b *testing.B) {
	const conns, depth = 8, 3
	s := start(b, listen.Config{Handler: newStub()})
	msg := query(b, 1, "a.test")
	msgs := frame(slices.Repeat([][]byte{msg}, depth)...)
	var all [conns]net.Conn
	for i := range all {
		all[i] = s.dial("tcp")
		_ = all[i].SetDeadline(time.Time{})
	}
	replies := make([]byte, depth*(2+len(msg)+28))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%(conns*depth) != 0 {
			continue
		}
		for _, c := range all {
			if _, err := c.Write(msgs); err != nil {
				b.Fatal(err)
			}
		}
		for _, c := range all {
			if _, err := io.ReadFull(c, replies); err != nil {
				b.Fatal(err)
			}
		}
	}
}
