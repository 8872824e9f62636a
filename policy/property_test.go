package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/blocklists"
)

// randomHousehold writes a household of members with random profiles: rules,
// switches, windows and changed cells.
func randomHousehold(r *rand.Rand, zone string) string {
	var profiles, members strings.Builder
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	clock := func() string { return fmt.Sprintf("%02d:%02d", r.IntN(24), r.IntN(60)) }
	for i := range 12 {
		fmt.Fprintf(&profiles, "  - name: p%d\n    band: %s\n    observe: %t\n", i, pick(bandNames[Little:Things]...), r.IntN(5) == 0)
		fmt.Fprintf(&profiles, "    categories:\n")
		for range 5 {
			fmt.Fprintf(&profiles, "      - {id: %s, action: %s}\n", pick("adult.porn", "social.*", "fun", "sec.nrd", "money.crypto"), pick("allow", "block", "warn", "timed"))
		}
		fmt.Fprintf(&profiles, "    services:\n      - {id: %s, action: %s}\n", pick("tiktok", "roblox", "youtube"), pick("allow", "block", "timed"))
		fmt.Fprintf(&profiles, "    rules:\n")
		for range 6 {
			fmt.Fprintf(&profiles, "      - {name: %s, action: %s, scope: %s}\n", "a."+randomName(r), pick("allow", "deny"), pick("subdomains", "exact"))
		}
		fmt.Fprintf(&profiles, "    schedule:\n      preset: %t\n      windows:\n", r.IntN(2) == 0)
		for range 1 + r.IntN(6) {
			from, to := clock(), clock()
			if from == to {
				to = "24:00"
			}
			fmt.Fprintf(&profiles, "        - {days: [%s, %s], from: %q, to: %q, kind: %s}\n", pick("mon", "tue", "sat", "sun"), pick("wed", "thu", "fri", "sun"), from, to, pick("bedtime", "homework"))
		}
		fmt.Fprintf(&members, "      - {name: m%d, profile: p%d}\n", i, i)
	}
	var lists strings.Builder
	for _, id := range []string{"adult.porn", "social.networks", "fun.games", "sec.nrd", "sec.malware", "ok.help", "ok.help.core", "ok.infra",
		"ok.kids", "service.tiktok", "service.roblox", "meta.popular", "illegal.order", "money.crypto"} {
		fmt.Fprintf(&lists, "-- lists/%s.txt --\n", id)
		for range 3 { // deep names: a listed apex would decide everything
			fmt.Fprintln(&lists, "a."+randomName(r))
		}
	}
	return "Random.\n-- config.yaml --\nname: hearth.home.arpa\nprofiles:\n" + profiles.String() +
		"households:\n  - id: h\n    consent: {by: Anna, at: 2026-01-10}\n    timezone: " + zone + "\n    members:\n" + members.String() +
		"    devices:\n      - {name: shared, addresses: [192.168.1.2], members: [m0, m1, m2]}\n" + lists.String()
}

// randomName draws from so few names that rules and lists meet.
func randomName(r *rand.Rand) string {
	labels := []string{"a", "a", "b", "c"}
	name := []string{"alpha", "beta", "gamma"}[r.IntN(3)] + ".test"
	for range r.IntN(4) {
		name = labels[r.IntN(len(labels))] + "." + name
	}
	return name
}

// each calls f with random questions, profiles and instants, half of them close
// to a change of daylight saving.
func each(t *testing.T, seed uint64, f func(a *asker, p *Profile, q *Question, name string, at time.Time)) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"} {
		a := &asker{d: story(t, randomHousehold(r, zone))}
		changes := []int64{1774746000, 1792890000, 1772953200, 1793512800, 1775314800, 1791041400, 1771117200}
		for range 1500 {
			at := time.Unix(1767225600+r.Int64N(366*86400), 0)
			if r.IntN(2) == 0 {
				at = time.Unix(changes[r.IntN(len(changes))]+r.Int64N(20*3600)-10*3600, 0)
			}
			p := a.d.households["h"].Members[r.IntN(12)].Profile
			if r.IntN(8) == 0 {
				p = a.d.order[0].Devices[0].Profile
			}
			name := randomName(r)
			f(a, p, a.question(t, name), name, at)
		}
	}
}

