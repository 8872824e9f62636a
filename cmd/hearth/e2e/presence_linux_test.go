package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// role tells the runs of a test in other network namespaces from the first.
const role = "HEARTH_TEST_ROLE"

// The home of the tests: a bridge with the server, and behind it a child's device and a mother's. The guests of this
// home are grown-ups, so that whoever is taken for one is not filtered.
const (
	childMAC  = "02:00:5e:10:00:0c"
	motherMAC = "02:00:5e:10:00:0a"
	home      = `
profiles:
  - {name: kids, band: child, block_mode: "null", rules: [{name: blocked.example, action: deny}, {name: open.example, action: allow}]}
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [10.77.0.0/24, "2001:db8:77::/64", "fe80::/10"]
    guest: adult
    members: [{name: Mia, band: child, profile: kids}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, member: Mia, macs: ["` + childMAC + `"]}
      - {name: laptop, member: Anna, macs: ["` + motherMAC + `"]}
      - {name: toy, member: Mia, hostnames: [mias-toy]}
`
)

// TestAddressChanges: a child's device that takes new addresses, and those of others, in the middle of a stream of
// queries gets not one answer that its profile blocks.
func TestAddressChanges(t *testing.T) {
	t.Parallel()
	switch os.Getenv(role) {
	case "":
		inNamespaces(t, "TestAddressChanges")
	case "server":
		h := newHome(t, "neighbours: true")
		for _, stream := range []string{"new", "taken", "link-local"} {
			out := h.run(t, h.child, "TestAddressChanges", stream, h.server.dns)
			if !strings.Contains(out, "leaks=0 ") || strings.Contains(out, "open=0 ") || strings.Contains(out, "blocked=0 ") {
				t.Errorf("%s addresses: %s", stream, out)
			}
			t.Logf("%s addresses: %s", stream, lastLine(out))
		}
		for name := range strings.FieldsSeq("looks_total unanswered_total machines overflows_total") {
			t.Log(lineOf(h.server.scrape(), "hearth_presence_"+name))
		}
	default:
		streamQueries(t)
	}
}

// TestGuestsAreNotFiltered shows that the stream above would tell: where the kernel is not asked, the child is a guest.
func TestGuestsAreNotFiltered(t *testing.T) {
	t.Parallel()
	switch os.Getenv(role) {
	case "":
		inNamespaces(t, "TestGuestsAreNotFiltered")
	case "server":
		h := newHome(t, "neighbours: false")
		if out := h.run(t, h.child, "TestGuestsAreNotFiltered", "new", h.server.dns); strings.Contains(out, "leaks=0 ") {
			t.Errorf("nothing leaks without the kernel either: %s", out)
		}
	default:
		streamQueries(t)
	}
}

