package listen_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
)

func TestDrainLosesNoReply(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h})
	u, c, idle := s.dial("udp"), s.dial("tcp"), s.dial("tcp")
	send(t, u, query(t, 1, "slow.test"))
	send(t, c, frame(query(t, 2, "slow.test"), query(t, 3, "slow.test")))
	eventually(t, "three are in flight", func() bool { return h.waiting.Load() == 3 })
	s.stop()
	closed(t, idle)
	_ = idle.Close()
	send(t, c, frame(query(t, 4, "a.test"))) // too late: not read
	close(h.gate)
	if m := recv(t, u); m.Id != 1 {
		t.Errorf("reply %d over UDP", m.Id)
	}
	if a, b := recv(t, c), recv(t, c); a.Id+b.Id != 5 {
		t.Errorf("replies %d and %d over TCP, want 2 and 3", a.Id, b.Id)
	}
	closed(t, c)
	_ = c.Close()
	s.wait()
	if _, err := net.Dial("tcp", s.addr.String()); err == nil {
		t.Error("the TCP port still accepts")
	}
	p, err := net.ListenPacket("udp", s.addr.String())
	if err != nil {
		t.Errorf("the UDP port is still taken: %v", err)
	} else {
		_ = p.Close()
	}
}

func TestDrainKeepsTheUDPSocketForItsReplies(t *testing.T) {
	h := newStub()
	s := start(t, listen.Config{Handler: h})
	u := s.dial("udp")
	send(t, u, query(t, 1, "slow.test"))
	eventually(t, "the query is in flight", func() bool { return h.waiting.Load() == 1 })
	s.stop()
	select {
	case <-s.done:
		t.Error("Run ended with a reply owed")
		s.done <- nil
	case <-time.After(50 * time.Millisecond):
	}
	close(h.gate)
	if m := recv(t, u); m.Id != 1 {
		t.Errorf("reply %d", m.Id)
	}
}

func TestDrainIsBounded(t *testing.T) {
	h := newStub() // never lets go, but heeds its context
	s := start(t, listen.Config{Handler: h, Drain: 50 * time.Millisecond, Limits: listen.Limits{Late: time.Hour, TCP: listen.TCPLimits{Resolve: time.Hour}}})
	u, c := s.dial("udp"), s.dial("tcp")
	send(t, u, query(t, 1, "slow.test"))
	send(t, c, frame(query(t, 2, "slow.test")))
	eventually(t, "both are in flight", func() bool { return h.waiting.Load() == 2 })
	s.stop()
	s.wait()
	eventually(t, "the handler is told to end", func() bool { return h.waiting.Load() == 0 })
	closed(t, c)
}

func TestDrainIsNotHeldUpByAClientThatStays(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Drain: time.Hour})
	c := s.dial("tcp")
	send(t, c, frame(query(t, 1, "a.test")))
	recv(t, c)
	s.stop()
	s.wait() // the client keeps its side open
}

func TestRunEndsWhenASocketFails(t *testing.T) {
	p, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := p.LocalAddr().(*net.UDPAddr).AddrPort()
	s, err := listen.New(listen.Singly(listen.Config{ // the batched twin makes the socket its own
		Handler: newStub(), Log: quiet(), Packets: []net.PacketConn{p},
		Listeners: []listen.Listener{{Addr: addr, Protocols: []listen.Transport{listen.UDP}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	if err := s.Run(context.Background()); err == nil {
		t.Error("Run ended without an error")
	}
}
