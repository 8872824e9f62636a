package forward

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestFailover(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]func(*visit){
		"silence":  silent,
		"SERVFAIL": says(dns.RcodeServerFailure),
		"REFUSED":  says(dns.RcodeRefused),
		"NOTIMP":   says(dns.RcodeNotImplemented),
		"FORMERR":  says(dns.RcodeFormatError),
		"NOTAUTH":  says(dns.RcodeNotAuth),
		"REFUSED without question": func(v *visit) {
			m := v.fault(dns.RcodeRefused)
			m.Question, m.Extra = nil, nil
			v.say(m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad, good := newEvil(t, script), newEvil(t, second)
			f := forwarder(t, bad.addr, good.addr)
			want(t, f, "192.0.2.2")
			if n := len(good.visits()); n != 1 {
				t.Errorf("the good upstream was asked %d times, want once", n)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		want(t, forwarder(t, deadPort(t), newEvil(t, second).addr), "192.0.2.2")
	})
	t.Run("the first answers", func(t *testing.T) {
		t.Parallel()
		unasked := newEvil(t, second)
		want(t, forwarder(t, newEvil(t, truth).addr, unasked.addr), "192.0.2.1")
		if n := len(unasked.visits()); n != 0 {
			t.Errorf("the second upstream was asked %d times, want never", n)
		}
	})
}

func TestLostPacketIsAskedAgain(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		if v.number > 1 {
			truth(v)
		}
	})
	want(t, forwarder(t, e.addr), "192.0.2.1")
	if n := len(e.visits()); n != 2 {
		t.Errorf("%d queries, want 2", n)
	}
}

// When nobody else is left to ask, the last try waits for the rest of the budget:
// a resolver that is working on a hard name takes longer than its usual time.
func TestLastTryHasTheRestOfTheBudget(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		if v.number == DefaultAttempts {
			time.Sleep(maxTimeout + 200*time.Millisecond)
			truth(v)
		}
	})
	f := forwarder(t, e.addr)
	f.timeout = time.Minute // of which a busy machine needs little
	want(t, f, "192.0.2.1")
	if n := len(e.visits()); n != DefaultAttempts {
		t.Errorf("%d queries, want %d", n, DefaultAttempts)
	}
}

// What is said when nobody has an answer: EDE 22 (RFC 8914 section 4.23) if an
// upstream was silent or refused, 23 (4.24) if the network said no to every try.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	dead := deadPort(t)
	tests := []struct {
		name  string
		addrs []netip.AddrPort
		ede   uint16
	}{
		{"silence", []netip.AddrPort{newEvil(t, silent).addr}, 22},
		{"refused", []netip.AddrPort{newEvil(t, says(dns.RcodeRefused)).addr}, 22},
		{"silence and a dead port", []netip.AddrPort{newEvil(t, silent).addr, dead}, 22},
		{"a dead port", []netip.AddrPort{dead}, 23},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := forwarder(t, tt.addrs...)
			f.timeout = time.Second
			_, err := ask(t, f)
			var failure *Failure
			if !errors.As(err, &failure) || failure.EDE != tt.ede {
				t.Fatalf("error = %v, want a Failure with EDE %d", err, tt.ede)
			}
		})
	}
}

// A question goes to one server at most Attempts times, and not again after it
// was answered with an error (RFC 9520 section 3.1), but for the proof over TCP that it was.
func TestTriesAreCounted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		script func(*visit)
		want   int
	}{
		{"silence", silent, 3}, {"SERVFAIL", says(dns.RcodeServerFailure), 1}, {"REFUSED", says(dns.RcodeRefused), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, tt.script)
			f := impatient(t, Config{Upstreams: []string{e.addr.String()}, Attempts: 3, Timeout: 3 * time.Second})
			_, _ = ask(t, f)
			if n := len(e.visits()); n != tt.want {
				t.Errorf("%d queries, want %d", n, tt.want)
			}
		})
	}
}

