package forward

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUpstreamSpelling(t *testing.T) {
	tests := []struct{ text, url, refusal string }{
		{"1.1.1.1", "udp://1.1.1.1:53", ""},
		{"1.1.1.1:5353", "udp://1.1.1.1:5353", ""},
		{"udp://1.1.1.1", "udp://1.1.1.1:53", ""},
		{"udp://1.1.1.1:53", "udp://1.1.1.1:53", ""},
		{"tcp://1.1.1.1", "tcp://1.1.1.1:53", ""},
		{"2620:fe::fe", "udp://[2620:fe::fe]:53", ""},
		{"[2620:fe::fe]", "udp://[2620:fe::fe]:53", ""},
		{"[2620:fe::fe]:53", "udp://[2620:fe::fe]:53", ""},
		{"tcp://[2620:fe::fe]:853", "tcp://[2620:fe::fe]:853", ""},
		{"fe80::1%eth0", "udp://[fe80::1%eth0]:53", ""},
		{"::ffff:192.0.2.1", "udp://192.0.2.1:53", ""},
		{"127.0.0.53", "udp://127.0.0.53:53", ""},
		{"tls://1.1.1.1", "tls://1.1.1.1:853", ""},
		{"tls://dns.example", "tls://dns.example:853", ""},
		{"tls://DNS.Example.:8853", "tls://dns.example:8853", ""},
		{"tls://[fe80::1%eth0]", "tls://[fe80::1%eth0]:853", ""},
		{"quic://dns.example", "quic://dns.example:853", ""},
		{"https://dns.example/dns-query", "https://dns.example/dns-query", ""},
		{"https://dns.example:443/dns-query", "https://dns.example/dns-query", ""},
		{"https://dns.example:8443/a%20b/c", "https://dns.example:8443/a%20b/c", ""},
		{"https://192.0.2.1/dns-query", "https://192.0.2.1/dns-query", ""},
		{"https://[2620:fe::fe]/", "https://[2620:fe::fe]/", ""},
		{"h3://[2620:fe::fe]:8443/q", "h3://[2620:fe::fe]:8443/q", ""},
		{"https://dns.example", "", "the path is missing"},
		{"h3://dns.example", "", "write for example h3://dns.example/dns-query"},
		{"https:///dns-query", "", "the address is missing"},
		{"https://dns.example/dns-query{?dns}", "", "more than a host and a path"},
		{"https://dns.example/dns-query?x=1", "", "more than a host and a path"},
		{"https://dns.example/dns-query#x", "", "more than a host and a path"},
		{"https://user:secret@dns.example/dns-query", "", "more than a host and a path"},
		{"https://dns.example/a b", "", "no path of a URL"},
		{"tls://user@dns.example", "", "more than an address"},
		{"tls://dns.example/dns-query", "", "more than an address"},
		{"tls://dns.example:x", "", "no port"},
		{"tls://dns.example:0", "", "no port"},
		{"tls://9.9.9", "", "neither an address nor a host name"},
		{"tls://münchen.example", "", "neither an address nor a host name"},
		{"tls://-a.example", "", "neither an address nor a host name"},
		{"tls://a..example", "", "neither an address nor a host name"},
		{"quic://0.0.0.0", "", "every address of this machine"},
		{"sdns://AgcAAAAA", "", "write what yours stands for"},
		{"gopher://1.1.1.1", "", "write udp://, tcp://, tls://"},
		{"dns.quad9.net", "", "write the address"},
		{"udp://localhost", "", "write the address"},
		{"udp://dns.quad9.net:53", "", "write the address"},
		{"1.1.1.1:http", "", "write the address"},
		{"1.1.1", "", "write the address"},
		{"01.1.1.1", "", "write the address"},
		{"udp://1.1.1.1/", "", "more than an address"},
		{"udp://user@1.1.1.1", "", "more than an address"},
		{"", "", "missing"},
		{"udp://", "", "missing"},
		{"1.1.1.1:0", "", "port 0"},
		{"0.0.0.0", "", "every address of this machine"},
		{"[::]:53", "", "every address of this machine"},
		{"224.0.0.251", "", "a group"},
		{"ff02::fb", "", "a group"},
		{"255.255.255.255", "", "a group"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			cfg := Config{Upstreams: []string{tt.text}, Bootstrap: []string{"192.0.2.53"}}
			f, err := New(cfg)
			if tt.refusal == "" {
				if err != nil || f.upstreams[0].at.String() != tt.url {
					t.Fatalf("New = %v, want %s", err, tt.url)
				}
				return
			}
			var field interface{ Path() string }
			if err = cfg.Validate(); !errors.As(err, &field) || field.Path() != "upstreams[0]" || !strings.Contains(err.Error(), tt.refusal) {
				t.Errorf("Validate = %v, want %q at upstreams[0]", err, tt.refusal)
			}
		})
	}
}

func TestValidateFindsAllErrors(t *testing.T) {
	err := Config{Upstreams: []string{"x", "1.1.1.1", "udp://1.1.1.1:53"}, Timeout: time.Hour, Attempts: 9}.Validate()
	var paths []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		paths = append(paths, e.(interface{ Path() string }).Path())
	}
	if diff := cmp.Diff([]string{"timeout", "attempts", "upstreams[0]", "upstreams[2]"}, paths); diff != "" {
		t.Error(diff)
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "write") {
		t.Errorf("no upstreams: %v, want what to write", err)
	}
	if err := (Config{Upstreams: strings.Split(strings.Repeat("192.0.2.1 ", 17), " ")}).Validate(); err == nil {
		t.Error("seventeen upstreams are accepted")
	}
}

