package notify

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAddresses: what is not public is refused in every form (RFC 6890 and the registries it makes, RFC 6052, RFC 4291).
func TestAddresses(t *testing.T) {
	for text, want := range map[string]struct{ public, private bool }{
		"192.0.43.8":               {true, true},
		"1.1.1.1":                  {true, true},
		"2606:4700::1111":          {true, true},
		"2a00:1450:4001::1":        {true, true},
		"64:ff9b::c000:2b08":       {true, true}, // NAT64 of 192.0.43.8
		"::ffff:192.0.43.8":        {true, true},
		"127.0.0.1":                {false, true},
		"127.255.255.254":          {false, true},
		"10.0.0.1":                 {false, true},
		"172.16.0.1":               {false, true},
		"172.31.255.255":           {false, true},
		"172.32.0.1":               {true, true},
		"192.168.1.1":              {false, true},
		"100.64.0.1":               {false, true},
		"100.127.255.255":          {false, true},
		"100.128.0.1":              {true, true},
		"::1":                      {false, true},
		"fd00::1":                  {false, true},
		"fc00::1":                  {false, true},
		"::ffff:127.0.0.1":         {false, true},
		"::ffff:10.0.0.1":          {false, true},
		"64:ff9b::7f00:1":          {false, true},
		"64:ff9b::c0a8:101":        {false, true},
		"2001:db8:64:c0a8:1:100::": {false, false},
		"0.0.0.0":                  {},
		"0.1.2.3":                  {},
		"::":                       {},
		"::7f00:1":                 {}, // IPv4-compatible
		"169.254.169.254":          {}, // what clouds tell their machines
		"::ffff:169.254.169.254":   {},
		"64:ff9b::a9fe:a9fe":       {},
		"fd00:ec2::254":            {},
		"fd20:ce::254":             {},
		"100.100.100.200":          {},
		"168.63.129.16":            {},
		"192.0.0.192":              {},
		"fe80::1":                  {},
		"fe80::1%eth0":             {},
		"fd00::1%eth0":             {},
		"fec0::1":                  {},
		"224.0.0.251":              {},
		"ff02::fb":                 {},
		"255.255.255.255":          {},
		"240.0.0.1":                {},
		"198.18.0.1":               {},
		"203.0.113.1":              {},
		"192.88.99.1":              {},
		"2002:7f00:1::":            {}, // 6to4
		"2001:0:7f00:1::":          {}, // Teredo
		"2001:db8::1":              {},
		"3fff::1":                  {},
		"64:ff9b:1::7f00:1":        {}, // RFC 8215
		"100::1":                   {},
		"5f00::1":                  {},
		"fe80::5efe:7f00:1":        {},
	} {
		a := netip.MustParseAddr(text)
		if got := (&guard{}).allows(a, false); got != want.public {
			t.Errorf("%s: %t, want %t", text, got, want.public)
		}
		if got := (&guard{private: true}).allows(a, false); got != want.private {
			t.Errorf("%s where private ones are allowed: %t, want %t", text, got, want.private)
		}
		if (&guard{}).allows(a, true) {
			t.Errorf("%s in clear", text)
		}
	}
	if (&guard{}).allows(netip.Addr{}, false) {
		t.Error("no address is allowed")
	}
}

// TestNAT64 judges what lies behind the operator's own prefix: the examples of RFC 6052 2.4, of 192.0.2.33, which is
// for documents alone, and others of the same form.
func TestNAT64(t *testing.T) {
	for prefix, addresses := range map[string][2]string{
		"2001:db8::/32":           {"2001:db8:c000:221::", "2a00:db8:c000:2b08::"},
		"2001:db8:100::/40":       {"2001:db8:1c0:2:21::", ""},
		"2001:db8:122::/48":       {"2001:db8:122:c000:2:2100::", ""},
		"2001:db8:122:300::/56":   {"2001:db8:122:3c0:0:221::", ""},
		"2001:db8:122:344::/64":   {"2001:db8:122:344:c0:2:2100::", ""},
		"2001:db8:122:344::/96":   {"2001:db8:122:344::192.0.2.33", ""},
		"2a00:122:344::/96":       {"2a00:122:344::10.0.0.1", "2a00:122:344::192.0.43.8"},
		"2a00:122:344:1::/64":     {"2a00:122:344:1:a:0:100::", "2a00:122:344:1:c0:2b:800::"},
		"2a00:122:344:1:2::/80":   {"2a00:122:344:1:2:c000:2b08::", ""}, // no length of RFC 6052
		"2a00:122:344:1:2::/77":   {"2a00:122:344:1:2:c000:2b08::", ""},
		"2a00:122:344:1:200::/72": {"2a00:122:344:1:200::1", ""},
	} {
		g := &guard{nat64: netip.MustParsePrefix(prefix)}
		if a := netip.MustParseAddr(addresses[0]); g.allows(a, false) {
			t.Errorf("%s behind %s is allowed", a, prefix)
		}
		if addresses[1] != "" && !g.allows(netip.MustParseAddr(addresses[1]), false) {
			t.Errorf("%s behind %s is refused", addresses[1], prefix)
		}
	}
}

