package forward

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// directory answers questions for addresses: an alias, and then the addresses of the family asked,
// good for a day.
func directory(four, six []string) func(*visit) {
	return func(v *visit) {
		m := v.reply("192.0.2.66")
		asked := m.Question[0]
		m.Answer = []dns.RR{&dns.CNAME{
			Hdr:    dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 86400},
			Target: "ServerS.test.",
		}}
		for _, a := range four {
			if asked.Qtype == dns.TypeA {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: "servers.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 86400}, A: net.ParseIP(a)})
			}
		}
		for _, a := range six {
			if asked.Qtype == dns.TypeAAAA {
				m.Answer = append(m.Answer, &dns.AAAA{Hdr: dns.RR_Header{Name: "servers.test.", Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: 86400}, AAAA: net.ParseIP(a)})
			}
		}
		// What is beside the name is nobody's address.
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: "other.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 86400}, A: net.IPv4(127, 0, 0, 9)})
		v.say(m)
	}
}

// asked returns the names and types that e was asked for.
func (e *evil) asked() (all []string) {
	for _, v := range e.visits() {
		all = append(all, strings.ToLower(v.query.Question[0].Name)+" "+dns.TypeToString[v.query.Question[0].Qtype])
	}
	return all
}

// The address of a name is asked of the bootstrap resolvers, once, over both families, and the
// name is what the certificate must hold.
func TestBootstrap(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range encryptions {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			finder := newEvil(t, directory([]string{"127.0.0.2", "127.0.0.1"}, nil)) // at the first nobody listens
			h := newHost(t, network, ca.issue(nil), honest)
			h.name = "dns.test"
			f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Bootstrap: []string{finder.addr.String()}})
			defer f.Close()
			for range 3 {
				want(t, f, "192.0.2.1")
			}
			h.hangUp()
			want(t, f, "192.0.2.1")
			if got := finder.asked(); len(got) != 2 || got[0] == got[1] || !strings.HasPrefix(got[0], "dns.test. A") || !strings.HasPrefix(got[1], "dns.test. A") {
				t.Errorf("asked for %v, want dns.test for A and AAAA once", got)
			}
		})
	}
}

// An address that is written is not asked for.
func TestAddressesNeedNoBootstrap(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	finder := newEvil(t, directory([]string{"127.0.0.1"}, nil))
	h := newHost(t, "tls", ca.issue(nil), honest)
	h.name = "dns.test"
	f := impatient(t, Config{
		Upstreams: []string{h.url()}, Bootstrap: []string{finder.addr.String()},
		Servers: servers(h, Server{CAFile: ca.file, Addresses: addrs("127.0.0.1")}),
	})
	defer f.Close()
	want(t, f, "192.0.2.1")
	if got := finder.asked(); len(got) != 0 {
		t.Errorf("asked for %v, want nothing", got)
	}
}

// As long as nobody finds the name other upstreams answer, and once somebody does it does.
func TestBootstrapIsDownAtStart(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	finder := newEvil(t, says(dns.RcodeServerFailure))
	h := newHost(t, "tls", ca.issue(nil), honest)
	h.name = "dns.test"
	good := newEvil(t, second)
	f := impatient(t, Config{
		Upstreams: []string{h.url(), good.addr.String()}, Servers: servers(h, Server{CAFile: ca.file}), Bootstrap: []string{finder.addr.String()},
	})
	defer f.Close()
	for range 5 {
		want(t, f, "192.0.2.2")
	}
	if n := len(finder.visits()); n > 2*maxAttempts {
		t.Errorf("%d questions for the name, want no more than the first lookup's: the rest has to wait", n)
	}
	finder.become(directory([]string{"127.0.0.1"}, nil))
	await(t, func() bool {
		m, err := ask(t, f)
		return err == nil && m.Answer[0].(*dns.A).A.Equal(net.IPv4(192, 0, 2, 1))
	})
}

// What was found is used as long as nothing else is, also when it is old.
func TestLastGoodAddressesStay(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	finder := newEvil(t, directory([]string{"127.0.0.1"}, nil))
	h := newHost(t, "tls", ca.issue(nil), honest)
	h.name = "dns.test"
	f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Bootstrap: []string{finder.addr.String()}})
	defer f.Close()
	if got := f.Addresses(); len(got) != 0 {
		t.Errorf("Addresses = %v before anything was asked", got)
	}
	want(t, f, "192.0.2.1")
	if got := f.Addresses(); len(got) != 1 || got[0] != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("Addresses = %v, want what was found", got)
	}
	at := f.upstreams[0].place.(*named)
	for _, trouble := range []func(*visit){silent, says(dns.RcodeServerFailure), says(dns.RcodeNameError), directory(nil, nil)} {
		finder.become(trouble)
		before := len(finder.visits())
		at.mu.Lock()
		at.next = time.Time{} // its time is over
		at.mu.Unlock()
		h.hangUp()
		want(t, f, "192.0.2.1")
		await(t, func() bool {
			at.mu.Lock()
			defer at.mu.Unlock()
			return at.looking == nil && at.err != nil && len(finder.visits()) > before
		})
		h.hangUp()
		want(t, f, "192.0.2.1")
	}
}

