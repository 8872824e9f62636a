package resolver

import (
	"fmt"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/miekg/dns"
)

// timed is a household with every rule of time, all of which begin or end at 11:00, and quotas that can be
// used up then; 11:00 in its zone is untilEdge.
const timed = `
profiles:
  - {name: sleeps, band: preteen, schedule: {windows: [{days: [all], from: "11:00", to: "11:30", kind: bedtime}]}}
  - {name: wakes, band: preteen, schedule: {windows: [{days: [all], from: "10:00", to: "11:00", kind: bedtime}]}}
  - {name: wakesnx, band: preteen, block_mode: nxdomain, schedule: {windows: [{days: [all], from: "10:00", to: "11:00", kind: bedtime}]}}
  - {name: works, band: teen, schedule: {windows: [{days: [all], from: "11:00", to: "11:30", kind: homework}]}}
  - {name: worked, band: teen, schedule: {windows: [{days: [all], from: "10:00", to: "11:00", kind: homework}]}}
  - {name: total, band: adult, quotas: [{of: total, minutes: 1}]}
  - {name: chats, band: adult, quotas: [{of: social.networks, minutes: 1}]}
  - {name: free, band: adult}
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members:
      - {name: Kim, band: child}
      - {name: Alex, band: teen}
      - {name: Max, profile: total}
      - {name: Pat, profile: chats}
      - {name: Lia, band: child}
    devices:
      - {name: lia, addresses: [10.0.0.4], member: Lia}
      - {name: kim, addresses: [10.0.0.2], member: Kim}
      - {name: alex, addresses: [10.0.0.3], member: Alex}
      - {name: sleeps, addresses: [10.0.0.11], profile: sleeps}
      - {name: wakes, addresses: [10.0.0.12], profile: wakes}
      - {name: wakesnx, addresses: [10.0.0.13], profile: wakesnx}
      - {name: works, addresses: [10.0.0.14], profile: works}
      - {name: worked, addresses: [10.0.0.15], profile: worked}
      - {name: max, addresses: [10.0.0.16], member: Max}
      - {name: pat, addresses: [10.0.0.17], member: Pat}
      - {name: free, addresses: [10.0.0.18], profile: free}
`

var untilEdge = time.Date(2026, 6, 10, 9, 0, 0, 0, time.UTC)

// acts are what people do in that household: all of it ends or begins at 11:00.
func acts() policy.State {
	from, edge := untilEdge.Add(-4*time.Hour).Unix(), untilEdge.Unix()
	return policy.State{
		Pauses: []policy.Pause{{Subject: policy.Subject{Member: "Alex"}, At: from, Until: edge}},
		Grants: []policy.Grant{
			{Subject: policy.Subject{Member: "Kim"}, Kind: policy.GrantName, Value: "porn.example", At: from, Until: edge},
			{Subject: policy.Subject{Device: "worked"}, Kind: policy.GrantTime, At: edge},
		},
		Offs: []policy.FilterOff{{Subject: policy.Subject{Member: "Lia"}, At: edge, Until: edge + 900}},
	}
}

// TestRepliesNeverOutliveTheirDecision: whatever a reply is made of, no TTL in it, that of an SOA and its MINIMUM
// included, reaches past the instant at which the decision may change.
func TestRepliesNeverOutliveTheirDecision(t *testing.T) {
	for _, c := range []struct {
		what, from, name string
		blocked          bool
	}{
		{"before bedtime", "10.0.0.11", "www.school.example", false},
		{"at bedtime", "10.0.0.12", "www.school.example", true},
		{"at bedtime, answered by NXDOMAIN", "10.0.0.13", "www.school.example", true},
		{"before homework time", "10.0.0.14", "chat.example", false},
		{"in homework time", "10.0.0.15", "chat.example", true},
		{"while paused", "10.0.0.3", "www.school.example", true},
		{"what is granted", "10.0.0.2", "porn.example", false},
		{"before the filter is off", "10.0.0.4", "casino.example", true},
		{"the last minute of all", "10.0.0.16", "www.school.example", false},
		{"the last minute of a category", "10.0.0.17", "chat.example", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			for _, left := range []time.Duration{59500 * time.Millisecond, 7300 * time.Millisecond, time.Second, 200 * time.Millisecond} {
				for _, stale := range []bool{false, true} {
					outlives(t, c.from, c.name, left, stale, c.blocked)
				}
			}
		})
	}
}

