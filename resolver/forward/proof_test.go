package forward

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// guarded returns a Forwarder of h, of which s says more.
func guarded(t testing.TB, h *host, s Server) *Forwarder {
	t.Helper()
	f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, s), Attempts: 1})
	t.Cleanup(f.Close)
	return f
}

// Whether an upstream is believed to be itself: by authorities (RFC 8310 section 8.1), by pins
// (RFC 7858 section 4.2), by both.
func TestProof(t *testing.T) {
	once(t)
	t.Parallel()
	ca, other := newAuthority(t, nil), newAuthority(t, nil)
	below := newAuthority(t, ca)
	plainCert, deep := ca.issue(nil), below.issue(nil)
	foreign := ca.issue(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"other.test"}, nil })
	old := ca.issue(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	// An impostor's certificate, with the true one shown behind it.
	impostor := other.issue(nil)
	impostor.Certificate = append(impostor.Certificate, plainCert.Leaf.Raw, ca.cert.Raw)
	stranger := pinned(other.issue(nil).Leaf)
	tests := []struct {
		name  string
		cert  *tls.Certificate
		trust Server
		ok    bool
	}{
		{"known authority", plainCert, Server{CAFile: ca.file}, true},
		{"known authority, with one between", deep, Server{CAFile: ca.file}, true},
		{"the system's authorities", plainCert, Server{}, false},
		{"another authority", plainCert, Server{CAFile: other.file}, false},
		{"another name", foreign, Server{CAFile: ca.file}, false},
		{"expired", old, Server{CAFile: ca.file}, false},
		{"known authority and pin on the server", plainCert, Server{CAFile: ca.file, Pins: []string{stranger, pinned(plainCert.Leaf)}}, true},
		{"known authority and pin on it", deep, Server{CAFile: ca.file, Pins: []string{pinned(ca.cert)}}, true},
		{"known authority and pin between", deep, Server{CAFile: ca.file, Pins: []string{pinned(below.cert)}}, true},
		{"known authority and pin on another", plainCert, Server{CAFile: ca.file, Pins: []string{stranger}}, false},
		{"pin on the server", plainCert, Server{Pins: []string{pinned(plainCert.Leaf)}}, true},
		{"pin on the server, of another name", foreign, Server{Pins: []string{pinned(foreign.Leaf)}}, true},
		{"pin on the authority", plainCert, Server{Pins: []string{pinned(ca.cert)}}, true},
		{"pin between", deep, Server{Pins: []string{pinned(below.cert)}}, true},
		{"pin on the authority, another name", foreign, Server{Pins: []string{pinned(ca.cert)}}, false},
		{"pin on the authority, expired", old, Server{Pins: []string{pinned(ca.cert)}}, false},
		{"pin on another", plainCert, Server{Pins: []string{stranger}}, false},
		{"pin on what an impostor shows", impostor, Server{Pins: []string{pinned(plainCert.Leaf)}}, false},
		{"pin on an authority that an impostor shows", impostor, Server{Pins: []string{pinned(ca.cert)}}, false},
	}
	for _, network := range encryptions {
		for _, tt := range tests {
			t.Run(network+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				h := newHost(t, network, tt.cert, honest)
				f := guarded(t, h, tt.trust)
				_, err := ask(t, f)
				if (err == nil) != tt.ok {
					t.Fatalf("Exchange = %v, want an answer: %v", err, tt.ok)
				}
				if got := reasonsOf(t, f); !tt.ok && !slices.Equal(got, []string{"certificate"}) {
					t.Errorf("failures %v, want one of certificate", got)
				}
				if n := len(h.visits()); n > 0 && !tt.ok {
					t.Errorf("%d questions went to who did not prove to be the upstream", n)
				}
			})
		}
	}
}

// Another certificate than the pins allow ends it, although the server was known and a session
// could be resumed.
func TestCertificateChanges(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range encryptions {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			first := ca.issue(nil)
			h := newHost(t, network, first, honest)
			f := guarded(t, h, Server{CAFile: ca.file, Pins: []string{pinned(first.Leaf)}})
			want(t, f, "192.0.2.1")
			// A new server in its place, which knows nothing of the old one's sessions.
			h.stop()
			fresh := startHost(t, network, h.addr, ca.issue(nil), honest)
			if _, err := ask(t, f); err == nil || !strings.Contains(err.Error(), "pins") {
				t.Errorf("Exchange = %v, want an error about pins", err)
			}
			if got := reasonsOf(t, f); !slices.Equal(got, []string{"certificate"}) {
				t.Errorf("failures %v, want one of certificate", got)
			}
			if n := len(fresh.visits()); n > 0 {
				t.Errorf("%d questions went to the other server", n)
			}
		})
	}
}

// A server that speaks something else is left alone.
func TestAnotherProtocol(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, kind := range []string{"quic, another protocol", "h3, another protocol"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, kind, ca.issue(nil), honest)
			f := guarded(t, h, Server{CAFile: ca.file})
			if _, err := ask(t, f); err == nil {
				t.Error("it answered")
			}
			if got := reasonsOf(t, f); !slices.Equal(got, []string{"network"}) {
				t.Errorf("failures %v, want one of network", got)
			}
		})
	}
}