// A SERVFAIL that nobody contradicts is the reply: it is about the name.
func TestServfailIsPassedOn(t *testing.T) {
	t.Parallel()
	f := forwarder(t, newEvil(t, silent).addr, newEvil(t, says(dns.RcodeServerFailure)).addr)
	f.timeout = time.Second
	m, err := ask(t, f)
	if err != nil || m.Rcode != dns.RcodeServerFailure {
		t.Fatalf("reply = %v, %v; want the upstream's SERVFAIL", m, err)
	}
	if f.upstreams[1].health.failures != 0 {
		t.Error("the upstream's standing suffered from a name that fails")
	}
}

// An upstream that validates says that the zone is bogus; one that does not would
// hand out the forged data.
func TestBogusEndsTheSearch(t *testing.T) {
	t.Parallel()
	for code, final := range map[uint16]bool{
		dns.ExtendedErrorCodeDNSBogus: true, dns.ExtendedErrorCodeSignatureExpired: true,
		dns.ExtendedErrorCodeNSECMissing: true, dns.ExtendedErrorCodeNoReachableAuthority: false,
		dns.ExtendedErrorCodeDNSSECIndeterminate: false,
	} {
		validating := newEvil(t, func(v *visit) {
			m := v.fault(dns.RcodeServerFailure)
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: code})
			v.say(m)
		})
		trusting := newEvil(t, second)
		m, err := ask(t, forwarder(t, validating.addr, trusting.addr))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Rcode == dns.RcodeServerFailure; got != final {
			t.Errorf("EDE %d: %v, want final = %v", code, m, final)
		}
	}
}

// An upstream that does not know EDNS is asked without, at once and for fifteen
// minutes (RFC 6891 section 7), when it has said so over TCP, where nobody else can have.
func TestUpstreamWithoutEDNS(t *testing.T) {
	t.Parallel()
	without := func(change func(*visit, *dns.Msg)) func(*visit) {
		return func(v *visit) {
			if v.query.IsEdns0() == nil {
				truth(v)
				return
			}
			m := v.fault(dns.RcodeFormatError)
			m.Extra = nil
			change(v, m)
			v.say(m)
		}
	}
	for name, change := range map[string]func(*visit, *dns.Msg){
		"FORMERR":                  func(*visit, *dns.Msg) {},
		"FORMERR without question": func(_ *visit, m *dns.Msg) { m.Question = nil },
		"NOTIMP":                   func(_ *visit, m *dns.Msg) { m.Rcode = dns.RcodeNotImplemented },
		"BADVERS":                  func(_ *visit, m *dns.Msg) { m.SetEdns0(512, false); m.Rcode = dns.RcodeBadVers },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, without(change))
			f := forwarder(t, e.addr)
			clock := newClock(f)
			for _, wait := range []struct {
				passed  time.Duration
				queries int
				edns    []bool // of the queries
			}{
				{0, 3, []bool{true, true, false}},
				{14 * time.Minute, 1, []bool{false}},
				{2 * time.Minute, 3, []bool{true, true, false}},
			} {
				before := len(e.visits())
				clock.pass(wait.passed)
				want(t, f, "192.0.2.1")
				seen := e.visits()[before:]
				if len(seen) != len(wait.edns) {
					t.Fatalf("%d queries, want %d", len(seen), len(wait.edns))
				}
				for i, v := range seen {
					if got := v.query.IsEdns0() != nil; got != wait.edns[i] {
						t.Errorf("query %d with EDNS: %v, want %v", i, got, wait.edns[i])
					}
				}
			}
		})
	}
}

// A FORMERR that does not go away without EDNS teaches nothing about EDNS.
func TestFormerrIsNotRememberedWithoutProof(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		m := v.fault(dns.RcodeFormatError)
		m.Extra = nil
		v.say(m)
	})
	f := forwarder(t, e.addr)
	_, _ = ask(t, f)
	if !f.upstreams[0].health.knowsEDNS(time.Now()) {
		t.Error("the upstream is remembered as one without EDNS")
	}
}

