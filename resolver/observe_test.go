package resolver

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// active is a house whose queries are told as activity.
func active(t testing.TB, u Exchanger) *house {
	t.Helper()
	h := newHouse(t, u)
	h.r.Swap(newWorldWith(t, household, buildIndex(), u, func(c *WorldConfig) { c.Activity = true }))
	return h
}

// TestEvents: what bands let be remembered is told, and what they do not is not; blocked names always, for the page
// of the device that asked.
func TestEvents(t *testing.T) {
	u := records(t, "page.example. 60 IN A 198.51.100.1", "core.help.example. 60 IN A 198.51.100.2")
	for _, tt := range []struct {
		from, name string
		activity   bool
		told, page bool
		memory     policy.Memory
	}{
		{kim, "page.example", true, true, false, policy.Totals},
		{kim, "page.example", false, false, false, 0},
		{kim, "porn.example", true, true, true, policy.Totals},
		{kim, "porn.example", false, true, true, policy.Forget},
		{kim, "core.help.example", true, false, false, 0},
		{kim, "abuse.example", true, false, false, 0}, // not even for the page
		{kim, "hearth.home.arpa", true, false, false, 0},
		{kim, "localhost", true, false, false, 0},
		{alex, "virus.example", true, true, true, policy.Names},
		{pat, "page.example", true, false, false, 0},
		{pat, "virus.example", true, true, true, policy.Forget},
		{guest, "page.example", true, true, false, policy.Totals},
	} {
		h := newHouse(t, u)
		if tt.activity {
			h = active(t, u)
		}
		h.ask(tt.from, tt.name, dns.TypeA)
		if told := len(h.seen) == 1; told != tt.told || len(h.seen) > 1 {
			t.Errorf("%s by %s, activity %v: %d events", tt.name, tt.from, tt.activity, len(h.seen))
			continue
		} else if !told {
			continue
		}
		e := h.seen[0]
		if e.Addr.IsValid() != tt.page || e.Memory != tt.memory || e.Name().String() != tt.name || e.Client.Profile == nil || e.Time != now.Unix() {
			t.Errorf("%s by %s, activity %v: page %v, %s, %s", tt.name, tt.from, tt.activity, e.Addr.IsValid(), e.Memory, e.Name())
		}
	}
}

// TestRing: events of many workers arrive whole and once; what does not fit is dropped and counted, and nobody waits.
func TestRing(t *testing.T) {
	var r ring
	r.prepare()
	const writers, each = 8, 20_000
	var sent, dropped atomic.Int64
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				p := r.claim()
				if p == nil {
					dropped.Add(1)
					continue
				}
				p.Time = int64(w*each + i)
				p.length = uint8(copy(p.name[:], fmt.Sprint(w*each+i)))
				p.publish()
				sent.Add(1)
			}
		})
	}
	stop := make(chan struct{})
	go func() { group.Wait(); close(stop) }()
	seen := map[int64]bool{}
	empty := func() {
		r.each(func(e *Event) {
			if string(e.Name()) != fmt.Sprint(e.Time) || seen[e.Time] {
				t.Errorf("%d came as %q, seen %v", e.Time, e.Name(), seen[e.Time])
			}
			seen[e.Time] = true
		})
	}
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		empty()
	}
	empty()
	if int64(len(seen)) != sent.Load() || sent.Load()+dropped.Load() != writers*each {
		t.Errorf("%d sent, %d arrived, %d dropped", sent.Load(), len(seen), dropped.Load())
	}
	for i := range 2 * ringEvents {
		if p := r.claim(); (p != nil) != (i < ringEvents) {
			t.Fatalf("place %d: %v", i, p != nil)
		} else if p != nil {
			p.Event = Event{Time: 1, Addr: netip.MustParseAddr("192.0.2.1"), Client: policy.Client{Profile: new(policy.Profile)}, length: 3, name: [255]byte{1, 'a'}}
			p.publish()
		}
	}
	n := 0
	r.each(func(*Event) { n++ })
	if n != ringEvents {
		t.Errorf("%d of a full ring, want %d", n, ringEvents)
	}
	for i := range r.places {
		if r.places[i].Event != (Event{}) {
			t.Fatalf("a place holds on to who asked, or for what: %+v", r.places[i].Event)
		}
	}
}

// TestTellingAllocatesNothing: hits and blocks of those who are remembered, full ring or not.
func TestTellingAllocatesNothing(t *testing.T) {
	h := active(t, records(t, "www.hit.example. 300 IN A 192.0.2.1"))
	for _, name := range []string{"www.hit.example", "porn.example"} {
		h.ask(kim, name, dns.TypeA)
		s := h.stroke(kim, name, dns.TypeA)
		c := Client{Addr: netip.MustParseAddr(kim)}
		if n := testing.AllocsPerRun(3*ringEvents, func() { h.r.tellAllowed(s, s.key.Name, c) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkRemembered is BenchmarkAnswer for a child whose queries are counted, with somebody who empties the rings.
func BenchmarkRemembered(b *testing.B) {
	h := active(b, records(b, "www.hit.example. 300 IN A 192.0.2.1"))
	for _, name := range []string{"www.hit.example", "x.porn.example"} {
		b.Run(name, func(b *testing.B) {
			h.ask(kim, name, dns.TypeA)
			packet, _ := withOPT(name, dns.TypeA).Pack()
			var q wire.Query
			var s Stroke
			buf := make([]byte, 0, 1500)
			c := Client{Addr: netip.MustParseAddr(kim)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q.Parse(packet)
				h.r.Answer(&s, &q, c, buf)
				if i%ringEvents == 0 {
					h.r.events.each(func(*Event) {})
				}
			}
		})
	}
}

// TestAddressesOfEvents: an allowed query is told with what it was answered with, from the upstream or the cache; a blocked
// one with nothing.
func TestAddressesOfEvents(t *testing.T) {
	h := active(t, records(t, "www.hit.example. 300 IN A 192.0.2.1", "www.hit.example. 300 IN A 192.0.2.2"))
	for _, tt := range []struct {
		name string
		want string
	}{{"www.hit.example", "[192.0.2.1 192.0.2.2]"}, {"www.hit.example", "[192.0.2.1 192.0.2.2]"}, {"porn.example", "[]"}} {
		h.seen = nil
		h.ask(kim, tt.name, dns.TypeA)
		if len(h.seen) != 1 {
			t.Fatalf("%s: %d events", tt.name, len(h.seen))
		}
		if got := fmt.Sprint(h.seen[0].Addresses()); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
