package listen_test

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
)

// The octets of a PROXY header, as section 2.2 of its specification gives them.
const (
	proxyLocal, proxyProxy = 0x20, 0x21
	proxyUnspec            = 0x00
	proxyTCP4, proxyUDP4   = 0x11, 0x12
	proxyTCP6, proxyUDP6   = 0x21, 0x22
	proxyUnix              = 0x31
)

// proxied makes a PROXY header with what stands behind the length.
func proxied(command, family byte, rest ...byte) []byte {
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), command, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(rest))), rest...)
}

// fromTo gives the addresses of a PROXY header in the order in which they stand there.
func fromTo(client string) []byte {
	c := netip.MustParseAddrPort(client)
	to := netip.MustParseAddr("192.0.2.53")
	if c.Addr().Is6() {
		to = netip.MustParseAddr("2001:db8::53")
	}
	b := slices.Concat(c.Addr().AsSlice(), to.AsSlice())
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, c.Port()), 53)
}

// extra is an extension of a PROXY header with n octets: one of no meaning.
func extra(n int) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0x04}, uint16(n)), make([]byte, n)...)
}

// headers are PROXY headers and the clients that they name; "" is the proxy itself.
var headers = map[string]struct {
	octets []byte
	client string
}{
	"none":            {nil, ""},
	"IPv4":            {proxied(proxyProxy, proxyTCP4, fromTo("198.51.100.7:4097")...), "198.51.100.7:4097"},
	"IPv4 over UDP":   {proxied(proxyProxy, proxyUDP4, fromTo("198.51.100.7:4097")...), "198.51.100.7:4097"},
	"IPv6":            {proxied(proxyProxy, proxyTCP6, fromTo("[2001:db8::7]:4097")...), "[2001:db8::7]:4097"},
	"IPv6 over UDP":   {proxied(proxyProxy, proxyUDP6, fromTo("[2001:db8::7]:4097")...), "[2001:db8::7]:4097"},
	"IPv4-mapped":     {proxied(proxyProxy, proxyTCP6, fromTo("[::ffff:198.51.100.7]:4097")...), "198.51.100.7:4097"},
	"with extensions": {proxied(proxyProxy, proxyTCP4, slices.Concat(fromTo("198.51.100.7:4097"), extra(10), extra(0))...), "198.51.100.7:4097"},
	"512 octets":      {proxied(proxyProxy, proxyTCP4, slices.Concat(fromTo("198.51.100.7:4097"), extra(512-16-12-3))...), "198.51.100.7:4097"},
	"LOCAL":           {proxied(proxyLocal, proxyUnspec), ""},
	"LOCAL addressed": {proxied(proxyLocal, proxyTCP4, fromTo("198.51.100.7:4097")...), ""},
}

// refusedHeaders are none that we take, of a peer that may send some.
var refusedHeaders = map[string][]byte{
	"513 octets":         proxied(proxyProxy, proxyTCP4, slices.Concat(fromTo("198.51.100.7:4097"), extra(513-16-12-3))...),
	"64 KiB":             proxied(proxyProxy, proxyTCP4, slices.Concat(fromTo("198.51.100.7:4097"), extra(3000))...),
	"too short for IPv4": proxied(proxyProxy, proxyTCP4, fromTo("198.51.100.7:4097")[:11]...),
	"too short for IPv6": proxied(proxyProxy, proxyTCP6, fromTo("198.51.100.7:4097")...),
	"no length":          proxied(proxyProxy, proxyTCP4),
	"unknown command":    proxied(0x22, proxyTCP4, fromTo("198.51.100.7:4097")...),
	"version 3":          proxied(0x31, proxyTCP4, fromTo("198.51.100.7:4097")...),
	"unknown family":     proxied(proxyProxy, 0x41, fromTo("198.51.100.7:4097")...),
	"no family":          proxied(proxyProxy, proxyUnspec),
	"Unix":               proxied(proxyProxy, proxyUnix, make([]byte, 216)...),
}

