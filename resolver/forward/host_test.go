package forward

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// encryptions are the networks of upstreams that prove who they are, lasting those over
// connections.
var (
	encryptions = []string{"tls", "https", "h3", "quic"}
	lasting     = append([]string{"tcp"}, encryptions...)
)

// host is a hostile upstream on loopback that speaks one protocol over connections that last,
// as evil does over those that do not.
type host struct {
	t        testing.TB
	network  string
	addr     netip.AddrPort
	name     string // "": the address is in its URL
	stop     func()
	cert     atomic.Pointer[tls.Certificate]
	script   atomic.Pointer[func(*errand)]
	settings *tls.Config

	mu          sync.Mutex
	seen        []*errand
	conns       []func() // end one
	connections int
	resumed     int
}

// errand is one query that reached a host, and what it came on.
type errand struct {
	visit
	header http.Header
	method string
	w      http.ResponseWriter
	stream *quic.Stream
	hangUp func()          // ends the connection
	gone   <-chan struct{} // closed when nobody waits for a response over HTTP
}

// newHost starts an upstream of one network that shows cert; for tcp that may be nil.
func newHost(t testing.TB, network string, cert *tls.Certificate, script func(*errand)) *host {
	t.Helper()
	return startHost(t, network, netip.MustParseAddrPort("127.0.0.1:0"), cert, script)
}

// startHost is newHost at an address.
func startHost(t testing.TB, network string, addr netip.AddrPort, cert *tls.Certificate, script func(*errand)) *host {
	t.Helper()
	h := &host{t: t, network: network, addr: addr}
	h.cert.Store(cert)
	h.script.Store(&script)
	var wg sync.WaitGroup
	var stop func()
	switch network {
	case "tcp", "tls":
		stop = h.serveStream(&wg)
	case "https":
		stop = h.serveHTTPS(&wg, "h2", "http/1.1")
	case "https1":
		h.network = "https"
		stop = h.serveHTTPS(&wg, "http/1.1")
	case "h3":
		stop = h.serveHTTP3(&wg)
	case "quic":
		stop = h.serveQUIC(&wg, "doq")
	case "quic, another protocol":
		h.network = "quic"
		stop = h.serveQUIC(&wg, "hq")
	case "h3, another protocol":
		h.network = "h3"
		stop = h.serveQUIC(&wg, "hq")
	}
	h.stop = sync.OnceFunc(func() {
		h.hangUp() // before the socket is gone by which QUIC says so
		stop()
		h.hangUp()
		wg.Wait()
	})
	t.Cleanup(h.stop)
	return h
}

func (h *host) url() string {
	url := h.network + "://" + h.addr.String()
	if h.name != "" {
		url = h.network + "://" + h.name + ":" + strconv.Itoa(int(h.addr.Port()))
	}
	if h.network == "https" || h.network == "h3" {
		url += "/dns-query"
	}
	return url
}

// config returns the settings of server, which counts the handshakes.
func (h *host) config(protocols ...string) *tls.Config {
	h.settings = &tls.Config{
		NextProtos:     protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.cert.Load(), nil },
		VerifyConnection: func(s tls.ConnectionState) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.connections++; s.DidResume {
				h.resumed++
			}
			return nil
		},
	}
	return h.settings
}

// turn makes the host another one, which has cert and knows nothing of earlier sessions.
func (h *host) turn(cert *tls.Certificate) {
	h.cert.Store(cert)
	h.settings.SetSessionTicketKeys([][32]byte{{byte(serial.Add(1))}})
	h.hangUp()
}

// handshakes returns how many there were, and how many of them resumed a session.
func (h *host) handshakes() (all, resumed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connections, h.resumed
}

// hangUp ends all connections.
func (h *host) hangUp() {
	h.mu.Lock()
	conns := h.conns
	h.conns = nil
	h.mu.Unlock()
	for _, end := range conns {
		end()
	}
}

func (h *host) become(script func(*errand)) { h.script.Store(&script) }

func (h *host) visits() []*errand {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seen)
}

func (h *host) keep(end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, end)
}

func (h *host) visited(v *errand) {
	v.network, v.query, v.evil = h.network, new(dns.Msg), &evil{t: h.t}
	if err := v.query.Unpack(v.raw); err != nil {
		h.t.Errorf("the query % x does not unpack: %v", v.raw, err)
		return
	}
	h.mu.Lock()
	h.seen = append(h.seen, v)
	v.number = len(h.seen)
	h.mu.Unlock()
	(*h.script.Load())(v)
}

// frames makes the way back over a stream.
func frames(w io.Writer) func([]byte) {
	var mu sync.Mutex
	return func(raw []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
	}
}

func (h *host) serveStream(wg *sync.WaitGroup) (stop func()) {
	l, err := net.Listen("tcp", h.addr.String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = l.Addr().(*net.TCPAddr).AddrPort()
	if h.network == "tls" {
		l = tls.NewListener(l, h.config())
	}
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if h.network == "tcp" {
				h.mu.Lock()
				h.connections++
				h.mu.Unlock()
			}
			h.keep(func() { _ = conn.Close() })
			wg.Go(func() {
				back := frames(conn)
				for {
					raw, err := readFrame(conn)
					if err != nil {
						_ = conn.Close()
						return
					}
					wg.Go(func() {
						h.visited(&errand{visit: visit{raw: raw, out: back, conn: conn}, hangUp: func() { _ = conn.Close() }})
					})
				}
			})
		}
	})
	return func() { _ = l.Close() }
}

