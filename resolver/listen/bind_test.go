package listen_test

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
)

func TestNewNamesEveryPortThatIsTaken(t *testing.T) {
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = listen.New(listen.Config{Handler: newStub(), Listeners: []listen.Listener{
		{Addr: addrPort(u.LocalAddr()), Protocols: []listen.Transport{listen.UDP}},
		{Addr: addrPort(l.Addr()), Protocols: []listen.Transport{listen.TCP}},
		{Addr: netip.MustParseAddrPort("192.0.2.1:5300")}, // documentation address: not ours
	}})
	if err == nil {
		t.Fatal("New succeeded")
	}
	for _, want := range []string{"udp " + u.LocalAddr().String(), "tcp " + l.Addr().String(), "systemd-resolved", "ss -lnp", "192.0.2.1:5300"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	if c, err := net.ListenPacket("udp4", l.Addr().String()); err != nil {
		t.Errorf("New left a socket open: %v", err)
	} else {
		_ = c.Close()
	}
}

func addrPort(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }

func TestNewRefusesWhatCannotServe(t *testing.T) {
	ok := []listen.Listener{{Addr: netip.MustParseAddrPort("127.0.0.1:0")}}
	port := netip.MustParseAddrPort("127.0.0.1:5399")
	for want, cfg := range map[string]listen.Config{
		"no handler":     {Listeners: ok},
		"no listeners":   {Handler: newStub()},
		"has no address": {Handler: newStub(), Listeners: make([]listen.Listener, 1)},
		"below zero":     {Handler: newStub(), Listeners: ok, Limits: listen.Limits{InFlight: -1}},
		"are both":       {Handler: newStub(), Listeners: []listen.Listener{{Addr: port}, {Addr: port}}},
		"0 and 1 are both": {Handler: newStub(), TLS: &tls.Config{}, Listeners: []listen.Listener{
			{Addr: port, Protocols: []listen.Transport{listen.HTTPS}}, {Addr: port, Protocols: []listen.Transport{listen.TLS}},
		}},
		"1 and 2 are both": {Handler: newStub(), TLS: &tls.Config{}, Listeners: []listen.Listener{
			{Addr: port, Protocols: []listen.Transport{listen.TLS}}, {Addr: port, Protocols: []listen.Transport{listen.QUIC}}, {Addr: port, Protocols: []listen.Transport{listen.UDP}},
		}},
		"listener 0 serves tcp and tls on one port": {Handler: newStub(), TLS: &tls.Config{}, Listeners: []listen.Listener{
			{Addr: port, Protocols: []listen.Transport{listen.TCP, listen.TLS}},
		}},
		"listener 0 serves udp and quic on one port": {Handler: newStub(), TLS: &tls.Config{}, Listeners: []listen.Listener{
			{Addr: port, Protocols: []listen.Transport{listen.QUIC, listen.UDP}},
		}},
		"serves tls without a certificate: set Config.TLS": {Handler: newStub(), Listeners: []listen.Listener{{Addr: port, Protocols: []listen.Transport{listen.TLS}}}},
		"quic, which knows no proxies": {Handler: newStub(), TLS: &tls.Config{}, Listeners: []listen.Listener{
			{Addr: port, Protocols: []listen.Transport{listen.QUIC}, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		}},
	} {
		if _, err := listen.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestSocketsOfASupervisorAreServed(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := addrPort(l.Addr())
	u, err := net.ListenPacket("udp4", addr.String())
	if err != nil {
		t.Skipf("the port is taken over UDP: %v", err)
	}
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s := start(t, listen.Config{
		Handler: newStub(), Packets: []net.PacketConn{u}, Streams: []net.Listener{other, l},
		Listeners: []listen.Listener{{Addr: addr}},
	})
	for _, network := range []string{"udp", "tcp"} {
		c := s.dial(network)
		b := query(t, 1, "a.test")
		if network == "tcp" {
			b = frame(b)
		}
		send(t, c, b)
		if m := recv(t, c); m.Id != 1 {
			t.Errorf("%s: reply %d", network, m.Id)
		}
	}
	s.stop()
	s.wait()
	if _, err := net.Dial("tcp", other.Addr().String()); err != nil {
		t.Errorf("a socket that is not ours was closed: %v", err)
	}
}

// TestSocketOfBothFamilies is what systemd opens for a bare port: IPv4 clients come
// with mapped addresses, and their replies must leave from the address asked, too.
func TestSocketOfBothFamilies(t *testing.T) {
	u, err := net.ListenPacket("udp", "[::]:0")
	if err != nil || !hasIPv6() {
		t.Skipf("no socket of both families: %v", err)
	}
	got := make(chan listen.Client, 1)
	h := newStub()
	h.seen = func(r *listen.Request) { got <- r.Client }
	s := start(t, listen.Config{Handler: h, Packets: []net.PacketConn{u}, Listeners: []listen.Listener{
		{Addr: addrPort(u.LocalAddr()), Protocols: []listen.Transport{listen.UDP}},
	}})
	for _, ip := range []string{"127.0.0.1", "::1"} {
		s.addr = netip.AddrPortFrom(netip.MustParseAddr(ip), s.addr.Port())
		c := s.dial("udp")
		send(t, c, query(t, 1, "a.test"))
		recv(t, c)
		if client := <-got; client.Local != s.addr || client.Addr != addrPort(c.LocalAddr()) {
			t.Errorf("asked at %s: client %+v", ip, client)
		}
	}
}

func TestFreePortIsTheSameForBothProtocols(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	if a := s.Addrs(); len(a) != 2 || addrPort(a[0]) != addrPort(a[1]) || a[0].Network() != "udp" || a[1].Network() != "tcp" {
		t.Errorf("Addrs = %v", a)
	}
}

// TestTransportsShareAPort is DNS over TLS and over QUIC, both on port 853 by their
// standards.
func TestTransportsShareAPort(t *testing.T) {
	cfg := listen.Config{Handler: newStub(), Listeners: []listen.Listener{
		{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []listen.Transport{listen.TLS, listen.QUIC}},
		{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []listen.Transport{listen.HTTPS}},
		{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []listen.Transport{listen.TLS}},
	}}
	cfg.TLS, _ = tlsConfigs(t)
	a := start(t, cfg).Addrs()
	if len(a) != 5 || addrPort(a[0]) != addrPort(a[1]) || addrPort(a[2]) != addrPort(a[3]) {
		t.Fatalf("Addrs = %v", a)
	}
	for i, network := range []string{"udp", "tcp", "udp", "tcp", "tcp"} {
		if a[i].Network() != network {
			t.Errorf("address %d is of %s, want %s", i, a[i].Network(), network)
		}
	}
}

func TestTLSSocketOfASupervisorIsServed(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := listen.Config{Handler: newStub(), Streams: []net.Listener{l}, Listeners: []listen.Listener{
		{Addr: addrPort(l.Addr()), Protocols: []listen.Transport{listen.TLS}},
	}}
	server, client := tlsConfigs(t)
	cfg.TLS = server
	s := start(t, cfg)
	c := s.dialTLS(client)
	send(t, c, frame(query(t, 1, "a.test")))
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply %d", m.Id)
	}
}

func TestWorkersCountEveryTransport(t *testing.T) {
	limits := listen.Limits{InFlight: 1000, TCP: listen.TCPLimits{Connections: 1}, QUIC: listen.QUICLimits{Connections: 10}, HTTPS: listen.HTTPSLimits{Connections: 100}}
	at := netip.MustParseAddrPort("127.0.0.1:0")
	for want, ts := range map[int][]listen.Transport{1000: {listen.UDP}, 1001: {listen.UDP, listen.TCP}, 1010: {listen.QUIC}, 1110: {listen.HTTPS}} {
		cfg := listen.Config{Limits: limits, Listeners: []listen.Listener{{Addr: at, Protocols: ts}}}
		if slices.Contains(ts, listen.UDP) {
			want++ // its reader
		}
		if got := cfg.Workers(); got != want {
			t.Errorf("%v: %d workers, want %d", ts, got, want)
		}
	}
}
