package listen_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
)

// The codes of RFC 9250 8.4.
const (
	doqNoError       = 0x0
	doqProtocolError = 0x2
)

// withKeepalive is a query with the option edns-tcp-keepalive.
func withKeepalive(t *testing.T) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("a.test.", dns.TypeAAAA)
	m.Id = 0
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQUICProtocolErrorsEndTheConnection(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub()}, nil)
	q := query(t, 0, "a.test")
	response := slices.Clone(q)
	response[2] |= 0x80
	for name, octets := range map[string][]byte{
		"nothing":               {},
		"half a length":         {0},
		"a length alone":        frame(q)[:2],
		"a query cut short":     frame(q)[:len(q)],
		"a length below 12":     {0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"no octets":             {0, 0},
		"an octet behind":       append(frame(q), 0),
		"a second query":        frame(q, q),
		"an ID":                 frame(query(t, 1, "a.test")),
		"an ID in the high bit": frame(query(t, 0x100, "a.test")),
		"a response":            frame(response),
		"edns-tcp-keepalive":    frame(withKeepalive(t)),
	} {
		c := s.quic(webName)
		stream := openStream(t, c)
		_, _ = stream.Write(octets)
		_ = stream.Close()
		_, err := io.ReadAll(stream)
		var closed *quic.ApplicationError
		if !errors.As(err, &closed) || !closed.Remote || closed.ErrorCode != doqProtocolError {
			t.Errorf("%s: %v, want the connection closed with DOQ_PROTOCOL_ERROR", name, err)
		}
	}
}

func TestQUICFaultyQueriesAreAnswered(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub()}, nil)
	c := s.quic(webName)
	for _, x := range []struct {
		octets []byte
		want   int
	}{
		{query(t, 0, "a.test")[:20], dns.RcodeFormatError},
		{make([]byte, 65535), dns.RcodeFormatError},
		{append([]byte{0, 0, 0x20}, query(t, 0, "a.test")[3:]...), dns.RcodeNotImplemented}, // opcode 4, NOTIFY
	} {
		got := ask(t, c, frame(x.octets))
		if len(got) < 14 || int(got[5]&0xF) != x.want || int(binary.BigEndian.Uint16(got)) != len(got)-2 {
			t.Errorf("%.20x: %x, want rcode %d", x.octets, got, x.want)
		}
	}
}

func TestQUICWantsTheEndOfTheStream(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Limits: listen.Limits{QUIC: listen.QUICLimits{Stream: 100 * time.Millisecond}}}, nil)
	c := s.quic(webName)
	stream := openStream(t, c)
	write(t, stream, frame(query(t, 0, "a.test"))) // and no FIN
	_, err := io.ReadAll(stream)
	var closed *quic.ApplicationError
	if !errors.As(err, &closed) || closed.ErrorCode != doqProtocolError {
		t.Errorf("%v, want the connection closed with DOQ_PROTOCOL_ERROR", err)
	}
}

func TestQUICQueryThatDribblesInIsCutOff(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Limits: listen.Limits{QUIC: listen.QUICLimits{Stream: 100 * time.Millisecond}}}, nil)
	c := s.quic(webName)
	for _, n := range []int{1, 2, 10} {
		stream := openStream(t, c)
		write(t, stream, frame(query(t, 0, "a.test"))[:n])
		var reset *quic.StreamError
		if _, err := io.ReadAll(stream); !errors.As(err, &reset) || !reset.Remote {
			t.Errorf("%d octets: %v, want the stream reset", n, err)
		}
	}
	if got := ask(t, c, frame(query(t, 0, "a.test"))); len(got) < 14 { // the connection is not at fault
		t.Errorf("afterwards: %x", got)
	}
}

func TestQUICTakesNoStreamsOfOneDirection(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub()}, nil)
	if _, err := s.quic(webName).OpenUniStream(); !errors.As(err, new(*quic.StreamLimitReachedError)) && !errors.As(err, new(quic.StreamLimitReachedError)) {
		t.Errorf("%v, want the limit reached", err)
	}
}

