package setup

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const (
	ownName = "hearth.home.arpa."
	landing = "192.168.1.10"
)

// answer is how a resolver of these tests answers.
type answer func(q *dns.Msg) *dns.Msg

// server is Hearth, which takes who asks for what lines say.
func server(lines ...string) answer {
	return func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		hdr := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET}
		switch {
		case hdr.Name == "whoami."+ownName && hdr.Rrtype == dns.TypeTXT:
			for _, line := range append([]string{"node=pi"}, lines...) {
				m.Answer = append(m.Answer, &dns.TXT{Hdr: hdr, Txt: []string{line}})
			}
		case hdr.Name == "ask."+ownName && hdr.Rrtype == dns.TypeA:
			m.Answer = []dns.RR{&dns.A{Hdr: hdr, A: net.ParseIP(landing)}}
		}
		return m
	}
}

// stranger answers without the server.
func stranger(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeNameError) }

// guarded drops private addresses.
func guarded(to answer) answer {
	return func(q *dns.Msg) *dns.Msg {
		m := to(q)
		m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeA })
		return m
	}
}

// credulous passes on the MAC and the address that its client says it has.
func credulous(client string) answer {
	return func(q *dns.Msg) *dns.Msg {
		lines := []string{"client=" + client, "told=device", "mac=a4:cf:12:00:00:01", "address=192.168.1.20"}
		for _, o := range q.IsEdns0().Option {
			switch o := o.(type) {
			case *dns.EDNS0_LOCAL:
				lines[2] = "mac=" + net.HardwareAddr(o.Data).String()
			case *dns.EDNS0_SUBNET:
				lines[3] = "address=" + o.Address.String()
			}
		}
		return server(lines...)(q)
	}
}

// listen serves at an address of loopback, over each of networks.
func listen(t *testing.T, addr string, to answer, networks ...string) netip.AddrPort {
	t.Helper()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(to(q)) })
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		t.Skipf("no %s here: %v", addr, err)
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	pc, err := net.ListenPacket("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), pc.Close() })
	for _, network := range networks {
		s := &dns.Server{Handler: handler}
		if network == "tcp" {
			s.Listener = l
		} else {
			s.PacketConn = pc
		}
		go func() { _ = s.ActivateAndServe() }()
	}
	return at
}

func TestCheck(t *testing.T) {
	const own = "127.0.0.1"
	for _, tt := range []struct {
		what     string
		server   answer
		over     []string // networks
		resolver answer
		maybe    bool
		want     []string // state, beginning of the address, and words of each finding
		never    string
	}{
		{"asked directly", server("client=" + own), nil, nil, false, []string{"ok server: answers over UDP and TCP", "note IPv6: no IPv6 address", "ok resolver: is the server"}, "problem"},
		{"TCP is closed", server("client=" + own), []string{"udp"}, nil, false, []string{"problem server: does not answer over tcp"}, ""},
		{"nothing answers", stranger, nil, nil, false, []string{"problem server: does not answer for hearth.home.arpa over UDP or TCP"}, ""},
		{"a masquerade", server("client=203.0.113.7"), nil, nil, false, []string{"problem server: sees 203.0.113.7 in place of"}, ""},
		{"a second resolver", server("client=" + own), nil, stranger, false, []string{"problem resolver: by itself, past the server|hand out the server alone"}, ""},
		{"another server", server("client=" + own), nil, server("node=other"), false, []string{"note resolver: leads to another server, other"}, "problem"},
		{"a redirect", server("client=" + own), nil, server("client=" + own), false, []string{"ok resolver: as if devices asked it directly", "ok resolver: lets the address of the landing page through"}, "problem"},
		{"a router that the server does not know", server("client=" + own), nil, server("client=192.168.1.1"), false,
			[]string{"problem resolver: all devices behind it are taken for one|forwarders: [{address: 192.168.1.1, options: [mac]}]| add-mac| strip-mac"}, ""},
		{"the same, with options already", server("client=" + own), nil, server("client=192.168.1.1", "told=untrusted"), false,
			[]string{"problem resolver: all devices behind it are taken for one|forwarders: [{address: 192.168.1.1, options: [mac]}]"}, "add-mac"},
		{"a router that hides", server("client=" + own), nil, server("client=192.168.1.1", "told=hidden"), false, []string{"note resolver: hides its devices: all have one profile| add-mac"}, "problem"},
		{"a router that says nothing", server("client=" + own), nil, server("client=192.168.1.1", "told=nothing"), false, []string{"problem resolver: but does not for this one| add-mac"}, ""},
		{"a device that is not entered", server("client=" + own), nil, server("client=192.168.1.1", "told=unknown", "mac=a4:cf:12:00:00:01"), false,
			[]string{`ok resolver: it is a guest|macs: ["a4:cf:12:00:00:01"]`}, "problem"},
		{"a device that is known", server("client=" + own), nil, server("client=192.168.1.1", "told=device", "mac=a4:cf:12:00:00:01"), false, []string{"ok resolver: this one is known"}, "problem"},
		{"a router that believes everybody", server("client=" + own), nil, credulous("192.168.1.1"), false,
			[]string{"problem resolver: say of their own MAC| strip-mac", "problem resolver: say of their own address| strip-subnet"}, ""},
		{"rebind protection", server("client=" + own), nil, guarded(server("client=192.168.1.1", "told=device")), false,
			[]string{"problem resolver: drops the address of the landing page|rebind_protection='0'"}, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			over := tt.over
			if over == nil {
				over = []string{"udp", "tcp"}
			}
			at := listen(t, "127.0.0.1", tt.server, over...)
			r := at
			if tt.resolver != nil {
				r = listen(t, "127.0.0.2", tt.resolver, "udp")
			}
			found := Check(t.Context(), Config{
				Name: strings.TrimSuffix(ownName, "."), Servers: []netip.AddrPort{at}, Own: []netip.Addr{netip.MustParseAddr(own)},
				Resolvers: []Resolver{{At: r, From: "test", Maybe: tt.maybe}},
			})
			for _, want := range tt.want {
				if !slices.ContainsFunc(found, func(f Finding) bool { return fits(f, want) }) {
					t.Errorf("nothing says %q", want)
				}
			}
			if tt.never != "" && strings.Contains(lines(found), tt.never) {
				t.Errorf("something says %q", tt.never)
			}
			if t.Failed() {
				t.Log(lines(found))
			}
		})
	}
}