// trusting lets clients at 127.0.0.1 speak for others. Others of 127/8 may not.
func trusting(over ...listen.Transport) []listen.Listener {
	return []listen.Listener{{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: over, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
}

func TestProxyNamesTheClient(t *testing.T) {
	got := make(chan listen.Client, 1)
	h := newStub()
	h.seen = func(r *listen.Request) { got <- r.Client }
	plain := start(t, listen.Config{Handler: h, Listeners: trusting()})
	secure, client := startTLS(t, listen.Config{Handler: h, Listeners: trusting()})
	for what, tt := range headers {
		q := query(t, 1, "a.test")
		check := func(c net.Conn, over listen.Transport) {
			t.Helper()
			if m := recv(t, c); m.Id != 1 {
				t.Errorf("reply %d", m.Id)
			}
			want := addrPort(c.LocalAddr())
			if tt.client != "" {
				want = netip.MustParseAddrPort(tt.client)
			}
			if client := <-got; client.Addr != want || client.Transport != over || client.Local != addrPort(c.RemoteAddr()) {
				t.Errorf("%s over %s: client %+v, want %s", what, over, client, want)
			}
		}
		u := plain.dial("udp")
		send(t, u, slices.Concat(tt.octets, q))
		check(u, listen.UDP)
		c := plain.dial("tcp")
		send(t, c, slices.Concat(tt.octets, frame(q)))
		check(c, listen.TCP)
		send(t, c, frame(q)) // the connection is the client's for good
		check(c, listen.TCP)
		raw := secure.dial("tcp")
		if tt.octets != nil {
			send(t, raw, tt.octets)
		}
		s := tls.Client(raw, client)
		send(t, s, frame(q))
		check(s, listen.TLS)
		s = secure.dialTLS(client) // and within TLS
		send(t, s, slices.Concat(tt.octets, frame(q)))
		check(s, listen.TLS)
	}
}

func TestProxyHeaderOctetByOctet(t *testing.T) {
	got := make(chan listen.Client, 1)
	h := newStub()
	h.seen = func(r *listen.Request) { got <- r.Client }
	s := start(t, listen.Config{Handler: h, Listeners: trusting(listen.TCP), Limits: listen.Limits{TCP: listen.TCPLimits{Reads: 100}}})
	c := s.dial("tcp")
	for _, b := range slices.Concat(headers["IPv6"].octets, frame(query(t, 1, "a.test"))) {
		send(t, c, []byte{b})
		time.Sleep(100 * time.Microsecond) // let it leave as a segment of its own
	}
	recv(t, c)
	if client := <-got; client.Addr.String() != headers["IPv6"].client {
		t.Errorf("client %+v", client)
	}
}

func TestBadProxyHeadersAreRefused(t *testing.T) {
	limits := listen.Limits{TCP: listen.TCPLimits{Frame: time.Hour}} // none of these may wait for it
	plain := start(t, listen.Config{Handler: newStub(), Listeners: trusting(), Limits: limits})
	secure, client := startTLS(t, listen.Config{Handler: newStub(), Listeners: trusting(), Limits: limits})
	streams := map[string][]byte{"version 1": []byte("PROXY TCP4 198.51.100.7 192.0.2.53 4097 53\r\n")}
	for what, b := range refusedHeaders {
		streams[what] = b
		u := plain.dial("udp")
		send(t, u, slices.Concat(b, query(t, 1, "a.test")))
		send(t, u, query(t, 2, "a.test"))
		if m := recv(t, u); m.Id != 2 {
			t.Errorf("%s over UDP: reply %v", what, m)
		}
	}
	for what, b := range streams {
		for network, s := range map[string]*running{"tcp": plain, "tls": secure} {
			c := s.dial("tcp")
			send(t, c, slices.Concat(b, frame(query(t, 1, "a.test"))))
			t.Run(what+" over "+network, func(t *testing.T) { closed(t, c) })
		}
		within := secure.dialTLS(client)
		send(t, within, slices.Concat(b, frame(query(t, 1, "a.test"))))
		t.Run(what+" within TLS", func(t *testing.T) { closed(t, within) })
	}
	for network, want := range map[string]int{"udp": len(refusedHeaders), "tcp": len(streams), "tls": 2 * len(streams)} {
		s := map[string]*running{"udp": plain, "tcp": plain, "tls": secure}[network]
		if n := s.metric(`hearth_listen_shed_total{reason="bad_proxy_header",transport="` + network + `"}`); n != float64(want) {
			t.Errorf("%v counted over %s, want %v", n, network, want)
		}
	}
}

// TestCutProxyHeaders stops a header after each of its octets: over UDP there is no more,
// over TCP nothing comes for too long.
func TestCutProxyHeaders(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Listeners: trusting(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: 50 * time.Millisecond, PerClient: 100}}})
	whole := headers["with extensions"].octets
	u := s.dial("udp")
	var cut []net.Conn
	send(t, u, whole) // without a query behind it
	for n := 1; n < len(whole); n++ {
		send(t, u, whole[:n])
		c := s.dial("tcp")
		send(t, c, whole[:n])
		cut = append(cut, c)
	}
	for _, c := range cut {
		closed(t, c)
	}
	send(t, u, query(t, 2, "a.test"))
	for m := recv(t, u); m.Id != 2; m = recv(t, u) {
		if m.Id != 0x0d0a || !m.Response || len(m.Answer) > 0 { // the signature alone, read as a query
			t.Errorf("reply %v", m)
		}
	}
	eventually(t, "their room comes back", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 0 })
}