// Addresses where nobody proves to be the upstream are not used as long as their TTL says: a
// captive portal, or who forged the reply, could keep us from it for a day.
func TestAddressesThatLedNowhereAreLookedUpAgain(t *testing.T) {
	once(t)
	t.Parallel()
	ca, stranger := newAuthority(t, nil), newAuthority(t, nil)
	finder := newEvil(t, directory([]string{"127.0.0.2"}, nil))
	h := newHost(t, "tls", ca.issue(nil), honest)
	h.name = "dns.test"
	startHost(t, "tls", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), h.addr.Port()), stranger.issue(nil), honest)
	f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Bootstrap: []string{finder.addr.String()}})
	defer f.Close()
	if _, err := ask(t, f); err == nil {
		t.Fatal("a stranger was asked")
	}
	finder.become(directory([]string{"127.0.0.1"}, nil))
	at := f.upstreams[0].place.(*named)
	at.mu.Lock()
	if left := time.Until(at.next); left > minPlaceTTL {
		t.Errorf("looked up again in %v, want %v at most", left, minPlaceTTL)
	}
	at.next, at.found = at.next.Add(-minPlaceTTL), at.found.Add(-minPlaceTTL) // a minute passes
	at.mu.Unlock()
	await(t, func() bool {
		m, err := ask(t, f)
		return err == nil && m.Answer[0].(*dns.A).A.Equal(net.IPv4(192, 0, 2, 1))
	})
}

// Names that lead to ourselves, or to nowhere, are not asked.
func TestBootstrapLeadsNowhere(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	h := newHost(t, "tls", ca.issue(nil), honest)
	h.name = "dns.test"
	for found, refusal := range map[string]string{"127.0.0.1": "this server itself", "0.0.0.0": "every address", "224.0.0.1": "a group"} {
		t.Run(found, func(t *testing.T) {
			finder := newEvil(t, directory([]string{found}, nil))
			f := impatient(t, Config{
				Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Bootstrap: []string{finder.addr.String()},
				Own: []netip.AddrPort{h.addr},
			})
			defer f.Close()
			if _, err := ask(t, f); err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("Exchange = %v, want %q", err, refusal)
			}
			if n := len(h.visits()); n != 0 {
				t.Errorf("%d questions came", n)
			}
		})
	}
}

// Without bootstrap resolvers those of the system find names; without those a name is refused.
func TestSystemFindsNames(t *testing.T) {
	once(t)
	t.Parallel()
	dir := t.TempDir()
	file := func(text string) string {
		path := filepath.Join(dir, "resolv.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cfg := Config{Upstreams: []string{"192.0.2.1", "tls://dns.test"}, Own: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}}
	cfg.ResolvConf = file("nameserver 127.0.0.1\nnameserver 192.0.2.53\n")
	if err := cfg.Validate(); err != nil {
		t.Errorf("Validate = %v", err)
	}
	if urls, err := cfg.bootstrap(); err != nil || len(urls) != 1 || urls[0] != "udp://192.0.2.53:53" {
		t.Errorf("bootstrap = %v, %v; want the one that is not ours", urls, err)
	}
	cfg.ResolvConf = file("nameserver 127.0.0.1\n")
	err := cfg.Validate()
	if err == nil || !strings.Contains(err.Error(), "resolve.bootstrap") || !strings.Contains(err.Error(), "only this server itself") {
		t.Errorf("Validate = %v, want what to write", err)
	}
	cfg.Servers = []Server{{URL: "tls://dns.test", Addresses: addrs("192.0.2.9")}}
	if err := cfg.Validate(); err != nil {
		t.Errorf("with its address written: %v", err)
	}
	for text, refusal := range map[string]string{"tls://192.0.2.1": "over UDP", "127.0.0.1": "this server itself", "dns.example": "write the address"} {
		if err := (Config{Upstreams: []string{"192.0.2.1"}, Bootstrap: []string{text}, Own: cfg.Own}).Validate(); err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("bootstrap %s: %v, want %q", text, err, refusal)
		}
	}
}

// IPv6 and IPv4 are tried in turn.
func TestFamiliesInTurn(t *testing.T) {
	once(t)
	list := func(texts ...string) (all []netip.AddrPort) {
		for _, a := range addrs(texts...) {
			all = append(all, netip.AddrPortFrom(a, 853))
		}
		return all
	}
	for _, tt := range []struct{ given, want []netip.AddrPort }{
		{list("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"), list("2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3")},
		{list("2001:db8::1", "2001:db8::2", "192.0.2.1"), list("2001:db8::1", "192.0.2.1", "2001:db8::2")},
		{list("192.0.2.1"), list("192.0.2.1")},
	} {
		got := alternate(tt.given)
		for i := range tt.want {
			if got[i] != tt.want[i] {
				t.Errorf("alternate(%v) = %v, want %v", tt.given, got, tt.want)
				break
			}
		}
	}
}
