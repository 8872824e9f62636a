package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// secondHome is a household beside the example's with the opposite views: an
// adult who has forbidden one name.
const secondHome = `  - id: second-home
    consent: {by: test, at: 2026-01-01}
    networks: [127.0.1.0/24]
    members: [{name: Robin, band: adult}]
    devices: [{name: robin, member: Robin, addresses: [127.0.1.2]}]
    rules: [{name: forbidden.example.org, action: deny}]
    guest: adult

# Folder of further household files`

// TestVerdictsStayAtHome has two households ask the same names at the same time
// over UDP and TCP, directly and as the target of a CNAME, while the
// configuration is loaded again and again. One cache serves them all, and no
// verdict of one may ever reach the other.
func TestVerdictsStayAtHome(t *testing.T) {
	u := newUpstream(t)
	u.replies(aliases)
	s := example(t, u)
	text := strings.Replace(s.read(), "\n# Folder of further household files", "\n"+secondHome, 1)
	if !strings.Contains(text, "second-home") {
		t.Fatal("config.example.yaml has no place for a second household")
	}
	s.write(text)
	s.start()

	blocked := map[string]string{ // name -> what follows the source
		"pornhub.com": "127.0.0.3", "to-porn.example.net": "127.0.0.3",
		"forbidden.example.org": "127.0.1.2", "to-forbidden.example.net": "127.0.1.2",
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, from := range []string{"127.0.0.3", "127.0.1.2"} {
		for _, network := range []string{"udp", "tcp"} {
			wg.Go(func() { s.keepAsking(network, from, blocked, stop) })
		}
	}
	for i := range 12 {
		next := strings.Replace(text, "  ttl: 10s", fmt.Sprintf("  ttl: %ds", 5+i%2), 1)
		if err := os.WriteFile(s.config+".new", []byte(next), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(s.config+".new", s.config); err != nil {
			t.Fatal(err)
		}
		if out, code := s.reload(); code != 0 {
			t.Errorf("reload: %s", out)
		}
		time.Sleep(100 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
}

func (s *server) keepAsking(network, from string, blocked map[string]string, stop chan struct{}) {
	for {
		for name, whom := range blocked {
			select {
			case <-stop:
				return
			default:
			}
			r, err := s.try(network, from, name, dns.TypeA)
			if err != nil {
				s.t.Errorf("%s asks for %s over %s: %v", from, name, network, err)
				return
			}
			want := "192.0.2.1"
			if whom == from {
				want = "127.0.0.1"
			}
			if got := addresses(r); got != want {
				s.t.Errorf("%s asks for %s over %s: %q, want %q", from, name, network, got, want)
				return
			}
		}
	}
}

// aliases makes to-porn.example.net and to-forbidden.example.net CNAMEs.
func aliases(m *dns.Msg) {
	target := map[string]string{"to-porn.example.net.": "www.pornhub.com.", "to-forbidden.example.net.": "a.forbidden.example.org."}
	asked := m.Question[0].Name
	to, ok := target[strings.ToLower(asked)]
	if !ok {
		return
	}
	for _, rr := range m.Answer {
		rr.Header().Name = to
	}
	hdr := dns.RR_Header{Name: asked, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 300}
	m.Answer = append([]dns.RR{&dns.CNAME{Hdr: hdr, Target: to}}, m.Answer...)
}
