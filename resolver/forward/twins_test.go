package forward

import (
	"context"
	"errors"
	"flag"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
)

// twin replaces the exchanges over UDP of the forwarders that are tested: all
// tests run once with this system's own and once with those of every system.
var twin = func(own packets) packets { return own }

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	measuring := flag.Lookup("test.bench").Value.String() + flag.Lookup("test.fuzz").Value.String()
	if _, same := newPackets().(*portable); code == 0 && !same && measuring == "" {
		twin = func(packets) packets { return new(portable) }
		code = m.Run()
	}
	os.Exit(code)
}

// both runs a test over both twins.
func both(t *testing.T, test func(*testing.T, packets)) {
	t.Run("own", func(t *testing.T) { test(t, newPackets()) })
	t.Run("portable", func(t *testing.T) { test(t, new(portable)) })
}

// mute is an address at which queries are taken and not answered.
func mute(t *testing.T, host string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", host)
	if err != nil {
		t.Skipf("no UDP at %s: %v", host, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func noting(t *testing.T) *counters {
	t.Helper()
	c := newMetrics("").of("udp://test")
	return &c
}

// No more than maxOpen exchanges are open at once, one more is told so at once, and
// when they end, every socket is closed.
func TestOpenExchangesAreBounded(t *testing.T) {
	both(t, func(t *testing.T, p packets) {
		before := openFiles()
		to, note := mute(t, "127.0.0.1:0"), noting(t)
		msg := newQuestion(query(t, "www.example.com.", nil)).packet(true)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wg sync.WaitGroup
		for range maxOpen {
			wg.Go(func() {
				if _, err := p.exchange(ctx, time.Now().Add(time.Minute), to, msg, note); !errors.Is(err, context.Canceled) {
					t.Errorf("exchange = %v, want the cancellation", err)
				}
			})
		}
		await(t, func() bool { return p.inUse() == maxOpen })
		if _, err := p.exchange(ctx, time.Now().Add(time.Minute), to, msg, note); !errors.Is(err, errBusy) {
			t.Errorf("one more = %v, want %v", err, errBusy)
		}
		cancel()
		wg.Wait()
		if n := p.inUse(); n != 0 {
			t.Errorf("%d in use when all have ended", n)
		}
		await(t, func() bool { return openFiles() <= before+1 }) // mute has one
	})
}

// Having no room is not the upstream's fault.
func TestNoRoomIsNobodysFault(t *testing.T) {
	t.Parallel()
	f := forwarder(t, mute(t, "127.0.0.1:0"))
	f.upstreams[0].udp = new(full)
	var failed *Failure
	for range 2 * failuresToDown {
		if _, err := f.Exchange(t.Context(), query(t, "www.example.com.", nil)); !errors.As(err, &failed) || failed.EDE != NetworkError || !errors.Is(err, errBusy) {
			t.Fatalf("Exchange = %v, want a failure that says it was us", err)
		}
	}
	if h := &f.upstreams[0].health; h.down() || h.failures > 0 {
		t.Errorf("the upstream's standing suffered: %+v", h)
	}
}

type full struct{ portable }

func (*full) exchange(context.Context, time.Time, netip.AddrPort, []byte, *counters) (reply, error) {
	return reply{}, errBusy
}

// A silent upstream is waited for until the deadline and not beyond; IPv6 and
// IPv4 alike.
func TestExchangeEndsWithItsDeadline(t *testing.T) {
	both(t, func(t *testing.T, p packets) {
		for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
			msg := newQuestion(query(t, "www.example.com.", nil)).packet(true)
			deadline := time.Now().Add(50 * time.Millisecond)
			_, err := p.exchange(t.Context(), deadline, mute(t, host), msg, noting(t))
			if whyNot(err) != reasonTimeout || time.Now().Before(deadline) {
				t.Errorf("%s: %v, %s before the deadline", host, err, time.Until(deadline))
			}
		}
	})
}

// A loop that stood idle starts again.
func TestExchangeAfterIdleness(t *testing.T) {
	t.Parallel()
	e := newEvil(t, truth)
	f := forwarder(t, e.addr)
	for range 2 {
		want(t, f, "192.0.2.1")
		time.Sleep(2500 * time.Millisecond) // longer than any lingers
	}
	want(t, f, "192.0.2.1")
}
