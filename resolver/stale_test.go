package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// bridged are the settings of these tests: those of RFC 8767 and RFC 9520.
var bridged = cache.Config{
	MaxFailureTTL: 30 * time.Second, Prefetch: 4,
	Stale: cache.Stale{For: 24 * time.Hour, After: 1800 * time.Millisecond, TTL: 30 * time.Second},
}

// newBridged is a house in a synctest bubble, with the time of the bubble, whose clients
// wait as long as those over UDP do.
func newBridged(t *testing.T, u Exchanger, cfg cache.Config) *house {
	t.Helper()
	h, start := newHouse(t, u), time.Now()
	h.r.cfg.Cache, h.patience = cache.New(cfg), 1800*time.Millisecond
	h.r.cfg.Now = func() time.Time { return now.Add(time.Since(start)) }
	t.Cleanup(func() { time.Sleep(10 * time.Second) }) // what is under way ends
	return h
}

var errSilent = errors.New("nobody answers")

// dying is an upstream that answers by zone as long as it is not told to do otherwise.
type dying struct {
	*said
	instead func(q dns.Question) (*dns.Msg, error)
}

func newDying(t *testing.T, zone ...string) *dying {
	d := &dying{said: records(t, zone...)}
	alive := d.answer
	d.answer = func(q dns.Question) (*dns.Msg, error) {
		if d.instead != nil {
			return d.instead(q)
		}
		return alive(q)
	}
	return d
}

// silent fails after five seconds, as an upstream does that does not answer.
func silent(dns.Question) (*dns.Msg, error) {
	time.Sleep(5 * time.Second)
	return nil, errSilent
}

func failing(dns.Question) (*dns.Msg, error) { return nil, errSilent }

// codes are the Extended DNS Errors of a reply, in their order.
func codes(m *dns.Msg) (all []uint16) {
	if o := m.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if e, ok := opt.(*dns.EDNS0_EDE); ok {
				all = append(all, e.InfoCode)
			}
		}
	}
	return all
}

func sameCodes(m *dns.Msg, want ...uint16) bool {
	got := codes(m)
	for i := range got {
		if len(got) != len(want) || got[i] != want[i] {
			return false
		}
	}
	return len(got) == len(want)
}

// TestStaleAnswer: RFC 8767 section 5. A client waits 1.8 s for a fresh answer, less what is
// needed to tell it in time; those who come while it is still being asked for do not.
func TestStaleAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN CNAME a.school.example.", "a.school.example. 3600 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		h.ask(guest, "www.school.example", dns.TypeA)
		time.Sleep(time.Minute)
		u.instead = silent
		for _, step := range []struct {
			what     string
			min, max time.Duration
			asked    int64
		}{
			{"the first waits", 1700 * time.Millisecond, 1800 * time.Millisecond, 2},
			{"the next does not, as it is being asked for so long", 0, 50 * time.Millisecond, 2},
			{"nor does the one after that", 0, 0, 2},
		} {
			before := time.Now()
			r := h.ask(guest, "www.school.example", dns.TypeA)
			if took := time.Since(before); took < step.min || took > step.max {
				t.Errorf("%s: %v, want %v to %v", step.what, took, step.min, step.max)
			}
			if !strings.HasSuffix(answers(r), "a.school.example. A 192.0.2.7") || !sameCodes(r, 3) {
				t.Errorf("%s: %s", step.what, r)
			}
			for _, rr := range r.Answer {
				if rr.Header().Ttl != 30 {
					t.Errorf("%s: TTL %d, want 30", step.what, rr.Header().Ttl)
				}
			}
			if n := u.asked.Load(); n != step.asked {
				t.Errorf("%s: asked %d times, want %d", step.what, n, step.asked)
			}
		}
		time.Sleep(3500 * time.Millisecond) // it has failed, and that is remembered
		before := time.Now()
		if r := h.ask(guest, "www.school.example", dns.TypeA); !sameCodes(r, 3) || time.Since(before) != 0 || u.asked.Load() != 2 {
			t.Errorf("after the failure: %v after %v, asked %d times", codes(r), time.Since(before), u.asked.Load())
		}
		u.instead = nil
		time.Sleep(2 * time.Second)
		if r := h.ask(guest, "www.school.example", dns.TypeA); len(codes(r)) != 0 || r.Answer[0].Header().Ttl != 60 {
			t.Errorf("when the upstream is back: %s", r)
		}
	})
}

