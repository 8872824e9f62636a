package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/resolver/setup"
	"github.com/hearthdns/hearth/resolver/wire"
)

// asks is a question for a name, as the listeners read it.
func asks(t *testing.T, name string, qtype uint16) *wire.Query {
	t.Helper()
	packed, err := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).Pack()
	if err != nil {
		t.Fatal(err)
	}
	q := new(wire.Query)
	if fault := q.Parse(packed); fault != wire.None {
		t.Fatalf("%s: %v", name, fault)
	}
	return q
}

// TestProbes: what is concluded from which names a device asks for, and where it comes to.
func TestProbes(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	kim := mustAddr(t, "10.0.0.2")
	for what, c := range map[string]struct {
		asked, arrived []int
		late           int  // how often it asks for the last
		never          bool // it never comes to a listener of ours
		want           console.Probe
	}{
		"all as it should be":     {[]int{0, 1, 2, 3, 4}, []int{0, 1, 2, 3, 4}, 2, false, console.Probe{}},
		"no pictures":             {nil, nil, 0, false, console.Probe{Unasked: true}},
		"one of two resolvers":    {[]int{0, 3}, []int{0, 3}, 2, false, console.Probe{Second: true}},
		"a second one in reserve": {[]int{0, 1, 2, 3, 4}, []int{0, 1, 2, 3, 4}, 1, false, console.Probe{Second: true}},
		"a faster one beside":     {[]int{0, 1, 2, 3, 4}, []int{2}, 2, false, console.Probe{Second: true}},
		"rebind protection":       {[]int{0, 1, 2, 3, 4}, nil, 2, false, console.Probe{Dropped: true}},
		"no console there":        {[]int{0, 1, 2, 3, 4}, nil, 2, true, console.Probe{}},
	} {
		p := newProbes("hearth.home.arpa")
		token := p.begin(now)
		for _, n := range c.asked {
			if p.asked(asks(t, p.picture(token, n), dns.TypeA), kim, false) {
				t.Errorf("%s: %d has no answer", what, n)
			}
		}
		for _, n := range c.arrived {
			p.came(p.picture(token, n))
		}
		for n := range c.late {
			if silent := p.asked(asks(t, p.picture(token, probeEarly), dns.TypeA), kim, false); silent != (n == 0) {
				t.Errorf("%s: the last, time %d: silent %v", what, n, silent)
			}
		}
		if got, _ := p.judge(token, now.Add(probeRipe-1), !c.never); got.Second || got.Dropped || got.Unasked {
			t.Errorf("%s: judged too early: %+v", what, got)
		}
		got, from := p.judge(token, now.Add(probeRipe), !c.never)
		if got.Second != c.want.Second || got.Dropped != c.want.Dropped || got.Unasked != c.want.Unasked || len(c.asked) > 0 && !slices.Equal(from, []netip.Addr{kim}) {
			t.Errorf("%s: %+v of %v, want %+v", what, got, from, c.want)
		}
	}
}

// TestProbesAreBounded: names that nobody was given are no matter; who asks again over TCP is answered; the oldest page makes
// room, and none is remembered for long.
func TestProbesAreBounded(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	p, kim := newProbes("hearth.home.arpa"), mustAddr(t, "10.0.0.2")
	token := p.begin(now)
	for _, name := range []string{
		".", "hearth.home.arpa", "check.hearth.home.arpa", "x.check.hearth.home.arpa", token + ".check.hearth.home.arpa", token + "-6.check.hearth.home.arpa",
		token + "--1.check.hearth.home.arpa", "x." + token + "-5.check.hearth.home.arpa", token + "-5.check.example", "0123456789abcdef-5.check.hearth.home.arpa",
	} {
		if p.asked(asks(t, name, dns.TypeA), kim, false) {
			t.Errorf("%s has no answer", name)
		}
	}
	if p.all[token].asked != 0 {
		t.Errorf("asked %b", p.all[token].asked)
	}
	if p.asked(asks(t, p.picture(token, probeEarly), dns.TypeA), kim, true) {
		t.Error("over TCP there is no answer")
	}
	for i := range 1000 {
		p.asked(asks(t, p.picture(token, i%6), uint16(i)), mustAddr(t, "10.0.1."+string(rune('0'+i%10))), false) //nolint:gosec // small
	}
	if one := p.all[token]; len(one.from) > probeAskers || len(one.late[0])+len(one.late[1]) > 4*probeAskers {
		t.Errorf("it remembers %d, %d", len(one.from), len(one.late[0]))
	}
	for range maxProbes {
		p.begin(now.Add(time.Second))
	}
	if len(p.all) != maxProbes || p.all[token] != nil {
		t.Errorf("%d pages", len(p.all))
	}
	if p.begin(now.Add(time.Second + 2*probeFor)); len(p.all) != 1 {
		t.Errorf("%d pages later", len(p.all))
	}
	q := asks(t, "www.example.com", dns.TypeA)
	if n := testing.AllocsPerRun(1000, func() { p.asked(q, kim, false) }); n != 0 {
		t.Errorf("%v allocations for other names", n)
	}
}

// TestProbeOfSeveralHouseholds: what parents read of the network names no router of another household.
func TestProbeOfSeveralHouseholds(t *testing.T) {
	router := mustAddr(t, "192.168.1.1")
	for text, want := range map[string][]netip.Addr{withBand("child"): {router}, withBand("child") + secondFamily: nil} {
		s, _, _ := testServer(t, text)
		token := s.probes.begin(time.Now())
		s.probes.asked(asks(t, s.probes.picture(token, 0), dns.TypeA), router, false)
		if found := (&surroundings{s}).Probe(mustAddr(t, "192.168.1.7"), token); found.Via != router {
			t.Errorf("%s asks for the device, want %s", found.Via, router)
		}
		if !slices.Equal(s.survey.more, want) {
			t.Errorf("the next look asks %v, want %v", s.survey.more, want)
		}
	}
}

// TestOutOfReach: a server that no other device can ask is a problem, and where one can it is none.
func TestOutOfReach(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1:53": true, "[::1]:53": true, "192.168.1.2:5300": true, "192.168.1.2:53": false, "": false,
	} {
		var all []netip.AddrPort
		if text != "" {
			all = append(all, netip.MustParseAddrPort("127.0.0.1:5300"), netip.MustParseAddrPort(text))
		}
		if found := outOfReach(all); len(found) > 0 != want || want && found[0].State != setup.Problem {
			t.Errorf("%s: %v", text, found)
		}
	}
}
