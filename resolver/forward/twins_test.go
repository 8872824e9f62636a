package forward

import (
	"errors"
	"flag"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
)

// twin replaces the exchanges over UDP of the forwarders that are tested: all
// tests run once with this system's own and once with those of every system.
var twin = func(own packets) packets { return own }

// again says that the tests run for the second time.
var again bool

// once is for tests of what has nothing to do with UDP.
func once(t *testing.T) {
	t.Helper()
	if again {
		t.Skip("it is the same for both twins")
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "4") // these tests wait more than they work
	code := m.Run()
	measuring := flag.Lookup("test.bench").Value.String() + flag.Lookup("test.fuzz").Value.String()
	if runtime.GOOS == "linux" && code == 0 && measuring == "" {
		twin, again = func(packets) packets { return new(portable) }, true
		code = m.Run()
	}
	os.Exit(code)
}

// both runs a test over both twins.
func both(t *testing.T, test func(*testing.T, packets)) {
	t.Run("own", func(t *testing.T) { test(t, new(Loop)) })
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

// exchangeOnce makes one over p and waits for what it gives.
func exchangeOnce(p packets, deadline time.Time, to netip.AddrPort, msg packet, note *counters) error {
	w := make(wait, 1)
	if err := p.exchange(deadline, to, msg, note, w); err != nil {
		return err
	}
	return (<-w).err
}

// No more than maxOpen exchanges are open at once, one more is told so at once, and
// when they end, every socket is closed.
func TestOpenExchangesAreBounded(t *testing.T) {
	both(t, func(t *testing.T, p packets) {
		before := openFiles()
		to, note := mute(t, "127.0.0.1:0"), noting(t)
		msg := question{asked(query(t, "www.example.com.", nil))}.packet(form{edns: true})
		landed := make(wait, maxOpen)
		deadline := time.Now().Add(2 * time.Second)
		for range maxOpen {
			if err := p.exchange(deadline, to, msg, note, landed); err != nil {
				t.Fatal(err)
			}
		}
		if n := note.open.Load(); n != maxOpen {
			t.Fatalf("%d in use, want %d", n, maxOpen)
		}
		if err := exchangeOnce(p, deadline, to, msg, note); !errors.Is(err, errBusy) {
			t.Errorf("one more = %v, want %v", err, errBusy)
		}
		for range maxOpen {
			if o := <-landed; whyNot(o.err) != reasonTimeout {
				t.Errorf("exchange = %v, want the end of its time", o.err)
			}
		}
		if n := note.open.Load(); n != 0 {
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
		if _, err := answer(f, query(t, "www.example.com.", nil)); !errors.As(err, &failed) || failed.EDE != NetworkError || !failed.Busy() {
			t.Fatalf("Exchange = %v, want a failure that says it was us", err)
		}
	}
	if h := &f.upstreams[0].health; h.down() || h.failures > 0 {
		t.Errorf("the upstream's standing suffered: %+v", h)
	}
}

type full struct{}

func (*full) exchange(time.Time, netip.AddrPort, packet, *counters, lander) error { return errBusy }

// A silent upstream is waited for until the deadline and not beyond; IPv6 and
// IPv4 alike.
func TestExchangeEndsWithItsDeadline(t *testing.T) {
	both(t, func(t *testing.T, p packets) {
		for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
			msg := question{asked(query(t, "www.example.com.", nil))}.packet(form{edns: true})
			deadline := time.Now().Add(50 * time.Millisecond)
			err := exchangeOnce(p, deadline, mute(t, host), msg, noting(t))
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
