package listen_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// webName is the name of the servers under test, in the case of their certificate.
const webName = tlsName

// deviceName is an identity that a device could have.
const deviceName = "k7q2m9x4w8b3c5d6"

// shielded is a running server with one encrypted listener.
type shielded struct {
	*running
	pool *x509.CertPool
}

// startShielded serves t on a free port of 127.0.0.1; edit, if given, changes the listener.
func startShielded(t testing.TB, over listen.Transport, cfg listen.Config, edit func(*listen.Listener)) *shielded {
	t.Helper()
	if os.Getenv(singlyEnv) != "" {
		t.Skip("how UDP packets are moved is nothing to encrypted transports")
	}
	l := listen.Listener{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Protocols: []listen.Transport{over}, Name: webName}
	if edit != nil {
		edit(&l)
	}
	cfg.Listeners = []listen.Listener{l}
	if cfg.Limits.Handshakes.PerClient == 0 { // a test of something else dials often
		cfg.Limits.Handshakes = listen.HandshakeLimits{PerSecond: 100000, PerClient: 100000}
	}
	var client *tls.Config
	cfg.TLS, client = tlsConfigs(t)
	return &shielded{start(t, cfg), client.RootCAs}
}

// trusting is a client's configuration; name is the server name it sends.
func (s *shielded) trusting(name string, alpn ...string) *tls.Config {
	return &tls.Config{RootCAs: s.pool, ServerName: name, NextProtos: alpn}
}

// web is an HTTP client of the version: "1.1", "2" or "3".
func (s *shielded) web(version, name string) *http.Client {
	c := &http.Client{Timeout: patience}
	switch version {
	case "3":
		tr := &http3.Transport{TLSClientConfig: s.trusting(name)}
		s.t.Cleanup(func() { _ = tr.Close() })
		c.Transport = tr
	default:
		tr := &http.Transport{TLSClientConfig: s.trusting(name), Protocols: new(http.Protocols), DisableCompression: true}
		tr.Protocols.SetHTTP1(version == "1.1")
		tr.Protocols.SetHTTP2(version == "2")
		s.t.Cleanup(tr.CloseIdleConnections)
		c.Transport = tr
	}
	return c
}

// versions are those of HTTP that are served.
var versions = []string{"1.1", "2", "3"}

// url is that of a path of the server.
func (s *shielded) url(path string) string { return "https://" + s.addr.String() + path }

// getting makes the GET request for a query (RFC 8484 4.1).
func (s *shielded) getting(path string, query []byte) *http.Request {
	s.t.Helper()
	return s.request(http.MethodGet, path+"?dns="+base64.RawURLEncoding.EncodeToString(query), nil)
}

// posting makes the POST request for a query.
func (s *shielded) posting(path string, query []byte) *http.Request {
	s.t.Helper()
	req := s.request(http.MethodPost, path, bytes.NewReader(query))
	req.Header.Set("Content-Type", "application/dns-message")
	return req
}

func (s *shielded) request(method, path string, body io.Reader) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url(path), body)
	if err != nil {
		s.t.Fatal(err)
	}
	return req
}

// fetched is a response with its body read.
type fetched struct {
	*http.Response
	body []byte
}

// fetch sends a request, which must get a response.
func (s *shielded) fetch(c *http.Client, req *http.Request) fetched {
	s.t.Helper()
	res, err := c.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: reading: %v", req.Method, req.URL.Path, err)
	}
	return fetched{res, body}
}

// quic dials the server for DNS over QUIC.
func (s *shielded) quic(name string) *quic.Conn {
	s.t.Helper()
	c, err := s.tryQUIC(name)
	if err != nil {
		s.t.Fatalf("dialling: %v", err)
	}
	return c
}

func (s *shielded) tryQUIC(name string) (*quic.Conn, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c, err := quic.DialAddr(ctx, s.addr.String(), s.trusting(name, "doq"), nil)
	if err == nil {
		s.t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	}
	return c, err
}

// ask sends octets on a stream of their own, ends it and reads what comes until its end.
func ask(t *testing.T, c *quic.Conn, octets []byte) []byte {
	t.Helper()
	stream := openStream(t, c)
	write(t, stream, octets)
	_ = stream.Close()
	b, err := io.ReadAll(stream)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return b
}

func openStream(t *testing.T, c *quic.Conn) *quic.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := c.OpenStreamSync(ctx)
	if err != nil {
		t.Fatalf("opening a stream: %v", err)
	}
	_ = stream.SetDeadline(time.Now().Add(patience))
	return stream
}

func write(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatalf("writing: %v", err)
	}
}

// replies is a Handler that answers every query at once.
type replies func(*listen.Request) []byte

func (h replies) Answer(r *listen.Request) bool {
	r.Reply = h(r)
	return true
}

func (h replies) Resolve(_ context.Context, r *listen.Request, _ time.Time) { r.Done() }

func withCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), patience)
}

func newSessions() tls.ClientSessionCache { return tls.NewLRUClientSessionCache(4) }
