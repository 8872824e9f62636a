package resolver

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// legalHouse is a house with sealed names: law0.example to law39.example and what stands in more.
func legalHouse(t testing.TB, u Exchanger, more ...string) *house {
	t.Helper()
	h := newHouse(t, u)
	h.r.Swap(newWorld(t, sealed(t, buildIndex(), more...), u))
	return h
}

func sealed(t testing.TB, ix *blocklists.Index, more ...string) *blocklists.Index {
	t.Helper()
	s := blocklists.NewSealer(blocklists.Seal{Index: ix.Key(), Legal: blocklists.NewKey()})
	for i := range 40 {
		more = append(more, fmt.Sprintf("law%d.example", i))
	}
	for _, name := range more {
		if err := s.Add(parse(t, name), blocklists.Subtree); err != nil {
			t.Fatal(err)
		}
	}
	names, err := blocklists.NewSealed(blocklists.SealedPart{List: s.List(), Categories: []string{"illegal.order"}})
	if err != nil {
		t.Fatal(err)
	}
	view, err := ix.WithSealed(names)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// raw is the reply's octets without the id, with one name in place of another of the same length.
func (h *house) raw(from, name string, qtype uint16) string {
	h.t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.SetEdns0(1232, false)
	packet, err := m.Pack()
	if err != nil {
		h.t.Fatal(err)
	}
	var q wire.Query
	q.Parse(packet)
	var s Stroke
	reply, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(from)}, make([]byte, 0, 4096))
	if !done {
		reply = resolve(h.ctx, h.r, &s, time.Now().Add(h.patience))
	}
	h.drain()
	label, _, _ := strings.Cut(name, ".")
	return strings.ReplaceAll(string(reply[2:]), label, strings.Repeat("x", len(label)))
}

// TestLegalLooksLikeMalware: octet by octet, for every profile, mode and type, at bedtime and under own rules too.
func TestLegalLooksLikeMalware(t *testing.T) {
	h := legalHouse(t, records(t), "abusd.example") // as long as virus.example
	for _, at := range []time.Time{now, now.Add(-4 * time.Second), now.Add(-6 * time.Hour)} {
		h.clock = at
		for _, from := range []string{guest, kim, alex, pat, "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14", "10.0.0.15", "10.0.0.16", "10.0.0.17"} {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeHTTPS, dns.TypeNS, dns.TypeANY} {
				for _, sub := range []string{"", "www."} {
					legal, malware := h.raw(from, sub+"abusd.example", qtype), h.raw(from, sub+"virus.example", qtype)
					legal, malware = strings.ReplaceAll(legal, "abusd", "xxxxx"), strings.ReplaceAll(malware, "virus", "xxxxx")
					if legal != malware {
						t.Errorf("%s %stype %d at %s:\n%x\n%x", from, sub, qtype, at.Format("15:04:05"), legal, malware)
					}
				}
			}
		}
	}
	for _, e := range h.seen {
		if e.Decision.Step == policy.StepLaw {
			t.Fatal("a block by the law was handed to the observer")
		}
	}
}

// TestTheLawHoldsForEverybody: own rules, grown-ups, bedtime, observation and clients who have not opted in.
func TestTheLawHoldsForEverybody(t *testing.T) {
	h := legalHouse(t, records(t, "law1.example. 300 IN A 192.0.2.7", "alias.example. 300 IN CNAME law2.example.", "law2.example. 300 IN A 192.0.2.8"))
	for name, from := range map[string]string{"a grown-up": pat, "a guest": guest, "a child": kim, "observed": "10.0.0.14", "with an own rule": "10.0.0.16"} {
		r := h.ask(from, "law1.example", dns.TypeA)
		if e := extended(r); answers(r) != "law1.example. A 10.0.0.1" || e == nil || e.InfoCode != 15 {
			t.Errorf("%s: %v", name, r)
		}
		if r := h.ask(from, "alias.example", dns.TypeA); answers(r) != "alias.example. A 10.0.0.1" {
			t.Errorf("%s, by a chain: %v", name, r)
		}
	}
	// A client of no household is refused on a home listener, and served with the listener's profile at a provider's.
	m := new(dns.Msg).SetQuestion("law1.example.", dns.TypeA)
	stranger := netip.MustParseAddr("198.51.100.9")
	if r := h.over(Client{Addr: stranger}, m.Copy()); r.Rcode != dns.RcodeRefused {
		t.Errorf("a stranger at home: rcode %d", r.Rcode)
	}
	if r := h.over(Client{Addr: stranger, Listener: 1}, m.Copy()); answers(r) != "law1.example. A 10.0.0.1" {
		t.Errorf("a stranger at a provider's: %v", r)
	}
}

