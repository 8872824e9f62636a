package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// toward is the section resolve that asks one upstream alone, whose addresses may be of this house.
func toward(url, special string) string {
	return fmt.Sprintf("resolve: {upstreams: [%q], zones: [{zone: home-lists.example, upstreams: [%q]}], servers: [{url: %q, %s}]}\n", url, url, url, special)
}

// resolving replaces the section resolve, which stands on a line of its own, and forgets all answers.
func (s *secure) resolving(section string) {
	s.t.Helper()
	for line := range strings.Lines(s.read()) {
		if strings.HasPrefix(line, "resolve: ") {
			s.change(line, section)
			break
		}
	}
	s.flush("--all")
}

func (s *secure) flush(args ...string) {
	s.t.Helper()
	if out, code := s.hearth(append([]string{"cache", "flush"}, args...)...); code != 0 {
		s.t.Fatalf("hearth cache flush %v: %s", args, out)
	}
}

// TestBetweenServers has one server ask another over each protocol, as each device of the other,
// and believe its pin or its authority and nobody else's.
func TestBetweenServers(t *testing.T) {
	back := newSecure(t, newUpstream(t)).begin()
	nobody := newUpstream(t)
	front := newSecure(t, nobody, "lists: {starter: false}", toward(nobody.addr, "addresses: []")).begin()
	pin := fmt.Sprintf("addresses: [127.0.0.1], pins: [%q]", back.pin())
	ca := fmt.Sprintf("addresses: [127.0.0.1], ca_file: %q", back.ca)
	schemes := map[string]func(id string) string{
		"tls":   func(id string) string { return "tls://" + id + "." + ownName + ":" + portOf(back.tls) },
		"quic":  func(id string) string { return "quic://" + id + "." + ownName + ":" + portOf(back.tls) },
		"https": func(id string) string { return "https://" + ownName + ":" + portOf(back.https) + "/dns-query/" + id },
		"h3":    func(id string) string { return "h3://" + ownName + ":" + portOf(back.https) + "/dns-query/" + id },
	}
	for scheme, url := range schemes {
		t.Run(scheme, func(t *testing.T) {
			for _, d := range devices {
				for how, special := range map[string]string{"pin": pin, "authority": ca} {
					front.resolving(toward(url(d.id), special))
					for _, n := range names {
						if got := addresses(front.ask("udp", "127.0.0.4", n.name, dns.TypeA)); got != wanted(d.name, n.name) {
							t.Errorf("asked as %s, by %s, %s is at %q, want %s", d.name, how, n.name, got, wanted(d.name, n.name))
						}
					}
				}
			}
			for how, special := range map[string]string{
				"a wrong pin":         `addresses: [127.0.0.1], pins: ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]`,
				"the system's alone":  "addresses: [127.0.0.1]",
				"another authority's": fmt.Sprintf("addresses: [127.0.0.1], ca_file: %q", front.ca),
			} {
				front.resolving(toward(url(alexID), special))
				if r := front.ask("tcp", "127.0.0.4", "wiki.home-lists.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure || ede(r) == nil {
					t.Errorf("believing %s the reply is %v, want SERVFAIL with a reason", how, r)
				}
			}
		})
	}
	if nobody.asked.Load() != 0 {
		t.Errorf("the plain upstream was asked %d times", nobody.asked.Load())
	}
}

// TestStrategies: whatever the strategy, names are answered while one of two upstreams answers.
func TestStrategies(t *testing.T) {
	well := newUpstream(t)
	s := newSecure(t, well).begin()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // takes all and says nothing
	must(t, err)
	defer silent.Close()
	for _, strategy := range []string{"strict", "fastest", "race", "hedge"} {
		for i, order := range [][]string{{well.addr, silent.LocalAddr().String()}, {silent.LocalAddr().String(), well.addr}} {
			list := fmt.Sprintf("[%q, %q]", order[0], order[1])
			s.resolving(fmt.Sprintf("resolve: {strategy: %s, upstreams: %s, zones: [{zone: home-lists.example, upstreams: %s}]}\n", strategy, list, list))
			for k := range 20 {
				name := fmt.Sprintf("n%d.order%d.%s.home-lists.example", k, i, strategy)
				if got := addresses(s.ask("tcp", "127.0.0.4", name, dns.TypeA)); got != theirs {
					t.Errorf("%s, %v: %s is at %q, want %s", strategy, order, name, got, theirs)
				}
			}
		}
	}
}

