package presence

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// inNamespace tells the second run of a test from the first.
const inNamespace = "HEARTH_TEST_NAMESPACE"

// namespaced runs the test again in a network namespace of its own; true is the second run.
func namespaced(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		ip(t, "link add hearth0 type veth peer name hearth1", "link set hearth0 address 02:00:5e:10:00:01", "link set lo up",
			"addr add 192.168.1.1/24 dev hearth0", "addr add 2001:db8:1::1/64 dev hearth0 nodad", "link set hearth0 up", "link set hearth1 up")
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skipf("ip is not installed: %v", err)
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), inNamespace+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := again.CombinedOutput()
	switch {
	case os.IsPermission(err):
		t.Skipf("this user may not make a network namespace: %v", err)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func ip(t *testing.T, lines ...string) {
	t.Helper()
	c := exec.Command("ip", "-batch", "-")
	c.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Skipf("this system does not let a test lay out a network: %v: %s", err, out)
	}
}

func eventually(t *testing.T, table *Table, a netip.Addr, want string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = found(table, a); got == want {
			return
		}
	}
	t.Errorf("%s is %q, want %q", a, got, want)
}

// TestLinux: the neighbours of a real kernel, as ip-neighbour(8) sets them.
func TestLinux(t *testing.T) {
	if !namespaced(t) {
		return
	}
	ip(t, "neigh add 192.168.1.20 lladdr "+mac(1).String()+" dev hearth0", "neigh add 192.168.1.30 lladdr "+mac(2).String()+" dev hearth0 nud stale")
	table := New(Config{Neighbours: true})
	go func() { _ = table.Run(t.Context()) }()
	link := netip.MustParseAddr("fe80::20%hearth0")
	expect(t, table, map[netip.Addr]string{
		tablet: mac(1).String(), phone: mac(2).String(), six: "?", far: "", own: "", link: "?",
		netip.MustParseAddr("2001:db8:1::1"): "", netip.MustParseAddr("fe80::5eff:fe10:1"): "?",
	})
	ip(t, "neigh add 2001:db8:1::20 lladdr "+mac(3).String()+" dev hearth0", "neigh add fe80::20 lladdr "+mac(4).String()+" dev hearth0",
		"neigh replace 192.168.1.20 lladdr "+mac(5).String()+" dev hearth0", "neigh del 192.168.1.30 dev hearth0")
	eventually(t, table, six, mac(3).String())
	eventually(t, table, link, mac(4).String())
	eventually(t, table, tablet, mac(5).String())
	eventually(t, table, phone, "?")

	k := newKernel()
	g, _, err := k.survey()
	if err != nil {
		t.Fatal(err)
	}
	number := g.linksOf(tablet)[0].number
	for a, want := range map[netip.Addr]policy.MAC{tablet: mac(5), six: mac(3), link.WithZone(""): mac(4), phone: {}} {
		m, known, err := k.ask(number, a)
		if err != nil || known == want.IsZero() || m.MAC != want {
			t.Errorf("asked for %s the kernel says %s, %t, %v; want %s", a, m.MAC, known, err, want)
		}
	}
	if out, err := exec.Command("ip", "neigh", "show", phone.String()).Output(); err != nil || !bytes.Contains(out, []byte("INCOMPLETE")) {
		t.Errorf("the kernel does not look for who it was asked for: %s, %v", out, err)
	}

	ip(t, "addr add 10.9.9.1/24 dev hearth0") // it is in that network now
	eventually(t, table, far, "?")
	ip(t, "addr del 10.9.9.1/24 dev hearth0")
	eventually(t, table, far, "")
}

// TestLinuxOverflow: more changes than the socket has room for, which nobody reads, are noticed; then all is read anew.
func TestLinuxOverflow(t *testing.T) {
	if !namespaced(t) {
		return
	}
	table := New(Config{Neighbours: true})
	var lines []string
	for i := range 30_000 {
		lines = append(lines, fmt.Sprintf("neigh replace 192.168.1.20 lladdr %s dev hearth0", mac(i)))
	}
	ip(t, lines...)
	expect(t, table, map[netip.Addr]string{tablet: "?"}) // there is something to read
	go func() { _ = table.Run(t.Context()) }()
	eventually(t, table, tablet, mac(29_999).String())
	if n := table.counts.overflows.Load(); n == 0 {
		t.Error("nothing was lost: the test tells nothing")
	}
}

// TestClosedFeed: the end of a feed is an error, and no wait.
func TestClosedFeed(t *testing.T) {
	f, err := newKernel().subscribe()
	if err != nil {
		t.Skipf("the kernel tells nothing here: %v", err)
	}
	go func() { time.Sleep(10 * time.Millisecond); f.close() }()
	if _, err := f.next(); err == nil || errors.Is(err, errOverflow) {
		t.Errorf("after a close: %v", err)
	}
}

func BenchmarkFindNeighbour(b *testing.B) {
	f, err := newKernel().subscribe()
	if err != nil {
		b.Skip(err)
	}
	defer f.close()
	table := full(b)
	g := *table.ground.Load()
	g.feed = f
	table.ground.Store(&g)
	facts := &policy.Facts{Addr: tablet}
	for b.Loop() {
		table.Find(facts)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(encodeNeighbour(2, tablet))
	f.Add(encodeNeighbour(2, six))
	f.Fuzz(func(_ *testing.T, b []byte) {
		z := zones{}
		if n, ok := z.neighbour(b); ok && (!n.Addr.IsValid() || n.valid && n.MAC.IsZero()) {
			panic("a neighbour of nowhere")
		}
		if r, ok := parseRoute(b); ok && !r.network.IsValid() {
			panic("a route to nowhere")
		}
	})
}