// TestStrangersSpeakForNobody is a header from a client that is no proxy.
func TestStrangersSpeakForNobody(t *testing.T) {
	h := newStub()
	h.seen = func(r *listen.Request) {
		if r.Client.Addr.Addr() != netip.MustParseAddr("127.0.0.2") {
			t.Errorf("a query of %s", r.Client.Addr)
		}
	}
	limits := listen.Limits{TCP: listen.TCPLimits{Frame: 100 * time.Millisecond}}
	plain := start(t, listen.Config{Handler: h, Listeners: trusting(), Limits: limits})
	secure, _ := startTLS(t, listen.Config{Handler: h, Listeners: trusting(), Limits: limits})
	b := headers["IPv4"].octets
	u := plain.dialFrom("udp", "127.0.0.2")
	send(t, u, slices.Concat(b, query(t, 1, "a.test")))
	send(t, u, query(t, 2, "b.test"))
	if m := recv(t, u); m.Id == 0x0d0a && len(m.Answer) == 0 { // an error for what is no query
		m = recv(t, u)
		if m.Id != 2 {
			t.Errorf("reply %v", m)
		}
	} else if m.Id != 2 {
		t.Errorf("reply %v", m)
	}
	for _, s := range []*running{plain, secure} {
		c := s.dialFrom("tcp", "127.0.0.2")
		send(t, c, slices.Concat(b, frame(query(t, 1, "a.test"))))
		closed(t, c)
	}
}

func TestLimitsAreOfTheClientBehindTheProxy(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Listeners: trusting(), Limits: listen.Limits{PerClient: 1, CookieFactor: 1, TCP: listen.TCPLimits{PerClient: 1}}})
	a := proxied(proxyProxy, proxyTCP4, fromTo("198.51.100.7:4097")...)
	b := proxied(proxyProxy, proxyTCP4, fromTo("198.51.100.8:4097")...)
	u := s.dial("udp")
	send(t, u, slices.Concat(a, query(t, 1, "slow.test")))
	eventually(t, "the first is in flight", func() bool { return h.waiting.Load() == 1 })
	send(t, u, slices.Concat(a, query(t, 2, "slow.test")))
	send(t, u, slices.Concat(b, query(t, 3, "slow.test")))
	eventually(t, "another client has its room", func() bool { return h.waiting.Load() == 2 })
	if n := s.metric(`hearth_listen_shed_total{reason="per_client",transport="udp"}`); n != 1 {
		t.Errorf("%v shed, want 1", n)
	}
	first, again, other := s.dial("tcp"), s.dial("tcp"), s.dial("tcp")
	send(t, first, slices.Concat(a, frame(query(t, 1, "a.test"))))
	recv(t, first)
	send(t, again, slices.Concat(a, frame(query(t, 1, "a.test"))))
	closed(t, again)
	send(t, other, slices.Concat(b, frame(query(t, 1, "a.test"))))
	recv(t, other)
	if n := s.metric(`hearth_listen_shed_total{reason="connections_per_client",transport="tcp"}`); n != 1 {
		t.Errorf("%v turned away, want 1", n)
	}
	_ = first.Close()
	eventually(t, "the client's room comes back", func() bool {
		c := s.dial("tcp")
		send(t, c, slices.Concat(a, frame(query(t, 1, "a.test"))))
		n, _ := c.Read(make([]byte, 1))
		return n == 1
	})
	close(h.gate)
}

// TestHandshakesAreOfTheClientBehindTheProxy: a proxy that names its clients within TLS
// begins handshakes for all of them, one that names them before TLS for one.
func TestHandshakesAreOfTheClientBehindTheProxy(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub(), Listeners: trusting(), Limits: listen.Limits{Handshakes: listen.HandshakeLimits{PerClient: 1}}})
	named := proxied(proxyProxy, proxyTCP4, fromTo("198.51.100.7:4097")...)
	for id := range uint16(5) {
		c := s.dialTLS(client)
		send(t, c, slices.Concat(named, frame(query(t, id, "a.test"))))
		recv(t, c)
	}
	refused := 0
	for range 20 { // in far less than 20 seconds
		c := s.dial("tcp")
		send(t, c, named)
		if tls.Client(c, client).Handshake() != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no handshake of the client was refused")
	}
}
