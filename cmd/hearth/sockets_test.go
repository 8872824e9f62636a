package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/resolver/listen"
)

// TestHandedSockets: sockets that systemd opened are known by their address.
func TestHandedSockets(t *testing.T) {
	h := handed{streams: make(map[netip.AddrPort]net.Listener), packets: make(map[netip.AddrPort]net.PacketConn)}
	stream, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	packet, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skipf("this machine has no IPv6 loopback: %v", err)
	}
	defer packet.Close()
	for _, open := range []func() (*os.File, error){stream.File, packet.File} {
		f, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if err := h.take(f); err != nil {
			t.Fatal(err)
		}
	}
	at := netip.MustParseAddrPort(stream.Addr().String())
	l, err := h.listen(context.Background(), "the landing page", at)
	if err != nil || l.Addr().String() != at.String() {
		t.Errorf("the handed socket of %s is not used: %v, %v", at, l, err)
	}
	if h.packets[netip.MustParseAddrPort(packet.LocalAddr().String())] == nil {
		t.Errorf("the handed socket of %s is not known among %v", packet.LocalAddr(), h.packets)
	}
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := h.take(pipe); err == nil {
		t.Error("a pipe is taken for a socket")
	}
}

// TestOpenBeforeReady: whoever reads that the server is ready can ask each of its listeners, the control socket too: all are
// open before any is served, and a start that fails leaves none behind.
func TestOpenBeforeReady(t *testing.T) {
	s, _, _ := testServer(t, consoleHome+"listen: [{addresses: [\"127.0.0.1:0\"]}]\nlanding: {http: [\"127.0.0.1:0\"]}\nconsole: {listen: [\"127.0.0.1:0\"]}\nmetrics: {listen: \"127.0.0.1:0\"}\n")
	control := controlPath(s.boot, s.state)
	to := listen.Config{Handler: handler{s.resolver, s.telemetry.tap, s.footprints, s.probes}, Beside: s.switchboard.loop, TLS: s.tls(), Log: s.log}
	open, err := openSockets(t.Context(), s.boot, control, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []net.Addr{open.landing[0].Addr(), open.console[0].Addr(), open.metrics.Addr(), &net.UnixAddr{Name: control, Net: "unix"}} {
		c, err := net.Dial(at.Network(), at.String())
		if err != nil {
			t.Errorf("nobody listens at %s: %v", at, err)
			continue
		}
		_ = c.Close()
	}
	if _, err := openSockets(t.Context(), s.boot, control, to); !errors.Is(err, api.ErrSocketLive) {
		t.Errorf("a second server in the same folder: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx, open) }()
	for !s.ready.Load() {
		time.Sleep(time.Millisecond)
	}
	if r := hearthWith(t, []string{"HEARTH__STATE=" + s.state}, "household", "list"); r.code != 0 {
		t.Errorf("it is ready, and the control socket says %s%s", r.out, r.err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	bad := *s.boot
	bad.Console.Listen = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:0")}
	if _, err := openSockets(t.Context(), &bad, control, to); err == nil {
		t.Fatal("an address that is not here is opened")
	}
	if _, err := os.Lstat(control); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a start that failed leaves the control socket: %v", err)
	}
}

// TestOpeningAdvice: a port that is refused comes with what to do.
func TestOpeningAdvice(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:80")
	for err, want := range map[error]string{
		syscall.EACCES:        "setcap cap_net_bind_service",
		syscall.EADDRINUSE:    "ss -lntup",
		syscall.EADDRNOTAVAIL: "ip addr",
	} {
		if got := opening("the landing page", at, os.NewSyscallError("bind", err)).Error(); !strings.Contains(got, want) || !strings.Contains(got, "127.0.0.1:80") {
			t.Errorf("%v: %q does not say %q", err, got, want)
		}
	}
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = handed{}.listen(context.Background(), "the metrics", netip.MustParseAddrPort(taken.Addr().String()))
	if err == nil || !strings.Contains(err.Error(), "another program has this port") {
		t.Errorf("a taken port: %v", err)
	}
}

// TestListenerOrder: the listeners and who may ask there are numbered alike.
func TestListenerOrder(t *testing.T) {
	l, err := load(writeConfig(t, `
listen:
  - {addresses: ["127.0.0.1:1", "127.0.0.1:2"], protocol: udp}
  - {addresses: ["127.0.0.1:3"], allow: [203.0.113.0/24], guest: adult}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJudge(&l.Config)
	if err != nil {
		t.Fatal(err)
	}
	served, admits := listeners(&l.Config), admissions(&l.Config, &l.Config, j.directory)
	if len(served) != 3 || len(admits) != 3 {
		t.Fatalf("%d listeners, %d admissions, want 3 and 3", len(served), len(admits))
	}
	if served[1].Addr.Port() != 2 || len(served[1].Protocols) != 1 || served[1].Protocols[0] != listen.UDP || len(served[2].Protocols) != 0 {
		t.Errorf("listeners = %+v", served)
	}
	if admits[0].Guest != nil || admits[2].Guest == nil || admits[2].Guest.Name() != "adult" || len(admits[2].Allow) != 1 {
		t.Errorf("admissions = %+v, want the third alone to admit guests", admits)
	}
}

// TestAdmissionsAfterReload: a listener that the new file drops keeps its
// rule until the restart; one that stays gets the new rule.
func TestAdmissionsAfterReload(t *testing.T) {
	read := func(text string) *Config {
		t.Helper()
		l, err := load(writeConfig(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return &l.Config
	}
	boot := read("listen: [{addresses: [\"127.0.0.1:1\"]}, {addresses: [\"127.0.0.1:2\"], guest: teen}]\n")
	now := read("listen: [{addresses: [\"127.0.0.1:1\"], guest: child}, {addresses: [\"127.0.0.1:3\"], guest: adult}]\n")
	j, err := newJudge(now)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range admissions(boot, now, j.directory) {
		got = append(got, a.Guest.Name())
	}
	if strings.Join(got, " ") != "child teen" {
		t.Errorf("guests = %v, want child (new rule) and teen (kept)", got)
	}
}

func TestHints(t *testing.T) {
	c := Default()
	var b bytes.Buffer
	hints(&b, &c, "the defaults")
	for _, want := range []string{
		"dig @127.0.0.1 -p 5300 pornhub.com A", "dig @127.0.0.1 -p 5300 wikipedia.org A", "curl -H 'Host: pornhub.com' http://127.0.0.1:8080/", "https://127.0.0.1:8444/",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the hints do not show %q:\n%s", want, b.String())
		}
	}
}

func TestStateFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	a := &app{environ: []string{"XDG_STATE_HOME=" + home + "/xdg"}}
	if dir, err := a.stateDir(&Config{State: home + "/own"}); err != nil || dir != home+"/own" {
		t.Errorf("a written state folder gives %q, %v", dir, err)
	}
	if os.Geteuid() == 0 || writable(systemState) {
		if dir, err := a.stateDir(&Config{}); err != nil || dir != systemState {
			t.Errorf("a system service keeps its state in %q, %v", dir, err)
		}
		return
	}
	if dir, err := a.stateDir(&Config{}); err != nil || dir != filepath.Join(home, "xdg", "hearth") {
		t.Errorf("with XDG_STATE_HOME the state folder is %q, %v", dir, err)
	}
	if dir, err := (&app{}).stateDir(&Config{}); err != nil || dir != filepath.Join(home, ".local/state/hearth") {
		t.Errorf("the state folder is %q, %v", dir, err)
	}
}