// TestOwnAddresses: a public address of this machine is as good as loopback.
func TestOwnAddresses(t *testing.T) {
	mine := netip.MustParseAddr("192.0.43.8")
	g := &guard{own: func() []netip.Addr { return []netip.Addr{mine} }}
	if g.allows(mine, false) || g.allows(netip.MustParseAddr("::ffff:192.0.43.8"), false) || g.allows(netip.MustParseAddr("64:ff9b::192.0.43.8"), false) {
		t.Error("an own address is allowed")
	}
	if !g.allows(netip.MustParseAddr("192.0.43.9"), false) {
		t.Error("a neighbour is refused")
	}
	found := ownAddresses()
	if len(found) == 0 || !found[0].IsValid() {
		t.Error("this machine has no address")
	}
}

// TestURLs: what a household may write, and what it is told otherwise.
func TestURLs(t *testing.T) {
	for text, want := range map[string][2]string{ // public, private: "" is good
		"https://home.example/hook":                        {"", ""},
		"https://home.example:8443/a?b=c":                  {"", ""},
		"https://192.0.43.8/x":                             {"", ""},
		"https://[2606:4700::1111]:443/":                   {"", ""},
		"http://home.example/hook":                         {"https://", ""},
		"http://192.168.1.5:8123/api/webhook/x":            {"https://", ""},
		"http://192.0.43.8/":                               {"https://", "private"}, // in clear over the internet
		"https://192.168.1.5/":                             {"private", ""},
		"https://[::1]/":                                   {"private", ""},
		"https://localhost/":                               {"private", ""},
		"https://LOCALHOST./":                              {"private", ""},
		"https://a.localhost/":                             {"private", ""},
		"https://[::ffff:127.0.0.1]/":                      {"private", ""},
		"https://[fe80::1%25eth0]/":                        {"private", "private"},
		"https://169.254.169.254/latest":                   {"private", "private"},
		"https://0.0.0.0/":                                 {"private", "private"},
		"https://[::]/":                                    {"private", "private"},
		"https://2130706433/":                              {"neither", "neither"},
		"https://0177.0.0.1/":                              {"neither", "neither"},
		"https://0x7f.0.0.1/":                              {"neither", "neither"},
		"https://127.1/":                                   {"neither", "neither"},
		"https://127.0.0.1./":                              {"neither", "neither"},
		"https://0x7f000001/":                              {"neither", "neither"},
		"https://1.2.3.999999999999999999999999/":          {"neither", "neither"},
		"https://192.168.1.08/":                            {"neither", "neither"},
		"https://192.168.257/":                             {"neither", "neither"},
		"https://127。0。0。1/":                               {"no name", "no name"},
		"https://１２７.0.0.1/":                               {"neither", "neither"},
		"https://x.1０/":                                    {"no name", "no name"},
		"https://user:secret@home.example/":                {"leave out", "leave out"},
		"https://home.example@10.0.0.1/":                   {"leave out", "leave out"},
		"https://home.example:25/":                         {"port", "port"},
		"https://home.example:22/":                         {"port", "port"},
		"https://home.example:1023/":                       {"port", "port"},
		"https://home.example:65536/":                      {"port", "port"},
		"https://home.example:0/":                          {"port", "port"},
		"https://home.example/#x":                          {"leave it out", "leave it out"},
		"file:///etc/passwd":                               {"URL", "URL"},
		"gopher://home.example/":                           {"https://", "https://"},
		"unix:///run/x":                                    {"URL", "URL"},
		"https:home.example":                               {"URL", "URL"},
		"home.example":                                     {"URL", "URL"},
		"//home.example/":                                  {"https://", "https://"},
		"https:///x":                                       {"URL", "URL"},
		"https://home.example/\r\nX: y":                    {"URL", "URL"},
		"https://home.example/\x00":                        {"URL", "URL"},
		"https://-x-.example/":                             {"no name", "no name"},
		"https://a b.example/":                             {"URL", "URL"},
		"https://" + strings.Repeat("a.", 200):             {"no name", "no name"},
		"https://h.example/" + strings.Repeat("a", maxURL): {"URL", "URL"},
	} {
		for i, g := range []*guard{{}, {private: true}} {
			_, err := g.target(text)
			if want[i] == "" && err != nil || want[i] != "" && (err == nil || !strings.Contains(err.Error(), want[i])) {
				t.Errorf("%q, private %t: %v, want %q", text, g.private, err, want[i])
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a password: %v", err)
			}
		}
	}
}

