package listen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

// tlsName is the name of the servers under test. A device's own name is one label more.
const tlsName = "dns.example"

// tlsConfigs makes a certificate for tlsName and the names beneath it, and gives the
// configurations of a server that shows it and of clients that believe it.
func tlsConfigs(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: tlsName}, DNSNames: []string{tlsName, "*." + tlsName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}},
		&tls.Config{RootCAs: pool, ServerName: tlsName}
}

// startTLS serves DNS over TLS on a free port.
func startTLS(t testing.TB, cfg listen.Config) (s *running, client *tls.Config) {
	t.Helper()
	cfg.TLS, client = tlsConfigs(t)
	if cfg.Listeners == nil {
		cfg.Listeners = []listen.Listener{{}}
	}
	cfg.Listeners[0].Addr = netip.MustParseAddrPort("127.0.0.1:0")
	cfg.Listeners[0].Protocols = []listen.Transport{listen.TLS}
	cfg.Listeners[0].Name = tlsName
	return start(t, cfg), client
}

// dialTLS connects and shakes hands.
func (r *running) dialTLS(client *tls.Config) *tls.Conn {
	r.t.Helper()
	c := tls.Client(r.dial("tcp"), client)
	if err := c.Handshake(); err != nil {
		r.t.Fatalf("handshake: %v", err)
	}
	return c
}

// open counts the connections over TLS.
func (r *running) open() int { return int(r.metric(`hearth_listen_connections{transport="tls"}`)) }

func TestTLSRepliesOutOfOrder(t *testing.T) {
	h := newStub()
	s, client := startTLS(t, listen.Config{Handler: h})
	c := s.dialTLS(client)
	send(t, c, frame(query(t, 1, "slow.test"), query(t, 2, "a.test"), query(t, 3, "slow.test"), query(t, 4, "b.test")))
	if a, b := recv(t, c), recv(t, c); a.Id != 2 || b.Id != 4 {
		t.Errorf("replies %d, %d before the slow ones, want 2, 4", a.Id, b.Id)
	}
	close(h.gate)
	late := []uint16{recv(t, c).Id, recv(t, c).Id}
	slices.Sort(late)
	if !slices.Equal(late, []uint16{1, 3}) {
		t.Errorf("late replies %v, want 1 and 3", late)
	}
}

func TestTLSPipelineOfManyQueries(t *testing.T) {
	h := newStub()
	close(h.gate)
	s, client := startTLS(t, listen.Config{Handler: h})
	c := s.dialTLS(client)
	const n = 2000
	go func() {
		var b []byte
		for i := range n {
			b = append(b, frame(query(t, uint16(i), []string{"a.test", "slow.test", "long.test"}[i%3]))...)
		}
		_, _ = c.Write(b)
	}()
	seen := make([]bool, n)
	for range n {
		m := recv(t, c)
		if seen[m.Id] || m.Rcode != dns.RcodeSuccess {
			t.Fatalf("reply %d: seen %v, %s", m.Id, seen[m.Id], dns.RcodeToString[m.Rcode])
		}
		seen[m.Id] = true
	}
}

// TestTLSSaysWhatTCPSays asks through the client of another library.
func TestTLSSaysWhatTCPSays(t *testing.T) {
	h := newStub()
	close(h.gate)
	s, client := startTLS(t, listen.Config{Handler: h})
	plain := start(t, listen.Config{Handler: h})
	for _, name := range []string{"a.test.", "slow.test.", "long.test."} {
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeAAAA)
		over := func(network string, addr netip.AddrPort) string {
			c := &dns.Client{Net: network, TLSConfig: client, Timeout: patience}
			reply, _, err := c.Exchange(m, addr.String())
			if err != nil {
				t.Fatalf("%s over %s: %v", name, network, err)
			}
			return reply.String()
		}
		if a, b := over("tcp", plain.addr), over("tcp-tls", s.addr); a != b {
			t.Errorf("over TCP:\n%s\nover TLS:\n%s", a, b)
		}
	}
}

func TestTLSProtocols(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub()})
	for _, tt := range []struct {
		offer   []string
		version uint16
		agreed  string
		refused bool
	}{
		{nil, tls.VersionTLS13, "", false},
		{nil, tls.VersionTLS12, "", false},
		{nil, tls.VersionTLS11, "", true},
		{[]string{"dot"}, tls.VersionTLS13, "dot", false},
		{[]string{"h2", "dot"}, tls.VersionTLS12, "dot", false},
		{[]string{"h2", "http/1.1"}, tls.VersionTLS13, "", true}, // a web browser
	} {
		cfg := client.Clone()
		cfg.NextProtos, cfg.MinVersion, cfg.MaxVersion = tt.offer, tls.VersionTLS10, tt.version
		c := tls.Client(s.dial("tcp"), cfg)
		if err := c.Handshake(); (err != nil) != tt.refused {
			t.Errorf("%v of TLS %#x: error %v, want one: %v", tt.offer, tt.version, err, tt.refused)
			continue
		} else if err != nil {
			continue
		}
		if got := c.ConnectionState().NegotiatedProtocol; got != tt.agreed {
			t.Errorf("%v: agreed on %q, want %q", tt.offer, got, tt.agreed)
		}
		send(t, c, frame(query(t, 1, "a.test")))
		recv(t, c)
	}
}

