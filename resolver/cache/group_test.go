package cache

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// 200 clients with the same question are one upstream query, and all get its
// reply, a TTL of 0 included; who comes later asks anew.
func TestIdenticalQuestionsAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := New(Config{}), new(Group)
		k := key(t, "www.example.com.", dns.TypeA)
		var calls atomic.Int32
		ask := func(context.Context) (*Entry, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return c.Store(k, reply(t, answer(t, "www.example.com.", 0)), Facts{}, 1000)
		}
		var wg sync.WaitGroup
		var shared atomic.Int32
		for range 200 {
			wg.Go(func() {
				e, err, s := g.Do(t.Context(), k, ask)
				if err != nil || !e.holds(k) {
					t.Errorf("Do = %v, %v", e, err)
				}
				if s {
					shared.Add(1)
				}
			})
		}
		wg.Wait()
		if calls.Load() != 1 || shared.Load() != 199 || g.merged.Load() != 199 {
			t.Errorf("calls = %d, shared = %d, merged = %d; want 1, 199, 199", calls.Load(), shared.Load(), g.merged.Load())
		}
		if _, _, s := g.Do(t.Context(), k, ask); s || calls.Load() != 2 {
			t.Errorf("a later question was answered with a reply of TTL 0")
		}
	})
}

func TestOtherQuestionsAreNotMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(Group)
		var calls atomic.Int32
		ask := func(context.Context) (*Entry, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return nil, nil
		}
		base := key(t, "www.example.com.", dns.TypeA)
		var wg sync.WaitGroup
		for _, change := range []func(*Key){
			func(*Key) {}, func(k *Key) { k.View = 9 }, func(k *Key) { k.CD = true },
			func(k *Key) { k.Type = dns.TypeAAAA }, func(k *Key) { k.Class = dns.ClassCHAOS },
		} {
			k := *base
			change(&k)
			wg.Go(func() { _, _, _ = g.Do(t.Context(), &k, ask) })
		}
		wg.Wait()
		if calls.Load() != 5 {
			t.Errorf("calls = %d, want 5", calls.Load())
		}
	})
}

func TestWaiterLeavesAloneTheOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(Group)
		k := key(t, "www.example.com.", dns.TypeA)
		want := new(Entry)
		ask := func(ctx context.Context) (*Entry, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(3 * time.Second):
				return want, nil
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { // the leader, who leaves first
			if _, err, _ := g.Do(impatient, k, ask); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the leader got %v, want its own deadline", err)
			}
			if !g.Pending(k) {
				t.Error("the work ended with its leader")
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if e, err, shared := g.Do(t.Context(), k, ask); e != want || err != nil || !shared {
				t.Errorf("the waiter got %v, %v, %v", e, err, shared)
			}
		})
		wg.Wait()
		if g.Pending(k) {
			t.Error("still pending when all is done")
		}
	})
}

// TestWorkOutlivesItsWaiters: a client that gave up asks again soon, and finds
// the work under way or done.
func TestWorkOutlivesItsWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(Group)
		k := key(t, "www.example.com.", dns.TypeA)
		want := new(Entry)
		release := make(chan struct{})
		ask := func(context.Context) (*Entry, error) { <-release; return want, nil }
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _, _ = g.Do(ctx, k, ask) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !g.Pending(k) {
			t.Error("the work ended with its only waiter")
		}
		go func() { time.Sleep(time.Second); close(release) }()
		if e, err, shared := g.Do(t.Context(), k, ask); e != want || err != nil || !shared {
			t.Errorf("the next question got %v, %v, shared %v; want to join the work", e, err, shared)
		}
	})
}

func TestWorkIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Group{Timeout: 2 * time.Second}
		start := time.Now()
		_, err, _ := g.Do(t.Context(), key(t, "www.example.com.", dns.TypeA), func(ctx context.Context) (*Entry, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("Do = %v after %v, want the timeout after 2 s", err, time.Since(start))
		}
	})
}

func TestPanicsBecomeErrors(t *testing.T) {
	g := new(Group)
	k := key(t, "www.example.com.", dns.TypeA)
	_, err, _ := g.Do(t.Context(), k, func(context.Context) (*Entry, error) { panic("broken") })
	var p *PanicError
	if !errors.As(err, &p) || p.Value != "broken" || len(p.Stack) == 0 {
		t.Errorf("Do = %v, want the panic", err)
	}
	_, err, _ = g.Do(t.Context(), k, func(context.Context) (*Entry, error) { runtime.Goexit(); return nil, nil })
	if err == nil {
		t.Error("a goroutine that exits gives no error")
	}
	if g.Pending(k) {
		t.Error("still pending")
	}
}
