package forward

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// alien is a server of another project, which answers www.example.com from its configuration or
// from the upstream given.
type alien struct {
	name   string
	args   func(dir string) []string
	config string            // with PORT1 and so on, CERT, KEY and UPSTREAM
	urls   map[string]string // by network, with the same ports
}

var realServers = []alien{
	{
		"coredns", func(dir string) []string { return []string{"-conf", filepath.Join(dir, "config")} },
		`(all) {
	bind 127.0.0.1
	tls CERT KEY
	forward . UPSTREAM
}
tls://.:PORT1 {
	import all
}
https://.:PORT2 {
	import all
}
quic://.:PORT3 {
	import all
}
https3://.:PORT4 {
	import all
}
`, map[string]string{
			"tls": "tls://127.0.0.1:PORT1", "https": "https://127.0.0.1:PORT2/dns-query",
			"quic": "quic://127.0.0.1:PORT3", "h3": "h3://127.0.0.1:PORT4/dns-query",
		},
	},
	{
		"dnsdist", func(dir string) []string {
			return []string{"--supervised", "--disable-syslog", "-C", filepath.Join(dir, "config")}
		},
		`setLocal("127.0.0.1:PORT1")
setACL("127.0.0.0/8")
addTLSLocal("127.0.0.1:PORT2", "CERT", "KEY")
addDOHLocal("127.0.0.1:PORT3", "CERT", "KEY", "/dns-query")
newServer({address="UPSTREAM", healthCheckMode="up"})
setSecurityPollSuffix("")
`, map[string]string{"tcp": "tcp://127.0.0.1:PORT1", "tls": "tls://127.0.0.1:PORT2", "https": "https://127.0.0.1:PORT3/dns-query"},
	},
	{
		"kresd", func(dir string) []string { return []string{"-n", "-q", "-c", filepath.Join(dir, "config"), dir} },
		`net.listen("127.0.0.1", PORT1, {kind="dns"})
net.listen("127.0.0.1", PORT2, {kind="tls"})
net.listen("127.0.0.1", PORT3, {kind="doh2"})
net.tls("CERT", "KEY")
trust_anchors.remove(".")
modules = {"hints > iterate"}
hints["www.example.com"] = "192.0.2.1"
`, map[string]string{"tcp": "tcp://127.0.0.1:PORT1", "tls": "tls://127.0.0.1:PORT2", "https": "https://127.0.0.1:PORT3/dns-query"},
	},
	{
		"unbound", func(dir string) []string { return []string{"-d", "-p", "-c", filepath.Join(dir, "config")} },
		`server:
	interface: 127.0.0.1@PORT1
	interface: 127.0.0.1@PORT2
	tls-port: PORT2
	interface: 127.0.0.1@PORT3
	https-port: PORT3
	tls-service-pem: CERT
	tls-service-key: KEY
	username: ""
	chroot: ""
	use-syslog: no
	local-data: "www.example.com. 60 IN A 192.0.2.1"
`, map[string]string{"tcp": "tcp://127.0.0.1:PORT1", "tls": "tls://127.0.0.1:PORT2", "https": "https://127.0.0.1:PORT3/dns-query"},
	},
}

// program returns where a server is, in the project's own bin or in the path.
func program(t *testing.T, name string) string {
	t.Helper()
	if own, err := filepath.Abs(filepath.Join("..", "..", "bin", name)); err == nil {
		if _, err := os.Stat(own); err == nil {
			return own
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s on this machine", name)
	}
	return path
}

// freePort returns a port that nobody uses over TCP or UDP.
func freePort(t *testing.T) string {
	t.Helper()
	for range 20 {
		at := deadPort(t)
		if conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); err == nil {
			_ = conn.Close()
			return fmt.Sprint(at.Port())
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Servers that others made answer over each of their transports.
func TestRealServers(t *testing.T) {
	once(t)
	ca := newAuthority(t, nil)
	for _, s := range realServers {
		t.Run(s.name, func(t *testing.T) {
			path := program(t, s.name)
			dir := t.TempDir()
			words := []string{"UPSTREAM", newEvil(t, truth).addr.String()}
			cert, key := writePair(t, dir, ca.issue(nil))
			words = append(words, "CERT", cert, "KEY", key)
			for i := range 4 {
				words = append(words, fmt.Sprintf("PORT%d", i+1), freePort(t))
			}
			fill := strings.NewReplacer(words...)
			if err := os.WriteFile(filepath.Join(dir, "config"), []byte(fill.Replace(s.config)), 0o600); err != nil {
				t.Fatal(err)
			}
			out := start(t, path, s.args(dir))
			for network, url := range s.urls {
				t.Run(network, func(t *testing.T) {
					cfg := Config{Upstreams: []string{fill.Replace(url)}}
					if network != "tcp" {
						cfg.Servers = []Server{{URL: cfg.Upstreams[0], CAFile: ca.file}}
					}
					f := impatient(t, cfg)
					defer f.Close()
					var err error
					for range 100 { // until it listens
						if _, err = ask(t, f); err == nil {
							break
						}
						time.Sleep(100 * time.Millisecond)
					}
					if err != nil {
						said, _ := os.ReadFile(out)
						t.Fatalf("%s over %s: %v\n%s", s.name, network, err, said)
					}
					opened := scrape(t, f)["hearth_upstream_connections_opened_total"]
					for range 20 {
						want(t, f, "192.0.2.1")
					}
					if n := scrape(t, f)["hearth_upstream_connections_opened_total"] - opened; n > 0 {
						t.Errorf("%v more connections for 20 more questions, want none", n)
					}
				})
			}
		})
	}
}

// start runs a server until the end of the test and returns the file that it writes to.
func start(t *testing.T, path string, args []string) (out string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
	})
	return log.Name()
}

// writePair writes a certificate and its key as PEM.
func writePair(t *testing.T, dir string, c *tls.Certificate) (cert, key string) {
	t.Helper()
	var text []byte
	for _, raw := range c.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(cert, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return cert, key
}