// inNamespaces runs the test again in a network namespace of its own.
func inNamespaces(t *testing.T, test string) {
	t.Helper()
	for _, program := range []string{"ip", "nsenter", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: %v", program, err)
		}
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	again.Env = append(os.Environ(), role+"=server")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := again.CombinedOutput()
	switch {
	case os.IsPermission(err):
		t.Skipf("this user may not make a network namespace: %v", err)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// testHome is a server with two devices, each in a namespace of its own.
type testHome struct {
	server        *server
	child, mother space
}

func newHome(t *testing.T, presence string) *testHome {
	t.Helper()
	run(t, "ip", "link", "set", "lo", "up")
	if out, err := exec.Command("ip", "link", "add", "br0", "type", "bridge").CombinedOutput(); err != nil {
		t.Skipf("this kernel has no bridges: %v: %s", err, out)
	}
	run(t, "ip", "addr", "add", "10.77.0.1/24", "dev", "br0")
	run(t, "ip", "addr", "add", "2001:db8:77::1/64", "dev", "br0", "nodad")
	run(t, "ip", "addr", "add", "fe80::1/64", "dev", "br0", "nodad")
	run(t, "ip", "link", "set", "br0", "up")
	h := &testHome{child: device(t, "kid0", childMAC), mother: device(t, "mum0", motherMAC)}
	u := newUpstream(t)
	s := &server{t: t, dir: t.TempDir(), dns: "10.77.0.1:53", http: "10.77.0.1:80", metrics: freePort(t), log: &lockedBuffer{}}
	s.config = s.dir + "/hearth.yaml"
	s.write(fmt.Sprintf("listen: [{addresses: [\"0.0.0.0:53\", \"[::]:53\"]}]\nlanding: {http: [%q]}\nmetrics: {listen: %q}\nresolve: {upstreams: [%q]}\npresence: {%s}\n%s",
		s.http, s.metrics, u.addr, presence, home))
	h.server = s.start()
	return h
}

// device makes a network namespace with one interface on the bridge.
func device(t *testing.T, name, mac string) space {
	t.Helper()
	s := newSpace(t)
	run(t, "ip", "link", "add", name, "type", "veth", "peer", "name", "lan0", "address", mac)
	run(t, "ip", "link", "set", name, "master", "br0", "up")
	run(t, "ip", "link", "set", "lan0", "netns", string(s))
	s.run(t, "ip", "link", "set", "lan0", "up")
	return s
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
}

// run runs a test in a device's namespace, with what it is to do, and gives what it said.
func (h *testHome) run(t *testing.T, on space, test, what, server string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "nsenter", "-t", string(on), "-n", os.Args[0], "-test.run=^"+test+"$", "-test.v")
	c.Env = append(os.Environ(), role+"="+what, "HEARTH_TEST_SERVER="+server, "HEARTH_TEST_MOTHER="+string(h.mother))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return string(out)
}

// untilKnown says something to the server, until it has told its MAC: then it knows the sender's.
const untilKnown = `for i in $(seq 500); do
	echo > /dev/udp/10.77.0.1/9; ip neigh show 10.77.0.1 | grep -q lladdr && exit; sleep 0.01
done; exit 1`

// rounds is how often a device changes its addresses.
const rounds = 30

// streamQueries changes the addresses of lan0 again and again, and asks at once from each.
func streamQueries(t *testing.T) {
	leaks, open, blocked, silent := 0, 0, 0, 0
	count := func(from, to string) {
		for _, name := range []string{"blocked.example.", "open.example."} {
			switch got := addressOf(from, to, name); {
			case got == "":
				silent++
			case name == "open.example." && got == "192.0.2.1":
				open++
			case got == "192.0.2.1":
				leaks++
				t.Logf("LEAK: %s was told %s of %s", from, got, name)
			case got == "0.0.0.0":
				blocked++
			}
		}
	}
	for i := range rounds {
		four, six := fmt.Sprintf("10.77.0.%d", 20+i), fmt.Sprintf("2001:db8:77::%x", 0x100+i)
		switch os.Getenv(role) {
		case "taken": // the mother's addresses, which the kernel knows as hers
			mother := []string{"nsenter", "-t", os.Getenv("HEARTH_TEST_MOTHER"), "-n"}
			run(t, append(mother, "ip", "addr", "add", four+"/24", "dev", "lan0")...)
			run(t, append(mother, "bash", "-c", untilKnown)...)
			run(t, append(mother, "ip", "addr", "flush", "dev", "lan0")...)
			run(t, "ip", "addr", "add", four+"/24", "dev", "lan0")
			run(t, "ip", "neigh", "flush", "dev", "lan0") // so that it asks for the server's MAC first, from there
			count(four, "10.77.0.1")
		case "link-local":
			own := fmt.Sprintf("fe80::%x", 0x200+i)
			run(t, "ip", "addr", "add", own+"/64", "dev", "lan0", "nodad")
			count(own+"%lan0", "fe80::1%lan0")
		default:
			run(t, "ip", "addr", "add", four+"/24", "dev", "lan0")
			run(t, "ip", "addr", "add", six+"/64", "dev", "lan0", "nodad")
			count(four, "10.77.0.1")
			count(six, "2001:db8:77::1")
			count(four, "10.77.0.1")
		}
		run(t, "ip", "addr", "flush", "dev", "lan0", "scope", "global")
	}
	t.Logf("leaks=%d open=%d blocked=%d silent=%d ", leaks, open, blocked, silent)
}

// addressOf asks over UDP, once, "" for no address in time.
func addressOf(from, to, name string) string {
	local, err := net.ResolveUDPAddr("udp", net.JoinHostPort(from, "0"))
	if err != nil {
		return ""
	}
	c := dns.Client{Net: "udp", Timeout: 2 * time.Second, Dialer: &net.Dialer{LocalAddr: local}}
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), net.JoinHostPort(to, "53"))
	if err != nil || len(r.Answer) == 0 {
		return ""
	}
	if a, ok := r.Answer[0].(*dns.A); ok {
		return a.A.String()
	}
	return ""
}

func lineOf(text, prefix string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			return strings.TrimSpace(line)
		}
	}
	return prefix + " is missing"
}

func lastLine(out string) string {
	return lineOf(strings.TrimSpace(out[strings.LastIndex(out, "leaks="):]), "leaks=")
}