// What is written of servers is refused where it cannot be right, with what to write instead.
func TestValidateServers(t *testing.T) {
	once(t)
	ca := newAuthority(t, nil)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := pinned(ca.cert)
	upstreams := []string{"192.0.2.1", "tls://dns.example", "https://dns.example/dns-query", "quic://192.0.2.2"}
	tests := []struct {
		name          string
		servers       []Server
		path, refusal string
	}{
		{"right", []Server{
			{URL: "tls://DNS.example.:853", Addresses: addrs("192.0.2.9", "2001:db8::9"), Pins: []string{good}, CAFile: ca.file, Validates: true},
			{URL: "quic://192.0.2.2", Pins: []string{good}},
		}, "", ""},
		{"nowhere", []Server{{URL: "tls://dns2.example"}}, "servers[0].url", "not among the upstreams"},
		{"other port", []Server{{URL: "tls://dns.example:8853"}}, "servers[0].url", "not among the upstreams"},
		{"no upstream at all", []Server{{URL: "gopher://x"}}, "servers[0].url", "write udp://"},
		{"twice", []Server{{URL: "tls://dns.example"}, {URL: "tls://dns.example:853"}}, "servers[1].url", "servers[0] again"},
		{"pin no base64", []Server{{URL: "tls://dns.example", Pins: []string{good, "sha256/" + good}}}, "servers[0].pins[1]", "44 characters"},
		{"pin too short", []Server{{URL: "tls://dns.example", Pins: []string{"AAAA"}}}, "servers[0].pins[0]", "44 characters"},
		{"pins over UDP", []Server{{URL: "192.0.2.1", Pins: []string{good}}}, "servers[0].pins", "write tls://"},
		{"validates over UDP", []Server{{URL: "192.0.2.1", Validates: true}}, "servers[0].validates", "write tls://"},
		{"authorities over UDP", []Server{{URL: "192.0.2.1", CAFile: ca.file}}, "servers[0].ca_file", "write tls://"},
		{"no file", []Server{{URL: "tls://dns.example", CAFile: empty + "x"}}, "servers[0].ca_file", "PEM"},
		{"no certificate", []Server{{URL: "tls://dns.example", CAFile: empty}}, "servers[0].ca_file", "PEM"},
		{"addresses twice", []Server{{URL: "quic://192.0.2.2", Addresses: addrs("192.0.2.3")}}, "servers[0].addresses", "has its address already"},
		{"address of many", []Server{{URL: "tls://dns.example", Addresses: addrs("192.0.2.9", "224.0.0.1")}}, "servers[0].addresses[1]", "a group"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := ValidateServers(tt.servers, upstreams)
			if tt.path == "" {
				if err != nil {
					t.Errorf("ValidateServers = %v", err)
				}
				return
			}
			list, ok := err.(interface{ Unwrap() []error })
			if !ok || len(list.Unwrap()) != 1 {
				t.Fatalf("ValidateServers = %v, want one error", err)
			}
			if path := list.Unwrap()[0].(interface{ Path() string }).Path(); path != tt.path || !strings.Contains(err.Error(), tt.refusal) {
				t.Errorf("ValidateServers = %s: %v, want %q at %s", path, err, tt.refusal, tt.path)
			}
		})
	}
}

// An address that fails, or is slow, is followed by another one of the server's; the one that
// answered comes first from then on.
func TestAddressesInTurn(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range encryptions {
		for name, elsewhere := range map[string]string{"refused": "127.0.0.2", "silent": "127.0.0.3"} {
			t.Run(network+"/"+name, func(t *testing.T) {
				t.Parallel()
				start := func() *host { return newHost(t, network, ca.issue(nil), honest) }
				h := start()
				if name == "silent" {
					h = besideSilence(t, network, elsewhere, start)
				}
				h.name = "dns.test"
				f := guarded(t, h, Server{CAFile: ca.file, Addresses: addrs(elsewhere, "127.0.0.1")})
				want(t, f, "192.0.2.1")
				h.hangUp()
				want(t, f, "192.0.2.1")
				if got := reasonsOf(t, f); len(got) > 0 {
					t.Errorf("failures %v, want none", got)
				}
			})
		}
	}
}

// besideSilence makes a host at whose port another address listens and says nothing.
func besideSilence(t *testing.T, network, address string, begin func() *host) *host {
	t.Helper()
	for range 20 { // somebody else may have the port there
		h := begin()
		if occupy(t, network, address, h.addr.Port()) == nil {
			return h
		}
	}
	t.Fatalf("no port is free at %s too", address)
	return nil
}

// occupy listens and says nothing.
func occupy(t *testing.T, network, address string, port uint16) error {
	t.Helper()
	if network == "h3" || network == "quic" {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address), Port: int(port)})
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		return err
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(address), Port: int(port)})
	if err == nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return err
}
