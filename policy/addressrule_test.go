package policy

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hearthdns/hearth/blocklists"
)

// TestAddressRulesAgainstNetip compares the rules with netip's own Contains over random nested networks, countries and
// systems, through the list that DecideChain reads.
func TestAddressRulesAgainstNetip(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	random := func() netip.Addr {
		if r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{203, 0, byte(r.IntN(4)), byte(r.IntN(16))}) //nolint:gosec // small
		}
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 5: byte(r.IntN(4)), 15: byte(r.IntN(8))}) //nolint:gosec // small
	}
	where := func() Whereabouts {
		country, _ := ParseCountry([]string{"AQ", "NO", "SJ", ""}[r.IntN(4)])
		return Whereabouts{Country: country, System: uint32(r.IntN(4) * 64500)} //nolint:gosec // small
	}
	for range 300 {
		var rules []addressRule
		for range 1 + r.IntN(6) {
			a, w := random(), where()
			switch {
			case w.Country != 0:
				rules = append(rules, addressRule{country: w.Country})
			case w.System != 0:
				rules = append(rules, addressRule{system: w.System})
			default:
				rules = append(rules, addressRule{network: netip.PrefixFrom(a, 1+r.IntN(a.BitLen())).Masked()})
			}
		}
		set := newAddressSet(rules)
		for range 50 {
			a, w := random(), where()
			want := false
			for _, rule := range rules {
				want = want || rule.network.IsValid() && rule.network.Contains(a) || rule.country != 0 && rule.country == w.Country || rule.system != 0 && rule.system == w.System
			}
			read, readWhere := readAddress(AppendAddress(nil, a, w))
			if read.Unmap() != a || readWhere != w {
				t.Fatalf("%s %v came back as %s %v", a, w, read, readWhere)
			}
			if got := set.denies(read, readWhere); (got != nil) != want {
				t.Fatalf("rules %v, address %s %v: denied by %v, want %v", rules, a, w, got, want)
			}
		}
	}
}

// TestAddressRulesInWords: what a person is told of a rule, before and after an answer is there.
func TestAddressRulesInWords(t *testing.T) {
	a := asker{d: story(t, `Rules of addresses.
-- config.yaml --
profiles:
  - name: kids
    band: preteen
    addresses: [{network: 203.0.113.0/24, action: deny}, {country: AQ, action: deny}, {system: 64500, action: deny}]
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    members: [{name: Mia, profile: kids}, {name: Anna, band: adult}]
    rules: [{name: wanted.test, action: allow}]
`)}
	if !a.d.Locates() {
		t.Error("nobody would ask where addresses lie")
	}
	at := instant(t, "2026-03-02T12:00:00Z")
	mia, q := a.member(t, "h", "Mia"), a.question(t, "shop.test")
	asked := mia.Decide(q, at)
	aq, _ := ParseCountry("AQ")
	for _, tt := range []struct {
		a    string
		w    Whereabouts
		want string
	}{
		{"203.0.113.7", Whereabouts{}, "deny addresses in 203.0.113.0/24"},
		{"192.0.2.1", Whereabouts{Country: aq}, "deny addresses in country AQ"},
		{"192.0.2.1", Whereabouts{System: 64500}, "deny addresses in AS64500"},
	} {
		d := mia.DecideChain(asked, q, blocklists.Match{}, AppendAddress(nil, netip.MustParseAddr(tt.a), tt.w))
		if d.Rule == nil || d.Rule.String() != tt.want || d.Step != StepDenied || !d.Blocks() {
			t.Errorf("%s %v: %+v, want a block by %q", tt.a, tt.w, d, tt.want)
		}
	}
	detail := func(p *Profile, name string) string {
		for _, s := range p.Explain(a.question(t, name), at).Steps {
			if s.Step == StepDenied {
				return s.Detail
			}
		}
		return ""
	}
	if got := detail(mia, "shop.test"); !strings.Contains(got, "AS64500") || !strings.Contains(got, "country AQ") || !strings.Contains(got, "203.0.113.0/24") {
		t.Errorf("explained beforehand as %q", got)
	}
	for name, p := range map[string]*Profile{"wanted.test": mia, "shop.test": a.member(t, "h", "Anna")} {
		if got := detail(p, name); strings.Contains(got, "addresses") {
			t.Errorf("%s is explained as %q, though no rule of an address can touch it", name, got)
		}
	}
}

