package forward

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// slow answers with 192.0.2.2 after a while.
func slow(d time.Duration) func(*visit) {
	return func(v *visit) {
		time.Sleep(d)
		second(v)
	}
}

func strategic(t *testing.T, strategy string, upstreams ...*evil) *Forwarder {
	t.Helper()
	cfg := Config{Strategy: strategy}
	for _, e := range upstreams {
		cfg.Upstreams = append(cfg.Upstreams, e.addr.String())
	}
	return impatient(t, cfg)
}

// knowing makes as if upstreams had answered so soon so far.
func knowing(f *Forwarder, latencies ...time.Duration) {
	for i, d := range latencies {
		h := &f.upstreams[i].health
		for range 2 * digestFresh {
			h.measured(d, false, true)
		}
	}
}

// failures returns how often in a row an upstream has failed.
func failures(u *upstream) int {
	u.health.mu.Lock()
	defer u.health.mu.Unlock()
	return u.health.failures
}

// Strict asks the others for nothing as long as the first answers.
func TestStrictAsksOne(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, slow(20*time.Millisecond)), newEvil(t, truth)
	f := strategic(t, Strict, a, b)
	for range 20 {
		want(t, f, "192.0.2.2")
	}
	if n := len(b.visits()); n != 0 {
		t.Errorf("the second was asked %d times", n)
	}
}

// The fastest is found whatever the order is, and asked from then on; the others are
// looked at beside, and no client waits for them.
func TestFastestIsFound(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, slow(40*time.Millisecond)), newEvil(t, truth)
	f := strategic(t, Fastest, a, b)
	await(t, func() bool { // the first questions go to the first, and teach what the second is
		m, err := ask(t, f)
		return err == nil && m.Answer[0].(*dns.A).A.String() == "192.0.2.1"
	})
	asked := len(a.visits())
	for range 100 {
		want(t, f, "192.0.2.1")
	}
	if n := len(a.visits()) - asked; n > 25 { // 5 are expected; chance gives more than 25 once in 10^10
		t.Errorf("the slow one was asked %d of 100 questions", n)
	}
	await(t, func() bool { // and it is not forgotten
		want(t, f, "192.0.2.1")
		return len(a.visits()) > asked
	})
}

// When the fastest becomes slow, what is learned of the others beside has them asked.
func TestFastestIsLeft(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, truth), newEvil(t, slow(15*time.Millisecond))
	f := strategic(t, Fastest, a, b)
	knowing(f, time.Millisecond, 15*time.Millisecond)
	want(t, f, "192.0.2.1")
	a.become(func(v *visit) { time.Sleep(120 * time.Millisecond); truth(v) })
	await(t, func() bool {
		m, err := ask(t, f)
		return err == nil && m.Answer[0].(*dns.A).A.String() == "192.0.2.2"
	})
}

// A failure weighs: of two that answer as soon, the one that keeps silent now and then is
// not first.
func TestFailureWeighs(t *testing.T) {
	f := strategic(t, Fastest, newEvil(t, truth), newEvil(t, truth))
	knowing(f, 10*time.Millisecond, 12*time.Millisecond)
	if order := f.order(); order[0] != f.upstreams[0] {
		t.Fatal("the faster one is not first")
	}
	f.upstreams[0].health.failed(f.now(), true)
	if order := f.order(); order[0] != f.upstreams[1] {
		t.Error("the one that failed is still first")
	}
}

// The first usable reply wins a race, in whatever place it runs; the loser's is not held
// against it.
func TestRace(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]int{"first": 0, "second": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quick, late := newEvil(t, truth), newEvil(t, slow(100*time.Millisecond))
			both := []*evil{late, quick}
			if place == 0 {
				both = []*evil{quick, late}
			}
			f := strategic(t, Race, both...)
			knowing(f, 10*time.Millisecond, 11*time.Millisecond)
			want(t, f, "192.0.2.1")
			await(t, func() bool { return f.metrics.waiting.Load() == 0 })
			if a, b := len(quick.visits()), len(late.visits()); a != 1 || b != 1 {
				t.Errorf("%d and %d queries, want one each", a, b)
			}
			await(t, func() bool { return f.upstreams[1-place].health.rank() > 15*time.Millisecond }) // the loser's reply was measured
			for _, u := range f.upstreams {
				if n := failures(u); n != 0 {
					t.Errorf("%s has failed %d times", u.url, n)
				}
			}
			got := scrape(t, f)
			if got["hearth_upstream_failures_total"] != 0 || got["hearth_upstream_extra_total"] != 1 {
				t.Errorf("scrape = %v, want no failure and one extra question", got)
			}
		})
	}
}

