package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	wiring "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/pires/go-proxyproto"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// client asks one server over one transport, as somebody.
type client struct {
	to    string // address:port
	roots *x509.CertPool
	name  string     // of the server
	id    string     // of the device, as the transport carries it; "" for none
	as    netip.Addr // whom a trusted proxy speaks for; the zero Addr: nobody
}

// ways are all transports, with all the ways in which they carry who asks.
var ways = []struct {
	name    string
	carries bool // a device's id
	proxied bool // a proxy's word of who asks
	ask     func(c client, q *dns.Msg) (*dns.Msg, error)
}{
	{"udp", false, true, client.udp},
	{"tcp", false, true, client.tcp},
	{"tls", true, true, client.tls},
	{"https 1.1, POST, id in the path", true, true, func(c client, q *dns.Msg) (*dns.Msg, error) { return c.https(q, h1, http.MethodPost, inPath) }},
	{"https 2, GET, id in the server name", true, true, func(c client, q *dns.Msg) (*dns.Msg, error) { return c.https(q, h2, http.MethodGet, inName) }},
	{"https 2, POST, id as the password", true, true, func(c client, q *dns.Msg) (*dns.Msg, error) { return c.https(q, h2, http.MethodPost, inPassword) }},
	{"https 3, GET, id in the path", true, true, func(c client, q *dns.Msg) (*dns.Msg, error) { return c.https(q, h3, http.MethodGet, inPath) }},
	{"quic", true, false, client.quic},
}

const patience = 10 * time.Second

// serverName is what the client asks for in TLS.
func (c client) serverName() string {
	if c.id == "" {
		return c.name
	}
	return c.id + "." + c.name
}

func (c client) config(protocols ...string) *tls.Config {
	return &tls.Config{RootCAs: c.roots, ServerName: c.serverName(), NextProtos: protocols, MinVersion: tls.VersionTLS12}
}

// header is the PROXY header (version 2) of whom c speaks for; empty for nobody.
func (c client) header(transport proxyproto.AddressFamilyAndProtocol) []byte {
	if !c.as.IsValid() {
		return nil
	}
	from, to := netip.AddrPortFrom(c.as, 40000), netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 53}), 53)
	if c.as.Is6() {
		to = netip.MustParseAddrPort("[2001:db8::53]:53")
	}
	h := &proxyproto.Header{Version: 2, Command: proxyproto.PROXY, TransportProtocol: transport}
	if transport.IsDatagram() {
		h.SourceAddr, h.DestinationAddr = net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(to)
	} else {
		h.SourceAddr, h.DestinationAddr = net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(to)
	}
	b, err := h.Format()
	if err != nil {
		panic(err)
	}
	return b
}

func (c client) udp(q *dns.Msg) (*dns.Msg, error) {
	conn, err := net.Dial("udp", c.to)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	packet, err := q.Pack()
	if err != nil {
		return nil, err
	}
	family := proxyproto.UDPv4
	if c.as.Is6() {
		family = proxyproto.UDPv6
	}
	if _, err := conn.Write(append(c.header(family), packet...)); err != nil {
		return nil, err
	}
	b := make([]byte, 65535)
	n, err := conn.Read(b)
	return unpack(b[:n], err)
}

// stream connects, and says whom it speaks for.
func (c client) stream() (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", c.to, patience)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	family := proxyproto.TCPv4
	if c.as.Is6() {
		family = proxyproto.TCPv6
	}
	_, err = conn.Write(c.header(family))
	return conn, err
}

func (c client) tcp(q *dns.Msg) (*dns.Msg, error) {
	conn, err := c.stream()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return askStream(conn, q)
}

func (c client) tls(q *dns.Msg) (*dns.Msg, error) {
	conn, err := c.stream()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return askStream(tls.Client(conn, c.config("dot")), q)
}

// askStream asks over a stream, with the length in front (RFC 1035 section 4.2.2).
func askStream(conn io.ReadWriter, q *dns.Msg) (*dns.Msg, error) {
	packet, err := q.Pack()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(wiring.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)); err != nil {
		return nil, err
	}
	return readStream(conn)
}

func readStream(conn io.Reader) (*dns.Msg, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, wiring.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, b)
	return unpack(b, err)
}

func unpack(b []byte, err error) (*dns.Msg, error) {
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, m.Unpack(b)
}

func (c client) quic(q *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := quic.DialAddr(ctx, c.to, c.config("doq"), nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.CloseWithError(0, "") }()
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	asked := q.Copy()
	asked.Id = 0 // RFC 9250 section 4.2.1
	packet, err := asked.Pack()
	if err != nil {
		return nil, err
	}
	if _, err := stream.Write(append(wiring.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)); err != nil {
		return nil, err
	}
	if err := stream.Close(); err != nil {
		return nil, err
	}
	_ = stream.SetReadDeadline(time.Now().Add(patience))
	m, err := readStream(stream)
	if err == nil {
		m.Id = q.Id
	}
	return m, err
}

// version of HTTP, and the place of the id in a request.
type (
	version int
	place   int
)

const (
	h1 version = iota
	h2
	h3

	inPath place = iota
	inName
	inPassword
)

// web makes the transport of a version of HTTP. The identity in the server name is asked for
// where that is its place.
func (c client) web(v version, at place) http.RoundTripper {
	bare := c
	if at != inName {
		bare.id = ""
	}
	if v == h3 {
		return &http3.Transport{TLSClientConfig: bare.config(), Dial: func(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return quic.DialAddrEarly(ctx, c.to, t, q)
		}}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(v == h1)
	protocols.SetHTTP2(v == h2)
	return &http.Transport{TLSClientConfig: bare.config(), Protocols: protocols, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", c.to)
		}}
}

func (c client) https(q *dns.Msg, v version, method string, at place) (*dns.Msg, error) {
	packet, err := q.Pack()
	if err != nil {
		return nil, err
	}
	url := "https://" + c.name + "/dns-query"
	if at == inName {
		url = "https://" + c.serverName() + "/dns-query"
	}
	if at == inPath && c.id != "" {
		url += "/" + c.id
	}
	var body io.Reader
	if method == http.MethodGet {
		url += "?dns=" + base64.RawURLEncoding.EncodeToString(packet)
	} else {
		body = bytes.NewReader(packet)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/dns-message")
	if body != nil {
		r.Header.Set("Content-Type", "application/dns-message")
	}
	if at == inPassword && c.id != "" {
		r.SetBasicAuth("device", c.id)
	}
	if c.as.IsValid() {
		r.Header.Set("X-Forwarded-For", c.as.String())
	}
	through := c.web(v, at)
	if closer, ok := through.(io.Closer); ok {
		defer closer.Close()
	}
	reply, err := through.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "application/dns-message" {
		return nil, fmt.Errorf("%s, %q", reply.Status, reply.Header.Get("Content-Type"))
	}
	b, err := io.ReadAll(reply.Body)
	return unpack(b, err)
}

// overAll runs a test for each transport.
func overAll(t *testing.T, test func(t *testing.T, ask func(c client, q *dns.Msg) (*dns.Msg, error), carries, proxied bool)) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) { test(t, w.ask, w.carries, w.proxied) })
	}
}
