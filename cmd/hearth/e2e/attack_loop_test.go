package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"
)

// reload asks the control socket for a reload and returns what it says, and 0
// where it was done.
func (s *server) reload() (string, int) {
	s.t.Helper()
	socket := filepath.Join(s.dir, "control.sock")
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://hearth/v1/reload", "application/json", nil) //nolint:noctx // a test
	if err != nil {
		return err.Error(), 1
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return string(b), 1
	}
	return string(b), 0
}

// TestForwardingLoop points two servers at each other. A question that goes
// round has to end as SERVFAIL with few questions between the two, and blocks
// go on.
func TestForwardingLoop(t *testing.T) {
	a, b := example(t, &upstream{addr: "127.0.0.1:9"}), example(t, &upstream{addr: "127.0.0.1:9"})
	a.write(withUpstream(a.read(), b.dns))
	b.write(withUpstream(b.read(), a.dns))
	a.start()
	b.start()
	for _, s := range []*server{a, b} {
		if r := s.ask("udp", "127.0.0.1", "round.example.org", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
			t.Errorf("a question that goes round gets %s, want SERVFAIL", dns.RcodeToString[r.Rcode])
		}
		if got := addresses(s.ask("udp", "127.0.0.1", "pornhub.com", dns.TypeA)); got != "127.0.0.1" {
			t.Errorf("in a loop pornhub.com A = %q, want the landing address", got)
		}
	}
}