// Of a SERVFAIL and an answer the answer wins, also if it comes later; of two SERVFAILs
// one is passed on.
func TestServfailLosesRace(t *testing.T) {
	t.Parallel()
	fails, late := newEvil(t, says(dns.RcodeServerFailure)), newEvil(t, slow(60*time.Millisecond))
	f := strategic(t, Race, fails, late)
	want(t, f, "192.0.2.2")
	if a, b := len(fails.visits()), len(late.visits()); a != 1 || b != 1 {
		t.Errorf("%d and %d queries, want one each", a, b)
	}
	f = strategic(t, Race, fails, newEvil(t, says(dns.RcodeServerFailure)))
	if m, err := ask(t, f); err != nil || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("two SERVFAILs gave %v, %v", m, err)
	}
}

// A SERVFAIL of DNSSEC ends a race, also against a reply that would come later.
func TestBogusEndsRace(t *testing.T) {
	t.Parallel()
	bogus := newEvil(t, func(v *visit) {
		m := v.fault(dns.RcodeServerFailure)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus}}
		v.say(m)
	})
	f := strategic(t, Race, bogus, newEvil(t, slow(150*time.Millisecond)))
	if m, err := ask(t, f); err != nil || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("answer = %v, %v; want the SERVFAIL", m, err)
	}
}

// When both of a race fail, the third is asked.
func TestRaceGoesOn(t *testing.T) {
	t.Parallel()
	refuses := says(dns.RcodeRefused)
	f := strategic(t, Race, newEvil(t, refuses), newEvil(t, refuses), newEvil(t, truth))
	knowing(f, time.Millisecond, 2*time.Millisecond, 3*time.Millisecond)
	for range 3 {
		want(t, f, "192.0.2.1")
	}
}

// A hedge asks the second when the first has not answered within what 95 % of its replies
// take, and does not before.
func TestHedge(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, truth), newEvil(t, second)
	f := strategic(t, Hedge, a, b)
	knowing(f, 50*time.Millisecond, 50*time.Millisecond)
	want(t, f, "192.0.2.1")
	if n := len(b.visits()); n != 0 {
		t.Errorf("the second was asked %d times by a first that is as ever", n)
	}
	a.become(func(v *visit) { time.Sleep(200 * time.Millisecond); truth(v) })
	want(t, f, "192.0.2.2")
	await(t, func() bool { return f.metrics.waiting.Load() == 0 })
	if n := failures(f.upstreams[0]); n != 0 || scrape(t, f)["hearth_upstream_extra_total"] != 1 {
		t.Errorf("failures %d, scrape %v; want none and one extra question", n, scrape(t, f))
	}
}

// A hedge whose first is dead learns that, though the second answers every time.
func TestHedgeFindsTheDead(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, silent), newEvil(t, second)
	f := strategic(t, Hedge, a, b)
	knowing(f, time.Millisecond, time.Millisecond)
	await(t, func() bool {
		want(t, f, "192.0.2.2")
		return f.upstreams[0].health.down()
	})
	asked := len(a.visits())
	want(t, f, "192.0.2.2")
	if n := len(a.visits()); n > asked+1 { // a probe may be due
		t.Errorf("the dead one was asked %d times more", n-asked)
	}
}

// No question is asked of more than two at once, whatever is slow, dead or unknown.
func TestExtraQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{Fastest, Race, Hedge} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			var all []*evil
			for range 5 {
				all = append(all, newEvil(t, slow(30*time.Millisecond)))
			}
			f := strategic(t, strategy, all...)
			for range 30 {
				before := 0
				for _, e := range all {
					before += len(e.visits())
				}
				want(t, f, "192.0.2.2")
				n := -before
				for _, e := range all {
					n += len(e.visits())
				}
				if n > 3 { // one of them may be a straggler of the question before
					t.Fatalf("%d queries for one question", n)
				}
			}
			sum := 0
			for _, e := range all {
				sum += len(e.visits())
			}
			if sum > 60 {
				t.Errorf("%d queries for 30 questions, want two each at most", sum)
			}
		})
	}
}

// The digest tells what 95 % are not above, to the width of a bucket, and forgets.
func TestDigest(t *testing.T) {
	var d digest
	fill := func(n int, rtt time.Duration) {
		for range n {
			d.add(rtt)
		}
	}
	check := func(rtt time.Duration) {
		t.Helper()
		if d.slow < rtt || d.slow > rtt+rtt/4 {
			t.Errorf("95 %% within %v, want %v or up to a quarter more", d.slow, rtt)
		}
	}
	for range 16 {
		fill(19, 10*time.Millisecond)
		fill(1, time.Second)
	}
	check(10 * time.Millisecond)
	fill(64, time.Second)
	check(time.Second)
	for _, rtt := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 3 * time.Second} {
		fill(20*digestFull, rtt)
		check(rtt)
	}
	for i := range len(d.counts) - 1 { // the buckets join
		if end := digestBound(i); digestBucket(end-1) != i || digestBucket(end) != i+1 {
			t.Errorf("bucket %d ends at %v, which lies in %d and what is before in %d", i, end, digestBucket(end), digestBucket(end-1))
		}
	}
	if digestBucket(time.Hour) != len(d.counts)-1 || digestBucket(-1) != 0 {
		t.Error("what is beyond the buckets is not in the last and first")
	}
}
