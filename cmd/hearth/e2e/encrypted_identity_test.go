package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestIdentified: over each transport each device is known by its id, and by its address where it
// has shown none, and gets what its band says.
func TestIdentified(t *testing.T) {
	s := newSecure(t, newUpstream(t)).begin()
	for _, d := range devices {
		t.Run(d.name, func(t *testing.T) {
			overAll(t, func(t *testing.T, ask func(client, *dns.Msg) (*dns.Msg, error), carries, _ bool) {
				if !carries {
					t.Skip("this transport carries no id")
				}
				s.judged(t, d.name, func(q *dns.Msg) (*dns.Msg, error) { return ask(s.client(wayOf(t), d.id), q) })
			})
		})
	}
	t.Run("by address", func(t *testing.T) {
		for _, d := range devices { // 127.0.0.1, from where all clients of the test ask, becomes the device's
			s.change("["+d.address+"], id", "[127.0.0.1], id")
			t.Run(d.name, func(t *testing.T) {
				overAll(t, func(t *testing.T, ask func(client, *dns.Msg) (*dns.Msg, error), _, _ bool) {
					s.judged(t, d.name, func(q *dns.Msg) (*dns.Msg, error) { return ask(s.client(wayOf(t), ""), q) })
					s.judged(t, d.name, func(q *dns.Msg) (*dns.Msg, error) { return ask(s.client(wayOf(t), noID), q) })
				})
			})
			s.change("[127.0.0.1], id", "["+d.address+"], id")
		}
	})
}

// wayOf is the transport that a test of overAll is about.
func wayOf(t *testing.T) string {
	full := t.Name()
	way := full[strings.LastIndexByte(full, '/')+1:]
	return strings.ReplaceAll(way, "_", " ")
}

// judged asks for each name of the table as one device.
func (s *secure) judged(t *testing.T, device string, ask func(*dns.Msg) (*dns.Msg, error)) {
	t.Helper()
	for _, n := range names {
		r, err := ask(question(n.name, dns.TypeA))
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
			continue
		}
		if got, want := addresses(r), wanted(device, n.name); got != want || r.Rcode != dns.RcodeSuccess {
			t.Errorf("%s, %s, leads %s to %q (%s), want %s", n.name, n.comment, device, got, dns.RcodeToString[r.Rcode], want)
		}
		want := map[string]uint16{"kim": n.kimEDE, "alex": n.alexEDE}
		if code, given := want[device]; given {
			if e := ede(r); (e == nil) != (code == 0) || e != nil && e.InfoCode != code {
				t.Errorf("%s says %v to %s, want the extended error %d", n.name, e, device, code)
			}
		}
	}
}

// TestIdentityWins: the child's tablet in another family's network is the child's, over every
// transport that carries who it is; an id that nobody has is none; a stranger is refused.
func TestIdentityWins(t *testing.T) {
	s := newSecure(t, newUpstream(t))
	grandparents := `
  - id: grandparents
    consent: {by: example, at: 2026-01-01}
    networks: [127.0.0.1/32]
    members: [{name: Oma, band: adult}]
    devices: [{name: oma-phone, member: Oma, addresses: [127.0.0.1]}]
`
	text := strings.Replace(s.read(), "networks: [127.0.0.0/8]", "networks: [127.0.0.0/29]", 1)
	text = strings.Replace(text, "networks: [127.0.0.0/29]", "networks: [127.0.0.2/31, 127.0.0.4/30]", 1)
	s.write(strings.Replace(text, "    guest: preteen\n", "    guest: preteen\n"+grandparents, 1))
	s.begin()
	overAll(t, func(t *testing.T, ask func(client, *dns.Msg) (*dns.Msg, error), carries, _ bool) {
		for id, want := range map[string]string{kimID: "child", toniID: "teen", alexID: "adult", noID: "adult", "": "adult"} {
			if id != "" && !carries {
				continue
			}
			r, err := ask(s.client(wayOf(t), id), question("whoami."+ownName, dns.TypeTXT))
			if err != nil {
				t.Errorf("id %q: %v", id, err)
			} else if got := taken(r); got != want {
				t.Errorf("who shows the id %q from the grandparents' is taken for %s, want %s", id, got, want)
			}
		}
	})
	s.change("networks: [127.0.0.1/32]", "networks: [127.0.0.16/32]")
	s.change("addresses: [127.0.0.1]}]", "addresses: [127.0.0.16]}]")
	t.Run("strangers", func(t *testing.T) { s.strangers(t) })
}