// TestAddressRulesReadStrictly: a list of targets that breaks off hides no deny.
func TestAddressRulesReadStrictly(t *testing.T) {
	a := asker{d: busy(t)}
	p, q := a.member(t, "h", "Mia"), a.question(t, "shop.test")
	whole := AppendAddress(nil, netip.MustParseAddr("203.0.113.7"), Whereabouts{})
	var h blocklists.Hashes
	n, err := blocklists.ParseName("n0.rule0.test") // one that busy denies
	if err != nil {
		t.Fatal(err)
	}
	a.d.index.Key().Hash(n, &h)
	at := instant(t, "2026-03-02T12:00:00Z")
	asked := p.Decide(q, at)
	if d := p.DecideChain(asked, q, blocklists.Match{}, AppendTarget(whole, &h)); d.Step != StepDenied {
		t.Errorf("a denied name behind an address: %+v", d)
	}
	if d := p.DecideChain(asked, q, blocklists.Match{}, append(whole[:1:1], h.H[h.N-1])); d.Step != StepDenied {
		t.Errorf("a denied name in a list that breaks off: %+v", d)
	}
	if d := p.DecideChain(asked, q, blocklists.Match{}, whole); d.Step == StepDenied {
		t.Errorf("an address that no rule is about: %+v", d)
	}
}

func TestAddressRulesAllocateNothing(t *testing.T) {
	a := asker{d: story(t, `Rules of addresses.
-- config.yaml --
profiles:
  - name: kids
    band: preteen
    addresses: [{network: 203.0.113.0/24, action: deny}, {network: "2001:db8::/32", action: deny}, {country: AQ, action: deny}, {system: 64500, action: deny}]
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    members: [{name: Mia, profile: kids}]
`)}
	p, q := a.member(t, "h", "Mia"), a.question(t, "shop.test")
	asked := p.Decide(q, instant(t, "2026-03-02T12:00:00Z"))
	var list []uint64
	for _, text := range []string{"192.0.2.1", "192.0.2.2", "2001:db9::1"} {
		list = AppendAddress(list, netip.MustParseAddr(text), Whereabouts{Country: 1, System: 1})
	}
	denied := AppendAddress(list[:len(list):len(list)], netip.MustParseAddr("203.0.113.7"), Whereabouts{})
	for _, l := range [][]uint64{list, denied} {
		if n := testing.AllocsPerRun(200, func() { p.DecideChain(asked, q, blocklists.Match{}, l) }); n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
	}
	if !p.DecideChain(asked, q, blocklists.Match{}, denied).Blocks() || p.DecideChain(asked, q, blocklists.Match{}, list).Blocks() {
		t.Error("the pins are not of what they are meant to be")
	}
}

// TestAddressRulesAreValidated: each mistake is told at its place, with what to write instead.
func TestAddressRulesAreValidated(t *testing.T) {
	for _, tt := range []struct{ rule, at, says string }{
		{"{network: 203.0.113.0/24, action: deny}", "", ""},
		{"{country: AQ, action: deny}", "", ""},
		{"{system: 4294967295, action: deny}", "", ""},
		{"{action: deny}", "", "write one of"},
		{"{country: AQ, system: 64500, action: deny}", "", "write one of"},
		{"{country: aq, action: deny}", ".country", "two capital letters"},
		{"{country: Antarctica, action: deny}", ".country", "two capital letters"},
		{"{country: AQ, action: allow}", ".action", "write deny"},
		{"{country: AQ}", ".action", "write deny"},
		{"{network: 203.0.113.7/24, action: deny}", ".network", "write 203.0.113.0/24"},
		{"{network: 0.0.0.0/0, action: deny}", ".network", "whole internet"},
		{`{network: "::ffff:203.0.113.0/120", action: deny}`, ".network", "IPv4 network itself"},
	} {
		for _, where := range []string{"profiles[0].addresses[0]", "households[0].addresses[0]"} {
			text := "profiles: [{name: kids, band: teen}]\nhouseholds: [{id: h, consent: {by: Anna, at: 2026-01-10}, addresses: [" + tt.rule + "]}]"
			if strings.HasPrefix(where, "profiles") {
				text = "profiles: [{name: kids, band: teen, addresses: [" + tt.rule + "]}]"
			}
			var c Config
			if err := yaml.Unmarshal([]byte(text), &c); err != nil {
				t.Fatal(err)
			}
			err := c.Validate(nil)
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("%s: %v", tt.rule, err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), where+tt.at+": ") || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%s: %v, want %q at %s", tt.rule, err, tt.says, where+tt.at)
			}
		}
	}
}

// TestAddressRulesAreOfTheVersion: a change of the rules changes the id that decisions carry.
func TestAddressRulesAreOfTheVersion(t *testing.T) {
	with := func(rules string) string {
		return story(t, "Versions.\n-- config.yaml --\nprofiles: [{name: kids, band: teen, addresses: ["+rules+"]}]\n").Hash()
	}
	if with("") == with("{country: AQ, action: deny}") || with("{country: NO, action: deny}") == with("{country: AQ, action: deny}") {
		t.Error("two policies with one hash")
	}
}

func BenchmarkAddressRules(b *testing.B) {
	rules := make([]addressRule, 0, 200)
	for i := range 200 {
		rules = append(rules, addressRule{network: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16+i%8)}) //nolint:gosec // small
	}
	set := newAddressSet(rules)
	a := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		if set.denies(a, Whereabouts{Country: 1, System: 2}) != nil {
			b.Fatal("denied")
		}
	}
}