func TestQUICCancelledQueriesFreeTheirStreams(t *testing.T) {
	h := newStub()
	const streams, n = 4, 60
	s := startShielded(t, listen.QUIC, listen.Config{Handler: h, Limits: listen.Limits{QUIC: listen.QUICLimits{Streams: streams}}}, nil)
	c := s.quic(webName)
	for range n {
		stream := openStream(t, c)
		write(t, stream, frame(query(t, 0, "slow.test")))
		_ = stream.Close()
		stream.CancelRead(3) // DOQ_REQUEST_CANCELLED
	}
	eventually(t, "the queries go on", func() bool { return h.waiting.Load() == n })
	if got := ask(t, c, frame(query(t, 0, "a.test"))); len(got) < 14 {
		t.Errorf("afterwards: %x", got)
	}
	close(h.gate)
	eventually(t, "they end", func() bool { return s.metric("hearth_listen_in_flight") == 0 })
}

func TestQUICAnswersOutOfOrder(t *testing.T) {
	h := newStub()
	s := startShielded(t, listen.QUIC, listen.Config{Handler: h}, nil)
	c := s.quic(webName)
	slow := openStream(t, c)
	write(t, slow, frame(query(t, 0, "slow.test")))
	_ = slow.Close()
	eventually(t, "it waits", func() bool { return h.waiting.Load() == 1 })
	if got := ask(t, c, frame(query(t, 0, "a.test"))); len(got) < 14 {
		t.Errorf("%x", got)
	}
	close(h.gate)
	if b, err := io.ReadAll(slow); err != nil || len(b) < 14 {
		t.Errorf("%x, %v", b, err)
	}
}

func TestQUICSilenceResetsTheStream(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub()}, nil)
	stream := openStream(t, s.quic(webName))
	write(t, stream, frame(query(t, 0, "silent.test")))
	_ = stream.Close()
	if _, err := io.ReadAll(stream); !errors.As(err, new(*quic.StreamError)) {
		t.Errorf("%v, want the stream reset", err)
	}
}

func TestQUICConnectionLimits(t *testing.T) {
	for _, x := range []struct {
		limits listen.QUICLimits
		reason string
	}{
		{listen.QUICLimits{Connections: 3, RetryAbove: 100}, "connections"},
		{listen.QUICLimits{PerClient: 3, RetryAbove: 100}, "connections_per_client"},
		{listen.QUICLimits{Connections: 3, RetryAbove: 1}, "connections"}, // each client proves its address
	} {
		s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Limits: listen.Limits{QUIC: x.limits}}, nil)
		var open []*quic.Conn
		for range 3 {
			open = append(open, s.quic(webName))
		}
		var refused *quic.TransportError
		if _, err := s.tryQUIC(webName); !errors.As(err, &refused) || refused.ErrorCode != quic.ConnectionRefused {
			t.Errorf("%+v: %v, want CONNECTION_REFUSED", x.limits, err)
		}
		if n := s.metric(`hearth_listen_shed_total{reason="` + x.reason + `",transport="quic"}`); n < 1 {
			t.Errorf("%+v: %v counted", x.limits, n)
		}
		_ = open[0].CloseWithError(0, "")
		eventually(t, "its place is free", func() bool { return listen.Connections(s.Server, listen.QUIC) == 2 })
		s.quic(webName)
	}
}

// TestQUICPingsKeepNoConnection: a client that only keeps its connection alive makes room, one that
// waits for a reply does not.
func TestQUICPingsKeepNoConnection(t *testing.T) {
	h := newStub()
	s := startShielded(t, listen.QUIC, listen.Config{Handler: h, Limits: listen.Limits{QUIC: listen.QUICLimits{Idle: 300 * time.Millisecond}}}, nil)
	alive := &quic.Config{KeepAlivePeriod: 50 * time.Millisecond}
	dial := func() *quic.Conn {
		c, err := quic.DialAddr(t.Context(), s.addr.String(), s.trusting(webName, "doq"), alive)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	waits, idle := dial(), dial()
	stream := openStream(t, waits)
	write(t, stream, frame(query(t, 0, "slow.test")))
	_ = stream.Close()
	eventually(t, "it waits", func() bool { return h.waiting.Load() == 1 })
	<-idle.Context().Done()
	var ended *quic.ApplicationError
	if err := context.Cause(idle.Context()); !errors.As(err, &ended) || !ended.Remote || ended.ErrorCode != doqNoError {
		t.Errorf("the idle connection: %v, want DOQ_NO_ERROR", err)
	}
	if err := waits.Context().Err(); err != nil {
		t.Errorf("the one that waits: %v", context.Cause(waits.Context()))
	}
	close(h.gate)
	if _, err := io.ReadAll(stream); err != nil {
		t.Error(err)
	}
}

// TestForgedInitialsAreAskedToProveThemselves sends the first packet of handshakes and
// never another, as from forged addresses.
func TestForgedInitialsAreAskedToProveThemselves(t *testing.T) {
	const connections = 10
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Limits: listen.Limits{QUIC: listen.QUICLimits{Connections: connections, PerClient: connections, RetryAbove: 50}}}, nil)
	c, err := net.Dial("udp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for range 3 * connections {
		write(t, c, capture(t, s))
	}
	s.quic(webName) // an honest client gets in, and all that came before it was seen
	if n := listen.Connections(s.Server, listen.QUIC); n > connections/2+1 {
		t.Errorf("%d connections of %d are taken by who proved nothing", n-1, connections)
	}
}