// fits says whether a finding is what "state about: words|line|line" wants.
func fits(f Finding, want string) bool {
	parts := strings.Split(want, "|")
	head, words, _ := strings.Cut(parts[0], ": ")
	state, about, _ := strings.Cut(head, " ")
	change := strings.Join(f.Change, "\n")
	return string(f.State) == state && strings.HasPrefix(f.About, about) && strings.Contains(f.Text, words) &&
		!slices.ContainsFunc(parts[1:], func(line string) bool { return !strings.Contains(change, line) })
}

func lines(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(string(f.State) + " " + f.About + ": " + f.Text + "\n" + strings.Join(f.Change, "\n") + "\n")
	}
	return b.String()
}

// TestSilence: who was said to be a resolver has to answer; the gateway need not be one.
func TestSilence(t *testing.T) {
	silent := netip.MustParseAddrPort("127.0.0.3:9") // the port of the discard protocol, where nobody listens
	for maybe, want := range map[bool]int{true: 0, false: 1} {
		found := Check(t.Context(), Config{Name: "hearth.home.arpa", Resolvers: []Resolver{{At: silent, From: "test", Maybe: maybe}}})
		if len(found) != want {
			t.Errorf("maybe %v: %s", maybe, lines(found))
		}
	}
}

// TestOneFamily: a resolver that is handed out over IPv6 while the server has IPv4 alone is more than a note.
func TestOneFamily(t *testing.T) {
	at := listen(t, "127.0.0.1", server("client=127.0.0.1"), "udp", "tcp")
	six := listen(t, "::1", stranger, "udp")
	found := Check(t.Context(), Config{Name: "hearth.home.arpa", Servers: []netip.AddrPort{at}, Resolvers: []Resolver{{At: six, From: "test"}}})
	if !slices.ContainsFunc(found, func(f Finding) bool { return fits(f, "problem IPv6: hands out a resolver over IPv6") }) {
		t.Error(lines(found))
	}
}

// TestAdvice: each line to copy names the server by its addresses of the right family.
func TestAdvice(t *testing.T) {
	c := check{Config: Config{Servers: []netip.AddrPort{
		netip.MustParseAddrPort("127.0.0.1:53"), netip.MustParseAddrPort("192.168.1.10:53"), netip.MustParseAddrPort("[fd00::10]:53"),
	}}}
	got := "\n" + strings.Join(c.second(), "\n") + "\n"
	for _, want := range []string{
		"  dhcp-option=option:dns-server,192.168.1.10\n", "  dhcp-option=option6:dns-server,[fd00::10]\n", "dhcp_option='6,192.168.1.10'", "dhcp.lan.dns='fd00::10'",
		"Local DNS server: 192.168.1.10\n", "Local DNSv6 server: fd00::10\n", "\n  no-resolv\n  server=192.168.1.10\n", "server='192.168.1.10'",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:%s", want, got)
		}
	}
	if strings.Contains(got, "127.0.0.1") {
		t.Errorf("no other machine reaches 127.0.0.1:%s", got)
	}
}

func TestReadResolvers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if all, err := ReadResolvers(path); err != nil || len(all) != 0 {
		t.Errorf("no file: %v, %v", all, err)
	}
	text := "# by DHCP\nsearch lan\nnameserver 192.168.1.1\nnameserver fe80::1%eth0\nnameserver 127.0.0.53\noptions edns0\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := ReadResolvers(path)
	if err != nil || len(all) != 2 || all[0].At.String() != "192.168.1.1:53" || all[1].At.String() != "[fe80::1%eth0]:53" || all[0].From != path {
		t.Errorf("%v, %v", all, err)
	}
}
