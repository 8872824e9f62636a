//go:build linux

package e2e

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A home in network namespaces: Hearth and all of the internet in one, each device in one of its own, from which
// there is no other way out.

const (
	hearthAt   = "10.91.0.1"
	googleAt   = "8.8.8.8" // here Hearth too, as where a router leads every question to port 53
	awayAt     = "8.8.4.4" // a resolver that is not Hearth; browsers know that it belongs to googleAt
	casino     = "casino.home-lists.example"
	slow       = "slow.home-lists.example"
	casinoHost = "198.51.100.77"

	inside = "HEARTH_E2E_NAMESPACE" // in which a test runs
)

// thing is a device: its namespace and its address.
type thing struct{ namespace, address string }

// homeOf is the home's devices, in the namespace of the home.
func homeOf(namespace string) (kim, alex thing) {
	return thing{namespace + "-k", "10.91.1.2"}, thing{namespace + "-a", "10.91.2.2"}
}

// homes counts the namespaces of this process, so that each has a name of its own.
var homes atomic.Int64

// athome runs the test that calls it once more, in the namespace of a home: it reports whether this is that run.
func athome(t *testing.T, programs ...string) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("namespaces need root")
	}
	for _, p := range append(programs, "ip", "mount") {
		program(t, p)
	}
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	ns := fmt.Sprintf("hearth-e2e-%d-%d", os.Getpid(), homes.Add(1))
	kim, alex := homeOf(ns)
	for _, name := range []string{ns, kim.namespace, alex.namespace} {
		ip("netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		ip("-n", name, "link", "set", "lo", "up")
	}
	for _, address := range []string{hearthAt, googleAt, awayAt, unsafeHost, safeHost, casinoHost} {
		ip("-n", ns, "addr", "add", address+"/32", "dev", "lo")
	}
	for i, d := range []thing{kim, alex} {
		port, gateway := fmt.Sprintf("port%d", i), strings.TrimSuffix(d.address, "2")+"1"
		ip("-n", ns, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", d.namespace)
		ip("-n", ns, "addr", "add", gateway+"/24", "dev", port)
		ip("-n", ns, "link", "set", port, "up")
		ip("-n", d.namespace, "addr", "add", d.address+"/24", "dev", "eth0")
		ip("-n", d.namespace, "link", "set", "eth0", "up")
		ip("-n", d.namespace, "route", "add", "default", "via", gateway)
	}
	self, err := os.Executable()
	must(t, err)
	again := exec.CommandContext(t.Context(), "ip", "netns", "exec", ns, self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=8m")
	again.Env = append(os.Environ(), inside+"="+ns)
	out, err := again.CombinedOutput()
	t.Logf("in the namespace of a home:\n%s", out)
	if err != nil {
		t.Error(err)
	}
	return false
}

// run runs a program on the device, whose resolver is at an address.
func (d thing) run(t *testing.T, resolver string, environment []string, path string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+resolver+"\n"), 0o644)) //nolint:gosec // others read it
	must(t, os.WriteFile(filepath.Join(dir, "nsswitch.conf"), []byte("hosts: files dns\n"), 0o644))      //nolint:gosec // others read it
	const own = `for f in resolv.conf nsswitch.conf; do mount --bind "$0/$f" "/etc/$f" || exit; done; exec "$@"`
	return output(t, environment, "ip", append([]string{"netns", "exec", d.namespace, "sh", "-c", own, dir, path}, args...)...)
}

// host is a server on ports 80 and 443 that counts who comes.
type host struct {
	mu   sync.Mutex
	came map[string]int // connections by address
}

// visits is how often a device came.
func (h *host) visits(d thing) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.came[d.address]
}

type visited struct {
	net.Listener
	h *host
}

func (v visited) Accept() (net.Conn, error) {
	conn, err := v.Listener.Accept()
	if err == nil {
		from, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		v.h.mu.Lock()
		v.h.came[from]++
		v.h.mu.Unlock()
	}
	return conn, err
}

func newHost(t *testing.T, address string, says http.HandlerFunc) *host {
	t.Helper()
	h := &host{came: map[string]int{}}
	for _, port := range []string{"80", "443"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewUnstartedServer(says)
		_ = srv.Listener.Close()
		srv.Listener, srv.EnableHTTP2 = visited{ln, h}, true
		srv.TLS = &tls.Config{EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{hello()}} //nolint:gosec // a test's own
		if port == "443" {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		t.Cleanup(srv.Close)
	}
	return h
}

// hello is a key of Encrypted Client Hello.
var hello = sync.OnceValue(func() tls.EncryptedClientHelloKey {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	const name = "outside.example"
	config := append([]byte{7, 0, 0x20, 0, 32}, key.PublicKey().Bytes()...) // RFC 9849 section 4: id, DHKEM(X25519)
	config = append(config, 0, 4, 0, 1, 0, 1, 0, byte(len(name)))           // HKDF-SHA256, AES-128-GCM
	config = append(append(config, name...), 0, 0)                          // no extensions
	config = append([]byte{0xfe, 0x0d, 0, byte(len(config))}, config...)
	return tls.EncryptedClientHelloKey{Config: config, PrivateKey: key.Bytes()}
})

// titled is a page with what stands for the host, the name that it was asked for, and whether that was encrypted.
func titled(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		secret := ""
		if r.TLS != nil && r.TLS.ECHAccepted {
			secret = " in secret"
		}
		fmt.Fprintf(w, "<!doctype html><title>%s at %s%s</title>", what, r.Host, secret)
	}
}

