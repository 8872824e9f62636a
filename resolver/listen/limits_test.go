package listen_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

// TestForgedQueriesLeaveRoom: queries from addresses that nobody has proved, which a flood can
// make up, do not take the last quarter of the room.
func TestForgedQueriesLeaveRoom(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{InFlight: 8}})
	u, c := s.dial("udp"), s.dial("tcp")
	for i := range 8 {
		send(t, u, query(t, uint16(i), "slow.test"))
	}
	eventually(t, "two are dropped", func() bool {
		return s.metric(`hearth_listen_shed_total{reason="in_flight",transport="udp"}`) == 2
	})
	send(t, c, frame(query(t, 11, "slow.test"), query(t, 12, "slow.test"), query(t, 13, "slow.test")))
	if m := recv(t, c); m.Id != 13 || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("%v, want SERVFAIL for the ninth", m)
	}
	eventually(t, "6 wait over UDP and 2 over TCP", func() bool { return h.waiting.Load() == 8 })
	close(h.gate)
}

func TestInFlightLimit(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{InFlight: 2}})
	u, c := s.dial("udp"), s.dial("tcp")
	send(t, u, query(t, 1, "slow.test"))
	send(t, u, query(t, 2, "slow.test"))
	eventually(t, "two are in flight", func() bool { return h.waiting.Load() == 2 })

	send(t, u, query(t, 3, "slow.test"))
	send(t, u, query(t, 4, "a.test"))
	if m := recv(t, u); m.Id != 4 {
		t.Errorf("reply %d, want 4: what is in memory is answered all the same, and 3 is dropped", m.Id)
	}
	send(t, c, frame(query(t, 5, "slow.test"), query(t, 6, "a.test")))
	if m := recv(t, c); m.Id != 5 || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("over TCP: %v, want SERVFAIL", m)
	}
	if m := recv(t, c); m.Id != 6 || m.Rcode != dns.RcodeSuccess {
		t.Errorf("over TCP: %v", m)
	}
	for series, want := range map[string]float64{
		`hearth_listen_shed_total{reason="in_flight",transport="udp"}`: 1,
		`hearth_listen_shed_total{reason="in_flight",transport="tcp"}`: 1,
		`hearth_listen_in_flight`:                                      2,
	} {
		eventually(t, fmt.Sprintf("%s is %v", series, want), func() bool { return s.metric(series) == want })
	}
	close(h.gate)
	for range 2 {
		if m := recv(t, u); m.Id > 2 {
			t.Errorf("reply %d, want 1 and 2", m.Id)
		}
	}
	eventually(t, "room comes back", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
}

func TestPerClientLimit(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{PerClient: 1}})
	greedy, again, other := s.dialFrom("udp", "127.0.0.2"), s.dialFrom("udp", "127.0.0.2"), s.dialFrom("udp", "127.0.0.3")
	send(t, greedy, query(t, 1, "slow.test"))
	eventually(t, "the first is in flight", func() bool { return h.waiting.Load() == 1 })
	send(t, again, query(t, 2, "slow.test")) // another port is the same client
	send(t, again, query(t, 3, "a.test"))
	if m := recv(t, again); m.Id != 3 {
		t.Errorf("reply %d, want 3", m.Id)
	}
	send(t, other, query(t, 4, "slow.test"))
	eventually(t, "another client has its room", func() bool { return h.waiting.Load() == 2 })
	close(h.gate)
	if m := recv(t, other); m.Id != 4 {
		t.Errorf("reply %d, want 4", m.Id)
	}
	if n := s.metric(`hearth_listen_shed_total{reason="per_client",transport="udp"}`); n != 1 {
		t.Errorf("%v shed, want 1", n)
	}
	recv(t, greedy)
	send(t, greedy, query(t, 5, "slow.test"))
	if m := recv(t, greedy); m.Id != 5 {
		t.Errorf("reply %d: the client's room came back", m.Id)
	}
}

// TestPulse is CVE-2024-33655 (DNSBomb): one client piles up queries that wait, and
// they are released at once. What comes out is bounded.
func TestPulse(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{PerClient: 10}})
	u := s.dial("udp")
	for i := range 100 {
		send(t, u, query(t, uint16(i), "slow.test"))
	}
	send(t, u, query(t, 999, "a.test"))
	if m := recv(t, u); m.Id != 999 {
		t.Fatalf("reply %d", m.Id)
	}
	close(h.gate)
	eventually(t, "all are released", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
	send(t, u, query(t, 1000, "a.test"))
	n := 0
	for recv(t, u).Id != 1000 {
		n++
	}
	if n > 10 {
		t.Errorf("%d replies in one heap, want at most 10", n)
	}
}

