//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// protocol is a way of DNS that is encrypted.
type protocol string

const (
	overTLS   protocol = "dot"  // RFC 7858
	overHTTP2 protocol = "doh"  // RFC 8484
	overHTTP3 protocol = "doh3" // the same over RFC 9114
	overQUIC  protocol = "doq"  // RFC 9250
)

func protocols() []protocol { return []protocol{overTLS, overHTTP2, overHTTP3, overQUIC} }

// mediaType is that of a query and of its answer (RFC 8484 6).
const mediaType = "application/dns-message"

// target is a server and how to reach it.
type target struct {
	over protocol
	addr netip.AddrPort
	tls  *tls.Config // with the server's name
	host string      // in the URL, of DNS over HTTPS
	path string
}

// channel is a connection that is kept open. Many goroutines may ask on it at once.
type channel interface {
	// exchange asks q, a message with ID 0, and returns the answer with ID 0.
	exchange(ctx context.Context, q []byte) ([]byte, error)
	close()
}

// errNotTheReply is of a server that answers another query than the one asked.
var errNotTheReply = errors.New("the reply has another ID than the query")

// open connects to t and shakes hands.
func (t target) open(ctx context.Context) (channel, error) {
	how := map[protocol]func(context.Context) (channel, error){
		overTLS: t.openTLS, overHTTP2: t.openHTTP2, overHTTP3: t.openHTTP3, overQUIC: t.openQUIC,
	}
	c, err := how[t.over](ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting over %s: %w", t.over, err)
	}
	return c, nil
}

// url is where DNS over HTTPS is asked.
func (t target) url() string {
	host := net.JoinHostPort(t.host, strconv.Itoa(int(t.addr.Port())))
	return (&url.URL{Scheme: "https", Host: host, Path: t.path}).String()
}

// httpChannel asks over HTTP/2 or 3.
type httpChannel struct {
	connection interface {
		RoundTrip(*http.Request) (*http.Response, error)
	}
	url string
	end func()
}

func (t target) openHTTP2(ctx context.Context) (channel, error) {
	transport := &http.Transport{TLSClientConfig: t.tls.Clone(), Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetHTTP2(true)
	c, err := transport.NewClientConn(ctx, "https", t.addr.String())
	if err != nil {
		return nil, err
	}
	return &httpChannel{c, t.url(), func() { _ = c.Close() }}, nil
}

func (t target) openHTTP3(ctx context.Context) (channel, error) {
	conn, err := t.dialQUIC(ctx, http3.NextProtoH3)
	if err != nil {
		return nil, err
	}
	transport := &http3.Transport{DisableCompression: true}
	return &httpChannel{transport.NewClientConn(conn), t.url(), func() {
		_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	}}, nil
}

// exchange implements channel. It asks with GET, as Chromium does: knot-resolver refuses
// bodies of which several come at once.
func (c *httpChannel) exchange(ctx context.Context, q []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"?dns="+base64.RawURLEncoding.EncodeToString(q), nil)
	if err != nil {
		return nil, err
	}
	req.Header["Accept"] = []string{mediaType}
	resp, err := c.connection.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != mediaType {
		return nil, fmt.Errorf("the server replies with %s and %q", resp.Status, resp.Header.Get("Content-Type"))
	}
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err == nil && !sameID(reply, q) {
		err = errNotTheReply
	}
	return reply, err
}

func (c *httpChannel) close() { c.end() }

// maxMessage is the longest DNS message in octets.
const maxMessage = 65535

func sameID(a, b []byte) bool { return len(a) > 1 && len(b) > 1 && a[0] == b[0] && a[1] == b[1] }

// quicChannel asks over QUIC: a stream for each query.
type quicChannel struct{ conn *quic.Conn }

func (t target) dialQUIC(ctx context.Context, alpn string) (*quic.Conn, error) {
	config := t.tls.Clone()
	config.NextProtos = []string{alpn}
	return quic.DialAddr(ctx, t.addr.String(), config, &quic.Config{})
}

func (t target) openQUIC(ctx context.Context) (channel, error) {
	conn, err := t.dialQUIC(ctx, "doq")
	return quicChannel{conn}, err
}

// exchange implements channel.
func (c quicChannel) exchange(ctx context.Context, q []byte) ([]byte, error) {
	stream, err := c.conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { stream.CancelRead(doqCancelled) })()
	frame := append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(q)), uint16(len(q))), q...)
	if _, err := stream.Write(frame); err != nil {
		return nil, err
	}
	_ = stream.Close()
	reply, err := io.ReadAll(io.LimitReader(stream, 2+maxMessage))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if len(reply) < 2 || int(binary.BigEndian.Uint16(reply)) != len(reply)-2 {
		return nil, fmt.Errorf("the server replies with %d octets that are no message behind its length", len(reply))
	}
	if !sameID(reply[2:], q) {
		return nil, errNotTheReply
	}
	return reply[2:], nil
}

// doqCancelled tells a server that its answer is not waited for (RFC 9250 8.4).
const doqCancelled = 3

func (c quicChannel) close() { _ = c.conn.CloseWithError(0, "") }
