package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

const (
	sendTime = 10 * time.Second // for one try, from resolving to the answer
	dialTime = 5 * time.Second  // of it for one address
	maxTried = 4                // addresses of a name
	maxSaid  = 4 << 10          // octets of an answer that are read
	maxHead  = 16 << 10         // octets of its header
)

// resolve finds the addresses of a host.
type resolve func(ctx context.Context, host string) ([]netip.Addr, error)

// dialer connects to what its guard allows; a nil guard allows everything.
type dialer struct {
	resolve resolve
	guard   *guard
	bare    bool // what is sent is not encrypted
}

// DialContext resolves once and connects to what was judged, and has the kernel's side judged again.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, unreachable
	}
	found, err := d.find(ctx, host)
	if err != nil {
		return nil, err
	}
	dial := net.Dialer{Timeout: dialTime, ControlContext: d.control}
	for _, a := range found[:min(len(found), maxTried)] {
		var conn net.Conn
		if conn, err = dial.DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// find gives the addresses of a host that may be connected to. One that may not spoils all: a name that leads to both
// is no honest one.
func (d dialer) find(ctx context.Context, host string) ([]netip.Addr, error) {
	found := make([]netip.Addr, 1)
	var err error
	if found[0], err = netip.ParseAddr(host); err != nil {
		if d.guard != nil {
			if err := d.guard.host(host, d.bare); err != nil {
				return nil, err
			}
		}
		if found, err = d.resolve(ctx, host); err != nil || len(found) == 0 {
			return nil, unreachable
		}
	}
	for _, a := range found {
		if d.guard != nil && !d.guard.allows(a, d.bare) {
			return nil, forbidden
		}
	}
	return found, nil
}

// control judges the address that a socket is about to connect to.
func (d dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if d.guard != nil && (err != nil || !d.guard.allows(at.Addr(), d.bare)) {
		return forbidden
	}
	return nil
}

// web posts to web services. There is one connection for each message, so that each passes the guard; no redirect is
// followed and no proxy used, which would connect by itself.
type web struct{ secure, bare *http.Client }

func newWeb(r resolve, g *guard, roots *x509.CertPool) *web {
	client := func(bare bool) *http.Client {
		return &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:            dialer{r, g, bare}.DialContext,
				TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout:    dialTime,
				MaxResponseHeaderBytes: maxHead,
				DisableKeepAlives:      true,
				DisableCompression:     true,
				ForceAttemptHTTP2:      true,
			},
		}
	}
	return &web{client(false), client(true)}
}

// Do implements webpush.HTTPClient.
func (w *web) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" {
		return w.bare.Do(r)
	}
	return w.secure.Do(r)
}

// post sends JSON and judges the answer.
func (w *web) post(ctx context.Context, to string, body []byte, header map[string]string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return wrong("to", "this is no URL: write one such as https://home.example/hook")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Hearth")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := w.Do(r)
	if err != nil {
		return failureOf(err)
	}
	return judge(answer)
}

// judge closes an answer and says what it means.
func judge(answer *http.Response) error {
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxSaid)
	code := strconv.Itoa(answer.StatusCode)
	switch n := answer.StatusCode; {
	case n/100 == 2:
		return nil
	case n/100 == 3:
		return &Failure{Why: Refused, Text: "it leads elsewhere (" + code + "): write the URL that it leads to"}
	case n == http.StatusUnauthorized, n == http.StatusForbidden:
		return &Failure{Why: Login, Text: "it does not take our key or token (" + code + "): look at it"}
	case n == http.StatusNotFound, n == http.StatusGone:
		return &Failure{Why: Gone, Text: "there is nothing there any more (" + code + "): make it anew"}
	case n == http.StatusTooManyRequests, n == http.StatusRequestTimeout, n/100 == 5:
		after, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // a date is taken for none
		return &Failure{Why: Busy, Text: "it cannot take messages now (" + code + "): try later", After: time.Duration(min(max(after, 0), 86400)) * time.Second}
	}
	return &Failure{Why: Refused, Text: "it does not take the message (" + code + "): look at what it expects"}
}
