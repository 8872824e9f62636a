//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func ask(n int) []query {
	var all []query
	for i := range n {
		all = append(all, newQuery(fmt.Sprintf("n%d.example", i), typeA, allowed))
	}
	return all
}

// truly answers as the upstream does.
func truly(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 192.0.2.1")
	m.Answer = []dns.RR{rr}
	return m
}

func TestLoadCounts(t *testing.T) {
	odd := func(q *dns.Msg) *dns.Msg {
		m := truly(q)
		switch name := q.Question[0].Name; {
		case strings.HasPrefix(name, "n7."):
			return nil
		case strings.HasPrefix(name, "n3."), strings.HasPrefix(name, "n5."):
			m.Answer = nil
		}
		return m
	}
	addr := netip.MustParseAddrPort(answering(t, odd).String())
	for what, traffic := range map[string]traffic{
		"udp":     {queries: ask(10), count: 100, window: 20, sockets: 5},
		"garbage": {queries: ask(10), count: 100, window: 20, sockets: 5, garbage: 3},
		"paced":   {queries: ask(10), count: 100, window: 20, sockets: 5, rate: 10_000},
		"tcp":     {queries: ask(10), count: 100, window: 20, sockets: 2, tcp: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got, err := load(t.Context(), addr, traffic)
			if err != nil {
				t.Fatal(err)
			}
			if got.right != 70 || got.wrong != 20 || got.lost != 10 {
				t.Errorf("right %d, wrong %d, lost %d; want 70, 20, 10", got.right, got.wrong, got.lost)
			}
			if paced := traffic.rate > 0; paced != (len(got.latencies) == 70) {
				t.Errorf("%d latencies", len(got.latencies))
			}
		})
	}
}

// TestLostOnesFreeTheirPlaces holds that a load in which much is lost still ends
// with every query counted once.
func TestLostOnesFreeTheirPlaces(t *testing.T) {
	l := &lane{}
	for i := range 3 * slots {
		q := newQuery("a.example", typeA, allowed)
		s := &l.slots[l.next%slots]
		taken := s.query != nil
		l.fd = -1 // sending fails; the accounting comes before
		lost, _ := l.send(&q, 0, 0)
		if (lost == 1) != taken {
			t.Fatalf("query %d: lost %d where the slot was taken: %v", i, lost, taken)
		}
	}
	if l.waiting != slots || l.giveUp() != slots || l.waiting != 0 {
		t.Errorf("waits for %d, want %d and none when given up", l.waiting, slots)
	}
	if _, ok := l.claim(make([]byte, 12)); ok {
		t.Error("an answer to what was given up is claimed")
	}
}

// TestAgreement holds that a server which blocks the names alone, one which
// minds capitals and one which blocks too much cannot be compared.
func TestAgreement(t *testing.T) {
	b := &bench{names: names{blocked: []string{"bad.example", "worse.example"}, allowed: []string{"www.good.example"}}}
	block := func(q *dns.Msg, when bool) *dns.Msg {
		m := truly(q)
		if when {
			rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 127.0.0.1")
			m.Answer = []dns.RR{rr}
		}
		return m
	}
	for what, c := range map[string]struct {
		answer func(*dns.Msg) *dns.Msg
		fault  string
	}{
		"as it must": {func(q *dns.Msg) *dns.Msg {
			return block(q, !strings.Contains(strings.ToLower(q.Question[0].Name), "good"))
		}, ""},
		"the names alone": {func(q *dns.Msg) *dns.Msg {
			name := strings.ToLower(q.Question[0].Name)
			return block(q, name == "bad.example." || name == "worse.example.")
		}, "beneath"},
		"everything": {func(q *dns.Msg) *dns.Msg { return block(q, true) }, "allowed"},
		"small letters alone": {func(q *dns.Msg) *dns.Msg {
			return block(q, strings.HasSuffix(q.Question[0].Name, "bad.example.") || strings.HasSuffix(q.Question[0].Name, "worse.example."))
		}, "capitals"},
	} {
		r := &running{place: place{addr: netip.MustParseAddrPort(answering(t, c.answer).String())}}
		switch err := b.agrees(t.Context(), r); {
		case c.fault == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: %v; want a fault of names %s", what, err, c.fault)
		}
	}
}
