package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// run runs the resolver until the test ends. Events are for one alone to take, and so nobody is told of any.
func (h *house) run(t *testing.T) {
	h.r.cfg.Observer = nil
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.r.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
}

func TestPrefetch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ttl   int
		hits  int
		at    int // seconds after it was resolved, of the last hit
		from  string
		asked int64
	}{
		{"popular, and a tenth is left", 100, 4, 90, guest, 2},
		{"popular, and more is left", 100, 4, 89, guest, 1},
		{"not popular", 100, 3, 90, guest, 1},
		{"a second is the least", 5, 4, 4, guest, 2},
		{"too short", 4, 4, 3, guest, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := records(t, fmt.Sprintf("www.school.example. %d IN A 192.0.2.7", tt.ttl))
				h := newBridged(t, u, bridged)
				h.run(t)
				h.ask(pat, "www.school.example", dns.TypeA)
				for range tt.hits - 1 {
					h.ask(tt.from, "www.school.example", dns.TypeA)
				}
				time.Sleep(time.Duration(tt.at) * time.Second)
				for range 3 { // one refresh of one answer, however many ask
					h.ask(tt.from, "www.school.example", dns.TypeA)
					if tt.hits == 3 {
						break
					}
				}
				synctest.Wait()
				if n := u.asked.Load(); n != tt.asked {
					t.Errorf("asked %d times, want %d", n, tt.asked)
				}
				if r := h.ask(pat, "www.school.example", dns.TypeA); tt.asked == 2 && int(r.Answer[0].Header().Ttl) != tt.ttl {
					t.Errorf("TTL %d after it, want %d", r.Answer[0].Header().Ttl, tt.ttl)
				}
			})
		})
	}
}

// TestBlockedNamesAreNotPrefetched: those who may not have a name are no reason to ask for it.
func TestBlockedNamesAreNotPrefetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := records(t, "porn.example. 100 IN A 192.0.2.7", "cloak.example. 100 IN CNAME x.tracker.example.", "x.tracker.example. 100 IN A 192.0.2.4")
		h := newBridged(t, u, bridged)
		h.run(t)
		for _, name := range []string{"porn.example", "cloak.example"} {
			h.ask(pat, name, dns.TypeA)
			for range 10 {
				h.ask(guest, name, dns.TypeA)
			}
		}
		time.Sleep(95 * time.Second)
		for _, name := range []string{"porn.example", "cloak.example"} {
			for range 10 {
				h.ask(guest, name, dns.TypeA)
			}
		}
		synctest.Wait()
		if n := u.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want 2", n)
		}
	})
}

// TestPrefetchesAreBounded: what is too much at once runs out as any other answer does.
func TestPrefetchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const names = 3 * renewBacklog
		u := newDying(t)
		u.instead = func(q dns.Question) (*dns.Msg, error) {
			rr, err := dns.NewRR(q.Name + " 100 IN A 192.0.2.7")
			return &dns.Msg{Answer: []dns.RR{rr}}, err
		}
		h := newBridged(t, u, bridged)
		ask := func(times int) {
			for i := range names {
				for range times {
					h.ask(guest, fmt.Sprintf("n%d.school.example", i), dns.TypeA)
				}
			}
		}
		ask(5)
		time.Sleep(95 * time.Second)
		u.instead = silent
		ask(1) // nobody takes them yet
		h.run(t)
		synctest.Wait()
		if n := u.asked.Load() - names; n != maxRenewals {
			t.Errorf("%d prefetches at once, want %d", n, maxRenewals)
		}
		if got := counted(t, h.r.ahead.dropped); got != names-maxRenewals {
			t.Errorf("%v dropped, want %d", got, names-maxRenewals)
		}
		time.Sleep(20 * time.Second)
		if n := h.r.ahead.underWay.Load(); n != 0 {
			t.Errorf("%d still under way", n)
		}
	})
}

// TestPrefetchAllocatesNothing where somebody waits: for a full backlog and otherwise.
func TestPrefetchAllocatesNothing(t *testing.T) {
	u := newDying(t)
	u.instead = func(q dns.Question) (*dns.Msg, error) {
		rr, err := dns.NewRR(q.Name + " 100 IN A 192.0.2.7")
		return &dns.Msg{Answer: []dns.RR{rr}}, err
	}
	h := newHouse(t, u)
	h.r.cfg.Cache = newCacheOf(bridged)
	var packets [][]byte
	for i := range 2*renewBacklog + 1 {
		name := fmt.Sprintf("n%03d.school.example", i)
		for range 5 {
			h.ask(guest, name, dns.TypeA)
		}
		packet, err := withOPT(name, dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, packet)
	}
	h.clock = now.Add(95 * time.Second)
	var q wire.Query
	var s Stroke
	buf, c, i := make([]byte, 0, 1500), Client{Addr: netip.MustParseAddr(guest)}, 0
	if n := testing.AllocsPerRun(len(packets)-1, func() {
		q.Parse(packets[i])
		i++
		if _, done := h.r.Answer(&s, &q, c, buf); !done {
			t.Fatal("no hit")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if len(h.r.ahead.waiting) != renewBacklog {
		t.Errorf("%d wait, want %d", len(h.r.ahead.waiting), renewBacklog)
	}
}
