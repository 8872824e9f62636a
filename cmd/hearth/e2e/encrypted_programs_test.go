package e2e

import (
	"bytes"
	"context"
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

// Programs that people have, each told to be each of the devices. A program that is not installed
// is skipped by name.

// program is the path of a program, looked for where system programs lie too.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// output runs a program to its end and gives what it prints.
func output(t *testing.T, environment []string, path string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), environment...)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.String(), err
}

// background runs a program until the test ends or stop is called, which lets it finish.
func background(t *testing.T, path string, args ...string) (said *lockedBuffer, stop func()) {
	t.Helper()
	said = &lockedBuffer{}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", path, said)
		}
	})
	return said, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
}

// TestKdig asks with Knot's kdig, which shows the id in the server name or in the path, or comes
// from the device's address.
func TestKdig(t *testing.T) {
	kdig := program(t, "kdig")
	s := newSecure(t, newUpstream(t)).begin()
	for _, d := range devices {
		named := d.id + "." + ownName
		for way, args := range map[string][]string{
			"tls, id in the server name":            {"-p", portOf(s.tls), "+tls", "+tls-hostname=" + named, "+tls-sni=" + named},
			"tls, from the address":                 {"-p", portOf(s.tls), "-b", d.address, "+tls", "+tls-hostname=" + ownName},
			"https, id in the path":                 {"-p", portOf(s.https), "+https=/dns-query/" + d.id, "+tls-hostname=" + ownName},
			"https GET, id in the path":             {"-p", portOf(s.https), "+https=/dns-query/" + d.id, "+https-get", "+tls-hostname=" + ownName},
			"https, id in the server name":          {"-p", portOf(s.https), "+https=" + named + "/dns-query", "+tls-hostname=" + named, "+tls-sni=" + named},
			"https GET, from the address":           {"-p", portOf(s.https), "-b", d.address, "+https", "+https-get", "+tls-hostname=" + ownName},
			"plain, from the address":               {"-p", portOf(s.dns), "-b", d.address},
			"plain over TCP, from the address":      {"-p", portOf(s.dns), "-b", d.address, "+tcp"},
			"https, a strange id, from the address": {"-p", portOf(s.https), "-b", d.address, "+https=/dns-query/" + noID, "+tls-hostname=" + ownName},
		} {
			t.Run(d.name+"/"+way, func(t *testing.T) {
				for _, n := range names {
					all := append([]string{"@127.0.0.1", n.name, "A", "+short"}, args...)
					if strings.Contains(strings.Join(args, " "), "+tls-") {
						all = append(all, "+tls-ca="+s.ca)
					}
					out, err := output(t, nil, kdig, all...)
					if got := strings.TrimSpace(out); err != nil || got != wanted(d.name, n.name) {
						t.Errorf("%s: %q (%v), want %s", n.name, got, err, wanted(d.name, n.name))
					}
				}
			})
		}
	}
}

// TestDig asks plainly with BIND's dig from each device's address.
func TestDig(t *testing.T) {
	dig := program(t, "dig")
	s := newSecure(t, newUpstream(t)).begin()
	for _, d := range devices {
		for _, n := range names {
			for _, over := range []string{"+notcp", "+tcp"} {
				out, err := output(t, nil, dig, "-b", d.address, "@127.0.0.1", "-p", portOf(s.dns), over, "+short", n.name, "A")
				if got := strings.TrimSpace(out); err != nil || got != wanted(d.name, n.name) {
					t.Errorf("%s %s %s: %q (%v), want %s", d.name, over, n.name, got, err, wanted(d.name, n.name))
				}
			}
		}
	}
}

