package e2e

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const (
	unsafeHost = "198.51.100.66"  // of an engine as it is
	unsafeKey  = "dW5zYWZl"       // its key of Encrypted Client Hello
	safeHost   = "216.239.38.120" // of forcesafesearch.google.com
)

// engines answers as the internet does: the engine with an address, a service binding with hints and a
// key, and the safe host with its own.
func engines(m *dns.Msg) {
	q := m.Question[0]
	hdr := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 300}
	host := net.ParseIP(unsafeHost)
	if name := strings.ToLower(q.Name); name == "forcesafesearch.google.com." || name == "restrict.youtube.com." {
		host = net.ParseIP(safeHost)
	}
	m.Answer = nil
	switch q.Qtype {
	case dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: hdr, A: host}}
	case dns.TypeHTTPS:
		m.Answer = []dns.RR{&dns.HTTPS{SVCB: dns.SVCB{Hdr: hdr, Priority: 1, Target: ".", Value: []dns.SVCBKeyValue{
			&dns.SVCBAlpn{Alpn: []string{"h3"}}, &dns.SVCBIPv4Hint{Hint: []net.IP{host}}, &dns.SVCBECHConfig{ECH: []byte("unsafe")},
		}}}}
	}
}

// TestSafeSearchAsPhonesAsk asks as an iPhone does, for HTTPS, A and AAAA of one name at once, for a child
// and for an adult, in the clear and encrypted.
func TestSafeSearchAsPhonesAsk(t *testing.T) {
	u := newUpstream(t)
	s := newSecure(t, u)
	u.replies(engines)
	s.begin()
	for range 2 { // as it comes, and from the cache that both fill
		for _, qtype := range []uint16{dns.TypeHTTPS, dns.TypeA, dns.TypeAAAA} {
			theirs := s.ask("udp", "127.0.0.4", "www.google.de", qtype).String()
			if qtype != dns.TypeAAAA && !strings.Contains(theirs, unsafeHost) {
				t.Errorf("the adult does not get what the engine says:\n%s", theirs)
			}
			kims := s.ask("udp", "127.0.0.2", "www.google.de", qtype)
			if text := kims.String(); strings.Contains(text, unsafeHost) || strings.Contains(text, unsafeKey) {
				t.Errorf("the child gets what the engine says:\n%s", text)
			}
			if hasAlias := strings.Contains(kims.String(), "forcesafesearch.google.com."); hasAlias != (qtype != dns.TypeHTTPS) || kims.Rcode != dns.RcodeSuccess {
				t.Errorf("%s:\n%s", dns.TypeToString[qtype], kims)
			}
		}
	}
	if out, code := s.hearth("explain", "--client", "127.0.0.2", "www.google.de"); code != 0 || !strings.Contains(out, "allow: safe search: www.google.de answers as forcesafesearch.google.com") {
		t.Errorf("hearth explain: %d\n%s", code, out)
	}
}

// TestSafeSearchWithPrograms: dig in the clear and kdig over TLS see the alias and the safe host's address, and
// nothing of the engine in its service bindings.
func TestSafeSearchWithPrograms(t *testing.T) {
	u := newUpstream(t)
	s := newSecure(t, u)
	u.replies(engines)
	s.begin()
	named := kimID + "." + ownName
	for _, way := range []struct {
		program string
		args    []string
	}{
		{"dig", []string{"@127.0.0.1", "-p", portOf(s.dns), "-b", "127.0.0.2"}},
		{"kdig", []string{"@127.0.0.1", "-p", portOf(s.dns), "-b", "127.0.0.2", "+dnssec"}},
		{"kdig", []string{"@127.0.0.1", "-p", portOf(s.tls), "+tls-ca=" + s.ca, "+tls-hostname=" + named, "+tls-sni=" + named}},
	} {
		path, err := exec.LookPath(way.program)
		if err != nil {
			t.Logf("%s is not installed", way.program)
			continue
		}
		for name, target := range map[string]string{"www.google.de": "forcesafesearch.google.com.", "www.youtube.com": "restrict.youtube.com."} {
			out, err := output(t, nil, path, append(way.args, "+short", name, "A")...)
			if err != nil || out != target+"\n"+safeHost+"\n" {
				t.Errorf("%s %v %s: %q, %v", way.program, way.args, name, out, err)
			}
			out, err = output(t, nil, path, append(way.args, name, "TYPE65")...)
			if err != nil || strings.Contains(out, unsafeHost) || strings.Contains(out, "ech") || !strings.Contains(out, "SOA") || !strings.Contains(out, "NOERROR") {
				t.Errorf("%s %v %s for a service binding: %v\n%s", way.program, way.args, name, err, out)
			}
		}
	}
}
