package e2e

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/miekg/dns"
)

// ofZone are the types of which an engine itself is asked: they have no address in them.
var ofZone = map[uint16]bool{dns.TypeNS: true, dns.TypeSOA: true, dns.TypeDS: true, dns.TypeDNSKEY: true, dns.TypeMX: true, dns.TypeTXT: true}

// evasive answers as an internet on which everything leads to the engines as they are, and tells so in as many ways
// as there are: beside the answer, by names of others, by types that nobody asks for.
func evasive(rows []policy.EngineHosts, m *dns.Msg) {
	q := m.Question[0]
	name := strings.ToLower(q.Name)
	for _, row := range rows {
		if name == row.Target+"." || name == row.Moderate+"." {
			if m.Answer = nil; q.Qtype == dns.TypeA {
				m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 300}, A: net.ParseIP(safeHost)}}
			}
			return
		}
	}
	engines(m)
	hdr := func(name string, rrtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 300}
	}
	if strings.HasSuffix(name, ".alias.example.") {
		m.Answer = append([]dns.RR{&dns.CNAME{Hdr: hdr(q.Name, dns.TypeCNAME), Target: "www.google.com."}}, m.Answer...)
		for _, rr := range m.Answer[1:] {
			rr.Header().Name = "www.google.com."
		}
	}
	if strings.HasSuffix(name, ".tree.example.") {
		end := strings.TrimSuffix(name, "tree.example.") + "google.com."
		m.Answer = append([]dns.RR{&dns.DNAME{Hdr: hdr("tree.example.", dns.TypeDNAME), Target: "google.com."}}, m.Answer...)
		for _, rr := range m.Answer[1:] {
			rr.Header().Name = end
		}
	}
	if len(m.Answer) == 0 && q.Qtype != dns.TypeAAAA && !ofZone[q.Qtype] { // any type at all
		m.Answer = []dns.RR{&dns.RFC3597{Hdr: hdr(q.Name, q.Qtype), Rdata: "c6336442"}}
	}
	m.Extra = append(m.Extra, &dns.A{Hdr: hdr(q.Name, dns.TypeA), A: net.ParseIP(unsafeHost)})
	m.Ns = append(m.Ns, &dns.NS{Hdr: hdr(q.Name, dns.TypeNS), Ns: "www.google.com."})
}

// reaches reports whether a reply has the address or the key of an engine as it is.
func reaches(m *dns.Msg) bool {
	packed, err := m.Pack()
	return err != nil || bytes.Contains(packed, net.ParseIP(unsafeHost).To4()) || bytes.Contains(packed, []byte("unsafe"))
}

// TestSafeSearchUnderAttack asks as the child for every engine, by every name, type and flag over every transport in turn, with an adult
// who has the same answers cached, after all that parents can allow: none lifts safe search but its own switch.
func TestSafeSearchUnderAttack(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	s := newSecure(t, u, `profiles: [{name: lax, band: child, observe: true, rules: [{name: www.google.com, action: allow}, {name: google.com, action: allow}]}]`)
	rows, err := policy.SafeEngines()
	must(t, err)
	u.replies(func(m *dns.Msg) { evasive(rows, m) })
	s.begin()
	var hosts []string
	for _, row := range rows {
		all := row.Hosts()
		hosts = append(hosts, all[0], all[len(all)-1])
	}
	hosts = append(hosts, "wWw.GooGle.cOm", `\119ww.google.com`, "a.alias.example", "www.tree.example")
	turn := 0 // every question goes over UDP, and over one other transport, each in its turn
	attack := func(t *testing.T) {
		t.Helper()
		turn++
		for i, w := range ways {
			asked := 0
			c := s.client(strings.Fields(w.name)[0], kimID)
			for _, host := range hosts {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeANY, dns.TypeCNAME, dns.TypeRRSIG, 65400} {
					for flags := range 4 {
						if asked++; i > 0 && (asked+turn)%(len(ways)-1) != i-1 {
							continue
						}
						q := new(dns.Msg).SetQuestion(dns.Fqdn(host), qtype)
						q.CheckingDisabled, q.RecursionDesired = flags&1 != 0, flags != 3
						q.SetEdns0(4096, flags&2 != 0)
						ask := func() (*dns.Msg, error) { return w.ask(c, q) }
						if !w.carries {
							ask = func() (*dns.Msg, error) {
								r, _, err := (&dns.Client{Net: w.name, Timeout: patience, Dialer: dialer(w.name, "127.0.0.2")}).Exchange(q, s.dns)
								return r, err
							}
						}
						if r, err := ask(); err != nil || reaches(r) {
							t.Fatalf("%s %s over %s, %d: %v\n%v", host, dns.Type(qtype), w.name, flags, err, r)
						}
					}
				}
			}
		}
		for qtype := range uint16(300) {
			for _, host := range []string{"www.google.com", "duckduckgo.com", "a.alias.example"} {
				if r := s.ask("udp", "127.0.0.2", host, qtype); reaches(r) && qtype != dns.TypeCNAME {
					t.Fatalf("%s %s:\n%v", host, dns.Type(qtype), r)
				}
			}
		}
	}
	attack(t)
	for _, host := range hosts { // the adult's answers lie in the cache
		for _, qtype := range []uint16{dns.TypeA, dns.TypeHTTPS} {
			if r := s.ask("udp", "127.0.0.4", host, qtype); !reaches(r) {
				t.Fatalf("the adult does not reach %s %s, so that the test shows nothing:\n%v", host, dns.Type(qtype), r)
			}
		}
	}
	attack(t)
	for _, act := range [][]string{
		{"grant", "name", "www.google.com", "--member", "Kim", "--for", "1h", "--at-bedtime"}, {"grant", "category", "search.other", "--member", "Kim", "--for", "1h"},
		{"grant", "service", "youtube", "--member", "Kim", "--for", "1h"}, {"filter", "off", "--for", "1h"},
	} {
		if out, code := s.hearth(append(act, "--config", s.config)...); code != 0 {
			t.Fatalf("hearth %v: %s", act, out)
		}
	}
	attack(t)
	s.change("{name: Kim, band: child}", "{name: Kim, profile: lax}")
	attack(t)
}
