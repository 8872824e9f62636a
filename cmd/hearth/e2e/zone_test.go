package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	namedBinary = "/usr/sbin/named"
	policyZone  = "policy.test."
)

// named is a primary of a policy zone, as Debian packages it.
type named struct {
	t      *testing.T
	addr   string
	key    string // file of the key, as tsig-keygen writes it
	secret string
}

// newNamed runs named with one blocked name among others, and has it tell notify of changes.
func newNamed(t *testing.T, notify, blocked string) *named {
	t.Helper()
	if _, err := os.Stat(namedBinary); err != nil {
		t.Skipf("%s is not installed: apt-get install bind9", namedBinary)
	}
	dir := t.TempDir()
	n := &named{t: t, addr: freePort(t), key: filepath.Join(dir, "feed.key"), secret: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
	key := fmt.Sprintf("key \"feed-key\" {\n\talgorithm hmac-sha256;\n\tsecret \"%s\";\n};\n", n.secret)
	config := fmt.Sprintf(`
options {
	directory "%[1]s"; pid-file none; session-keyfile "%[1]s/session.key"; managed-keys-directory "%[1]s";
	listen-on port %[2]s { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; notify explicit; notify-delay 0;
};
controls { };
include "%[3]s";
zone "policy.test" {
	type primary; file "%[1]s/policy.zone";
	allow-transfer { key feed-key; }; allow-update { key feed-key; };
	also-notify { 127.0.0.1 port %[4]s key feed-key; };
};
`, dir, portOf(n.addr), n.key, portOf(notify))
	zone := "$TTL 60\n@ SOA ns.test. m.test. 7 3600 600 86400 60\n@ NS ns.test.\n" + blocked + " CNAME .\n"
	for i := range 200 { // named sends no increment that is larger than the zone
		zone += fmt.Sprintf("zone-more%d.example CNAME .\n", i)
	}
	for name, text := range map[string]string{n.key: key, filepath.Join(dir, "named.conf"): config, filepath.Join(dir, "policy.zone"): zone} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := &lockedBuffer{}
	run := exec.Command(namedBinary, "-g", "-c", filepath.Join(dir, "named.conf"))
	run.Stdout, run.Stderr, run.WaitDelay = log, log, 5*time.Second
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			t.Logf("named says:\n%s", log)
		}
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if m, err := dns.Exchange(new(dns.Msg).SetQuestion(policyZone, dns.TypeSOA), n.addr); err == nil && len(m.Answer) == 1 {
			return n
		}
		if time.Now().After(end) {
			t.Fatal("named never answers")
		}
	}
}

// change blocks names and lifts others by a dynamic update (RFC 2136).
func (n *named) change(block, lift []string) {
	n.t.Helper()
	records := func(names []string) (all []dns.RR) {
		for _, name := range names {
			rr, err := dns.NewRR(name + "." + policyZone + " 60 IN CNAME .")
			if err != nil {
				n.t.Fatal(err)
			}
			all = append(all, rr)
		}
		return all
	}
	m := new(dns.Msg).SetUpdate(policyZone)
	m.Remove(records(lift))
	m.Insert(records(block))
	m.SetTsig("feed-key.", dns.HmacSHA256, 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", TsigSecret: map[string]string{"feed-key.": n.secret}}
	if r, _, err := c.Exchange(m, n.addr); err != nil || r.Rcode != dns.RcodeSuccess {
		n.t.Fatalf("update: %v, %v", r, err)
	}
}

// TestZoneFromNamed: a policy zone of Debian's bind9 is in force, and a change of it seconds after its NOTIFY, which
// is measured; no timer would bring it within an hour.
func TestZoneFromNamed(t *testing.T) {
	const first, second = "zone-first.example", "zone-second.example"
	u := newUpstream(t)
	notify := freePort(t)
	n := newNamed(t, notify, first)
	s := &server{t: t, dir: t.TempDir(), dns: freePort(t), http: freePort(t), metrics: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	s.write(fmt.Sprintf(`version: 1
listen: [{addresses: ["%s"]}]
landing: {ipv4: 127.0.0.1, ipv6: "::1", http: ["%s"]}
resolve: {upstreams: ["%s"]}
metrics: {listen: "%s"}
households:
  - id: real
    consent: {by: parents, at: 2026-01-01}
    networks: [127.0.0.0/8]
    members: [{name: Kim, band: child}]
    devices: [{name: kim, addresses: [127.0.0.2], member: Kim}]
lists:
  notify: ["%s"]
  sources:
    - name: policy
      zone: {name: policy.test, primaries: ["%s"], tsig: {name: feed-key, secret_file: "%s"}}
      private: true
      categories: [sec.malware]
`, s.dns, s.http, u.addr, s.metrics, notify, n.addr, n.key))
	s.start()
	address := func(name string) string { return addresses(s.ask("udp", "127.0.0.2", name, dns.TypeA)) }
	s.eventually("blocks what the zone had at the start", func() bool { return address(first) != "192.0.2.1" })
	if got := address(second); got != "192.0.2.1" {
		t.Fatalf("%s A = %q, want the upstream's 192.0.2.1", second, got)
	}
	s.eventually("listens for NOTIFY", func() bool {
		c, err := net.Dial("tcp", notify)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	for i, names := range [][2]string{{second, first}, {first, second}, {second, first}} {
		if i == 2 { // the library of another configuration listens where the one before did
			s.write(strings.Replace(s.read(), "[sec.malware]", "[sec.malware, sec.scam]", 1))
			if out, code := s.reload(); code != 0 {
				t.Fatalf("reload: %s", out)
			}
		}
		from := time.Now()
		n.change(names[:1], names[1:])
		s.eventually("blocks what the zone blocks now", func() bool { return address(names[0]) != "192.0.2.1" })
		t.Logf("change %d is in force %s after the primary took it", i, time.Since(from).Round(time.Millisecond))
		if got := address(names[1]); got != "192.0.2.1" {
			t.Errorf("%s A = %q, want the upstream's 192.0.2.1: the zone lifted it", names[1], got)
		}
	}
	if metrics := s.scrape(); !strings.Contains(metrics, `hearth_list_notify_total{outcome="accepted"} `) || !s.metric(`hearth_list_notify_total{outcome="bad_signature"}`, "0") {
		t.Error("the metrics do not tell of NOTIFY")
	}
	if dig, err := exec.LookPath("dig"); err == nil {
		out, err := exec.Command(dig, "-b", "127.0.0.2", "@127.0.0.1", "-p", portOf(s.dns), "+noall", "+comments", "+answer", second, "A").CombinedOutput()
		if err != nil || strings.Contains(string(out), "192.0.2.1") || !strings.Contains(string(out), "EDE") {
			t.Errorf("dig: %v\n%s", err, out)
		}
	}
	if !strings.Contains(s.log.String(), "IXFR") {
		t.Errorf("no increment was transferred:\n%s", s.log)
	}
}