// roulette is the casino's page; at the slow name it leads elsewhere, when a browser had time to look around.
func roulette(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Host, slow) {
		titled("casino")(w, r)
		return
	}
	time.Sleep(8 * time.Second)
	http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
}

// web is Hearth for Kim, a child, and Alex, an adult, and the internet around.
type web struct {
	*server
	kim, alex            thing
	unsafe, safe, casino *host
	away                 *host    // the resolver at awayAt
	asked, past          sync.Map // "name TYPE" that Hearth asked, names that away was asked
}

func newWeb(t *testing.T) *web {
	t.Helper()
	h := &web{}
	h.kim, h.alex = homeOf(os.Getenv(inside))
	h.unsafe, h.safe = newHost(t, unsafeHost, titled("unsafe")), newHost(t, safeHost, titled("safe"))
	h.casino = newHost(t, casinoHost, roulette)
	h.away = newHost(t, awayAt, h.overHTTPS)
	u := newUpstream(t)
	u.replies(func(m *dns.Msg) {
		h.asked.Store(strings.ToLower(m.Question[0].Name)+" "+dns.TypeToString[m.Question[0].Qtype], true)
		internet(m)
	})
	s := &server{t: t, dir: t.TempDir(), dns: hearthAt + ":53", http: hearthAt + ":80", metrics: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	must(t, os.WriteFile(filepath.Join(s.dir, "list.txt"), []byte(casino+"\n"), 0o600))
	s.write(fmt.Sprintf(`version: 1
listen: [{addresses: [%q, "%s:53"]}]
landing: {ipv4: %s, http: [%q]}
resolve: {upstreams: [%q]}
metrics: {listen: %q}
households:
  - id: seen
    consent: {by: parents, at: 2026-01-01}
    networks: [10.91.0.0/16, 127.0.0.0/8]
    members: [{name: Kim, band: child}, {name: Alex, band: adult}]
    devices:
      - {name: kim, addresses: [%s, 127.0.0.2], member: Kim}
      - {name: alex, addresses: [%s, 127.0.0.4], member: Alex}
lists: {sources: [{name: casinos, path: list.txt, format: domains, categories: [money.gambling]}]}
`, s.dns, googleAt, hearthAt, s.http, u.addr, s.metrics, h.kim.address, h.alex.address))
	h.server = s.start()
	h.eventually("blocks what is in the lists", func() bool { return addresses(h.ask("udp", "127.0.0.2", casino, dns.TypeA)) == hearthAt })
	return h
}

// places are the names that there are on the internet, and where.
var places = map[string]string{
	"www.google.com.": unsafeHost, "www.youtube.com.": unsafeHost,
	"forcesafesearch.google.com.": safeHost, "restrict.youtube.com.": safeHost,
	casino + ".": casinoHost, slow + ".": casinoHost,
	"firefox.com.": casinoHost, "mozilla.org.": casinoHost, "example.com.": awayAt,
	"dns.google.": awayAt, "www.gstatic.com.": casinoHost, // where a browser looks whether it gets answers from away
	"use-application-dns.net.": casinoHost, "mask.icloud.com.": casinoHost, "mask-h2.icloud.com.": casinoHost,
	"mask-canary.icloud.com.": casinoHost, "dns-tunnel-check.googlezip.net.": casinoHost,
}

// internet makes a reply what the internet says. An engine has a service binding with its address and a key.
func internet(m *dns.Msg) {
	q := m.Question[0]
	at, known := places[strings.ToLower(q.Name)]
	hdr := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 300}
	switch m.Answer = nil; {
	case !known:
		m.Rcode = dns.RcodeNameError
	case q.Qtype == dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: hdr, A: net.ParseIP(at)}}
	case q.Qtype == dns.TypeHTTPS && (at == unsafeHost || at == safeHost):
		list := hello().Config
		m.Answer = []dns.RR{&dns.HTTPS{SVCB: dns.SVCB{Hdr: hdr, Priority: 1, Target: ".", Value: []dns.SVCBKeyValue{
			&dns.SVCBAlpn{Alpn: []string{"h2"}}, &dns.SVCBIPv4Hint{Hint: []net.IP{net.ParseIP(at)}}, &dns.SVCBECHConfig{ECH: append([]byte{0, byte(len(list))}, list...)},
		}}}}
	}
}
