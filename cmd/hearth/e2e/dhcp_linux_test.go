package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The home behind a router that routes, and gives addresses: it has one to give, which its devices have one after the
// other. Hearth sees no MAC, only the router's lease file. The guests are grown-ups, so that whoever is taken for one is
// not filtered, and so is whoever is taken for the mother.
const (
	leasedIP   = "192.168.77.50"
	slateMAC   = "02:00:5e:10:00:5a" // of nobody; the device calls itself mias-slate
	leasedHome = `
profiles:
  - {name: kids, band: child, block_mode: "null", rules: [{name: blocked.example, action: deny}, {name: open.example, action: allow}]}
  - {name: annas, band: adult, block_mode: "null", rules: [{name: annas.example, action: deny}]}
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [10.78.0.0/24, 192.168.77.0/24]
    guest: adult
    members: [{name: Mia, band: child, profile: kids}, {name: Anna, band: adult, profile: annas}]
    devices:
      - {name: tablet, member: Mia, macs: ["` + childMAC + `"]}
      - {name: laptop, member: Anna, macs: ["` + motherMAC + `"]}
      - {name: slate, member: Mia, hostnames: [mias-slate]}
`
)

// TestDHCPServers has real DHCP servers give real clients addresses, and asks from each at once.
func TestDHCPServers(t *testing.T) {
	t.Parallel()
	if os.Getenv(role) == "" {
		for _, program := range []string{"dnsmasq", "udhcpc", "unshare", "sysctl"} {
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("%s is not installed: %v", program, err)
			}
		}
		inNamespaces(t, "TestDHCPServers")
		return
	}
	h := newRoutedServer(t)
	for _, d := range []space{h.child, h.mother} {
		d.run(t, "ip", "addr", "flush", "dev", "lan0")
	}
	leases := filepath.Join(t.TempDir(), "leases")
	h.configure(t, fmt.Sprintf("listen: [{addresses: [\"%s:53\"]}]\nlanding: {http: []}\nmetrics: {listen: %q}\nresolve: {upstreams: [%q], local: {leases: [%s, %s.csv]}}\n%s",
		serverWAN, h.metrics, h.up.addr, leases, leases, leasedHome))
	t.Run("dnsmasq", func(t *testing.T) {
		h.router.background(t, nil, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--log-facility=-", "--port=0", "--interface=br0",
			"--bind-interfaces", "--no-ping", "--dhcp-range="+leasedIP+","+leasedIP+",255.255.255.0,2m", "--dhcp-leasefile="+leases)
		h.oneAfterTheOther(t, 6)
		h.child.run(t, "ip", "link", "set", "lan0", "down", "address", slateMAC)
		h.child.run(t, "ip", "link", "set", "lan0", "up")
		release := h.lease(t, h.child, "-R", "-x", "hostname:mias-slate")
		h.isChilds(t)
		release()
		h.child.run(t, "ip", "link", "set", "lan0", "down", "address", childMAC)
		h.child.run(t, "ip", "link", "set", "lan0", "up")
	})
	t.Run("Kea", func(t *testing.T) { h.kea(t, leases+".csv") })
}

// kea has Kea give the address, and clean up its lease file meanwhile.
func (h *routedServer) kea(t *testing.T, leases string) {
	if _, err := exec.LookPath("kea-dhcp4"); err != nil {
		t.Skipf("Kea is not installed: %v", err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`{"Dhcp4": {"interfaces-config": {"interfaces": ["br0"]}, "valid-lifetime": 3600, "min-valid-lifetime": 2, "max-valid-lifetime": 3600,
  "lease-database": {"type": "memfile", "persist": true, "name": %q, "lfc-interval": 2},
  "subnet4": [{"id": 1, "subnet": "192.168.77.0/24", "pools": [{"pool": "%s - %[2]s"}]}]}}`, leases, leasedIP)
	file := filepath.Join(dir, "kea.json")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	h.router.background(t, []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=" + dir, "KEA_LOGGER_DESTINATION=stdout"}, "kea-dhcp4", "-c", file)
	h.oneAfterTheOther(t, 3)

	h.lease(t, h.mother, "-q", "-x", "lease:2") // and does not renew it
	if got := h.told(t, h.mother, "annas.example."); got != "0.0.0.0" {
		t.Errorf("the mother is not known: %s", got)
	}
	h.eventually("forgets who had a lease that is over", func() bool { return h.told(t, h.mother, "annas.example.") == site })
	h.mother.run(t, "ip", "addr", "flush", "dev", "lan0")

	h.lease(t, h.child, "-q")
	h.isChilds(t)
	has := func(path, text string) bool {
		b, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(b), text)
	}
	h.eventually("Kea cleans up", func() bool { return has(leases+".2", childMAC) && !has(leases, childMAC) })
	for range 20 {
		h.isChilds(t)
		time.Sleep(10 * time.Millisecond)
	}
}

// oneAfterTheOther has the mother and the child take the address in turn. Each is known from the first query on.
func (h *routedServer) oneAfterTheOther(t *testing.T, rounds int) {
	t.Helper()
	for range rounds {
		release := h.lease(t, h.mother, "-R")
		if got := h.told(t, h.mother, "annas.example."); got != "0.0.0.0" {
			t.Errorf("with a new lease the mother is not known: %s", got)
		}
		release()
		release = h.lease(t, h.child, "-R")
		h.isChilds(t)
		release()
	}
}

func (h *routedServer) isChilds(t *testing.T) {
	t.Helper()
	if blocked, open := h.told(t, h.child, "blocked.example."), h.told(t, h.child, "open.example."); blocked != "0.0.0.0" || open != site {
		t.Errorf("the child is told %s of what is blocked and %s of what is not", blocked, open)
	}
}

// told gives the address that a device is told, or what else it is told.
func (h *routedServer) told(t *testing.T, d space, name string) string {
	t.Helper()
	r := h.ask(t, d, serverWAN, question(name, dns.TypeA))
	if r == nil {
		return "nothing"
	}
	if r.Rcode != dns.RcodeSuccess {
		return dns.RcodeToString[r.Rcode]
	}
	return addresses(r)
}

// leaseScript does what udhcpc(8) leaves to a script: it sets what the server gave, and says when it has.
const leaseScript = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr replace "$ip/24" dev "$interface" && ip route replace default via ` + routerLAN + ` && echo "$ip" > "$HEARTH_TEST_LEASE"
`

// lease has a device get the address by DHCP; with the option -R what it gives gives it back.
func (h *routedServer) lease(t *testing.T, d space, options ...string) (release func()) {
	t.Helper()
	dir := t.TempDir()
	script, done := filepath.Join(dir, "script"), filepath.Join(dir, "done")
	if err := os.WriteFile(script, []byte(leaseScript), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	cmd, log := exec.Command("nsenter", append([]string{"-t", string(d), "-n", "udhcpc", "-f", "-i", "lan0", "-t", "100", "-T", "1", "-s", script}, options...)...), &lockedBuffer{}
	cmd.Env = append(os.Environ(), "HEARTH_TEST_LEASE="+done)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if b, err := os.ReadFile(done); err == nil && strings.TrimSpace(string(b)) == leasedIP {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no lease came:\n%s", log)
		}
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
		d.run(t, "ip", "addr", "flush", "dev", "lan0")
	}
}