func TestTLSIdentity(t *testing.T) {
	const id, other = "k4q2x7m9d3w8r5t1", "zz-2345-6789-abcdef"
	got := make(chan listen.Client, 1)
	h := newStub()
	h.seen = func(r *listen.Request) { got <- r.Client }
	s, client := startTLS(t, listen.Config{Handler: h})
	client.InsecureSkipVerify = true // names that the certificate has not are tried as well
	for _, tt := range []struct{ name, want string }{
		{tlsName, ""},
		{id + "." + tlsName, id},
		{strings.ToUpper(id) + ".DNS.Example", id},
		{other + "." + tlsName, other},
		{id + ".other.example", ""},
		{"a." + id + "." + tlsName, ""},
		{"short." + tlsName, ""},
		{strings.Repeat("a", 63) + "." + tlsName, strings.Repeat("a", 63)},
		{"under_score_0123456789." + tlsName, ""},
		{id, ""},
	} {
		cfg := client.Clone()
		cfg.ServerName = tt.name
		c := s.dialTLS(cfg)
		send(t, c, frame(query(t, 1, "a.test")))
		recv(t, c)
		if client := <-got; client.Identity != tt.want || client.Transport != listen.TLS || client.Addr != addrPort(c.LocalAddr()) {
			t.Errorf("%s: client %+v, want identity %q", tt.name, client, tt.want)
		}
		_ = c.Close()
	}
}

// oneSession is the session that a client got last, for any server.
type oneSession struct{ got *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.got, o.got != nil }
func (o *oneSession) Put(_ string, s *tls.ClientSessionState)    { o.got = s }

// TestResumedSessionHasTheIdentityOfItsOwnName is the trap of session tickets: one that
// a device got is used with the name of another, or with none.
func TestResumedSessionHasTheIdentityOfItsOwnName(t *testing.T) {
	const child, parent = "child-0123456789", "parent-123456789"
	got := make(chan string, 1)
	h := newStub()
	h.seen = func(r *listen.Request) { got <- r.Client.Identity }
	s, client := startTLS(t, listen.Config{Handler: h})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := client.Clone()
		cfg.MinVersion, cfg.MaxVersion, cfg.ClientSessionCache = version, version, &oneSession{}
		for i, id := range []string{parent, parent, child, "", parent} {
			cfg := cfg.Clone()
			cfg.ServerName = strings.TrimPrefix(id+"."+tlsName, ".")
			c := s.dialTLS(cfg)
			send(t, c, frame(query(t, 1, "a.test")))
			recv(t, c) // and the ticket
			if got := <-got; got != id {
				t.Errorf("TLS %#x, connection %d: identity %q, want %q", version, i, got, id)
			}
			if i == 1 && !c.ConnectionState().DidResume {
				t.Errorf("TLS %#x: sessions are not resumed", version)
			}
			_ = c.Close()
		}
	}
}

func TestPlainOctetsAreTurnedAwayFast(t *testing.T) {
	// The time for a handshake is an hour: none of these may wait for it.
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: time.Hour}}})
	for what, b := range map[string][]byte{
		"DNS over TCP":  frame(query(t, 1, "a.test")),
		"HTTP":          []byte("GET /dns-query HTTP/1.1\r\nHost: dns.example\r\n\r\n"),
		"PROXY v2":      []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x10\x00\x03\x55"),
		"zeros":         make([]byte, 100),
		"a TLS alert":   {21, 3, 3, 0, 2, 2, 40},
		"long record":   {22, 3, 1, 0xff, 0xff, 1, 0, 0},
		"empty records": slices.Repeat([]byte{22, 3, 1, 0, 0}, 100),
	} {
		t.Run(what, func(t *testing.T) {
			c := s.dial("tcp")
			send(t, c, b)
			reply, err := io.ReadAll(c)
			if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
				t.Error("the server does not close")
			}
			if len(reply) > 7 { // an alert (RFC 8446 section 6) is all that may come
				t.Errorf("the server sent %x", reply)
			}
		})
	}
	eventually(t, "their room comes back", func() bool { return s.open() == 0 })
	if n := s.metric(`hearth_listen_shed_total{reason="bad_handshake",transport="tls"}`); n != 7 {
		t.Errorf("%v bad handshakes, want 7", n)
	}
	c := s.dialTLS(client)
	send(t, c, frame(query(t, 1, "a.test")))
	recv(t, c)
}