// TestTheLawHoldsForWhoHasNotOptedIn: nothing else is filtered there, and nothing is kept.
func TestTheLawHoldsForWhoHasNotOptedIn(t *testing.T) {
	text := strings.Replace(household, "  - id: home\n", "  - id: out\n    enabled: false\n    networks: [10.9.0.0/24]\n  - id: home\n", 1)
	u := records(t, "porn.example. 300 IN A 192.0.2.7", "virus.example. 300 IN A 192.0.2.7")
	h := newHouse(t, u)
	h.r.Swap(newWorldOf(t, text, sealed(t, buildIndex()), u))
	const out = "10.9.0.7"
	if r := h.ask(out, "law1.example", dns.TypeA); answers(r) != "law1.example. A 10.0.0.1" {
		t.Errorf("a legal name: %v", r)
	}
	for _, name := range []string{"porn.example", "virus.example"} {
		if r := h.ask(out, name, dns.TypeA); answers(r) != name+". A 192.0.2.7" {
			t.Errorf("%s is filtered: %v", name, r)
		}
	}
	if len(h.seen) > 0 {
		t.Errorf("%d events", len(h.seen))
	}
}

// find asks for n legal names from one address.
func (h *house) find(from string, n int) {
	for i := range n {
		h.ask(from, fmt.Sprintf("law%d.example", i), dns.TypeA)
	}
}

const open = "school.example. 300 IN A 192.0.2.7"

func (h *house) isOpen(from string) bool {
	h.t.Helper()
	return answers(h.ask(from, "school.example", dns.TypeA)) == "school.example. A 192.0.2.7"
}

// TestFinders: who finds more than ten names in an hour is told nothing any more, until the hour is over.
func TestFinders(t *testing.T) {
	h := legalHouse(t, records(t, open, "help.example. 300 IN A 192.0.2.8", "porn.example. 300 IN A 192.0.2.9"))
	h.find(pat, findNames)
	for range 100 { // the same names, and names beneath them, are no others
		h.ask(pat, "law0.example", dns.TypeA)
		h.ask(pat, "www.law1.example", dns.TypeAAAA)
	}
	if !h.isOpen(pat) {
		t.Fatal("ten names were too many")
	}
	h.ask(pat, "law10.example", dns.TypeA)
	if h.isOpen(pat) {
		t.Fatal("eleven names were not too many")
	}
	for _, name := range []string{"porn.example", "virus.example", "law11.example", "law0.example", "a.b.example.org"} {
		r := h.ask(pat, name, dns.TypeA)
		if e := extended(r); answers(r) != name+". A 10.0.0.1" || e == nil || e.InfoCode != 15 || e.ExtraText != "" {
			t.Errorf("%s: %v", name, r)
		}
	}
	if got := answers(h.ask(pat, "help.example", dns.TypeA)); got != "help.example. A 192.0.2.8" {
		t.Errorf("help is withheld: %q", got)
	}
	if r := h.ask(pat, "hearth.home.arpa", dns.TypeA); answers(r) != "hearth.home.arpa. A 10.0.0.1" || extended(r) != nil {
		t.Errorf("the own name is withheld: %v", r)
	}
	for _, other := range []string{kim, guest} {
		if !h.isOpen(other) {
			t.Errorf("%s is limited for what another found", other)
		}
	}
	h.clock = h.clock.Add((findTime - 1) * time.Second)
	if h.isOpen(pat) {
		t.Error("the hour is not over yet")
	}
	h.clock = h.clock.Add(time.Second)
	if !h.isOpen(pat) {
		t.Error("the hour is over")
	}
	if n := h.r.finders.over.Load(); n != 0 {
		t.Errorf("%d clients are over", n)
	}
}

// TestWithheldNamesLookAlike: whatever a name is, in every mode.
func TestWithheldNamesLookAlike(t *testing.T) {
	h := legalHouse(t, records(t, "plainx.example. 300 IN A 192.0.2.7"), "lawful.example")
	for _, from := range []string{pat, "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.15", "10.0.0.17"} {
		h.find(from, findNames+1)
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeANY} {
			if a, b := h.raw(from, "lawful.example", qtype), h.raw(from, "plainx.example", qtype); a != b {
				t.Errorf("%s type %d:\n%x\n%x", from, qtype, a, b)
			}
		}
	}
}

