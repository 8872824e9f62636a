package listen_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// dialALPN dials the server for a protocol.
func (s *shielded) dialALPN(alpn string) *quic.Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c, err := quic.DialAddr(ctx, s.addr.String(), s.trusting(webName, alpn), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	return c
}

// TestQUICStreamFlood opens every stream that it may on every connection that it may, sends
// a little and never ends them (CVE-2025-47950, CVE-2026-32934).
func TestQUICStreamFlood(t *testing.T) {
	const connections, streams = 16, 64 // the defaults of one client
	for alpn, over := range map[string]listen.Transport{"doq": listen.QUIC, http3.NextProtoH3: listen.HTTPS} {
		begun := []byte{0xFF, 0xFF} // the length of the longest query, or a part of a frame's type
		s := startShielded(t, over, listen.Config{Handler: newStub(), Limits: listen.Limits{QUIC: listen.QUICLimits{Stream: time.Minute}}}, nil)
		before := heap()
		goroutines := watchGoroutines(t)
		for range connections {
			c := s.dialALPN(alpn)
			for range streams {
				stream, err := c.OpenStream()
				if err != nil {
					t.Fatal(err)
				}
				write(t, stream, begun)
			}
			if _, err := c.OpenStream(); !errors.As(err, new(*quic.StreamLimitReachedError)) && !errors.As(err, new(quic.StreamLimitReachedError)) {
				t.Errorf("%s: a stream too many: %v", alpn, err)
			}
		}
		eventually(t, "every stream is seen", func() bool { goroutines.look(); return goroutines.most.Load() >= connections*streams })
		goroutines.within(t, connections*(streams+12)+few) // both ends of a connection are here
		if grown := heap() - before; grown > 64<<20 {
			t.Errorf("%s: %d octets of memory are taken, want 64 MiB at most", alpn, grown)
		}
		if _, err := s.tryQUIC(webName); err == nil {
			t.Errorf("%s: a connection too many", alpn)
		}
	}
}

// TestQUICRapidReset opens streams and cancels them at once.
func TestQUICRapidReset(t *testing.T) {
	const perClient, streams, n = 20, 16, 3000
	h := newStub()
	s := startShielded(t, listen.QUIC, listen.Config{Handler: h, Limits: listen.Limits{PerClient: perClient, CookieFactor: 1, QUIC: listen.QUICLimits{Streams: streams}}}, nil)
	goroutines := watchGoroutines(t)
	c := s.quic(webName)
	q := frame(query(t, 0, "slow.test"))
	for range n {
		stream := openStream(t, c)
		write(t, stream, q)
		_ = stream.Close()
		stream.CancelRead(3)
		stream.CancelWrite(3)
	}
	if n := h.waiting.Load(); n > perClient {
		t.Errorf("%d queries are resolved, want %d at most", n, perClient)
	}
	goroutines.within(t, perClient+2*streams+few)
	if got := ask(t, c, frame(query(t, 0, "a.test"))); len(got) < 14 {
		t.Errorf("afterwards: %x", got)
	}
	close(h.gate)
	eventually(t, "all queries end", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
}

// TestHTTP3HeaderThatDribblesInIsCutOff begins requests and never ends them.
func TestHTTP3HeaderThatDribblesInIsCutOff(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub(), Limits: brief()}, nil)
	c := s.dialALPN(http3.NextProtoH3)
	for _, begun := range [][]byte{{1}, {1, 30, 0, 0}} { // HEADERS; its length and its first octets
		stream := openStream(t, c)
		write(t, stream, begun)
		if _, err := io.ReadAll(stream); !errors.As(err, new(*quic.StreamError)) {
			t.Errorf("%x: %v, want the stream reset", begun, err)
		}
	}
	s.alive(t)
}

// TestQUICHandshakesAreLimited has a client shake hands more often than it may.
func TestQUICHandshakesAreLimited(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Limits: listen.Limits{Handshakes: listen.HandshakeLimits{PerSecond: 5, PerClient: 5}, QUIC: listen.QUICLimits{PerClient: 100}}}, nil)
	refusals := 0
	for range 20 {
		if _, err := s.tryQUIC(webName); err != nil {
			refusals++
		}
	}
	if n := s.metric(`hearth_listen_shed_total{reason="handshakes",transport="quic"}`); refusals == 0 || int(n) < refusals {
		t.Errorf("%d refusals, %v counted", refusals, n)
	}
}

// TestQUICTakesNoEarlyData holds that a query in 0-RTT data is not taken as such.
func TestQUICTakesNoEarlyData(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub()}, nil)
	conf := s.trusting(webName, "doq")
	conf.ClientSessionCache = newSessions()
	for range 2 {
		ctx, cancel := withCancel(t)
		c, err := quic.DialAddrEarly(ctx, s.addr.String(), conf, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-c.HandshakeComplete()
		ask(t, c, frame(query(t, 0, "a.test")))
		if c.ConnectionState().Used0RTT {
			t.Error("early data is taken")
		}
		_ = c.CloseWithError(0, "")
		cancel()
	}
}

// TestHTTP3LargeUploadIsBounded sends more than a query can have.
func TestHTTP3LargeUploadIsBounded(t *testing.T) {
	s := startShielded(t, listen.HTTPS, listen.Config{Handler: newStub()}, nil)
	before := heap()
	req := s.request(http.MethodPost, "/dns-query", io.LimitReader(zeros{}, 64<<20))
	req.Header.Set("Content-Type", "application/dns-message")
	if res, err := s.web("3", webName).Do(req); err == nil {
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, want 413", res.Status)
		}
	}
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("%d octets of memory are taken", grown)
	}
}
