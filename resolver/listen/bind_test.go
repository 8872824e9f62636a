package listen_test

import (
	"net"
	"net/netip"
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
