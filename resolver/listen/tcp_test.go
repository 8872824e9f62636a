package listen_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

func TestSlowQueryDoesNotDelayLaterOnes(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h})
	c := s.dial("tcp")
	send(t, c, frame(query(t, 1, "slow.test"), query(t, 2, "a.test"), query(t, 3, "slow.test"), query(t, 4, "b.test")))
	if a, b := recv(t, c), recv(t, c); a.Id != 2 || b.Id != 4 {
		t.Errorf("replies %d, %d before the slow ones, want 2, 4", a.Id, b.Id)
	}
	close(h.gate)
	late := []uint16{recv(t, c).Id, recv(t, c).Id}
	slices.Sort(late)
	if !slices.Equal(late, []uint16{1, 3}) {
		t.Errorf("late replies %v, want 1 and 3", late)
	}
}

func TestPipelineOfManyQueries(t *testing.T) {
	h := newStub()
	close(h.gate)
	s := start(t, listen.Config{Handler: h})
	c := s.dial("tcp")
	const n = 2000
	go func() {
		var b []byte
		for i := range n {
			b = append(b, frame(query(t, uint16(i), []string{"a.test", "slow.test", "long.test"}[i%3]))...)
		}
		_, _ = c.Write(b)
	}()
	seen := make([]bool, n)
	for range n {
		m := recv(t, c)
		if seen[m.Id] || m.Rcode != dns.RcodeSuccess {
			t.Fatalf("reply %d: seen %v, %s", m.Id, seen[m.Id], dns.RcodeToString[m.Rcode])
		}
		seen[m.Id] = true
	}
}

func TestQueryOctetByOctet(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	c := s.dial("tcp")
	for _, b := range frame(query(t, 1, "a.test"), query(t, 2, "b.test")) {
		send(t, c, []byte{b})
		time.Sleep(100 * time.Microsecond) // let it leave as a segment of its own
	}
	if a, b := recv(t, c), recv(t, c); a.Id != 1 || b.Id != 2 {
		t.Errorf("replies %d, %d", a.Id, b.Id)
	}
}

func TestQueryLargerThanTheBuffer(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	for _, padding := range []int{5000, 60000} {
		m := new(dns.Msg)
		m.SetQuestion("a.test.", dns.TypeA)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_PADDING{Padding: make([]byte, padding)}}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		c := s.dial("tcp")
		send(t, c, frame(b, query(t, 2, "b.test")))
		if first, second := recv(t, c), recv(t, c); first.Id != m.Id || first.Rcode != 0 || second.Id != 2 {
			t.Errorf("replies %v, %v", first, second)
		}
	}
}

func TestClientThatEndsGetsItsReplies(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h})
	c := s.dial("tcp")
	send(t, c, frame(query(t, 1, "slow.test"), query(t, 2, "a.test")))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
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

func TestBadFramesCloseTheConnection(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: 50 * time.Millisecond}}})
	whole := query(t, 2, "a.test")
	for name, b := range map[string][]byte{
		"length 0":              {0, 0},
		"length 11":             frame(make([]byte, 11)),
		"length cut":            {0},
		"message cut":           frame(whole)[:10],
		"65535 said, 1 sent":    {0xFF, 0xFF, 0},
		"not DNS: a web client": []byte("GET / HTTP/1.1\r\nHost: hearth\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c := s.dial("tcp")
			send(t, c, frame(query(t, 1, "a.test")))
			if m := recv(t, c); m.Id != 1 { // what went before is answered
				t.Errorf("reply %d", m.Id)
			}
			send(t, c, b)
			closed(t, c)
		})
	}
	eventually(t, "connections end", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 0 })
}

func TestRepliesSurviveJunkBehindTheQueries(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	c := s.dial("tcp")
	send(t, c, slices.Concat(frame(query(t, 1, "long.test"), make([]byte, 3)), bytes.Repeat([]byte{1}, 20000)))
	if m := recv(t, c); len(m.Answer) != 100 {
		t.Errorf("reply: %v", m)
	}
	closed(t, c)
}

func TestIdleConnectionIsClosed(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{TCP: listen.TCPLimits{Idle: 50 * time.Millisecond}}})
	closed(t, s.dial("tcp")) // asked nothing
	c := s.dial("tcp")
	send(t, c, frame(query(t, 1, "slow.test")))
	eventually(t, "the query is in flight", func() bool { return h.waiting.Load() == 1 })
	time.Sleep(150 * time.Millisecond) // three idle times: but we owe a reply
	send(t, c, frame(query(t, 2, "a.test")))
	if m := recv(t, c); m.Id != 2 {
		t.Errorf("reply %d", m.Id)
	}
	close(h.gate)
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply %d", m.Id)
	}
	closed(t, c)
}

func TestIdleTimeFallsWhenConnectionsRunShort(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Connections: 4, Idle: time.Hour, BusyIdle: 50 * time.Millisecond}}})
	a, b := s.dial("tcp"), s.dial("tcp")
	for range 3 { // two of four: nobody is closed, over several idle times
		time.Sleep(50 * time.Millisecond)
		for _, c := range []net.Conn{a, b} {
			send(t, c, frame(query(t, 1, "a.test")))
			recv(t, c)
		}
	}
	c := s.dial("tcp") // three of four
	closed(t, c)
	closed(t, a)
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	h := newStub()
	close(h.gate)
	var answered atomic.Int64
	h.seen = func(*listen.Request) { answered.Add(1) }
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{TCP: listen.TCPLimits{Write: 100 * time.Millisecond}}})
	c := s.dial("tcp")
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	go func() { // 28 MB of replies, and none is read
		for i := range 10000 {
			if _, err := c.Write(frame(query(t, uint16(i), "long.test"))); err != nil {
				return
			}
		}
	}()
	other := s.dial("tcp")
	eventually(t, "the slow reader is cut off", func() bool {
		send(t, other, frame(query(t, 9, "slow.test")))
		recv(t, other) // others are served all the while
		return s.metric(`hearth_listen_shed_total{reason="slow_reader",transport="tcp"}`) == 1
	})
	eventually(t, "its connection ends", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 1 })
}

func TestQueriesOverTheConnectionsLimitWaitUnread(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{TCP: listen.TCPLimits{InFlight: 2}}})
	c := s.dial("tcp")
	send(t, c, frame(query(t, 1, "slow.test"), query(t, 2, "slow.test"), query(t, 3, "a.test")))
	eventually(t, "two are in flight", func() bool { return h.waiting.Load() == 2 })
	h.gate <- struct{}{}
	first, second := recv(t, c), recv(t, c)
	if first.Id == 3 || second.Id != 3 {
		t.Errorf("replies %d, %d: the third query was answered before there was room", first.Id, second.Id)
	}
	close(h.gate)
	recv(t, c)
}

func TestSlowOverTCPIsGivenItsTime(t *testing.T) {
	h := newStub()
	h.resolve = func(ctx context.Context, r *listen.Request) {
		<-ctx.Done()
		r.Reply = reply(r, 1)
	}
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{TCP: listen.TCPLimits{Resolve: 50 * time.Millisecond}}})
	c := s.dial("tcp")
	send(t, c, frame(query(t, 1, "slow.test")))
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply: %v", m)
	}
}
