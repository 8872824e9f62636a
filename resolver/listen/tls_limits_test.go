package listen_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
)

// hold is a connection that counts what a client sends and lets only so much of it out.
type hold struct {
	net.Conn
	left int
}

func (h *hold) Write(b []byte) (int, error) {
	n := min(len(b), h.left)
	h.left -= n
	if n > 0 {
		if _, err := h.Conn.Write(b[:n]); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// TestHalfHandshakeIsCutOff stops after each of several octets of a client's handshake.
func TestHalfHandshakeIsCutOff(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: 100 * time.Millisecond, Idle: time.Hour, BusyIdle: time.Hour}}})
	lengths := []int{0, 1, 4, 5, 6, 100}
	for _, n := range lengths {
		c := s.dial("tcp")
		go func() { _ = tls.Client(&hold{c, n}, client).Handshake() }()
	}
	eventually(t, "all are cut off", func() bool {
		return s.metric(`hearth_listen_shed_total{reason="bad_handshake",transport="tls"}`) == float64(len(lengths))
	})
	eventually(t, "their room comes back", func() bool { return s.open() == 0 })
}

func TestTLSConnectionLimits(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Connections: 3, PerClient: 2, BusyIdle: time.Hour, Frame: time.Hour}}})
	a, b := s.dialFrom("tcp", "127.0.0.2"), s.dialFrom("tcp", "127.0.0.2") // no handshake: they count all the same
	closed(t, s.dialFrom("tcp", "127.0.0.2"))
	c := tls.Client(s.dialFrom("tcp", "127.0.0.3"), client)
	send(t, c, frame(query(t, 1, "a.test")))
	recv(t, c)
	closed(t, s.dialFrom("tcp", "127.0.0.4"))
	for series, want := range map[string]float64{
		`hearth_listen_shed_total{reason="connections",transport="tls"}`:            1,
		`hearth_listen_shed_total{reason="connections_per_client",transport="tls"}`: 1,
	} {
		if got := s.metric(series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
	_, _ = a.Close(), b.Close()
	eventually(t, "their room comes back", func() bool { return s.open() == 1 })
	d := tls.Client(s.dialFrom("tcp", "127.0.0.2"), client)
	send(t, d, frame(query(t, 2, "a.test")))
	if m := recv(t, d); m.Id != 2 {
		t.Errorf("reply %d", m.Id)
	}
}

func TestTLSClientThatDoesNotReadIsCutOff(t *testing.T) {
	h := newStub()
	close(h.gate)
	s, client := startTLS(t, listen.Config{Handler: h, Limits: listen.Limits{TCP: listen.TCPLimits{Write: 100 * time.Millisecond}}})
	raw := s.dial("tcp")
	_ = raw.(*net.TCPConn).SetReadBuffer(4096)
	c := tls.Client(raw, client)
	for id := range uint16(3) {
		send(t, c, frame(query(t, id, "a.test")))
		if m := recv(t, c); m.Id != id {
			t.Fatalf("reply %d, want %d", m.Id, id)
		}
		time.Sleep(150 * time.Millisecond) // longer than a write may take, but nothing is written
	}
	go func() { // 28 MB of replies, and none is read
		for i := range 10000 {
			if _, err := c.Write(frame(query(t, uint16(i), "long.test"))); err != nil {
				return
			}
		}
	}()
	other := s.dialTLS(client)
	eventually(t, "the slow reader is cut off", func() bool {
		send(t, other, frame(query(t, 9, "slow.test")))
		recv(t, other) // others are served all the while
		return s.metric(`hearth_listen_shed_total{reason="slow_reader",transport="tls"}`) == 1
	})
	eventually(t, "its connection ends", func() bool { return s.open() == 1 })
}

// TestQueryInManyPartsIsCutOff sends octet by octet, each in good time.
func TestQueryInManyPartsIsCutOff(t *testing.T) {
	limits := listen.Limits{TCP: listen.TCPLimits{Reads: 10, Frame: time.Hour, Idle: time.Hour, BusyIdle: time.Hour}}
	plain := start(t, listen.Config{Handler: newStub(), Limits: limits})
	limits.TCP.Reads = 20 // the handshake needs some
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: limits})
	for network, c := range map[string]net.Conn{"tcp": plain.dial("tcp"), "tls": s.dialTLS(client)} {
		for id := range uint16(30) { // many reads, but few a query
			b := frame(query(t, id, "a.test"))
			send(t, c, b[:7])
			time.Sleep(time.Millisecond)
			send(t, c, b[7:])
			recv(t, c)
		}
		go func() {
			for _, b := range frame(query(t, 1, "a.test")) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Millisecond) // let it leave as a segment of its own
			}
		}()
		closed(t, c)
		in := map[string]*running{"tcp": plain, "tls": s}[network]
		if n := in.metric(`hearth_listen_shed_total{reason="reads",transport="` + network + `"}`); n != 1 {
			t.Errorf("%v counted over %s, want 1", n, network)
		}
	}
}

