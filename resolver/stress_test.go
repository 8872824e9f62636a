package resolver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// fickle is an upstream that answers with an address of its own for every name, late, never, or not
// at all; and one that marks which view asked it.
type fickle struct{ address string }

func (u *fickle) Exchange(q wire.Question, done func([]byte, error)) {
	name, _, _ := dns.UnpackDomainName(q.Name, 0)
	go func() {
		switch rand.IntN(4) {
		case 0:
			time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		case 1:
			done(nil, errSilent)
			return
		}
		m := new(dns.Msg).SetQuestion(name, q.Type)
		m.Response = true
		if strings.HasPrefix(name, "chain") {
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 1}, Target: "x.tracker.example."})
			name = "x.tracker.example."
		}
		rr, _ := dns.NewRR(name + " 1 IN A " + u.address)
		m.Answer = append(m.Answer, rr)
		raw, err := m.Pack()
		done(raw, err)
		clear(raw) // it was lent
	}()
}

// While worlds are swapped, names flushed and answers restored, each client gets what its own view
// and its own profile give: never an address of another view, never what is blocked for it.
func TestStress(t *testing.T) {
	zone := parse(t, "zone.example")
	views := func() []*View {
		return []*View{{ID: 7, Name: "zone", Zones: []blocklists.Name{zone}, Upstream: &fickle{"192.0.2.2"}}}
	}
	h := newHouse(t, &fickle{"192.0.2.1"}, views()...)
	h.r.World().Upstreams.profiles[0].Name = "all"
	h.r.cfg.Now = time.Now
	cfg := bridged
	cfg.Stale.After = 20 * time.Millisecond
	h.r.cfg.Cache = cache.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var others, asking sync.WaitGroup
	others.Go(func() { _ = h.r.Run(ctx) })
	index := [2]*blocklists.Index{h.r.World().Index, buildIndex()}
	others.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			w := newWorld(t, index[i%2], &fickle{"192.0.2.1"}, views()...)
			w.Upstreams.profiles[0].Name = "all"
			h.r.Swap(w)
			h.r.Flush(parse(t, "www3.example.org"), true)
			h.r.Restore(h.kept())
			time.Sleep(5 * time.Millisecond)
		}
	})
	var ends atomic.Int64
	const workers, questions = 8, 400
	for range workers {
		asking.Go(func() {
			for i := range questions {
				h.stress(&ends, i)
			}
		})
	}
	asking.Wait()
	cancel()
	others.Wait()
	if n := ends.Load(); n != workers*questions {
		t.Errorf("%d replies to %d queries", n, workers*questions)
	}
}

// stress asks one question of TestStress.
func (h *house) stress(ends *atomic.Int64, i int) {
	name, want := fmt.Sprintf("www%d.example.org.", i%5), "192.0.2.1"
	from := []string{kim, pat, guest}[rand.IntN(3)]
	switch rand.IntN(4) {
	case 0:
		name, want = fmt.Sprintf("www%d.zone.example.", i%5), "192.0.2.2"
	case 1:
		name = "porn.example."
	case 2:
		name = fmt.Sprintf("chain%d.example.", i%5)
	}
	packet, _ := withOPT(name, dns.TypeA).Pack()
	var q wire.Query
	q.Parse(packet)
	var s Stroke
	reply, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(from)}, make([]byte, 0, 4096))
	if !done {
		told := make(chan []byte, 1)
		h.r.Resolve(context.Background(), &s, time.Now().Add(time.Second), func(reply []byte) { ends.Add(1); told <- reply })
		reply = <-told
	} else {
		ends.Add(1)
	}
	var m dns.Msg
	if err := m.Unpack(reply); err != nil {
		h.t.Error(err)
		return
	}
	for _, rr := range m.Answer {
		a, ok := rr.(*dns.A)
		blocked := from != pat && want == "192.0.2.1" && !strings.HasPrefix(name, "www")
		if ok && !blocked && a.A.String() != want || ok && blocked && a.A.String() != "10.0.0.1" {
			h.t.Errorf("%s asks for %s: %s", from, name, a)
		}
	}
}
