package e2e

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// The configuration of deploy/examples/encrypted.yaml as users start it, with clients of every
// kind. Its household, its ids and its members are the file's.

const (
	ownName = "hearth.home.arpa"
	kimID   = "5qq6yoioa4nzco7a4b3diiql66" // a child
	toniID  = "jsexjo3npa3rkzzimjzljwsv7s" // a teenager
	alexID  = "bfg5nksc7bwlytcxct7tatja4c" // an adult
	noID    = "aaaaaaaaaaaaaaaaaaaaaaaaaa" // of no device

	landed = "127.0.0.1" // where blocked names lead
	theirs = "127.0.0.9" // where the upstream says that allowed names are
)

// names are in lists that the test owns, by what the bands of the three say about them
// (design/policy.md, section 2). None is in the starter lists.
var names = []struct {
	name              string
	kim, toni, alex   string
	kimEDE, alexEDE   uint16 // 0: none
	category, comment string
}{
	{"casino.home-lists.example", landed, landed, theirs, dns.ExtendedErrorCodeFiltered, 0, "money.gambling", "from 18 on"},
	{"friends.home-lists.example", landed, theirs, theirs, dns.ExtendedErrorCodeFiltered, 0, "social.networks", "from 13 on, by the clock"},
	{"virus.home-lists.example", landed, landed, landed, dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeBlocked, "sec.malware", "for nobody"},
	{"wiki.home-lists.example", theirs, theirs, theirs, 0, 0, "", "on no list"},
}

// devices are the three, and the column of names that is theirs.
var devices = []struct{ name, id, band, address string }{
	{"kim", kimID, "child", "127.0.0.2"},
	{"toni", toniID, "teen", "127.0.0.3"},
	{"alex", alexID, "adult", "127.0.0.4"},
}

// wanted is where a name of the table leads a device.
func wanted(device, name string) string {
	for _, n := range names {
		if n.name == name {
			return map[string]string{"kim": n.kim, "toni": n.toni, "alex": n.alex}[device]
		}
	}
	panic(name)
}

// secure is a server of the example, with its encrypted addresses and its authority.
type secure struct {
	*server
	tls, https string // address:port; DNS over QUIC is at that of TLS, HTTP/3 at that of HTTPS
	ca         string // file
	roots      *x509.CertPool
}

// newSecure makes a server of the example with u as its upstream, on ports of its own. Parts are
// further sections of its configuration. Allowed names are in a zone of their own, for which
// loopback addresses are right, so that a browser that goes there stays on this machine.
func newSecure(t *testing.T, u *upstream, parts ...string) *secure {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/examples/encrypted.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := &secure{server: &server{t: t, dir: t.TempDir(), dns: freePort(t), http: freePort(t), metrics: freePort(t), log: &lockedBuffer{}}, tls: freePort(t), https: freePort(t)}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	out := string(text)
	for old, next := range map[string]string{`"127.0.0.1:5300"`: s.dns, `"127.0.0.1:8853"`: s.tls, `"127.0.0.1:8443"`: s.https} {
		if !strings.Contains(out, old) {
			t.Fatalf("encrypted.yaml does not mention %s", old)
		}
		out = strings.ReplaceAll(out, old, `"`+next+`"`)
	}
	u.replies(homely)
	out += fmt.Sprintf("landing: {http: [%q]}\nmetrics: {listen: %q}\n", s.http, s.metrics)
	whole := strings.Join(parts, "\n")
	if !strings.Contains(whole, "resolve:") {
		whole += fmt.Sprintf("\nresolve: {upstreams: [%q], zones: [{zone: home-lists.example, upstreams: [%q]}]}\n", u.addr, u.addr)
	}
	if !strings.Contains(whole, "limits:") { // all clients of the test are one
		whole += "\nlimits: {handshakes: {per_second: 100000, per_client: 100000}, tcp: {connections: 1000, per_client: 1000}, https: {connections: 1000, per_client: 1000}, quic: {connections: 1000, per_client: 1000}}\n"
	}
	if !strings.Contains(whole, "lists:") {
		whole += s.lists()
	}
	s.write(out + whole)
	return s
}

// homely leads all that the upstream answers with an address to the test's own.
func homely(m *dns.Msg) {
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			a.A = net.ParseIP(theirs)
		}
	}
	if m.Question[0].Qtype == dns.TypeAAAA {
		m.Answer = nil
	}
}

// lists writes the lists of the table and gives their configuration.
func (s *secure) lists() string {
	var out strings.Builder
	out.WriteString("lists:\n  sources:\n")
	for _, n := range names {
		if n.category == "" {
			continue
		}
		file := filepath.Join(s.dir, n.category+".txt")
		if err := os.WriteFile(file, []byte(n.name+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&out, "    - {name: %s, path: %s, format: domains, categories: [%s]}\n", strings.ReplaceAll(n.category, ".", "-"), file, n.category)
	}
	return out.String()
}

// begin starts the server, waits until the lists are in force and reads the authority as a user does.
func (s *secure) begin() *secure {
	s.t.Helper()
	s.start()
	out, code := s.hearth("enrol", "--ca", "--config", s.config)
	if code != 0 {
		s.t.Fatalf("hearth enrol --ca: %s", out)
	}
	s.ca, s.roots = filepath.Join(s.dir, "ca.pem"), x509.NewCertPool()
	if err := os.WriteFile(s.ca, []byte(out), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if !s.roots.AppendCertsFromPEM([]byte(out)) {
		s.t.Fatalf("hearth enrol --ca prints no certificate: %s", out)
	}
	if strings.Contains(s.read(), "casino.home-lists") || strings.Contains(s.read(), "money-gambling") {
		s.eventually("blocks what is in the lists", func() bool {
			r, err := s.try("udp", "127.0.0.2", names[0].name, dns.TypeA)
			return err == nil && addresses(r) == landed
		})
	}
	return s
}

// client is one of the Go clients, for a transport of ways.
func (s *secure) client(way, id string) client {
	c := client{roots: s.roots, name: ownName, id: id}
	switch {
	case way == "tls", way == "quic":
		c.to = s.tls
	case strings.HasPrefix(way, "https"):
		c.to = s.https
	default:
		c.to = s.dns
	}
	return c
}

// change edits the configuration and has the server take it over.
func (s *secure) change(old, next string) {
	s.t.Helper()
	text := s.read()
	if !strings.Contains(text, old) {
		s.t.Fatalf("the configuration has no %q", old)
	}
	before := strings.Count(s.log.String(), "configuration reloaded") + strings.Count(s.log.String(), "level=ERROR")
	s.write(strings.ReplaceAll(text, old, next))
	s.signal(syscall.SIGHUP)
	s.eventually("has reloaded", func() bool {
		return strings.Count(s.log.String(), "configuration reloaded")+strings.Count(s.log.String(), "level=ERROR") > before
	})
}

func question(name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	q.SetEdns0(1232, false)
	return q
}

// taken is whom the server takes a client for: the band of whoami, or the reply's code.
func taken(m *dns.Msg) string {
	for _, rr := range m.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			if band, ok := strings.CutPrefix(strings.Join(txt.Txt, ""), "band="); ok {
				return band
			}
		}
	}
	return dns.RcodeToString[m.Rcode]
}

// site serves the pages of allowed names, at the port of the landing page.
func (s *secure) site() {
	s.t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(theirs, portOf(s.http)))
	if err != nil {
		s.t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!doctype html><title>the real %s</title>", r.Host)
	})}
	go func() { _ = srv.Serve(ln) }()
	s.t.Cleanup(func() { _ = srv.Close() })
}