type connKey struct{}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return // who asked has gone
	}
	hangUp := func() {}
	if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		hangUp = func() { _ = conn.Close() }
	}
	h.visited(&errand{
		visit: visit{raw: raw, out: func(raw []byte) {
			w.Header().Set("Content-Type", "application/dns-message")
			_, _ = w.Write(raw)
		}},
		w: w, header: r.Header, method: r.Method, hangUp: hangUp, gone: r.Context().Done(),
	})
}

func (h *host) serveHTTPS(wg *sync.WaitGroup, protocols ...string) (stop func()) {
	l, err := net.Listen("tcp", h.addr.String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = l.Addr().(*net.TCPAddr).AddrPort()
	s := &http.Server{
		Handler: h, TLSConfig: h.config(protocols...), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			h.keep(func() { _ = conn.Close() })
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	if !slices.Contains(protocols, "h2") {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
	}
	wg.Go(func() { _ = s.ServeTLS(l, "", "") })
	return func() { _ = s.Close() }
}

func (h *host) listenUDP() *net.UDPConn {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(h.addr))
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return conn
}

func (h *host) serveHTTP3(wg *sync.WaitGroup) (stop func()) {
	socket := h.listenUDP()
	s := &http3.Server{
		Handler: h, TLSConfig: h.config(http3.NextProtoH3),
		ConnContext: func(ctx context.Context, conn *quic.Conn) context.Context {
			h.keep(func() { _ = conn.CloseWithError(0x100, "") })
			return ctx
		},
	}
	wg.Go(func() { _ = s.Serve(socket) })
	return func() { _, _ = s.Close(), socket.Close() }
}

func (h *host) serveQUIC(wg *sync.WaitGroup, protocol string) (stop func()) {
	socket := h.listenUDP()
	transport := &quic.Transport{Conn: socket}
	l, err := transport.Listen(h.config(protocol), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	wg.Go(func() {
		for {
			conn, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			hangUp := func() { _ = conn.CloseWithError(0, "") }
			h.keep(hangUp)
			wg.Go(func() {
				for {
					stream, err := conn.AcceptStream(context.Background())
					if err != nil {
						return
					}
					wg.Go(func() {
						raw, err := readFrame(stream)
						if err != nil {
							return
						}
						if rest, err := io.ReadAll(stream); len(rest) > 0 || err != nil {
							h.t.Errorf("after the query came % x, %v; want FIN", rest, err)
						}
						back := frames(stream)
						h.visited(&errand{visit: visit{raw: raw, out: func(raw []byte) { back(raw); _ = stream.Close() }}, stream: stream, hangUp: hangUp})
					})
				}
			})
		}
	})
	return func() { _, _, _ = l.Close(), transport.Close(), socket.Close() }
}

// authority makes certificates.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string // PEM of cert
	up   []*x509.Certificate
}

var serial atomic.Int64

// newAuthority makes a root, or one that parent vouches for.
func newAuthority(t testing.TB, parent *authority) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	signer, up := a.key, (*x509.Certificate)(nil)
	if parent != nil {
		signer, up, a.up = parent.key, parent.cert, append([]*x509.Certificate{parent.cert}, parent.up...)
	}
	a.cert = sign(t, &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "authority " + strconv.Itoa(int(serial.Add(1)))},
	}, up, &a.key.PublicKey, signer)
	a.file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, c, parent *x509.Certificate, key *ecdsa.PublicKey, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c.SerialNumber = big.NewInt(serial.Add(1))
	if c.NotBefore.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	if parent == nil {
		parent = c
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, key, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// issue returns a certificate for dns.test and the addresses of loopback, changed, with those above.
func (a *authority) issue(change func(*x509.Certificate)) *tls.Certificate {
	a.t.Helper()
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "dns.test"}, DNSNames: []string{"dns.test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2), net.IPv4(127, 0, 0, 3), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(c)
	}
	key := newKey(a.t)
	leaf := sign(a.t, c, a.cert, &key.PublicKey, a.key)
	made := &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	for _, up := range a.up {
		made.Certificate = append(made.Certificate, up.Raw)
	}
	return made
}

// pinned returns the pin of a certificate's key as it is configured.
func pinned(c *x509.Certificate) string {
	p := pinOf(c)
	return base64.StdEncoding.EncodeToString(p[:])
}

// trusting returns a Forwarder of hosts, the first of which has the authority's certificate.
func trusting(t testing.TB, a *authority, hosts ...*host) *Forwarder {
	t.Helper()
	cfg := Config{}
	for _, h := range hosts {
		cfg.Upstreams = append(cfg.Upstreams, h.url())
		if h.network != "tcp" {
			cfg.Servers = append(cfg.Servers, Server{URL: h.url(), CAFile: a.file})
		}
	}
	return impatient(t, cfg)
}

func honest(v *errand) { truth(&v.visit) }

// hang never answers.
func hang(v *errand) {
	if v.gone != nil {
		<-v.gone
	}
}