// TestStaleOverTCP: who could wait longer does not.
func TestStaleOverTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		h.patience = 7 * time.Second
		h.ask(guest, "www.school.example", dns.TypeA)
		time.Sleep(time.Hour)
		u.instead = silent
		before := time.Now()
		if r := h.ask(guest, "www.school.example", dns.TypeA); !sameCodes(r, 3) {
			t.Errorf("%s", r)
		}
		if took := time.Since(before); took < 1800*time.Millisecond || took > 1850*time.Millisecond {
			t.Errorf("took %v, want 1.8 s", took)
		}
	})
}

func TestStaleKinds(t *testing.T) {
	soa := "example. 60 IN SOA ns.example. root.example. 1 2 3 4 60"
	for _, tt := range []struct {
		name    string
		cfg     cache.Config
		rcode   int
		after   time.Duration
		instead func(dns.Question) (*dns.Msg, error)
		want    int
		codes   []uint16
	}{
		{"an answer", bridged, 0, time.Hour, failing, 0, []uint16{3}},
		{"a name that was not there", bridged, dns.RcodeNameError, time.Hour, failing, dns.RcodeNameError, []uint16{19}},
		{"a day and a minute is the end", bridged, 0, 24*time.Hour + time.Minute, failing, dns.RcodeServerFailure, []uint16{22}},
		{"a second less is not", bridged, 0, 24*time.Hour + time.Minute - time.Second, failing, 0, []uint16{3}},
		{"turned off", cache.Config{}, 0, time.Minute, failing, dns.RcodeServerFailure, []uint16{22}},
		{"SERVFAIL", bridged, 0, time.Hour, rcoded(dns.RcodeServerFailure), 0, []uint16{3}},
		{"REFUSED", bridged, 0, time.Hour, rcoded(dns.RcodeRefused), 0, []uint16{3}},
		{"NOTIMP", bridged, 0, time.Hour, rcoded(dns.RcodeNotImplemented), 0, []uint16{3}},
		{"a fresh NXDOMAIN", bridged, 0, time.Hour, rcoded(dns.RcodeNameError), dns.RcodeNameError, nil},
		{"bogus", bridged, 0, time.Hour, rcoded(dns.RcodeServerFailure, 6), dns.RcodeServerFailure, []uint16{6}},
		{"bogus, by a server that remembers it", bridged, 0, time.Hour, rcoded(dns.RcodeServerFailure, 13, 6), dns.RcodeServerFailure, []uint16{6}},
		{"an expired signature", bridged, 0, time.Hour, rcoded(dns.RcodeServerFailure, 7), dns.RcodeServerFailure, []uint16{7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
				if tt.rcode != 0 {
					u.instead = func(dns.Question) (*dns.Msg, error) {
						rr, err := dns.NewRR(soa)
						return &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: tt.rcode}, Ns: []dns.RR{rr}}, err
					}
				}
				h := newBridged(t, u, tt.cfg)
				h.ask(guest, "www.school.example", dns.TypeA)
				time.Sleep(tt.after)
				u.instead = tt.instead
				if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != tt.want || !sameCodes(r, tt.codes...) || r.AuthenticatedData {
					t.Errorf("rcode %d, errors %v; want %d, %v", r.Rcode, codes(r), tt.want, tt.codes)
				}
			})
		})
	}
}

// rcoded answers with a code and Extended DNS Errors.
func rcoded(rcode int, errors ...uint16) func(dns.Question) (*dns.Msg, error) {
	return func(dns.Question) (*dns.Msg, error) {
		m := &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: rcode}}
		m.SetEdns0(1232, false)
		for _, code := range errors {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: code})
		}
		return m, nil
	}
}

// TestBogusIsNeverPaperedOver (A15): once a name failed validation, no older answer stands in
// for it, not while that is remembered nor when the upstream has gone silent since.
func TestBogusIsNeverPaperedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		h.ask(guest, "www.school.example", dns.TypeA)
		time.Sleep(time.Minute)
		u.instead = rcoded(dns.RcodeServerFailure, 6)
		h.ask(guest, "www.school.example", dns.TypeA)
		if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure || len(r.Answer) != 0 || !sameCodes(r, 6, 13) {
			t.Errorf("while it is remembered: %s", r)
		}
		u.instead = silent
		for range 3 {
			time.Sleep(10 * time.Second)
			if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure || len(r.Answer) != 0 {
				t.Errorf("when the upstream is silent: %s", r)
			}
		}
		synctest.Wait()
		u.instead = nil
		time.Sleep(time.Minute)
		if r := h.ask(guest, "www.school.example", dns.TypeA); len(r.Answer) != 1 {
			t.Errorf("when it validates again: %s", r)
		}
	})
}