// clock is a Forwarder's time, which passes when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock(f *Forwarder) *clock {
	c := &clock{now: time.Unix(1e9, 0)}
	f.now = func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now
	}
	return c
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// An upstream that dies is asked last, probed beside live queries, and first
// again as soon as it answers.
func TestDeathAndReturn(t *testing.T) {
	t.Parallel()
	first, other := newEvil(t, silent), newEvil(t, second)
	f := forwarder(t, first.addr, other.addr)
	awaited(f.upstreams[1]) // a busy machine is
	clock := newClock(f)
	for range failuresToDown {
		want(t, f, "192.0.2.2")
	}
	if got := scrape(t, f); got["hearth_upstream_up"] != 1 || got["hearth_upstream_failures_total"] != failuresToDown {
		t.Errorf("scrape = %v, want one of two upstreams up and %d failures", got, failuresToDown)
	}
	asked := len(first.visits())
	want(t, f, "192.0.2.2")
	if n := len(first.visits()); n != asked {
		t.Errorf("the dead upstream was asked %d times more before its time", n-asked)
	}
	first.become(truth)
	clock.pass(minBackoff)
	want(t, f, "192.0.2.2") // and probes
	await(t, func() bool { return !f.upstreams[0].health.down() })
	awaited(f.upstreams[0])
	want(t, f, "192.0.2.1")
}

// awaited has an upstream waited for as long as any.
func awaited(u *upstream) {
	u.health.mu.Lock()
	defer u.health.mu.Unlock()
	u.health.srtt = maxTimeout
}

// Probes are made 1, 2, 4 … 30 seconds apart, less up to a quarter, by one query at a time,
// and what fails in between does not put the next one off.
func TestProbesBackOff(t *testing.T) {
	h, now := new(health), time.Unix(1e9, 0)
	for n := range failuresToDown - 1 {
		if h.failed(now, true) || h.down() {
			t.Fatalf("down at failure %d of %d", n+1, failuresToDown)
		}
	}
	if !h.failed(now, true) {
		t.Fatal("not down after the last of them")
	}
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		h.failed(now, true)
		if h.claimProbe(now.Add(wait*time.Second*3/4 - 1)) {
			t.Fatalf("probed before three quarters of %d s", wait)
		}
		now = now.Add(wait * time.Second)
		if !h.claimProbe(now) {
			t.Fatalf("not probed after %d s", wait)
		}
		if h.claimProbe(now) {
			t.Fatal("probed by two at once")
		}
		if h.failed(now, true) {
			t.Fatal("goes down twice")
		}
		h.endProbe()
	}
	if !h.answered() || h.down() || h.claimProbe(now.Add(time.Hour)) {
		t.Error("an answer did not bring it back")
	}
}

// A try waits for what replies usually take, four deviations over (RFC 6298), from
// 400 ms to 2 s, and twice as long after each failure in a row.
func TestPatience(t *testing.T) {
	h := new(health)
	check := func(want time.Duration) {
		t.Helper()
		if got := h.timeout(); got != want {
			t.Errorf("timeout = %v, want %v", got, want)
		}
	}
	check(time.Second)
	h.measured(10*time.Millisecond, false, true)
	check(400 * time.Millisecond)
	h.failed(time.Now(), true)
	check(800 * time.Millisecond)
	h.failed(time.Now(), true)
	h.failed(time.Now(), true)
	check(2 * time.Second)
	h.answered()
	check(400 * time.Millisecond)
	h = new(health)
	h.measured(300*time.Millisecond, false, true)
	check(900 * time.Millisecond)
}

// When all are down all are asked: none is given up.
func TestAllDeadAreAskedAll(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, silent), newEvil(t, silent)
	f := forwarder(t, a.addr, b.addr)
	clock := newClock(f)
	for _, u := range f.upstreams {
		for range failuresToDown {
			u.health.failed(clock.now, true)
		}
	}
	b.become(second)
	want(t, f, "192.0.2.2")
	if f.upstreams[1].health.down() {
		t.Error("it answered and is still down")
	}
}

// await waits for what another goroutine is about to do.
func await(t *testing.T, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it never happened")
}
