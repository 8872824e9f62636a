package cache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// outcome is what a waiter was told, and when.
type outcome struct {
	entry *Entry
	err   error
	at    time.Time
}

// guest is a Waiter; it breaks when it is told twice.
type guest chan outcome

func newGuest() guest { return make(guest, 1) }

func (g guest) Resolved(e *Entry, err error) {
	select {
	case g <- outcome{e, err, time.Now()}:
	default:
		panic("told twice")
	}
}

// idle lets the group notice that nothing is under way any more.
func idle() { time.Sleep(2 * watchEvery) }

// in is a moment that a test does not reach.
func in(d time.Duration) time.Time { return time.Now().Add(d) }

// 200 clients with the same question are one upstream query, and all get its
// reply, a TTL of 0 included; who comes later asks anew.
func TestIdenticalQuestionsAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer idle()
		c, g := New(Config{}), new(Group)
		k := key(t, "www.example.com.", dns.TypeA)
		var flights []*Flight
		var guests []guest
		for range 200 {
			w := newGuest()
			if f := g.Join(t.Context(), k, in(time.Minute), w); f != nil {
				flights = append(flights, f)
			}
			guests = append(guests, w)
		}
		if len(flights) != 1 || g.merged.Load() != 199 || !pending(g, k) {
			t.Fatalf("%d flights, %d merged, pending %v; want 1, 199, true", len(flights), g.merged.Load(), pending(g, k))
		}
		if !flights[0].same(k) {
			t.Errorf("the flight is for %v, want %v", flights[0].Key, *k)
		}
		e, err := c.Store(k, reply(t, answer(t, "www.example.com.", 0)), Facts{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		flights[0].Finish(e, nil)
		for _, w := range guests {
			if got := <-w; got.entry != e || got.err != nil {
				t.Fatalf("a waiter was told %v, %v", got.entry, got.err)
			}
		}
		if pending(g, k) {
			t.Error("still pending")
		}
		again := g.Join(t.Context(), k, in(time.Minute), newGuest())
		if again == nil {
			t.Fatal("a later question was merged with one that is over")
		}
		flights[0].Finish(nil, errors.New("late")) // only the first call counts
		if !pending(g, k) {
			t.Error("the end of an old flight ended the new one")
		}
		again.Finish(e, nil)
	})
}

func (k *Key) same(o *Key) bool {
	return string(k.Name) == string(o.Name) && k.View == o.View && k.Type == o.Type && k.Class == o.Class && k.CD == o.CD
}

func TestOtherQuestionsAreNotMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer idle()
		g := new(Group)
		base := key(t, "www.example.com.", dns.TypeA)
		for i, change := range []func(*Key){
			func(*Key) {}, func(k *Key) { k.View = 9 }, func(k *Key) { k.CD = true },
			func(k *Key) { k.Type = dns.TypeAAAA }, func(k *Key) { k.Class = dns.ClassCHAOS },
			func(k *Key) { k.Name = []byte("\x03wwx\x07example\x03com\x00") },
		} {
			k := *base
			change(&k)
			f := g.Join(t.Context(), &k, in(time.Minute), newGuest())
			if f == nil {
				t.Fatalf("question %d was merged with another", i)
			}
			defer f.Finish(nil, nil)
		}
	})
}

// A waiter whose time is over is told so; the flight goes on for the others, and
// for who asks later.
func TestWaiterLeavesAloneTheOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer idle()
		g := new(Group)
		k := key(t, "www.example.com.", dns.TypeA)
		start := time.Now()
		impatient, patient := newGuest(), newGuest()
		f := g.Join(t.Context(), k, start.Add(time.Second), impatient) // the first leaves first
		if g.Join(t.Context(), k, start.Add(time.Minute), patient) != nil {
			t.Fatal("not merged")
		}
		got := <-impatient
		if !errors.Is(got.err, context.DeadlineExceeded) || got.at.Sub(start) < time.Second || got.at.Sub(start) > time.Second+watchEvery {
			t.Errorf("told %v after %v, want the deadline after a second", got.err, got.at.Sub(start))
		}
		if !pending(g, k) {
			t.Error("the work ended with its first waiter")
		}
		latest := newGuest()
		if g.Join(t.Context(), k, start.Add(time.Minute), latest) != nil {
			t.Error("a later question did not find the work under way")
		}
		want := new(Entry)
		f.Finish(want, nil)
		for _, w := range []guest{patient, latest} {
			if got := <-w; got.entry != want || got.err != nil {
				t.Errorf("told %v, %v", got.entry, got.err)
			}
		}
	})
}

// The work outlives all its waiters: a client that gave up asks again soon.
func TestWorkOutlivesItsWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer idle()
		g := new(Group)
		k := key(t, "www.example.com.", dns.TypeA)
		ctx, cancel := context.WithCancelCause(t.Context())
		w := newGuest()
		f := g.Join(ctx, k, in(time.Minute), w)
		why := errors.New("shutting down")
		cancel(why)
		if got := <-w; !errors.Is(got.err, why) {
			t.Errorf("told %v, want the cause of the context's end", got.err)
		}
		next := newGuest()
		if !pending(g, k) || g.Join(t.Context(), k, in(time.Minute), next) != nil {
			t.Error("the work ended with its only waiter")
		}
		want := new(Entry)
		f.Finish(want, nil)
		if got := <-next; got.entry != want {
			t.Errorf("told %v, want the entry", got.entry)
		}
	})
}

// pending reports whether a resolution of k can be joined.
func pending(g *Group, k *Key) bool {
	_, ok := g.Began(k)
	return ok
}