// strangers are refused whatever they ask, unless they show the id of a device.
func (s *secure) strangers(t *testing.T) {
	overAll(t, func(t *testing.T, ask func(client, *dns.Msg) (*dns.Msg, error), carries, _ bool) {
		for _, id := range []string{"", noID, kimID} {
			if id != "" && !carries {
				continue
			}
			for _, name := range []string{"wiki.home-lists.example", "casino.home-lists.example"} {
				r, err := ask(s.client(wayOf(t), id), question(name, dns.TypeA))
				if err != nil {
					t.Errorf("id %q: %v", id, err)
					continue
				}
				if id == kimID {
					if got, want := addresses(r), wanted("kim", name); got != want {
						t.Errorf("Kim's tablet in a strange network is led to %q for %s, want %s", got, name, want)
					}
					continue
				}
				if e := ede(r); r.Rcode != dns.RcodeRefused || len(r.Answer) > 0 || e == nil || e.InfoCode != dns.ExtendedErrorCodeProhibited {
					t.Errorf("a stranger with the id %q who asks for %s gets %v, want REFUSED with the extended error 18", id, name, r)
				}
			}
		}
	})
}

// TestDesignated: what a device is told of encrypted DNS leads to its own identity and to no other
// (RFC 9462); RESINFO tells what the resolver does (RFC 9606).
func TestDesignated(t *testing.T) {
	s := newSecure(t, newUpstream(t)).begin()
	for _, from := range []struct{ address, name, path string }{
		{"127.0.0.2", kimID + "." + ownName + ".", "/dns-query/" + kimID + "{?dns}"},
		{"127.0.0.3", toniID + "." + ownName + ".", "/dns-query/" + toniID + "{?dns}"},
		{"127.0.0.4", alexID + "." + ownName + ".", "/dns-query/" + alexID + "{?dns}"},
		{"127.0.0.5", ownName + ".", "/dns-query{?dns}"},
	} {
		r := s.ask("udp", from.address, "_dns.resolver.arpa", dns.TypeSVCB)
		told := make(map[string]string) // where, by protocol
		for _, rr := range r.Answer {
			b, ok := rr.(*dns.SVCB)
			if !ok || b.Priority == 0 {
				t.Errorf("%s is told %v", from.address, rr)
				continue
			}
			var alpn, port, path string
			for _, v := range b.Value {
				switch v := v.(type) {
				case *dns.SVCBAlpn:
					alpn = v.String()
				case *dns.SVCBPort:
					port = v.String()
				case *dns.SVCBDoHPath:
					path = v.String()
				}
			}
			for p := range strings.SplitSeq(alpn, ",") {
				told[p] = fmt.Sprint(b.Target, " ", port, " ", path)
			}
		}
		want := map[string]string{
			"dot": from.name + " " + portOf(s.tls) + " ", "doq": from.name + " " + portOf(s.tls) + " ",
			"h2": from.name + " " + portOf(s.https) + " " + from.path, "h3": from.name + " " + portOf(s.https) + " " + from.path,
		}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("%s is told\n%v, want\n%v", from.address, told, want)
		}
	}
	r := s.ask("udp", "127.0.0.2", "resolver.arpa", 261)
	if len(r.Answer) != 1 || !strings.Contains(r.Answer[0].String(), "exterr=") {
		t.Errorf("RESINFO is %v, want one record with exterr=", r.Answer)
	}
}

// TestStructured: who says that he understands the reason as data gets it, with a negative answer
// in place of the landing page, over each transport.
func TestStructured(t *testing.T) {
	s := newSecure(t, newUpstream(t), "answers: {structured: {contact: [\"mailto:family@example.org\"], organization: Our family}}").begin()
	overAll(t, func(t *testing.T, ask func(client, *dns.Msg) (*dns.Msg, error), carries, _ bool) {
		id := ""
		if carries {
			id = toniID
		}
		q := question("casino.home-lists.example", dns.TypeA)
		opt := q.IsEdns0()
		opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: dns.EDNS0EDE, Data: []byte{0, 0}})
		r, err := ask(s.client(wayOf(t), id), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Answer) > 0 || r.Rcode != dns.RcodeSuccess && r.Rcode != dns.RcodeNameError || len(r.Ns) != 1 {
			t.Errorf("the reply is %v, want a negative one with its SOA", r)
		}
		e := ede(r)
		if e == nil || e.InfoCode != dns.ExtendedErrorCodeFiltered {
			t.Fatalf("the extended error is %v, want 17", e)
		}
		var told struct {
			C       []string
			J, L, O string
		}
		if err := json.Unmarshal([]byte(e.ExtraText), &told); err != nil {
			t.Fatalf("%s: %v", e.ExtraText, err)
		}
		if len(told.C) != 1 || told.C[0] != "mailto:family@example.org" || told.O != "Our family" || told.L != "en" || !strings.Contains(told.J, "Gambling") {
			t.Errorf("told is %s", e.ExtraText)
		}
		q.Question[0].Name = "wiki.home-lists.example."
		if r, err = ask(s.client(wayOf(t), id), q); err != nil || addresses(r) != theirs || ede(r) != nil {
			t.Errorf("an allowed name is answered with %v (%v)", r, err)
		}
	})
}
