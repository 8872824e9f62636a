package source

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// TestGuard: where a download may connect, one address after the other on its way.
func TestGuard(t *testing.T) {
	tests := []struct {
		why     string
		private bool
		way     []string
		last    bool // whether the last may be contacted; the ones before may
	}{
		{"a server on the internet", false, []string{"192.0.2.1:443"}, true},
		{"a server on the internet over IPv6", false, []string{"[2001:db8::1]:443"}, true},
		{"a server in the house, unasked", false, []string{"192.168.1.10:80"}, false},
		{"this machine, unasked", false, []string{"127.0.0.1:80"}, false},
		{"a server in the house", true, []string{"192.168.1.10:80"}, true},
		{"this machine", true, []string{"[::1]:8080"}, true},
		{"from the house to the internet", true, []string{"192.168.1.10:80", "192.0.2.1:443"}, true},
		{"from one machine of the house to another", true, []string{"192.168.1.10:80", "192.168.1.11:80"}, true},
		{"from the internet into the house", true, []string{"192.0.2.1:443", "192.168.1.1:80"}, false},
		{"from the internet to this machine", true, []string{"192.0.2.1:443", "127.0.0.1:9353"}, false},
		{"the same in IPv6 spelling", true, []string{"192.0.2.1:443", "[::ffff:127.0.0.1]:9353"}, false},
		{"cloud metadata", true, []string{"169.254.169.254:80"}, false},
		{"cloud metadata over IPv6", true, []string{"[fd00:ec2::254]:80"}, false},
		{"link-local", true, []string{"[fe80::1%eth0]:80"}, false},
		{"no address", true, []string{"0.0.0.0:80"}, false},
		{"multicast", true, []string{"224.0.0.1:80"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			ctx := withJourney(t.Context(), Source{Private: tt.private})
			for i, address := range tt.way {
				err := guard(ctx, "tcp", address, nil)
				if want := i < len(tt.way)-1 || tt.last; (err == nil) != want {
					t.Errorf("%s: %v, want allowed %t", address, err, want)
				}
			}
		})
	}
}

// TestReach: every block of the registries of special-purpose addresses that leads to no server on the internet, in
// each spelling that reaches it.
func TestReach(t *testing.T) {
	for want, addresses := range map[reach][]string{
		outside: {"1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"},
		inside: {"10.0.0.1", "172.16.0.1", "192.168.0.1", "127.0.0.1", "127.255.255.254", "100.64.0.1", "100.127.255.255", "198.18.0.1",
			"::1", "fd00::1", "fc00::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1",
			"2002:c0a8:101::1", "2001::1", "::7f00:1"},
		nowhere: {"0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "224.0.0.251", "239.255.255.250", "255.255.255.255", "240.0.0.1",
			"::", "fe80::1", "ff02::fb", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fd00:ec2::254", "fd20:ce::254",
			"100.100.100.200", "168.63.129.16", "192.0.0.192", "100::1"},
	} {
		for _, text := range addresses {
			if got := reachOf(netip.MustParseAddr(text)); got != want {
				t.Errorf("%s is %d, want %d", text, got, want)
			}
		}
	}
}

// TestReachOfOwnAddresses: what listens on this machine is inside, whatever addresses the machine has.
func TestReachOfOwnAddresses(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil || len(own) == 0 {
		t.Skip("this machine tells no addresses: ", err)
	}
	for _, a := range own {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			t.Fatal(err)
		}
		if reachOf(p.Addr()) == outside {
			t.Errorf("%s of this machine counts as outside", p.Addr())
		}
	}
}

// TestPrivateListNeedsToBeSaid: a list on a server of the house is fetched only where the operator says so, and the
// error says how; the environment's proxy changes nothing.
func TestPrivateListNeedsToBeSaid(t *testing.T) {
	server := newListServer(t)
	server.set(text(numbered(10)))
	t.Setenv("HTTP_PROXY", server.URL)
	source := Source{Name: "l", URL: strings.Replace(server.URL, "127.0.0.1", "localhost", 1), Format: Domains, Categories: []string{"piracy"}}
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{source}}})
	wantResult(t, l, Failed, 0, "private: true")
	if n := len(server.seen()); n != 0 {
		t.Errorf("%d requests came through", n)
	}
	source.Private = true
	l = open(t, LibraryConfig{Lists: Config{Sources: []Source{source}}})
	wantResult(t, l, Updated, 10, "")
}

// TestRedirectIsGuarded: each server that a download is sent on to is looked at, also for private sources.
func TestRedirectIsGuarded(t *testing.T) {
	for _, to := range []string{"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[::ffff:169.254.169.254]/"} {
		l, server, _ := fetched(t, nil)
		server.set(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		wantResult(t, l, Failed, 100, "no address that lists are fetched from")
	}
	if err := guard(context.Background(), "tcp", "127.0.0.1:80", nil); err == nil {
		t.Error("a connection that belongs to no download is allowed")
	}
}