// TestCurl opens pages whose names curl looks up at the server: the page of the name, or ours.
func TestCurl(t *testing.T) {
	curl := program(t, "curl")
	s := newSecure(t, newUpstream(t)).begin()
	s.site()
	at := "127.0.0.1:" + portOf(s.https)
	for _, d := range devices {
		for place, url := range map[string]string{
			"path": "https://" + at + "/dns-query/" + d.id, "password": "https://x:" + d.id + "@" + at + "/dns-query",
		} {
			for _, n := range names {
				out, err := output(t, nil, curl, "-sS", "--ipv4", "--noproxy", "*", "--cacert", s.ca, "--doh-url", url, "http://"+n.name+":"+portOf(s.http)+"/")
				if err != nil {
					t.Errorf("%s, id in the %s, %s: %v", d.name, place, n.name, err)
					continue
				}
				s.shown(t, d.name, n.name, out)
			}
		}
	}
}

// shown compares the page that a device gets for a name.
func (s *secure) shown(t *testing.T, device, name, page string) {
	t.Helper()
	if theirOwn := strings.Contains(page, "<title>the real "+name); theirOwn != (wanted(device, name) == theirs) {
		t.Errorf("%s gets for %s\n%.300s", device, name, page)
	}
	if ours := strings.Contains(page, "blocked") || strings.Contains(page, "dangerous"); wanted(device, name) == landed && !ours {
		t.Errorf("%s gets a page that does not say that %s is blocked: %.300s", device, name, page)
	}
}

// TestChromium has Chromium with secure DNS alone open pages. Its authorities are those of a
// database of its own.
func TestChromium(t *testing.T) {
	chromium, certutil := program(t, "chromium"), program(t, "certutil")
	s := newSecure(t, newUpstream(t)).begin()
	s.site()
	home := t.TempDir()
	store := filepath.Join(home, ".pki", "nssdb")
	must(t, os.MkdirAll(store, 0o700))
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "hearth", "-i", s.ca}} {
		if out, err := output(t, nil, certutil, append([]string{"-d", "sql:" + store}, args...)...); err != nil {
			t.Fatal(out, err)
		}
	}
	for _, d := range devices {
		profile := filepath.Join(home, d.name)
		must(t, os.MkdirAll(profile, 0o700))
		secureDNS := fmt.Sprintf(`{"dns_over_https":{"mode":"secure","templates":"https://%s/dns-query/%s{?dns}"}}`, s.https, d.id)
		must(t, os.WriteFile(filepath.Join(profile, "Local State"), []byte(secureDNS), 0o600))
		for _, n := range names {
			out, err := output(t, []string{"HOME=" + home}, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
				"--user-data-dir="+profile, "--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom", "http://"+n.name+":"+portOf(s.http)+"/")
			if err != nil {
				t.Errorf("%s, %s: %v", d.name, n.name, err)
				continue
			}
			s.shown(t, d.name, n.name, out)
		}
	}
}

