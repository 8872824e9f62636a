package cache

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// RFC 6840 section 5.8: AD is for those that asked for it, by AD or by DO, and a stale
// answer never has it.
func TestAD(t *testing.T) {
	withAD := func(m *dns.Msg) { m.AuthenticatedData = true }
	for _, tt := range []struct {
		name      string
		validated bool
		change    func(*dns.Msg)
		want      bool
	}{
		{"asked by AD", true, withAD, true},
		{"asked by DO", true, withDO, true},
		{"not asked", true, nil, false},
		{"not validated", false, withAD, false},
		{"not validated, with DO", false, withDO, false},
	} {
		c, k := New(Config{Stale: Stale{For: time.Hour}}), key(t, "www.example.com.", dns.TypeA)
		r := reply(t, answer(t, "www.example.com.", 60))
		r.AD = tt.validated
		e, err := c.Store(k, r, Facts{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		q := query(t, "www.example.com.", dns.TypeA, tt.change)
		if m := read(t, e.AppendReply(nil, q, 1000, NoCap)); m.AuthenticatedData != tt.want {
			t.Errorf("%s: AD %v, want %v", tt.name, m.AuthenticatedData, tt.want)
		}
		if m := read(t, c.AppendStale(nil, e, q, NoCap)); m.AuthenticatedData || m.Answer[0].Header().Ttl != 30 {
			t.Errorf("%s: stale: %s", tt.name, m)
		}
		if m := read(t, e.AppendMessage(nil)); m.AuthenticatedData != tt.validated {
			t.Errorf("%s: the message says AD %v", tt.name, m.AuthenticatedData)
		}
	}
	r := Reply{AD: true}
	if r.Reset(); r.AD {
		t.Error("Reset leaves AD")
	}
}

func TestLookupTellsFreshFromStale(t *testing.T) {
	c, k := New(Config{Stale: Stale{For: time.Minute}}), key(t, "www.example.com.", dns.TypeA)
	e := store(t, c, k, answer(t, "www.example.com.", 60))
	for _, tt := range []struct {
		at            int64
		fresh, usable bool
	}{{1000, true, true}, {1059, true, true}, {1060, false, true}, {1119, false, true}, {1120, false, false}} {
		got, fresh := c.Lookup(k, tt.at)
		if got != e || fresh != tt.fresh || c.Usable(e, tt.at) != tt.usable {
			t.Errorf("at %d: fresh %v, usable %v; want %v, %v", tt.at, fresh, c.Usable(e, tt.at), tt.fresh, tt.usable)
		}
	}
	if once := store(t, c, k, answer(t, "www.example.com.", 0)); c.Usable(once, 1000) {
		t.Error("an answer for one transaction is usable afterwards")
	}
	if got, _ := c.Lookup(k, 1000); got != nil {
		t.Error("the older answer outlived one that is not kept")
	}
}

func TestFailureSpans(t *testing.T) {
	c, k := New(Config{MaxFailureTTL: 5 * time.Second}), key(t, "www.example.com.", dns.TypeA)
	why := Failure{Rcode: wire.ServFail, EDE: 22}
	at := time.UnixMilli(1_700_000_000_500)
	fail := func(want time.Duration) {
		t.Helper()
		c.Fail(k, why, Facts{}, at)
		e, fresh := c.Lookup(k, at.Unix())
		if e == nil || fresh || e.Kept() || c.Usable(e, at.Unix()) {
			t.Fatalf("found %v, fresh %v", e, fresh)
		}
		if got, ok := e.Failure(at.Add(want - time.Millisecond)); !ok || got != why {
			t.Errorf("a millisecond before %v: %+v, %v", want, got, ok)
		}
		if _, ok := e.Failure(at.Add(want)); ok {
			t.Errorf("remembered beyond %v", want)
		}
		at = at.Add(want)
	}
	for _, want := range []time.Duration{1, 2, 4, 5, 5} {
		fail(want * time.Second)
	}
	at = at.Add(4999 * time.Millisecond)
	fail(5 * time.Second)
	at = at.Add(5 * time.Second)
	fail(time.Second) // nobody asked for so long that it counts as new
	store(t, c, k, answer(t, "www.example.com.", 300))
	if e, fresh := c.Lookup(k, 1000); !fresh {
		t.Error("the failure outlived an answer")
	} else if _, ok := e.Failure(at.Add(-time.Millisecond)); ok {
		t.Error("the answer has the failure")
	}
}

// What a failure is made of comes out as it went in, at the edges too.
func TestFailureIsKeptWhole(t *testing.T) {
	at := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, why := range []Failure{{}, {Rcode: 15, EDE: 63, Bogus: true}, {Rcode: wire.ServFail, EDE: 6, Bogus: true}, {Rcode: 6}} {
		c, k := New(Config{MaxFailureTTL: 5 * time.Minute}), key(t, "www.example.com.", dns.TypeA)
		for range 20 {
			c.Fail(k, why, Facts{}, at)
		}
		e, _ := c.Lookup(k, at.Unix())
		if got, ok := e.Failure(at.Add(299_999 * time.Millisecond)); !ok || got != why {
			t.Errorf("%+v came out as %+v, %v", why, got, ok)
		}
		if _, ok := e.Failure(at.Add(5 * time.Minute)); ok {
			t.Errorf("%+v is remembered for more than five minutes", why)
		}
	}
	c, k := New(Config{}), key(t, "www.example.com.", dns.TypeA)
	c.Fail(k, Failure{Rcode: wire.ServFail, EDE: 64}, Facts{}, at)
	if e, _ := c.Lookup(k, at.Unix()); e != nil {
		if got, _ := e.Failure(at); got.EDE != 0 {
			t.Errorf("EDE %d of one that does not fit", got.EDE)
		}
	}
}

// Failures are in the same bytes, and drive out no answer that is in use.
func TestFailuresAreBounded(t *testing.T) {
	c := New(Config{MaxBytes: 1 << 20})
	good := key(t, "www.example.com.", dns.TypeA)
	store(t, c, good, answer(t, "www.example.com.", 3600))
	for i := range 50_000 {
		c.Fail(key(t, fmt.Sprintf("n%d.example.com.", i), dns.TypeA), Failure{Rcode: wire.ServFail}, Facts{}, time.Unix(1000, 0))
		if i%500 == 0 && fresh(c, good, 1000) == nil {
			t.Fatalf("an answer in use was driven out by %d failures", i)
		}
	}
	if s := c.Stats(); s.Bytes > 1<<20 || s.Entries < 1000 || s.Failures != 50_000 {
		t.Errorf("%+v", s)
	}
}

func TestRenewSaysSoOnce(t *testing.T) {
	c, k := New(Config{Prefetch: 3}), key(t, "www.example.com.", dns.TypeA)
	e := store(t, c, k, answer(t, "www.example.com.", 100))
	for i := range 3 {
		if c.Renew(e, 1095) {
			t.Errorf("after %d look-ups", i)
		}
		c.Lookup(k, 1000)
	}
	if c.Renew(e, 1089) || c.Renew(e, 1100) {
		t.Error("too early or too late")
	}
	if !c.Renew(e, 1090) || c.Renew(e, 1091) {
		t.Error("not once")
	}
	off, _ := New(Config{}), k
	e = store(t, off, k, answer(t, "www.example.com.", 100))
	off.Lookup(k, 1000)
	if off.Renew(e, 1099) {
		t.Error("turned off")
	}
}
