package listen_test

import (
	"net"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
)

// The deadlines of a connection are set now and then only; these tests let earlier ones
// pass first.

func TestClientThatStopsReadingIsCutOff(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h, Limits: listen.Limits{TCP: listen.TCPLimits{Write: 200 * time.Millisecond}}})
	c := s.dial("tcp")
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	for id := range uint16(3) {
		send(t, c, frame(query(t, id, "a.test")))
		if m := recv(t, c); m.Id != id {
			t.Fatalf("reply %d, want %d", m.Id, id)
		}
		time.Sleep(300 * time.Millisecond) // longer than a write may take, but nothing is written
	}
	go func() { // 28 MB of replies, and none is read
		for i := range 10000 {
			if _, err := c.Write(frame(query(t, uint16(i), "long.test"))); err != nil {
				return
			}
		}
	}()
	eventually(t, "the slow reader is cut off", func() bool {
		return s.metric(`hearth_listen_shed_total{reason="slow_reader",transport="tcp"}`) == 1
	})
	eventually(t, "its connection ends", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 0 })
}

func TestQueryThatDribblesInIsCutOff(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: 300 * time.Millisecond, Idle: time.Hour, BusyIdle: time.Hour}}})
	c := s.dial("tcp")
	q := query(t, 1, "a.test")
	send(t, c, frame(q, q)[:len(q)+3]) // a whole one and the first octet of another
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply %d", m.Id)
	}
	go func() { // each octet comes in time, the query does not
		for _, b := range frame(q)[1:] {
			time.Sleep(100 * time.Millisecond)
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	closed(t, c)
}

func TestIdleTimeHoldsAfterAQueryInParts(t *testing.T) {
	const idle = 200 * time.Millisecond
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Frame: time.Hour, Idle: idle, BusyIdle: idle}}})
	c := s.dial("tcp")
	b := frame(query(t, 1, "a.test"))
	send(t, c, b[:5])
	time.Sleep(10 * time.Millisecond) // let it leave as a segment of its own
	send(t, c, b[5:])
	if m := recv(t, c); m.Id != 1 {
		t.Errorf("reply %d", m.Id)
	}
	closed(t, c)
}

func TestIdleTimeStartsAnewWithEachQuery(t *testing.T) {
	const idle = 2 * time.Second
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Idle: idle, BusyIdle: idle}}})
	c := s.dial("tcp")
	time.Sleep(idle / 2)
	asked := time.Now()
	send(t, c, frame(query(t, 1, "a.test")))
	recv(t, c)
	closed(t, c)
	if open := time.Since(asked); open < idle {
		t.Errorf("closed after %v, want %v at least", open, idle)
	}
}