// TestFindersOfIPv6: a /64 is one client.
func TestFindersOfIPv6(t *testing.T) {
	var f finders
	f.prepare()
	for i := range findNames + 1 {
		f.found(netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i+1)), uint64(i), 100)
	}
	for address, want := range map[string]bool{"2001:db8:0:1:ffff::1": true, "2001:db8:0:2::1": false, "::ffff:192.0.2.1": false} {
		if got := f.isOver(netip.MustParseAddr(address), 100); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	for i := range findNames + 1 {
		f.found(netip.MustParseAddr("192.0.2.1"), uint64(i), 100)
	}
	if !f.isOver(netip.MustParseAddr("::ffff:192.0.2.1"), 100) || f.isOver(netip.MustParseAddr("192.0.2.2"), 100) {
		t.Error("an IPv4 address is one client, in both spellings")
	}
}

// TestFindersAreBounded: many clients take no more seats than there are, and do not free who found too many.
func TestFindersAreBounded(t *testing.T) {
	var f finders
	f.prepare()
	bad := netip.MustParseAddr("192.0.2.1")
	for i := range findNames + 1 {
		f.found(bad, uint64(i), 100)
	}
	a := netip.MustParseAddr("10.0.0.0")
	for range 10 * findClients {
		a = a.Next()
		f.found(a, 1, 101)
	}
	if !f.isOver(bad, 102) || f.over.Load() != 1 || len(f.rows)*findWays != findClients {
		t.Errorf("over: %d clients, seats: %d", f.over.Load(), len(f.rows)*findWays)
	}
	if f.isOver(a, 100+findTime+findSweep) || f.over.Load() != 0 {
		t.Error("hours that are over are not forgotten")
	}
	f.found(a, 1, 50) // the clock was set back
}

func TestLegalMetrics(t *testing.T) {
	h := legalHouse(t, records(t, open))
	registry := prometheus.NewRegistry()
	if err := registry.Register(h.r); err != nil {
		t.Fatal(err)
	}
	read := func() (map[string]float64, string) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values, all := map[string]float64{}, ""
		for _, f := range families {
			all += f.String()
			for _, m := range f.GetMetric() {
				values[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		return values, all
	}
	h.find(pat, findNames+5)
	h.ask(pat, "virus.example", dns.TypeA)
	values, all := read()
	if values["hearth_legal_blocks_today"] != findNames+1 { // those that were withheld are not known to be legal
		t.Errorf("%v blocks today", values["hearth_legal_blocks_today"])
	}
	if values["hearth_legal_limited_total"] != 1 {
		t.Errorf("%v clients limited", values["hearth_legal_limited_total"])
	}
	for _, never := range []string{"illegal", "\"law", "law0", "10.0.0.4", "csam", "order"} {
		if strings.Contains(all, never) {
			t.Errorf("the metrics have %q", never)
		}
	}
	if !strings.Contains(all, `"legal_names"`) {
		t.Error("the limit is no gauge")
	}
	h.clock = h.clock.Add(24 * time.Hour)
	if values, _ := read(); values["hearth_legal_blocks_today"] != 0 {
		t.Errorf("%v blocks on the next day", values["hearth_legal_blocks_today"])
	}
}

func TestFindersDoNotAllocate(t *testing.T) {
	var f finders
	f.prepare()
	a, i := netip.MustParseAddr("2001:db8::1"), uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		i++
		f.found(a, i, 100)
		f.isOver(a, 100)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestWithheldElsewhere: the landing page counts names and withholds them as DNS does.
func TestWithheldElsewhere(t *testing.T) {
	h := legalHouse(t, records(t, open))
	dir, a := h.r.World().Directory, netip.MustParseAddr(pat)
	ask := func(name string) bool {
		var hashes blocklists.Hashes
		q := dir.Ask(parse(t, name), &hashes)
		return h.r.Withheld(a, &q, dir.Identify(a).Profile.Decide(&q, now))
	}
	h.find(pat, 5)
	for i := range findNames {
		if ask(fmt.Sprintf("law%d.example", i)) {
			t.Errorf("withheld after %d names", i+1)
		}
	}
	if ask("school.example") || !ask("law10.example") || !ask("school.example") || ask("help.example") || ask("ask.hearth.home.arpa") {
		t.Error("the page does not withhold what DNS does")
	}
	if h.isOpen(pat) {
		t.Error("what was found at the page does not count in DNS")
	}
}
