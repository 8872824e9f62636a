package listen_test

import (
	"encoding/hex"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

func TestBothTransportsAnswerAndResolve(t *testing.T) {
	h := newStub()
	close(h.gate)
	s := start(t, listen.Config{Handler: h})
	for _, network := range []string{"udp", "tcp"} {
		for _, name := range []string{"WwW.eXaMple.com.", "sLOw.example.COM."} {
			m := new(dns.Msg)
			m.SetQuestion(name, dns.TypeAAAA)
			c := dns.Client{Net: network, Timeout: patience}
			got, _, err := c.Exchange(m, s.addr.String())
			if err != nil {
				t.Fatalf("%s %s: %v", network, name, err)
			}
			if got.Question[0].Name != name {
				t.Errorf("%s: spelling %q, want %q", network, got.Question[0].Name, name)
			}
			if len(got.Answer) != 1 {
				t.Errorf("%s: %v", network, got)
			}
		}
	}
	if n := s.metric(`hearth_listen_queries_total{transport="tcp"}`); n != 2 {
		t.Errorf("%v queries counted over TCP, want 2", n)
	}
}

func TestClientIsSaidTrue(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		got := make(chan listen.Client, 1)
		h := newStub()
		h.seen = func(r *listen.Request) { got <- r.Client }
		s := start(t, listen.Config{Handler: h, Listeners: []listen.Listener{
			{Addr: netip.MustParseAddrPort("127.0.0.2:0"), Protocols: []listen.Transport{listen.UDP}},
			{Addr: netip.MustParseAddrPort("127.0.0.1:0")},
		}})
		s.addr = netip.MustParseAddrPort(s.Addrs()[1].String())
		c := s.dialFrom(network, "127.0.0.3")
		b := query(t, 1, "a.test")
		if network == "tcp" {
			b = frame(b)
		}
		send(t, c, b)
		recv(t, c)
		want := listen.Client{Addr: netip.MustParseAddrPort(c.LocalAddr().String()), Local: s.addr, Listener: 1}
		if network == "tcp" {
			want.Transport = listen.TCP
		}
		if client := <-got; client != want || client.Transport.String() != network {
			t.Errorf("%s: client %+v, want %+v", network, client, want)
		}
	}
}

func TestWildcardRepliesFromTheAddressAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux routes all of 127.0.0.0/8 to itself")
	}
	tests := []struct{ listen, ask string }{
		{"0.0.0.0:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.2"}, {"[::]:0", "::1"},
	}
	for _, tt := range tests {
		t.Run(tt.listen+" asked at "+tt.ask, func(t *testing.T) {
			if tt.ask == "::1" && !hasIPv6() {
				t.Skip("this machine has no ::1")
			}
			s := start(t, listen.Config{Handler: newStub(), Listeners: []listen.Listener{{Addr: netip.MustParseAddrPort(tt.listen)}}})
			s.addr = netip.AddrPortFrom(netip.MustParseAddr(tt.ask), s.addr.Port())
			c := s.dial("udp") // connected: the system drops replies from elsewhere
			send(t, c, query(t, 7, "a.test"))
			if got := recv(t, c).Answer[0].(*dns.AAAA).AAAA.String(); got != tt.ask {
				t.Errorf("the handler was told %s", got)
			}
		})
	}
}

