package resolver

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestWhy: a household's own clients learn why a name is answered as it is, and no more than a block tells.
func TestWhy(t *testing.T) {
	h := newHouse(t, records(t))
	const own = ".why.hearth.home.arpa"
	for _, tt := range []struct {
		from, name  string
		want, never []string
	}{
		{alex, "casino.example", []string{"action=block", "step=category", "reason=", "id=10.money.gambling-"}, []string{"Alex"}},
		{alex, "WWW.Casino.Example", []string{"action=block", "step=category"}, nil},
		{pat, "casino.example", []string{"action=allow"}, []string{"reason="}},
		{alex, "denied.example.com", []string{"action=block", "step=denied"}, nil},
		{alex, "sad.example", []string{"action=block"}, []string{"selfharm"}},
		{alex, "virus.example", []string{"action=block", "step=security"}, []string{"reason=", "id=", "malware"}},
		{alex, "abuse.example", []string{"action=block", "step=security"}, []string{"reason=", "id=", "law", "illegal"}},
		{"10.0.0.14", "casino.example", []string{"action=block", "applied=no"}, nil},
		{"10.0.0.15", "www.example", []string{"action=allow", "until=2026-06-11T00:00:00+02:00"}, nil}, // its night begins at midnight
	} {
		got := answers(h.ask(tt.from, tt.name+own, dns.TypeTXT))
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s for %s: does not say %s: %s", tt.name, tt.from, want, got)
			}
		}
		for _, never := range tt.never {
			if strings.Contains(got, never) {
				t.Errorf("%s for %s: says %s: %s", tt.name, tt.from, never, got)
			}
		}
	}
}

// TestWhyTellsTheEndOfTheRule: the reason of a block ends with the rule that blocks, not when what is left of all
// minutes may be used up; what no clock blocks has no end.
func TestWhyTellsTheEndOfTheRule(t *testing.T) {
	h, u := newTimed(t, "chat.example")
	five := strings.Replace(timed, "{name: worked, band: teen,", "{name: worked, band: teen, quotas: [{of: total, minutes: 5}],", 1)
	h.r.Swap(newWorldOf(t, five, buildIndex(), u))
	h.clock = untilEdge.Add(-30 * time.Minute)
	for name, want := range map[string]string{"chat.example": "until=2026-06-10T11:00:00+02:00", "casino.example": ""} {
		got := answers(h.ask("10.0.0.15", name+".why.hearth.home.arpa", dns.TypeTXT))
		if !strings.Contains(got, "action=block") || !strings.Contains(got, want) || want == "" && strings.Contains(got, "until=") {
			t.Errorf("%s: told %s, want %q", name, got, want)
		}
	}
}

// TestWhyIsForTheHousehold: who is nobody's client learns nothing, nor does a question without a name.
func TestWhyIsForTheHousehold(t *testing.T) {
	h := newHouse(t, records(t))
	r := h.over(Client{Addr: netip.MustParseAddr("192.168.9.9"), Listener: 1}, withOPT("casino.example.why.hearth.home.arpa", dns.TypeTXT))
	if r.Rcode != dns.RcodeNameError || len(r.Answer) != 0 {
		t.Errorf("a client of no household got %s", r)
	}
	for _, tt := range []struct {
		name  string
		qtype uint16
	}{{"why.hearth.home.arpa", dns.TypeTXT}, {"casino.example.why.hearth.home.arpa", dns.TypeA}} {
		if r := h.ask(alex, tt.name, tt.qtype); r.Rcode != dns.RcodeSuccess || len(r.Answer) != 0 || len(r.Ns) != 1 {
			t.Errorf("%s: %s", tt.name, r)
		}
	}
}