// An upstream that is this server itself is a loop of one.
func TestOwnListenersAreRefused(t *testing.T) {
	local := func() []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("fe80::10%eth0"), netip.MustParseAddr("2001:db8::10")}
	}
	tests := []struct {
		own, upstream string
		want          bool
	}{
		{"127.0.0.1:53", "127.0.0.1:53", true},
		{"127.0.0.1:53", "127.0.0.1:5353", false},
		{"127.0.0.1:53", "127.0.0.53:53", false},
		{"127.0.0.1:53", "[::ffff:127.0.0.1]:53", true},
		{"0.0.0.0:53", "127.0.0.1:53", true},
		{"0.0.0.0:53", "127.9.9.9:53", true},
		{"0.0.0.0:53", "192.0.2.10:53", true},
		{"0.0.0.0:53", "192.0.2.10:54", false},
		{"0.0.0.0:53", "192.0.2.11:53", false},
		{"0.0.0.0:53", "[::1]:53", false},
		{"[::]:53", "[::1]:53", true},
		{"[::]:53", "127.0.0.1:53", true},
		{"[::]:53", "192.0.2.10:53", true},
		{"[::]:53", "[2001:db8::10]:53", true},
		{"[::]:53", "[2001:db8::11]:53", false},
		{"[::]:53", "[fe80::10%eth0]:53", true},
		{"[fe80::10%eth0]:53", "[fe80::10%2]:53", true},
	}
	for _, tt := range tests {
		s := newSelf([]netip.AddrPort{netip.MustParseAddrPort(tt.own)}, local)
		if got := s.is(netip.MustParseAddrPort(tt.upstream)); got != tt.want {
			t.Errorf("listening on %s, %s is ourselves: %v, want %v", tt.own, tt.upstream, got, tt.want)
		}
	}
	err := Config{Upstreams: []string{"127.0.0.1"}, Own: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:53")}}.Validate()
	if err == nil || !strings.Contains(err.Error(), "this server itself") {
		t.Errorf("Validate = %v", err)
	}
}

func TestSystemUpstreams(t *testing.T) {
	tests := []struct {
		name, file string
		own        []netip.Addr
		want       []string
		refusal    string
	}{
		{"ordinary", "# router\nsearch lan\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions edns0\n", nil,
			[]string{"udp://192.0.2.1:53", "udp://[2001:db8::1]:53"}, ""},
		{"scope, tabs, CRLF, twice", "nameserver\tfe80::1%eth0\r\nnameserver 192.0.2.1 # x\nnameserver 192.0.2.1\n", nil,
			[]string{"udp://[fe80::1%eth0]:53", "udp://192.0.2.1:53"}, ""},
		{"systemd's stub is not ours", "nameserver 127.0.0.53\n", addrs("127.0.0.1"), []string{"udp://127.0.0.53:53"}, ""},
		{"ours is left out", "nameserver 127.0.0.1\nnameserver 192.0.2.1\n", addrs("127.0.0.1"), []string{"udp://192.0.2.1:53"}, ""},
		{"ours by wildcard", "nameserver 127.0.0.53\nnameserver 192.0.2.1\n", addrs("0.0.0.0"), []string{"udp://192.0.2.1:53"}, ""},
		{"0.0.0.0 is this machine", "nameserver 0.0.0.0\nnameserver ::\n", nil, []string{"udp://127.0.0.1:53", "udp://[::1]:53"}, ""},
		{"only ourselves", "nameserver 127.0.0.1\n", addrs("127.0.0.1"), nil, "only this server itself (127.0.0.1); write"},
		{"no nameserver", "search lan\n#nameserver 192.0.2.1\n;nameserver 192.0.2.1\nnameserver\nnameserver x\n", nil, nil, "no nameserver line with an address; write"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := SystemUpstreams(path, tt.own)
			if (err == nil) != (tt.refusal == "") || err != nil && !strings.Contains(err.Error(), tt.refusal) {
				t.Fatalf("error = %v, want %q", err, tt.refusal)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				if err := (Config{Upstreams: got}).Validate(); err != nil {
					t.Errorf("what it returned is not valid: %v", err)
				}
			}
		})
	}
	if _, err := SystemUpstreams(filepath.Join(t.TempDir(), "absent"), nil); err == nil || !strings.Contains(err.Error(), "resolve.upstreams") {
		t.Errorf("absent file: %v, want what to write", err)
	}
}

func addrs(texts ...string) (all []netip.Addr) {
	for _, s := range texts {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

// TestAccountsAreNotShown: some resolvers know whose account asks by the path.
func TestAccountsAreNotShown(t *testing.T) {
	f, err := New(Config{Upstreams: []string{"https://dns.example/a1b2c3", "h3://dns.example/dns-query", "tls://5qq6yoioa4nzco7a4b3diiql66.dns.example:8853"}, Bootstrap: []string{"192.0.2.53"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://dns.example/…", "h3://dns.example/dns-query", "tls://….dns.example:8853"}
	if got := f.Upstreams(); !slices.Equal(got, want) || f.upstreams[0].url != want[0] {
		t.Errorf("shown as %q, want %q", got, want)
	}
}