func hasIPv6() bool {
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// garbage is what must not reach the handler, and the code of the reply; -1 is
// silence. 0100 0001 is a header's flags and QDCOUNT.
var garbage = []struct {
	name, packet string
	rcode        int
}{
	{"a header that is cut", "000101000001", -1},
	{"a response", "0001 8180 0001 0000 0000 0000 0161 00 0001 0001", -1},
	{"no question", "0001 0100 0000 0000 0000 0000", dns.RcodeFormatError},
	{"two questions", "0001 0100 0002 0000 0000 0000 0161 00 0001 0001 0161 00 0001 0001", dns.RcodeFormatError},
	{"a pointer in the name", "0001 0100 0001 0000 0000 0000 c00c 0001 0001", dns.RcodeFormatError},
	{"a question that is cut", "0001 0100 0001 0000 0000 0000 0161 00 00", dns.RcodeFormatError},
	{"counts that lie", "0001 0100 0001 0001 0001 0001 0161 00 0001 0001", dns.RcodeFormatError},
	{"two OPT records", "0001 0100 0001 0000 0000 0002 0161 00 0001 0001 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", dns.RcodeFormatError},
	{"octets behind the end", "0001 0100 0001 0000 0000 0000 0161 00 0001 0001 ff", dns.RcodeFormatError},
	{"NOTIFY", "0001 2400 0001 0000 0000 0000 0161 00 0006 0001", dns.RcodeNotImplemented},
	{"EDNS version 1", "0001 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 04d0 00010000 0000", dns.RcodeBadVers},
}

func TestGarbage(t *testing.T) {
	h := newStub()
	h.seen = func(r *listen.Request) {
		if r.Query.ID == 1 {
			t.Errorf("handler was shown %x", r.Query.Msg)
		}
	}
	s := start(t, listen.Config{Handler: h})
	for _, tt := range garbage {
		packet, err := hex.DecodeString(strings.ReplaceAll(tt.packet, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		t.Run("udp/"+tt.name, func(t *testing.T) {
			c := s.dial("udp")
			send(t, c, packet)
			send(t, c, query(t, 2, "sentinel.test")) // answered after the packet before it
			if tt.rcode >= 0 {
				if m := recv(t, c); m.Id != 1 || m.Rcode != tt.rcode || !m.Response {
					t.Errorf("reply: %v", m)
				}
			}
			if m := recv(t, c); m.Id != 2 {
				t.Errorf("reply: %v", m)
			}
		})
		t.Run("tcp/"+tt.name, func(t *testing.T) {
			c := s.dial("tcp")
			send(t, c, frame(packet, query(t, 2, "sentinel.test")))
			if tt.rcode < 0 {
				closed(t, c)
				return
			}
			if m := recv(t, c); m.Id != 1 || m.Rcode != tt.rcode {
				t.Errorf("reply: %v", m)
			}
			if m := recv(t, c); m.Id != 2 {
				t.Errorf("reply: %v", m)
			}
		})
	}
	for series, want := range map[string]float64{
		`hearth_listen_faults_total{fault="formerr",transport="udp"}`: 7,
		`hearth_listen_faults_total{fault="ignored",transport="udp"}`: 2,
		`hearth_listen_faults_total{fault="notimp",transport="udp"}`:  1,
		`hearth_listen_faults_total{fault="badvers",transport="udp"}`: 1,
		`hearth_listen_faults_total{fault="formerr",transport="tcp"}`: 7,
	} {
		if got := s.metric(series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
}

func TestRepliesFitTheTransport(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	for size, limit := range map[uint16]int{0: 512, 100: 512, 700: 700, 1232: 1232, 4096: 1232, 65535: 1232} {
		m := new(dns.Msg)
		m.SetQuestion("long.test.", dns.TypeAAAA) // 100 x 28 octets
		if size > 0 {
			m.SetEdns0(size, false)
		}
		b, _ := m.Pack()
		c := s.dial("udp")
		send(t, c, b)
		buf := make([]byte, 65535)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got := new(dns.Msg)
		if err := got.Unpack(buf[:n]); err != nil || n > limit || !got.Truncated || (got.IsEdns0() != nil) != (size > 0) {
			t.Errorf("size %d: %d octets, error %v, %v", size, n, err, got)
		}
		tc := s.dial("tcp")
		send(t, tc, frame(b))
		if got := recv(t, tc); got.Truncated || len(got.Answer) != 100 {
			t.Errorf("size %d over TCP: truncated %v, %d answers", size, got.Truncated, len(got.Answer))
		}
	}
}

func TestSilenceOfTheHandlerIsKept(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	u, c := s.dial("udp"), s.dial("tcp")
	send(t, u, query(t, 1, "silent.test"))
	send(t, u, query(t, 2, "a.test"))
	send(t, c, frame(query(t, 1, "silent.test"), query(t, 2, "a.test")))
	if a, b := recv(t, u), recv(t, c); a.Id != 2 || b.Id != 2 {
		t.Errorf("replies %d and %d, want 2 and 2", a.Id, b.Id)
	}
}

func TestPanicIsServerFailure(t *testing.T) {
	h := newStub()
	h.broken = true
	s := start(t, listen.Config{Handler: h})
	for _, network := range []string{"udp", "tcp"} {
		for _, name := range []string{"panic.test.", "slow.panic.test."} {
			m := new(dns.Msg)
			m.SetQuestion(name, dns.TypeA)
			c := dns.Client{Net: network, Timeout: patience}
			got, _, err := c.Exchange(m, s.addr.String())
			if err != nil || got.Rcode != dns.RcodeServerFailure {
				t.Errorf("%s %s: %v, %v", network, name, got, err)
			}
		}
	}
	if n := s.metric("hearth_listen_panics_total"); n != 4 {
		t.Errorf("%v panics counted, want 4", n)
	}
	eventually(t, "worker numbers come back", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
}

// TestWorkerNumbersAreExclusive holds the promise that lets a handler index scratch
// memory by Request.Worker without a lock.
func TestWorkerNumbersAreExclusive(t *testing.T) {
	cfg := listen.Config{Limits: listen.Limits{InFlight: 8, TCP: listen.TCPLimits{Connections: 4}}, Listeners: []listen.Listener{
		{Addr: netip.MustParseAddrPort("127.0.0.1:0")}, {Addr: netip.MustParseAddrPort("127.0.0.2:0")},
	}}
	if want := 2 + 8 + 4; cfg.Workers() != want {
		t.Fatalf("Workers = %d, want %d", cfg.Workers(), want)
	}
	busy := make([]atomic.Bool, cfg.Workers())
	h := newStub()
	close(h.gate)
	h.seen = func(r *listen.Request) {
		if busy[r.Worker].Swap(true) {
			t.Errorf("worker %d is called twice at once", r.Worker)
		}
		runtime.Gosched()
		busy[r.Worker].Store(false)
	}
	cfg.Handler = h
	s := start(t, cfg)
	var clients sync.WaitGroup
	for i, network := range []string{"udp", "udp", "tcp", "tcp"} {
		addr := s.Addrs()[i%2*2].String()
		clients.Go(func() {
			c := dns.Client{Net: network, Timeout: patience}
			conn, err := c.Dial(addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for n := range 200 {
				m := new(dns.Msg)
				m.SetQuestion([]string{"a.test.", "slow.test."}[n%2], dns.TypeA)
				if _, _, err := c.ExchangeWithConn(m, conn); err != nil {
					t.Errorf("%s: %v", network, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func TestSeveralSocketsAnAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SO_REUSEPORT spreads clients on Linux only")
	}
	var seen [3]atomic.Int64
	h := newStub()
	h.seen = func(r *listen.Request) { seen[r.Worker].Add(1) }
	s := start(t, listen.Config{Handler: h, Sockets: 3, Listeners: []listen.Listener{
		{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []listen.Transport{listen.UDP}},
	}})
	if len(s.Addrs()) != 3 {
		t.Fatalf("Addrs = %v", s.Addrs())
	}
	eventually(t, "every socket gets clients", func() bool {
		c := s.dial("udp")
		send(t, c, query(t, 1, "a.test"))
		recv(t, c)
		return seen[0].Load() > 0 && seen[1].Load() > 0 && seen[2].Load() > 0
	})
}