func TestLateReplyIsNotSent(t *testing.T) {
	const late = 20 * time.Millisecond
	h := newStub()
	h.resolve = func(ctx context.Context, r *listen.Request) {
		<-ctx.Done() // comes before it is too late
		if r.Query.ID == 1 {
			time.Sleep(late)
		}
		r.Reply = reply(r, 1)
	}
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{Late: late}})
	u := s.dial("udp")
	send(t, u, query(t, 1, "slow.test"))
	eventually(t, "the late reply is counted", func() bool {
		return s.metric(`hearth_listen_shed_total{reason="late",transport="udp"}`) == 1
	})
	send(t, u, query(t, 2, "a.test"))
	if m := recv(t, u); m.Id != 2 {
		t.Errorf("reply %d was sent late", m.Id)
	}
}

func TestConnectionLimits(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Connections: 3, PerClient: 2, BusyIdle: time.Hour}}})
	a, b := s.dialFrom("tcp", "127.0.0.2"), s.dialFrom("tcp", "127.0.0.2")
	closed(t, s.dialFrom("tcp", "127.0.0.2"))
	c := s.dialFrom("tcp", "127.0.0.3")
	eventually(t, "three are open", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 3 })
	closed(t, s.dialFrom("tcp", "127.0.0.4"))
	send(t, c, frame(query(t, 1, "a.test")))
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply %d", m.Id)
	}
	for series, want := range map[string]float64{
		`hearth_listen_shed_total{reason="connections",transport="tcp"}`:            1,
		`hearth_listen_shed_total{reason="connections_per_client",transport="tcp"}`: 1,
	} {
		if got := s.metric(series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
	_, _ = a.Close(), b.Close()
	eventually(t, "their room comes back", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 1 })
	d := s.dialFrom("tcp", "127.0.0.2")
	send(t, d, frame(query(t, 2, "a.test")))
	if m := recv(t, d); m.Id != 2 {
		t.Errorf("reply %d", m.Id)
	}
}

func TestLimitsArePublished(t *testing.T) {
	server, err := listen.New(listen.Config{Handler: newStub(), Listeners: []listen.Listener{{Addr: netip.MustParseAddrPort("127.0.0.1:0")}}})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	defer server.Run(ended) //nolint:errcheck // closes the sockets
	s := &running{Server: server, t: t}
	// The budget: 1000 in all, 100 a client, 1.9 s; 256 connections, 16 a client, 64 in
	// flight, 30 s falling to 2 s idle, 2 s a frame, 2 s a write; 1232 octets.
	for name, want := range map[string]float64{
		"in_flight": 1000, "in_flight_unproved": 750, "in_flight_per_client": 100, "udp_late_seconds": 1.9, "udp_reply_bytes": 1232, "udp_sockets": 1,
		"tcp_connections": 256, "tcp_connections_per_client": 16, "tcp_in_flight_per_connection": 64, "tcp_idle_seconds": 30,
		"tcp_busy_idle_seconds": 2, "tcp_frame_seconds": 2, "tcp_write_seconds": 2, "tcp_resolve_seconds": 7, "drain_seconds": 5,
		// Ten times as many for who proved its address, at most half of all; 50 reads a query;
		// HTTPS 100 streams, 8 KiB, 64 KiB; QUIC 200 connections, 64 streams, 2 s, Retry above half.
		"in_flight_per_proved_client": 500, "tcp_reads_per_query": 50,
		"https_connections": 256, "https_connections_per_client": 16, "https_streams_per_connection": 100, "https_header_bytes": 8192, "https_body_bytes": 65536,
		"quic_connections": 200, "quic_connections_per_client": 16, "quic_streams_per_connection": 64, "quic_stream_seconds": 2,
		"quic_idle_seconds": 30, "quic_retry_above_percent": 50, "handshakes_per_second": 500, "handshakes_per_client_per_second": 20,
		// A sketch of 2^18 cells of 8 octets. Without a configuration there is no rate limit.
		"rate_table_bytes": 2 << 20, "rate_queries_per_second": 0, "rate_prefix_queries_per_second": 0, "rate_replies_per_second": 0,
		"rate_slip": 0, "rate_exempt_networks": 0,
	} {
		if got := s.metric(`hearth_listen_limit{limit="` + name + `"}`); got != want {
			t.Errorf("limit %s = %v, want %v", name, got, want)
		}
	}
}

// The budget of the rates: 50 replies a second and one in two of the others truncated,
// 200 queries of a client and 1000 of its network, and none of it at home.
func TestRatesByDefault(t *testing.T) {
	server, err := listen.New(listen.Config{
		Handler: newStub(), Listeners: []listen.Listener{{Addr: netip.MustParseAddrPort("127.0.0.1:0")}}, Limits: listen.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	defer server.Run(ended) //nolint:errcheck // closes the sockets
	s := &running{Server: server, t: t}
	for name, want := range map[string]float64{
		"rate_queries_per_second": 200, "rate_prefix_queries_per_second": 1000, "rate_replies_per_second": 50, "rate_slip": 2, "rate_exempt_networks": 8,
	} {
		if got := s.metric(`hearth_listen_limit{limit="` + name + `"}`); got != want {
			t.Errorf("limit %s = %v, want %v", name, got, want)
		}
	}
}