// TestForgedInitialsLeaveHandshakes has more handshakes begun in a client's name than it may
// begin: whoever forges its address must not lock it out.
func TestForgedInitialsLeaveHandshakes(t *testing.T) {
	const handshakes = 5
	for what, limits := range map[string]listen.HandshakeLimits{"of a client": {PerSecond: 1000, PerClient: handshakes}, "in all": {PerSecond: handshakes, PerClient: 1000}} {
		s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Limits: listen.Limits{Handshakes: limits, QUIC: listen.QUICLimits{PerClient: 200}}}, nil)
		c, err := net.Dial("udp", s.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		for range 4 * handshakes {
			write(t, c, capture(t, s))
		}
		_ = c.Close()
		if _, err := s.tryQUIC(webName); err != nil {
			t.Errorf("the limit %s: %v", what, err)
		}
	}
}

// capture gives the first packet of a handshake.
func capture(t *testing.T, s *shielded) []byte {
	t.Helper()
	sink, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sink.Close() }()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := withCancel(t)
	defer cancel()
	wg.Go(func() { _, _ = quic.DialAddr(ctx, sink.LocalAddr().String(), s.trusting(webName, "doq"), nil) })
	b := make([]byte, 1500)
	_ = sink.SetReadDeadline(time.Now().Add(patience))
	n, _, err := sink.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestQUICDrainSendsWhatIsOwed(t *testing.T) {
	h := newStub()
	s := startShielded(t, listen.QUIC, listen.Config{Handler: h}, nil)
	c, idle := s.quic(webName), s.quic(webName)
	ask(t, idle, frame(query(t, 0, "a.test")))
	stream := openStream(t, c)
	write(t, stream, frame(query(t, 0, "slow.test")))
	_ = stream.Close()
	eventually(t, "it waits", func() bool { return h.waiting.Load() == 1 })
	s.stop()
	<-idle.Context().Done()
	close(h.gate)
	b, err := io.ReadAll(stream)
	if err != nil || !bytes.Equal(b[2:4], []byte{0, 0}) {
		t.Errorf("%x, %v", b, err)
	}
	for _, c := range []*quic.Conn{idle, c} {
		<-c.Context().Done()
		var ended *quic.ApplicationError
		if _, err := c.OpenStream(); !errors.As(err, &ended) || ended.ErrorCode != doqNoError || !ended.Remote {
			t.Errorf("%v, want the connection closed with DOQ_NO_ERROR", err)
		}
	}
	s.wait()
}

// TestQUICDrainClosesWhatIsJustOpen stops the server as soon as clients have shaken hands,
// whether it has seen to them or not.
func TestQUICDrainClosesWhatIsJustOpen(t *testing.T) {
	s := startShielded(t, listen.QUIC, listen.Config{Handler: newStub(), Drain: time.Hour}, nil)
	var open []*quic.Conn
	for range 10 {
		open = append(open, s.quic(webName))
	}
	s.stop()
	for _, c := range open {
		<-c.Context().Done()
		if errors.As(context.Cause(c.Context()), new(*quic.IdleTimeoutError)) {
			t.Error("a client is left waiting")
		}
	}
	s.wait()
}

func TestQUICDrainIsNotHeldUpByAClientThatStays(t *testing.T) {
	h := newStub()
	s := startShielded(t, listen.QUIC, listen.Config{Handler: h, Drain: time.Hour}, nil)
	c := s.quic(webName)
	ask(t, c, frame(query(t, 0, "a.test")))
	write(t, openStream(t, c), []byte{0}) // a query that never comes
	s.stop()
	s.wait()
}
