package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// The home behind a router: devices on the bridge of a namespace that runs dnsmasq, and the server on the other
// side of it. The guests of this home are grown-ups, so that whoever is taken for one is not filtered.
const (
	routerLAN, routerWAN, serverWAN = "192.168.77.1", "10.78.0.1", "10.78.0.2"
	routerMAC                       = "02:00:5e:10:00:01"
	miasIP, annasIP                 = "192.168.77.20", "192.168.77.30"

	routedHome = `
profiles:
  - {name: kids, band: child, rules: [{name: blocked.example, action: deny}, {name: open.example, action: allow}]}
  - {name: kids-null, band: child, block_mode: "null", rules: [{name: blocked.example, action: deny}, {name: open.example, action: allow}]}
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [10.78.0.0/24, 192.168.77.0/24, "fd77::/64"]
    guest: adult
    rules: [{name: open.example, action: allow}]
    members: [{name: Mia, band: child, profile: kids}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, member: Mia, macs: ["` + childMAC + `"], addresses: [` + miasIP + `, "fd77::20"]}
      - {name: laptop, member: Anna, macs: ["` + motherMAC + `"], addresses: [` + annasIP + `, "fd77::30"]}
      - {name: room, member: Mia, tokens: [mias-room, 0123456789abcdef]}
`
	landingPage = serverWAN
	site        = "193.0.14.129" // a root server: dnsmasq takes what is for documents for private
)

// routedServer is a server behind which there is a router with two devices, each in a namespace of its own.
type routedServer struct {
	*server
	up            *nosy
	router        space
	child, mother space
}

// space is the process that keeps a network namespace.
type space string

// in runs f with the sockets that it makes in the namespace, in a thread that ends with it.
func (s space) in(t testing.TB, f func()) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks: the thread is not to be used again
		ns, err := os.Open("/proc/" + string(s) + "/ns/net")
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET) //nolint:gosec // a descriptor
		}
		if err == nil {
			f()
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatalf("entering a network namespace: %v", err)
	}
}

// run runs a program in the namespace.
func (s space) run(t *testing.T, args ...string) {
	t.Helper()
	run(t, append([]string{"nsenter", "-t", string(s), "-n"}, args...)...)
}

// background runs a program in the namespace until the test ends, and gives what it says.
func (s space) background(t *testing.T, environment []string, args ...string) *lockedBuffer {
	t.Helper()
	cmd, log := exec.Command("nsenter", append([]string{"-t", string(s), "-n"}, args...)...), &lockedBuffer{}
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", args[0], log)
		}
	})
	return log
}

// newSpace makes a network namespace.
func newSpace(t *testing.T) space {
	t.Helper()
	keeper := exec.Command("unshare", "-n", "sleep", "600")
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keeper.Process.Kill(); _ = keeper.Wait() })
	s := space(fmt.Sprint(keeper.Process.Pid))
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if there, err := os.Readlink("/proc/" + string(s) + "/ns/net"); err == nil && there != here {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no network namespace came up")
		}
	}
	s.run(t, "ip", "link", "set", "lo", "up")
	return s
}

// newRoutedServer makes the home. The present namespace is the server's.
func newRoutedServer(t *testing.T) *routedServer {
	t.Helper()
	run(t, "ip", "link", "set", "lo", "up")
	h := &routedServer{router: newSpace(t), child: newSpace(t), mother: newSpace(t), up: newNosy(t)}
	run(t, "ip", "link", "add", "wan0", "type", "veth", "peer", "name", "wan1")
	run(t, "ip", "link", "set", "wan1", "netns", string(h.router))
	run(t, "ip", "addr", "add", serverWAN+"/24", "dev", "wan0")
	run(t, "ip", "link", "set", "wan0", "up")
	run(t, "ip", "route", "add", "192.168.77.0/24", "via", routerWAN)
	for _, line := range []string{
		"ip link add br0 address " + routerMAC + " type bridge", "ip addr add " + routerLAN + "/24 dev br0", "ip addr add fd77::1/64 dev br0 nodad", "ip link set br0 up",
		"ip addr add " + routerWAN + "/24 dev wan1", "ip link set wan1 up", "sysctl -qw net.ipv4.ip_forward=1",
	} {
		h.router.run(t, strings.Fields(line)...)
	}
	for i, d := range []struct {
		space
		mac, four, six string
	}{{h.child, childMAC, miasIP, "fd77::20"}, {h.mother, motherMAC, annasIP, "fd77::30"}} {
		port := fmt.Sprintf("lan%d", i+1)
		h.router.run(t, "ip", "link", "add", port, "type", "veth", "peer", "name", "lan0", "address", d.mac)
		h.router.run(t, "ip", "link", "set", port, "master", "br0", "up")
		h.router.run(t, "ip", "link", "set", "lan0", "netns", string(d.space))
		d.run(t, "ip", "link", "set", "lan0", "up")
		d.run(t, "sysctl", "-qw", "net.ipv4.conf.lan0.promote_secondaries=1") // for move
		d.run(t, "ip", "addr", "add", d.four+"/24", "dev", "lan0")
		d.run(t, "ip", "addr", "add", d.six+"/64", "dev", "lan0", "nodad")
		d.run(t, "ip", "route", "add", "default", "via", routerLAN)
	}
	s := &server{t: t, dir: t.TempDir(), dns: serverWAN + ":53", http: freePort(t), metrics: freePort(t), log: &lockedBuffer{}}
	s.config = s.dir + "/hearth.yaml"
	h.server = s
	s.write(h.text(""))
	s.start()
	return h
}

