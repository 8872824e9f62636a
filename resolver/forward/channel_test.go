package forward

import (
	"fmt"
	"sync"
	"testing"
)

// Many questions take one connection, and what is asked on a channel that hides it has a length
// that tells little (RFC 8467 section 4.1).
func TestOneConnectionServesMany(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range append(lasting, "https1") {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, network, ca.issue(nil), honest)
			f := trusting(t, ca, h)
			defer f.Close()
			for i := range 20 {
				wantFor(t, f, fmt.Sprintf("n%d.example.com.", i), "192.0.2.1")
			}
			if n, _ := h.handshakes(); n != 1 {
				t.Errorf("%d connections for 20 questions, want 1", n)
			}
			for _, v := range h.visits() {
				if padded := len(v.raw)%128 == 0; padded != (network != "tcp") {
					t.Fatalf("a query of %d octets over %s", len(v.raw), network)
				}
				if network != "tcp" && network != "tls" && v.query.Id != 0 {
					t.Fatalf("a query with ID %d over %s, want 0", v.query.Id, network)
				}
			}
		})
	}
}

// Replies come in any order, each to its own question, over few connections.
func TestManyAtOnce(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range lasting {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			const crowds = 60
			gate := make(chan struct{})
			var arrived sync.WaitGroup
			arrived.Add(crowds)
			h := newHost(t, network, ca.issue(nil), func(v *errand) {
				arrived.Done()
				<-gate
				honest(v)
			})
			f := trusting(t, ca, h)
			defer f.Close()
			var all sync.WaitGroup
			for i := range crowds {
				all.Go(func() { wantFor(t, f, fmt.Sprintf("n%d.example.com.", i), "192.0.2.1") })
			}
			arrived.Wait()
			close(gate)
			all.Wait()
			if n, _ := h.handshakes(); n < 1 || n > maxLinks {
				t.Errorf("%d connections for %d questions at once, want 1 to %d", n, crowds, maxLinks)
			}
		})
	}
}

// A connection that ended while nobody used it costs the upstream nothing, and the next one
// resumes the session.
func TestConnectionThatEndedIsReplaced(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range append(lasting, "https1") {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, network, ca.issue(nil), honest)
			f := trusting(t, ca, h)
			defer f.Close()
			for i := range 5 {
				want(t, f, "192.0.2.1")
				want(t, f, "192.0.2.1")
				h.hangUp()
				if n, _ := h.handshakes(); n != i+1 {
					t.Fatalf("%d connections, want %d", n, i+1)
				}
			}
			if _, resumed := h.handshakes(); network != "tcp" && resumed != 4 {
				t.Errorf("%d of 5 handshakes resumed a session, want all but the first", resumed)
			}
			if n := scrape(t, f)["hearth_upstream_failures_total"]; n != 0 {
				t.Errorf("%v failures counted, want none", n)
			}
		})
	}
}

// TestFullConnectionIsNoReasonToGiveUp: while another connection is being opened, a query waits
// for that rather than being refused.
func TestFullConnectionIsNoReasonToGiveUp(t *testing.T) {
	once(t)
	full, opening := &link{isOpen: true, riders: maxRiders}, &link{}
	p := &pool{links: []*link{full, opening}, held: maxLinks, note: noting(t).traffic}
	if l, wasOpen, _ := p.join(false); l != opening || wasOpen {
		t.Errorf("joined %p, want the connection that is being opened", l)
	}
	opening.riders = maxRiders
	if l, _, _ := p.join(false); l != nil {
		t.Error("a query joined a connection that is full")
	}
}
