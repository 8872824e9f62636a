package notify

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/policytest"
)

// plainly words a draft so that tests see what it has.
func plainly(d Draft) Text {
	t := Text{Title: fmt.Sprintf("%d %s", d.Count, d.Kind), Body: strings.TrimSpace(d.Member + " " + d.Site + " " + d.What)}
	if d.Kind == Request {
		t.Actions = []Action{{"Answer", "/requests"}}
	}
	return t
}

const home = "https://hearth.example:8443"

// post makes a Post for tests, with change applied to its configuration.
func post(t *testing.T, roots *x509.CertPool, change func(*Config)) *Post {
	t.Helper()
	cfg := Config{State: t.TempDir(), Log: new(policytest.Memory), Words: plainly, Console: func() string { return home }}
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Settings.Validate(); err != nil {
		t.Fatal(err)
	}
	p, err := newPost(cfg, roots)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// private allows loopback, where the stand-ins are.
func private(c *Config) { c.Settings.Private = true }

// inHouse resolves every name to this machine.
func inHouse(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// add keeps a channel.
func add(t *testing.T, p *Post, c Channel) Channel {
	t.Helper()
	c, err := p.Add(t.Context(), "h-home", c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs a Post until the test ends.
func run(t *testing.T, p *Post) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// why is the reason of an error, "" for nil.
func why(t *testing.T, err error) Why {
	t.Helper()
	if err == nil {
		return ""
	}
	f, ok := err.(*Failure) //nolint:errorlint // the contract: nothing wraps it
	if !ok {
		t.Fatalf("%T is no *Failure: %v", err, err)
	}
	return f.Why
}

// read has a handler answer once the request is there: who answers and closes before may not be heard.
func read(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}
}

// secure serves over TLS on loopback, and gives the certificates to believe in.
func secure(t *testing.T, h http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(read(h))
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, pool
}

// portOf is the port of a listener or URL.
func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func decode(t *testing.T, b []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
}

func jsonInto(b []byte, to any) error { return json.Unmarshal(b, to) }

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