// forwarders are programs that ask us over an encrypted connection on behalf of others, with how
// they are told: the address where they listen, the server, the device's id.
var forwarders = []struct {
	name, program, file string
	args                func(file string) []string
	config              func(s *secure, listen, id string) string
}{
	{"stubby, by the authority", "stubby", "stubby.yml", dashC, func(s *secure, listen, id string) string {
		return fmt.Sprintf("tls_ca_file: %q\n", s.ca) + stubby(listen, id, s)
	}},
	{"stubby, by the pin", "stubby", "stubby.yml", dashC, func(s *secure, listen, id string) string {
		return stubby(listen, id, s) + fmt.Sprintf("    tls_pubkey_pinset:\n      - digest: \"sha256\"\n        value: %s\n", s.pin())
	}},
	{"unbound", "unbound", "unbound.conf", func(f string) []string { return []string{"-d", "-c", f} }, func(s *secure, listen, id string) string {
		return fmt.Sprintf("server:\n interface: %s\n username: \"\"\n chroot: \"\"\n directory: %q\n pidfile: \"\"\n do-daemonize: no\n use-syslog: no\n do-not-query-localhost: no\n"+
			" tls-cert-bundle: %q\n module-config: \"iterator\"\nremote-control:\n control-enable: no\nforward-zone:\n name: \".\"\n forward-tls-upstream: yes\n forward-addr: 127.0.0.1@%s#%s.%s\n",
			at(listen), s.dir, s.ca, portOf(s.tls), id, ownName)
	}},
	{"dnsdist over TLS", "dnsdist", "dnsdist.conf", supervised, func(s *secure, listen, id string) string {
		return fmt.Sprintf("setLocal(%q)\nsetACL({\"127.0.0.0/8\"})\nnewServer({address=%q, tls=\"openssl\", caStore=%q, subjectName=\"%s.%s\", validateCertificates=true, checkName=\"health.home-lists.example.\"})\n",
			listen, s.tls, s.ca, id, ownName)
	}},
	{"dnsdist over HTTPS", "dnsdist", "dnsdist.conf", supervised, func(s *secure, listen, id string) string {
		return fmt.Sprintf("setLocal(%q)\nsetACL({\"127.0.0.0/8\"})\nnewServer({address=%q, tls=\"openssl\", caStore=%q, subjectName=%q, dohPath=\"/dns-query/%s\", validateCertificates=true, checkName=\"health.home-lists.example.\"})\n",
			listen, s.https, s.ca, ownName, id)
	}},
}

func dashC(file string) []string { return []string{"-C", file} }

func supervised(file string) []string {
	return []string{"--supervised", "--disable-syslog", "-C", file}
}

// at writes an address and port as unbound and stubby do.
func at(listen string) string { return strings.Replace(listen, ":", "@", 1) }

// stubby is its configuration without what it believes. A pin belongs to its last section.
func stubby(listen, id string, s *secure) string {
	head := fmt.Sprintf("resolution_type: GETDNS_RESOLUTION_STUB\ndns_transport_list: [GETDNS_TRANSPORT_TLS]\ntls_authentication: GETDNS_AUTHENTICATION_REQUIRED\n"+
		"tls_query_padding_blocksize: 128\nidle_timeout: 10000\nlisten_addresses: [%s]\n", at(listen))
	one := fmt.Sprintf("upstream_recursive_servers:\n  - address_data: 127.0.0.1\n    tls_port: %s\n    tls_auth_name: \"%s.%s\"\n", portOf(s.tls), id, ownName)
	return head + one
}

// pin is what `hearth enrol` says that stubby, kdig and others may pin.
func (s *secure) pin() string {
	s.t.Helper()
	out, _ := s.hearth("enrol", "--config", s.config)
	_, rest, found := strings.Cut(out, "its pin (SPKI)")
	if !found {
		s.t.Fatalf("hearth enrol tells no pin: %s", out)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// TestForwarders puts each program between a client and the server, as each device.
func TestForwarders(t *testing.T) {
	s := newSecure(t, newUpstream(t)).begin()
	for _, f := range forwarders {
		t.Run(f.name, func(t *testing.T) {
			path := program(t, f.program)
			for _, d := range devices {
				t.Run(d.name, func(t *testing.T) {
					listen, file := freePort(t), filepath.Join(t.TempDir(), f.file)
					must(t, os.WriteFile(file, []byte(f.config(s, listen, d.id)), 0o600))
					background(t, path, f.args(file)...)
					between := client{to: listen}
					s.eventually("is reached through "+f.name, func() bool {
						r, err := between.tcp(question("health.home-lists.example", dns.TypeA))
						return err == nil && addresses(r) == theirs
					})
					for _, n := range names { // without the extended error, which belongs to one hop
						r, err := between.udp(question(n.name, dns.TypeA))
						if err != nil {
							t.Error(n.name, err)
						} else if got := addresses(r); got != wanted(d.name, n.name) {
							t.Errorf("%s: %s, want %s", n.name, got, wanted(d.name, n.name))
						}
					}
				})
			}
		})
	}
}