// TestExplainEqualsDecide: the same walk, whoever looks.
func TestExplainEqualsDecide(t *testing.T) {
	seen := map[Step]int{}
	each(t, 1, func(_ *asker, p *Profile, q *Question, name string, at time.Time) {
		d, x := p.Decide(q, at), p.Explain(q, at)
		if diff := cmp.Diff(d, x.Decision); diff != "" {
			t.Fatalf("%s at %s: Decide and Explain differ:\n%s", name, at, diff)
		}
		last := x.Steps[len(x.Steps)-1]
		if last.Step != d.Step || last.Verdict != d.Action.String() || last.Detail == "" {
			t.Fatalf("%s: the trace ends with %+v, the decision is %+v", name, last, d)
		}
		for i, s := range x.Steps[:len(x.Steps)-1] {
			if s.Verdict != "pass" || s.Detail == "" || s.Step != Step(i+1) { //nolint:gosec // at most 12 steps
				t.Fatalf("%s: step %d of the trace is %+v", name, i+1, s)
			}
		}
		seen[d.Step]++
	})
	for s := StepLaw; s <= StepUnknown; s++ {
		if seen[s] == 0 && s != StepLabel {
			t.Errorf("no random question was decided at step %s: the test is too narrow", s)
		}
	}
}

// TestUntilIsExact: a decision is the same on [now, Until), and an end that is
// a true edge changes it for some name.
func TestUntilIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	each(t, 2, func(_ *asker, p *Profile, q *Question, name string, at time.Time) {
		d := p.Decide(q, at)
		end := d.Until
		if end == 0 {
			end = at.Unix() + 21*86400
		} else if end <= at.Unix() {
			t.Fatalf("%s at %s: until %d is not after now", name, at, end)
		}
		probe := []int64{end - 1, end - 1800, end - 3600, at.Unix() + 1}
		for range 12 {
			probe = append(probe, at.Unix()+r.Int64N(end-at.Unix()))
		}
		for _, unix := range probe {
			if unix < at.Unix() {
				continue
			}
			if later := p.Decide(q, time.Unix(unix, 0)); later != d {
				t.Fatalf("%s at %s: %+v, but at %s: %+v", name, at, d, time.Unix(unix, 0), later)
			}
		}
		if d.Until != 0 {
			after := p.Decide(q, time.Unix(d.Until, 0))
			if after.Until == d.Until || after.Step == d.Step && after.Until == 0 {
				t.Fatalf("%s at %s: nothing happens at the end of %+v: %+v", name, at, d, after)
			}
		}
	})
}

// TestChainsOnlyTakeAway: whatever a name points at, a chain never opens what
// was closed.
func TestChainsOnlyTakeAway(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	each(t, 3, func(a *asker, p *Profile, q *Question, name string, at time.Time) {
		asked := p.Decide(q, at)
		var h blocklists.Hashes
		var targets blocklists.Match
		var hashes []uint64
		for range 1 + r.IntN(3) {
			n, err := blocklists.ParseName(randomName(r))
			if err != nil {
				t.Fatal(err)
			}
			target := a.d.Ask(n, &h)
			targets.Categories = targets.Categories.Or(target.Match.Categories)
			hashes = AppendTarget(hashes, &h)
		}
		got := p.DecideChain(asked, q, targets, hashes)
		if asked.Blocks() && got != asked {
			t.Fatalf("%s: %+v became %+v", name, asked, got)
		}
		if got.Action == Allow && asked.Action != Allow {
			t.Fatalf("%s: a chain opened %+v", name, asked)
		}
		strict := p.DecideChain(asked, q, targets, append([]uint64{1 << 60}, hashes...))
		if got.Blocks() && !strict.Blocks() {
			t.Fatalf("%s: the strict reading of a malformed list opened %+v", name, got)
		}
	})
}

// TestSharedIsStrictest: a shared device opens nothing that any of its members'
// own profiles closes.
func TestSharedIsStrictest(t *testing.T) {
	strictest := func(a *asker, _ *Profile, q *Question, name string, at time.Time) {
		h := a.d.order[0]
		got := h.Devices[0].Profile.Decide(q, at)
		for _, m := range h.Members[:3] {
			own := m.Profile.Decide(q, at)
			if own.Blocks() && (!got.Blocks() || got.Action == Warn && own.Action == Block) {
				t.Fatalf("%s at %s: %s has %+v, the device they share %+v", name, at, m.Profile.Name(), own, got)
			}
		}
	}
	for seed := range uint64(8) {
		each(t, 10+seed, strictest)
	}
}
