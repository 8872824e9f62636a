package resolver

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// told asks and gives what may be told of it.
func (h *house) told(from, name string, qtype uint16) policy.Memory {
	h.t.Helper()
	return h.stroke(from, name, qtype).Memory()
}

// stroke asks and gives what is known of the query then.
func (h *house) stroke(from, name string, qtype uint16) *Stroke {
	h.t.Helper()
	packet, err := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).Pack()
	if err != nil {
		h.t.Fatal(err)
	}
	var q wire.Query
	if f := q.Parse(packet); f != wire.None {
		h.t.Fatal(f)
	}
	s := new(Stroke)
	s.judged = true // as the query before left it
	if _, done := h.r.Answer(s, &q, Client{Addr: netip.MustParseAddr(from)}, make([]byte, 0, 4096)); !done {
		resolve(context.Background(), h.r, s, time.Now().Add(h.patience))
	}
	return s
}

// TestVerdict: why a name was blocked is told, but for self-harm.
func TestVerdict(t *testing.T) {
	h := newHouse(t, records(t))
	for name, want := range map[string][2]string{
		"porn.example": {"block", "adult.porn"}, "sad.example": {"block", ""}, "denied.example.com": {"block", ""},
	} {
		if action, category := h.stroke(kim, name, dns.TypeA).Verdict(); [2]string{action, category} != want {
			t.Errorf("%s: %s %q, want %q", name, action, category, want)
		}
	}
}

// TestMemory: what may be told of a query on its way out, whatever the query before it was.
func TestMemory(t *testing.T) {
	const family = `
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: child}, {name: Alex, band: teen}]
    devices:
      - {name: kim, addresses: [10.0.0.2], member: Kim}
      - {name: alex, addresses: [10.0.0.3], member: Alex}
      - {name: boiler, addresses: [10.0.0.4], profile: things}
    guest: things
`
	u := records(t, "page.example. 60 IN A 198.51.100.1")
	h := newHouse(t, u)
	h.r.Swap(newWorldOf(t, family, buildIndex(), u))
	const boiler = "10.0.0.4"
	for _, tt := range []struct {
		from, name string
		qtype      uint16
		want       policy.Memory
	}{
		{boiler, "page.example", dns.TypeA, policy.Names},
		{boiler, "core.help.example", dns.TypeA, policy.Forget},
		{boiler, "abuse.example", dns.TypeA, policy.Forget},
		{boiler, "_dns.resolver.arpa", dns.TypeSVCB, policy.Forget},
		{boiler, "hearth.home.arpa", dns.TypeA, policy.Forget},
		{boiler, "page.example", dns.TypeAXFR, policy.Forget},
		{kim, "porn.example", dns.TypeA, policy.Totals},
		{alex, "porn.example", dns.TypeA, policy.Totals},
		{alex, "virus.example", dns.TypeA, policy.Names},
		{guest, "page.example", dns.TypeA, policy.Totals},
		{"203.0.113.9", "page.example", dns.TypeA, policy.Forget},
	} {
		if got := h.told(tt.from, tt.name, tt.qtype); got != tt.want {
			t.Errorf("%s %s from %s: %s, want %s", tt.name, dns.TypeToString[tt.qtype], tt.from, got, tt.want)
		}
	}
}

// TestSlow: a resolution that took long is told, without its name; a quick one is not.
func TestSlow(t *testing.T) {
	u := records(t, "slow.example. 60 IN A 198.51.100.1", "page.example. 60 IN A 198.51.100.1")
	h := newHouse(t, u)
	var seen []Slow
	h.r.cfg.Slow, h.r.cfg.SlowAfter = func(s Slow) { seen = append(seen, s) }, time.Second
	h.ask(pat, "page.example", dns.TypeA)
	if len(seen) != 0 {
		t.Errorf("a quick resolution was told: %+v", seen)
	}
	answer := u.answer
	u.answer = func(q dns.Question) (*dns.Msg, error) {
		h.clock = h.clock.Add(3 * time.Second)
		return answer(q)
	}
	h.ask(pat, "slow.example", dns.TypeA)
	if len(seen) != 1 || seen[0].Ended.Sub(seen[0].Began) != 3*time.Second || seen[0].Type != dns.TypeA || seen[0].Asked.IsZero() {
		t.Errorf("told %+v, want one resolution of 3 s", seen)
	}
}