// TestOutageOverAll: what was known goes on while no upstream answers, over every transport, until it is
// forgotten; after a restart without an upstream it is still known (RFC 8767).
func TestOutageOverAll(t *testing.T) {
	u := newUpstream(t)
	s := newSecure(t, u, "cache: {snapshot: true}").begin()
	u.replies(func(m *dns.Msg) {
		homely(m)
		for _, rr := range m.Answer {
			rr.Header().Ttl = 1
		}
	})
	known := []string{"a.known.home-lists.example", "b.known.home-lists.example"}
	for _, name := range known {
		if got := addresses(s.ask("udp", "127.0.0.4", name, dns.TypeA)); got != theirs {
			t.Fatalf("%s is at %q", name, got)
		}
	}
	u.stop()
	time.Sleep(1500 * time.Millisecond) // beyond the TTL
	stale := func(when string) {
		t.Helper()
		for _, w := range ways {
			c := s.client(w.name, "")
			r, err := w.ask(c, question(known[0], dns.TypeA))
			if err != nil {
				t.Errorf("%s, %s: %v", when, w.name, err)
				continue
			}
			e := ede(r)
			if addresses(r) != theirs || r.Answer[0].Header().Ttl > 30 || e == nil || e.InfoCode != dns.ExtendedErrorCodeStaleAnswer {
				t.Errorf("%s, %s: the reply is %v, want the old answer, for 30 s, with the extended error 3", when, w.name, r)
			}
		}
	}
	stale("with the upstream gone")
	s.signal(15)
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not stop")
	}
	s.start()
	stale("after a restart")
	s.flush(known[0])
	if r := s.ask("tcp", "127.0.0.4", known[0], dns.TypeA); r.Rcode != dns.RcodeServerFailure {
		t.Errorf("a name that was forgotten is answered with %v", r)
	}
	if got := addresses(s.ask("tcp", "127.0.0.4", known[1], dns.TypeA)); got != theirs {
		t.Errorf("another name is at %q", got)
	}
	s.flush("--subtree", "known.home-lists.example")
	if r := s.ask("tcp", "127.0.0.4", known[1], dns.TypeA); r.Rcode != dns.RcodeServerFailure {
		t.Errorf("a name beneath one that was forgotten is answered with %v", r)
	}
}

// TestHouseNames: names of the house's machines, DNS64, and upstreams of one profile.
func TestHouseNames(t *testing.T) {
	u, kids := newUpstream(t), newUpstream(t)
	s := newSecure(t, u, fmt.Sprintf(`resolve: {upstreams: [%q], local: {zones: [lan], hosts: [hosts], leases: [leases]}, dns64: {prefix: "64:ff9b::/96"}}
profiles: [{name: kids, band: child, upstreams: [%q]}]`, u.addr, kids.addr))
	s.write(strings.Replace(s.read(), "{name: Kim, band: child}", "{name: Kim, profile: kids, band: child}", 1))
	must(t, os.WriteFile(filepath.Join(s.dir, "hosts"), []byte("192.168.7.9 nas nas.lan # the disk\nfd00::9 nas.lan\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(s.dir, "leases"), []byte(fmt.Sprintf("%d aa:bb:cc:dd:ee:ff 192.168.7.20 printer *\n1000000000 aa:bb:cc:dd:ee:01 192.168.7.21 gone *\n", time.Now().Add(time.Hour).Unix())), 0o600))
	u.replies(func(m *dns.Msg) {
		if m.Question[0].Qtype == dns.TypeAAAA {
			m.Answer = nil
		}
	})
	kids.replies(func(m *dns.Msg) {
		for _, rr := range m.Answer {
			if a, ok := rr.(*dns.A); ok {
				a.A = []byte{192, 0, 2, 55}
			}
		}
	})
	s.begin()
	for _, q := range []struct {
		from, name string
		qtype      uint16
		want       string
	}{
		{"127.0.0.4", "nas.lan", dns.TypeA, "192.168.7.9"},
		{"127.0.0.4", "nas", dns.TypeA, "192.168.7.9"},
		{"127.0.0.4", "nas.lan", dns.TypeAAAA, "fd00::9"},
		{"127.0.0.2", "printer.lan", dns.TypeA, "192.168.7.20"},
		{"127.0.0.2", "printer", dns.TypeA, "192.168.7.20"},
		{"127.0.0.4", "wiki.home-lists.example", dns.TypeAAAA, "64:ff9b::c000:201"}, // RFC 6147 section 5.1
		{"127.0.0.2", "wiki.home-lists.example", dns.TypeA, "192.0.2.55"},
		{"127.0.0.2", "wiki.home-lists.example", dns.TypeAAAA, "2001:db8::1"},
		{"127.0.0.4", "wiki.home-lists.example", dns.TypeA, "192.0.2.1"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			if got := addresses(s.ask(network, q.from, q.name, q.qtype)); got != q.want {
				t.Errorf("%s %s of %s over %s is %q, want %s", q.name, dns.TypeToString[q.qtype], q.from, network, got, q.want)
			}
		}
	}
	r := s.ask("udp", "127.0.0.4", "9.7.168.192.in-addr.arpa", dns.TypePTR)
	if len(r.Answer) == 0 || !strings.Contains(r.Answer[0].String(), "nas.lan.") {
		t.Errorf("192.168.7.9 is %v, want nas.lan", r.Answer)
	}
}