// outlives asks some time before the edge.
func outlives(t *testing.T, from, name string, left time.Duration, stale, blocked bool) {
	t.Helper()
	h, u := newTimed(t, name)
	if stale { // known, and run out
		h.clock = untilEdge.Add(-20 * time.Hour)
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			h.ask("10.0.0.18", name, qtype)
			h.ask("10.0.0.18", "gone."+name, qtype)
		}
		u.instead, h.seen = failing, nil
	}
	h.clock = untilEdge.Add(-left)
	for range 2 { // a miss, then a hit
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT} {
			for _, asked := range []string{name, "gone." + name} {
				r := h.ask(from, asked, qtype)
				what := fmt.Sprintf("%s %s, %v before, stale %v", asked, dns.TypeToString[qtype], left, stale)
				if got := h.lastBlocked(); got != blocked {
					t.Fatalf("%s: blocked %v, want %v: %s", what, got, blocked, r)
				}
				noLonger(t, what, r, uint32(left/time.Second))
			}
		}
	}
	if h.clock = untilEdge; blocked == h.blocks(from, name) {
		t.Errorf("%s: nothing changes at the edge", name)
	}
}

// newTimed is a house of that household. Its upstream knows the name, and nothing beneath it.
func newTimed(t *testing.T, name string) (*house, *dying) {
	t.Helper()
	u := newDying(t)
	soa := name + ". 3600 IN SOA ns." + name + ". root." + name + ". 1 2 3 4 3600"
	u.answer = func(q dns.Question) (*dns.Msg, error) {
		if u.instead != nil {
			return u.instead(q)
		}
		m := new(dns.Msg)
		text := soa
		if q.Name == name+"." && q.Qtype == dns.TypeA {
			text = name + ". 3600 IN A 192.0.2.7"
		}
		rr, err := dns.NewRR(text)
		if err != nil {
			return nil, err
		}
		if text == soa {
			m.Ns = append(m.Ns, rr)
		} else {
			m.Answer = append(m.Answer, rr)
		}
		if q.Name != name+"." {
			m.Rcode = dns.RcodeNameError
		}
		return m, nil
	}
	h := newHouse(t, u)
	h.r.cfg.Cache = cache.New(bridged)
	h.r.Swap(newWorldOf(t, timed, buildIndex(), u))
	if err := h.r.World().Directory.Apply("home", acts()); err != nil {
		t.Fatal(err)
	}
	return h, u
}

// lastBlocked says whether the question asked last was blocked.
func (h *house) lastBlocked() bool {
	n := len(h.seen)
	h.seen = nil
	return n > 0
}

func (h *house) blocks(from, name string) bool {
	h.t.Helper()
	h.ask(from, name, dns.TypeA)
	return h.lastBlocked()
}

// noLonger checks every TTL of a reply, and the MINIMUM that an SOA of our own has.
func noLonger(t *testing.T, what string, r *dns.Msg, limit uint32) {
	t.Helper()
	for _, section := range [][]dns.RR{r.Answer, r.Ns, r.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype == dns.TypeOPT {
				continue
			}
			if rr.Header().Ttl > limit {
				t.Errorf("%s: a TTL of %d, want at most %d: %s", what, rr.Header().Ttl, limit, rr)
			}
			if soa, ok := rr.(*dns.SOA); ok && min(soa.Hdr.Ttl, soa.Minttl) > limit { // RFC 2308 section 5
				t.Errorf("%s: a negative TTL of %d, want at most %d", what, soa.Minttl, limit)
			}
		}
	}
}

// TestQuotaIsCounted: what is answered counts, a minute once, what is not answered does not; when a quota is used up
// its names are blocked until the day ends.
func TestQuotaIsCounted(t *testing.T) {
	h, _ := newTimed(t, "chat.example")
	used := func() int {
		pat, err := h.r.World().Directory.Locate("home", "Pat")
		if err != nil {
			t.Fatal(err)
		}
		return pat.Quotas(h.clock)[0].Used
	}
	const pat = "10.0.0.17"
	h.clock = untilEdge.Add(-30 * time.Second)
	h.ask(pat, "www.school.example", dns.TypeA)
	h.ask(pat, "gone.chat.example", dns.TypeA)
	h.ask(pat, "virus.example", dns.TypeA)
	h.seen = nil
	if n := used(); n != 0 {
		t.Fatalf("%d minutes are used, want none: nobody chatted", n)
	}
	for range 3 {
		if h.blocks(pat, "chat.example") || used() != 1 {
			t.Fatalf("blocked, or %d minutes used, want 1", used())
		}
	}
	for _, c := range []struct {
		at      time.Time
		blocked bool
	}{
		{untilEdge.Add(-time.Millisecond), false}, // the minute that counts already, to its end
		{untilEdge, true},
		{untilEdge.Add(13*time.Hour - 7300*time.Millisecond), true},
		{untilEdge.Add(13 * time.Hour), false}, // midnight of the household
	} {
		h.clock = c.at
		r := h.ask(pat, "chat.example", dns.TypeA)
		if got := h.lastBlocked(); got != c.blocked {
			t.Errorf("%s: blocked %v, want %v", c.at, got, c.blocked)
		}
		if c.blocked {
			noLonger(t, c.at.String(), r, uint32(untilEdge.Add(13*time.Hour).Sub(c.at)/time.Second))
		}
	}
	if n := used(); n != 1 {
		t.Errorf("%d minutes of the new day are used, want 1", n)
	}
}