// text is the configuration with forwarders.
func (h *routedServer) text(forwarders string) string {
	return fmt.Sprintf("listen: [{addresses: [\"%s:53\"]}]\nlanding: {ipv4: %s, http: []}\nmetrics: {listen: %q}\nconsole: {listen: []}\nresolve: {upstreams: [%q]}\n%s%s",
		serverWAN, serverWAN, h.metrics, h.up.addr, routedHome, forwarders)
}

// forwarders has the server reload with forwarders of the household.
func (h *routedServer) forwarders(t *testing.T, yaml string) {
	t.Helper()
	h.configure(t, h.text("    forwarders: ["+yaml+"]\n"))
}

func (h *routedServer) configure(t *testing.T, text string) {
	t.Helper()
	if h.read() == text {
		return
	}
	before := strings.Count(h.log.String(), "configuration reloaded")
	h.write(text)
	h.signal(unix.SIGHUP)
	h.eventually("serves the new configuration", func() bool { return strings.Count(h.log.String(), "configuration reloaded") > before })
}

// dnsmasq runs the router's, with options, until the test ends.
func (h *routedServer) dnsmasq(t *testing.T, options ...string) {
	t.Helper()
	log := h.router.background(t, nil, append([]string{
		"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
		"--log-facility=-", "--port=53", "--bind-interfaces", "--listen-address=" + routerLAN + ",fd77::1", "--server=" + serverWAN,
	}, options...)...)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ready := false
		h.child.in(t, func() {
			c := dns.Client{Timeout: 100 * time.Millisecond}
			_, _, err := c.Exchange(question("open.example.", dns.TypeA), routerLAN+":53")
			ready = err == nil
		})
		if ready {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("dnsmasq does not answer:\n%s", log)
		}
	}
}

func (h *routedServer) ask(t *testing.T, from space, to string, q *dns.Msg) (r *dns.Msg) {
	t.Helper()
	from.in(t, func() {
		c := dns.Client{Timeout: 3 * time.Second}
		r, _, _ = c.Exchange(q, net.JoinHostPort(to, "53"))
	})
	return r
}

// nosy is an upstream that remembers which options queries carried.
type nosy struct {
	addr string
	mu   sync.Mutex
	saw  map[uint16]int
}

func newNosy(t *testing.T) *nosy {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &nosy{addr: pc.LocalAddr().String(), saw: map[uint16]int{}}
	srv := &dns.Server{PacketConn: pc, Handler: u}
	go func() { _ = srv.ActivateAndServe() }()
	t.Cleanup(func() { _ = srv.Shutdown() })
	return u
}

// ServeDNS answers every name as upstream does.
func (u *nosy) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	if o := q.IsEdns0(); o != nil {
		u.mu.Lock()
		for _, opt := range o.Option {
			u.saw[opt.Option()]++
		}
		u.mu.Unlock()
	}
	m := new(dns.Msg).SetReply(q)
	hdr := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 300}
	switch q.Question[0].Qtype {
	case dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: hdr, A: net.ParseIP(site)}}
	case dns.TypeAAAA:
		m.Answer = []dns.RR{&dns.AAAA{Hdr: hdr, AAAA: net.ParseIP("2001:db8::1")}}
	}
	_ = w.WriteMsg(m)
}

// devices lists the options by which it could have learned of a device.
func (u *nosy) devices() (found []uint16) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, code := range []uint16{8, 20292, 65001, 65073, 65074} {
		if u.saw[code] > 0 {
			found = append(found, code)
		}
	}
	return found
}