// TestWhatIsNotKeptReplacesToo: an answer for one transaction alone makes the older one
// outdated (RFC 8767 section 4).
func TestWhatIsNotKeptReplacesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		h.ask(guest, "www.school.example", dns.TypeA)
		time.Sleep(time.Minute)
		u.instead = rcoded(dns.RcodeNameError) // without a SOA
		h.ask(guest, "www.school.example", dns.TypeA)
		u.instead = failing
		if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s", r)
		}
	})
}

// TestStaleVerdicts: the facts are old, the verdict is of the moment and of the person.
func TestStaleVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "porn.example. 60 IN A 192.0.2.9", "cloak.example. 60 IN CNAME x.tracker.example.", "x.tracker.example. 60 IN A 192.0.2.4",
			"rule.example. 60 IN A 192.0.2.8", "home.example. 60 IN A 192.168.1.9")
		h := newBridged(t, u, bridged)
		names := []string{"porn.example", "cloak.example", "rule.example", "home.example"}
		for _, name := range names {
			h.ask(pat, name, dns.TypeA)
		}
		time.Sleep(time.Hour)
		u.instead = failing
		check := func(what, from, name, want string, code uint16) {
			t.Helper()
			for range 2 { // after the failure, and while it is remembered
				if r := h.ask(from, name, dns.TypeA); !strings.HasSuffix(answers(r), want) || !sameCodes(r, code) {
					t.Errorf("%s, %s from %s: %q with errors %v, want %q with %d", what, name, from, answers(r), codes(r), want, code)
				}
			}
		}
		check("before", pat, "porn.example", "porn.example. A 192.0.2.9", 3)
		check("before", guest, "porn.example", "porn.example. A 10.0.0.1", 17)
		check("before", pat, "cloak.example", "x.tracker.example. A 192.0.2.4", 3)
		check("before", guest, "cloak.example", "cloak.example. A 10.0.0.1", 17)
		check("before", pat, "rule.example", "rule.example. A 192.0.2.8", 3)
		check("before", pat, "home.example", "", 3)

		// Another index and another rule: the facts are read anew, the answers stay.
		ix := buildIndex()
		rules := strings.Replace(household, "{name: denied.example.com, action: deny}", "{name: rule.example, action: deny}", 1)
		w := newWorldOf(t, rules, ix, u)
		time.Sleep(time.Hour)
		h.r.Swap(w)
		check("after", pat, "porn.example", "porn.example. A 192.0.2.9", 3)
		check("after", guest, "porn.example", "porn.example. A 10.0.0.1", 17)
		check("after", guest, "cloak.example", "cloak.example. A 10.0.0.1", 17)
		check("after", pat, "rule.example", "rule.example. A 10.0.0.1", 17)
		for _, name := range names {
			if h.r.Flush(parse(t, name), false); h.r.World() != w {
				t.Fatal("another world")
			}
		}
	})
}

// TestStaleTTLIsCapped: a stale answer lasts no longer than the decision that allows it.
func TestStaleTTLIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		start := time.Now()
		bedtime := time.Date(2026, 6, 10, 22, 0, 0, 0, time.UTC) // midnight in the household
		h.r.cfg.Now = func() time.Time { return bedtime.Add(time.Since(start)).Add(-2*time.Minute - 5*time.Second) }
		h.ask("10.0.0.15", "www.school.example", dns.TypeA)
		time.Sleep(2 * time.Minute)
		u.instead = failing
		if r := h.ask("10.0.0.15", "www.school.example", dns.TypeA); !sameCodes(r, 3) || r.Answer[0].Header().Ttl != 5 {
			t.Errorf("five seconds before bedtime: %s", r)
		}
		time.Sleep(5 * time.Second)
		if r := h.ask("10.0.0.15", "www.school.example", dns.TypeA); answers(r) != "www.school.example. A 10.0.0.1" {
			t.Errorf("at bedtime: %s", r)
		}
	})
}

