package querylog

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/dnstap/golang-dnstap"
	"github.com/hearthdns/hearth/policy"
	"google.golang.org/protobuf/proto"
)

// receiver is a dnstap receiver as the library makes it.
func receiver(t *testing.T, l net.Listener) <-chan *dnstap.Dnstap {
	t.Helper()
	in := dnstap.NewFrameStreamSockInput(l)
	frames := make(chan []byte, 1000)
	go in.ReadInto(frames)
	got := make(chan *dnstap.Dnstap, 1000)
	go func() {
		for f := range frames {
			m := new(dnstap.Dnstap)
			if proto.Unmarshal(f, m) == nil {
				got <- m
			}
		}
	}()
	return got
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func tap(t *testing.T, cfg Config) *Tap {
	t.Helper()
	cfg.Identity, cfg.Version = "home", "v1"
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func next(t *testing.T, got <-chan *dnstap.Dnstap) *dnstap.Dnstap {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("the receiver was told nothing")
		return nil
	}
}

// TestTap: over both kinds of socket the receiver gets messages whose names may be told, those
// alone, and never an address of a client.
func TestTap(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "tap")
		}
		l := listen(t, network, address)
		got := receiver(t, l)
		x := tap(t, Config{Network: network, Address: l.Addr().String()})
		go func() { _ = x.Run(t.Context()) }()
		at := time.Unix(1700000000, 5)
		reply := []byte("a reply with a name")
		x.Observe(&Message{Memory: policy.Forget, Reply: reply})
		x.Observe(&Message{Memory: policy.Totals, Reply: reply, Action: "block", Category: "adult.porn"})
		x.Observe(&Message{Memory: policy.Names, Protocol: QUIC, Six: true, Asked: at, Answered: at.Add(time.Second), Reply: reply, Action: "block", Category: "sec.malware"})
		x.Observe(&Message{Memory: policy.Names, Protocol: UDP, Reply: make([]byte, largest+1)})
		whole, long := next(t, got), next(t, got)
		if m := whole.Message; string(m.ResponseMessage) != string(reply) || *m.QueryTimeSec != 1700000000 || *m.QueryTimeNsec != 5 || *m.ResponseTimeSec != 1700000001 || *m.Type != dnstap.Message_CLIENT_RESPONSE {
			t.Errorf("%s: %v", network, whole)
		}
		if m := whole.Message; *m.SocketProtocol != 7 || *m.SocketFamily != dnstap.SocketFamily_INET6 || string(whole.Extra) != "block sec.malware" {
			t.Errorf("%s: %v", network, whole)
		}
		if long.Message.ResponseMessage != nil {
			t.Errorf("%s: a reply of %d octets was sent whole", network, len(long.Message.ResponseMessage))
		}
		for _, m := range []*dnstap.Dnstap{whole, long} {
			if m.Message.QueryAddress != nil || m.Message.QueryPort != nil || string(m.Identity) != "home" || string(m.Version) != "v1" {
				t.Errorf("%s: %v", network, m)
			}
		}
	}
}

// TestNoReceiver: nobody waits for a receiver that is not there or does not read, and what is
// lost is counted.
func TestNoReceiver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tap")
	x := tap(t, Config{Network: "unix", Address: path})
	m := &Message{Memory: policy.Names, Reply: make([]byte, 100)}
	for range backlog + 10 {
		x.Observe(m)
	}
	if got := x.dropped.Load(); got != 10 {
		t.Errorf("%d dropped, want 10", got)
	}
	x.deliver(t.Context())
	if got := x.failed.Load(); got != backlog {
		t.Errorf("%d lost, want %d", got, backlog)
	}
	got := receiver(t, listen(t, "unix", path))
	x.again = time.Time{}
	x.Observe(m)
	go func() { _ = x.Run(t.Context()) }()
	next(t, got)
}

// TestObserveAllocatesNothing: it lies on the path of every answer where dnstap is on.
func TestObserveAllocatesNothing(t *testing.T) {
	x := tap(t, Config{Network: "unix", Address: "nowhere"})
	m := &Message{Memory: policy.Names, Reply: make([]byte, 100), Action: "allow"}
	fill := func() {
		for range backlog {
			x.Observe(m)
		}
		x.take()
	}
	fill()
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
