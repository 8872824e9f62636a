package forward

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	dnsMessage = "application/dns-message" // RFC 8484 section 6
	maxMessage = 1<<16 - 1
	maxHeader  = 16 << 10 // of a response
	// pingAfter is after how long without a word from a server it is asked over HTTP/2 whether it
	// is there, so that a connection that died unseen is not waited for.
	pingAfter   = 5 * time.Second
	pingTimeout = 3 * time.Second
)

// web is a connection over HTTP (RFC 8484), of whatever version.
type web struct {
	trip func(*http.Request) (*http.Response, error)
	url  *url.URL
	note *counters
	gone <-chan struct{}
	end  func()
}

func (w *web) broken() <-chan struct{} { return w.gone }
func (w *web) close()                  { w.end() }

// exchange implements connection.
func (w *web) exchange(deadline time.Time, p packet) (reply, error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	sent := p
	sent.msg = make([]byte, len(p.msg), 2*paddedLen+len(p.msg))
	copy(sent.msg[2:], p.msg[2:]) // with ID 0 (RFC 8484 section 4.1)
	sent.msg = pad(sent.msg, 0)
	req := (&http.Request{
		Method: http.MethodPost, URL: w.url, Host: w.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Accept": {dnsMessage}, "Content-Type": {dnsMessage}, "User-Agent": {""}, // none
		},
		Body: io.NopCloser(bytes.NewReader(sent.msg)), ContentLength: int64(len(sent.msg)),
	}).WithContext(ctx)
	w.note.queries.Inc()
	response, err := w.trip(req)
	if err != nil {
		return reply{}, overdue(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := body(response)
	if err != nil {
		return reply{}, overdue(ctx, err)
	}
	return w.note.only(sent, raw)
}

// overdue returns the error of ctx where that is behind err.
func overdue(ctx context.Context, err error) error {
	if late := ctx.Err(); late != nil {
		return late
	}
	return err
}

// body returns the message in a response. Redirections are not followed: they may lead to anybody.
func body(r *http.Response) ([]byte, error) {
	if r.StatusCode != http.StatusOK {
		return nil, &fault{reasonProtocol, fmt.Errorf("HTTP status %s", r.Status)}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != dnsMessage {
		return nil, &fault{reasonProtocol, fmt.Errorf("the body is %q, not %s", r.Header.Get("Content-Type"), dnsMessage)}
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("receiving: %w", err)
	}
	if len(raw) > maxMessage {
		return nil, &fault{reasonProtocol, fmt.Errorf("the body has more than %d octets", maxMessage)}
	}
	return raw, nil
}

// only returns raw as the reply to sent where nothing else can come.
func (c *counters) only(sent packet, raw []byte) (reply, error) {
	r, is := readReply(sent, raw)
	switch {
	case is == unrelated:
		c.junk.Inc()
		return reply{}, &fault{reasonProtocol, fmt.Errorf("what came is no reply to the query")}
	case r.truncated:
		return reply{}, errTruncated
	}
	r.spelled = false // as in deliver
	return r, nil
}

// openHTTPS returns how connections over HTTP/2, or 1.1 where the server knows no other, are
// opened. The proxies of the environment, cookies and compression are left out.
func openHTTPS(at place, e endpoint, id *identity, note *counters) func(context.Context) (connection, error) {
	cfg := id.config("h2", "http/1.1")
	to := e.resource()
	t := &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return shakeHands(ctx, at, cfg, note)
		},
		ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: 2 * maxMessage, MaxReceiveBufferPerConnection: 1 << 20,
			SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: maxTimeout,
		},
	}
	return func(ctx context.Context) (connection, error) {
		conn, err := t.NewClientConn(ctx, "https", net.JoinHostPort(e.host(), fmt.Sprint(e.port)))
		if err != nil {
			return nil, err
		}
		gone := make(chan struct{})
		over := false
		conn.SetStateHook(func(c *http.ClientConn) { // one call at a time
			if c.Err() != nil && !over {
				over = true
				close(gone)
			}
		})
		return &web{conn.RoundTrip, to, note, gone, func() { _ = conn.Close() }}, nil
	}
}