// TestRecordInManyPartsIsCutOff sends one TLS record octet by octet: it is no query yet.
func TestRecordInManyPartsIsCutOff(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Idle: time.Hour, BusyIdle: time.Hour}}})
	drip := &dribble{Conn: s.dial("tcp")}
	c := tls.Client(drip, client)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	drip.on = true
	go func() { _, _ = c.Write(make([]byte, 1000)) }()
	closed(t, c)
	if n := s.metric(`hearth_listen_shed_total{reason="reads",transport="tls"}`); n != 1 {
		t.Errorf("%v counted, want 1", n)
	}
}

// dribble writes octet by octet once it is on.
type dribble struct {
	net.Conn
	on bool
}

func (d *dribble) Write(b []byte) (int, error) {
	if !d.on {
		return d.Conn.Write(b)
	}
	for i := range b {
		if _, err := d.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
		time.Sleep(time.Millisecond)
	}
	return len(b), nil
}

func TestTLSIdleConnectionIsClosed(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Idle: 50 * time.Millisecond}}})
	c := s.dialTLS(client)
	send(t, c, frame(query(t, 1, "a.test")))
	recv(t, c)
	closed(t, c) // and says so: without a close_notify, reading would give an error
}

func TestTLSClientThatEndsGetsItsReplies(t *testing.T) {
	h := newStub()
	s, client := startTLS(t, listen.Config{Handler: h})
	c := s.dialTLS(client)
	send(t, c, frame(query(t, 1, "slow.test"), query(t, 2, "a.test")))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if m := recv(t, c); m.Id != 2 {
		t.Errorf("reply %d, want 2", m.Id)
	}
	close(h.gate)
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply %d, want 1", m.Id)
	}
	closed(t, c)
}

func TestTLSRepliesSurviveJunkBehindTheQueries(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub()})
	c := s.dialTLS(client)
	send(t, c, append(frame(query(t, 1, "long.test"), make([]byte, 3)), make([]byte, 20000)...))
	if m := recv(t, c); len(m.Answer) != 100 {
		t.Errorf("reply: %v", m)
	}
	closed(t, c)
}

func TestTLSDrainLosesNoReply(t *testing.T) {
	h := newStub()
	s, client := startTLS(t, listen.Config{Handler: h, Drain: time.Hour, Limits: listen.Limits{TCP: listen.TCPLimits{Frame: time.Hour}}})
	c, idle, half := s.dialTLS(client), s.dialTLS(client), s.dial("tcp")
	send(t, half, []byte{22}) // stays in its handshake
	send(t, c, frame(query(t, 2, "slow.test"), query(t, 3, "slow.test")))
	eventually(t, "two are in flight", func() bool { return h.waiting.Load() == 2 })
	s.stop()
	closed(t, idle)
	closed(t, half)
	send(t, c, frame(query(t, 4, "a.test"))) // too late: not read
	close(h.gate)
	if a, b := recv(t, c), recv(t, c); a.Id+b.Id != 5 {
		t.Errorf("replies %d and %d, want 2 and 3", a.Id, b.Id)
	}
	closed(t, c)
	s.wait()
	if _, err := net.Dial("tcp", s.addr.String()); err == nil {
		t.Error("the port still accepts")
	}
	if n := s.metric(`hearth_listen_shed_total{reason="bad_handshake",transport="tls"}`); n != 0 {
		t.Errorf("%v bad handshakes: the shutdown is no fault of the client", n)
	}
}

func TestTLSDrainIsBounded(t *testing.T) {
	h := newStub() // never lets go, but heeds its context
	s, client := startTLS(t, listen.Config{Handler: h, Drain: 50 * time.Millisecond, Limits: listen.Limits{TCP: listen.TCPLimits{Resolve: time.Hour}}})
	c := s.dialTLS(client)
	send(t, c, frame(query(t, 2, "slow.test")))
	eventually(t, "the query is in flight", func() bool { return h.waiting.Load() == 1 })
	s.stop()
	s.wait()
	eventually(t, "the handler is told to end", func() bool { return h.waiting.Load() == 0 })
}

// TestHandshakesOfOneClientAreBounded: a client over its rate is cut off before anything
// is computed for it, and others are not.
func TestHandshakesOfOneClientAreBounded(t *testing.T) {
	s, client := startTLS(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Handshakes: listen.HandshakeLimits{PerClient: 1}}})
	refused := 0
	for range 20 { // in far less than 20 seconds
		c := tls.Client(s.dialFrom("tcp", "127.0.0.2"), client)
		if c.Handshake() != nil {
			refused++
		}
		_ = c.Close()
	}
	if refused == 0 {
		t.Error("no handshake was refused")
	}
	if n := s.metric(`hearth_listen_shed_total{reason="handshakes",transport="tls"}`); n != float64(refused) {
		t.Errorf("%v counted, want %v", n, refused)
	}
	c := tls.Client(s.dialFrom("tcp", "127.0.0.3"), client)
	if err := c.Handshake(); err != nil {
		t.Errorf("another client: %v", err)
	}
}