// TestFailuresAreRemembered: RFC 9520. However often clients ask, an upstream that fails is
// asked after 1, 2, 4, … seconds.
func TestFailuresAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		u.instead = rcoded(dns.RcodeServerFailure)
		h := newBridged(t, u, bridged)
		begun := time.Now()
		for time.Since(begun) < 100*time.Second {
			if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
				t.Fatalf("%s", r)
			}
			time.Sleep(50 * time.Millisecond)
		}
		// At 0, 1, 3, 7, 15, 31, 61 and 91 s.
		if n := u.asked.Load(); n != 8 {
			t.Errorf("asked %d times in 100 s, want 8", n)
		}
		if r := h.ask(kim, "www.school.example", dns.TypeA); !sameCodes(r, 23, 13) {
			t.Errorf("errors %v, want 13 and what the upstream's was", codes(r))
		}
		if r := h.ask(kim, "www.school.example", dns.TypeAAAA); !sameCodes(r, 23) {
			t.Errorf("another type: errors %v", codes(r))
		}

		// A new set of upstreams starts anew.
		ix := h.r.World().Index
		fresh := records(t, "www.school.example. 60 IN A 192.0.2.7")
		w := newWorld(t, ix, fresh)
		w.Upstreams.profiles[0].ID = 77
		h.r.Swap(w)
		if r := h.ask(guest, "www.school.example", dns.TypeA); len(r.Answer) != 1 || fresh.asked.Load() != 1 {
			t.Errorf("by other upstreams: %s", r)
		}
	})
}

// crowded is the error of an Exchanger that has no room.
type crowded struct{ error }

func (crowded) Busy() bool { return true }

// RFC 9520 has failures to resolve a name remembered; that we asked nobody is none.
func TestBusyIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		u.instead = func(dns.Question) (*dns.Msg, error) { return nil, fmt.Errorf("asking: %w", crowded{errSilent}) }
		if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
			t.Fatalf("no room gives %s", r)
		}
		u.instead = nil
		if r := h.ask(guest, "www.school.example", dns.TypeA); r.Rcode != dns.RcodeSuccess || u.asked.Load() != 2 {
			t.Errorf("as soon as there is room: %s, asked %d times", r, u.asked.Load())
		}
	})
}

// TestFailureEndsWithSuccess: the next failure begins with a second again.
func TestFailureEndsWithSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 1 IN A 192.0.2.7")
		h := newBridged(t, u, cache.Config{})
		for range 3 {
			u.instead = failing
			h.ask(guest, "www.school.example", dns.TypeA)
			u.instead = nil
			time.Sleep(999 * time.Millisecond)
			if r := h.ask(guest, "www.school.example", dns.TypeA); !sameCodes(r, 22, 13) {
				t.Errorf("within the second: %s", r)
			}
			time.Sleep(time.Millisecond)
			if r := h.ask(guest, "www.school.example", dns.TypeA); len(r.Answer) != 1 {
				t.Errorf("after it: %s", r)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestFailuresAreNoVerdicts: who may not have the name is told so, not that it failed.
func TestFailuresAreNoVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t)
		u.instead = failing
		h := newBridged(t, u, bridged)
		for range 2 {
			if r := h.ask(pat, "porn.example", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
				t.Errorf("the adult: %s", r)
			}
			if r := h.ask(guest, "porn.example", dns.TypeA); answers(r) != "porn.example. A 10.0.0.1" || !sameCodes(r, 17) {
				t.Errorf("the guest: %s", r)
			}
		}
	})
}

// TestRestAllocatesNothing: what an outage makes of the hit path is as cheap as it was.
func TestRestAllocatesNothing(t *testing.T) {
	u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
	h := newHouse(t, u)
	h.r.cfg.Cache = cache.New(bridged)
	h.ask(guest, "www.school.example", dns.TypeA)
	u.instead = failing
	h.clock = now.Add(time.Hour)
	for name, code := range map[string]uint16{"www.school.example": 3, "gone.example": 22} {
		h.ask(guest, name, dns.TypeA)
		if r := h.ask(guest, name, dns.TypeA); codes(r)[0] != code || (code == 22) != (len(codes(r)) == 2) {
			t.Fatalf("%s: errors %v, want %d", name, codes(r), code)
		}
		packet, err := withOPT(name, dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		var q wire.Query
		var s Stroke
		buf, c := make([]byte, 0, 1500), Client{Addr: netip.MustParseAddr(guest)}
		if n := testing.AllocsPerRun(200, func() {
			q.Parse(packet)
			if _, done := h.r.Answer(&s, &q, c, buf); !done {
				t.Fatalf("%s is not answered at once", name)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}