// TestRebinding: a name that leads to a public address when it is written and into the house when it is connected to
// gets nothing; neither does one that leads to both.
func TestRebinding(t *testing.T) {
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	var answers []string
	p := post(t, nil, func(c *Config) {
		c.Resolve = func(context.Context, string) (found []netip.Addr, err error) {
			for _, a := range answers {
				found = append(found, netip.MustParseAddr(a))
			}
			return found, nil
		}
	})
	c := Channel{Kind: Webhook, To: "https://rebind.example:" + portOf(t, server.URL) + "/"}
	if err := p.check(c); err != nil {
		t.Fatal(err)
	}
	for _, found := range [][]string{{"127.0.0.1"}, {"::1"}, {"::ffff:127.0.0.1"}, {"127.0.0.1", "192.0.43.8"}, {"64:ff9b::7f00:1"}, {"0.0.0.0"}, {"169.254.169.254"}} {
		answers = found
		if got := why(t, p.Test(t.Context(), "h-home", c)); got != Forbidden {
			t.Errorf("%v: %q", found, got)
		}
	}
	// The good one first changes nothing: such a name is not dialled at all.
	if _, err := (dialer{p.cfg.Resolve, p.guard, false}).find(t.Context(), "rebind.example"); why(t, err) != Forbidden {
		t.Errorf("169.254.169.254: %v", err)
	}
	for _, found := range [][]string{{"192.0.43.8", "10.0.0.1"}, {"10.0.0.1", "192.0.43.8"}} {
		answers = found
		if _, err := (dialer{p.cfg.Resolve, p.guard, false}).find(t.Context(), "rebind.example"); why(t, err) != Forbidden {
			t.Errorf("%v: %v", found, err)
		}
	}
	answers = nil
	if got := why(t, p.Test(t.Context(), "h-home", c)); got != Unreachable {
		t.Errorf("no address: %q", got)
	}
	if reached.Load() != 0 {
		t.Error("a stranger's name led into the house")
	}
}

// TestConnectTime: the address of the socket itself is judged, whatever was resolved.
func TestConnectTime(t *testing.T) {
	d := dialer{guard: &guard{}}
	for _, address := range []string{"127.0.0.1:443", "[::1]:443", "[fe80::1%lo]:443", "10.0.0.1:80", "nonsense"} {
		if err := d.control(t.Context(), "tcp", address, nil); why(t, err) != Forbidden {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := d.control(t.Context(), "tcp", "192.0.43.8:443", nil); err != nil {
		t.Error(err)
	}
	d.bare, d.guard = true, &guard{private: true}
	if err := d.control(t.Context(), "tcp", "192.0.43.8:80", nil); why(t, err) != Forbidden {
		t.Errorf("in clear over the internet: %v", err)
	}
	// It is what dials, not only what is asked: a listener on loopback is not reached.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	once := &net.Dialer{ControlContext: dialer{guard: &guard{}}.control}
	if conn, err := once.DialContext(t.Context(), "tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the socket connected")
	}
}

// TestNoProxy: a proxy of the environment would connect in our place, past the guard.
func TestNoProxy(t *testing.T) {
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	p := post(t, nil, private)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	if err := p.Test(t.Context(), "h-home", Channel{Kind: Webhook, To: server.URL}); err != nil {
		t.Error(err)
	}
	if asked.Load() != 0 {
		t.Error("a proxy was asked")
	}
}
