package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
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
		fmt.Fprintf(&profiles, "    quotas:\n")
		for _, of := range []string{"total", "social.networks", "fun.games", "tiktok"} {
			if r.IntN(3) == 0 {
				fmt.Fprintf(&profiles, "      - {of: %s, minutes: %d, free: %d}\n", of, r.IntN(90), r.IntN(180))
			}
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
		"    devices:\n      - {name: shared, addresses: [192.168.1.2], members: [m0, m1, m2]}\n" + randomCalendar(r) + lists.String()
}

// randomCalendar writes school days, holidays and single days with other times.
func randomCalendar(r *rand.Rand) string {
	var b strings.Builder
	day := func() Date { return dateOf(Date{2026, 1, 1}.number() + r.Int64N(366)) }
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	fmt.Fprintf(&b, "    calendar:\n      school_days: [%s]\n      holidays:\n", pick("mon, tue, wed, thu, fri", "all", "sun, mon", "mon, wed, sat"))
	for range 20 {
		from := day()
		fmt.Fprintf(&b, "        - {from: %s, to: %s}\n", from, dateOf(from.number()+r.Int64N(12)))
	}
	fmt.Fprintf(&b, "    exceptions:\n")
	for range 60 {
		member := ""
		if r.IntN(2) == 0 {
			member = fmt.Sprintf(", member: m%d", r.IntN(12))
		}
		kind := pick("bedtime", "homework")
		fmt.Fprintf(&b, "      - {date: %s%s, %s: %q}\n", day(), member, kind, pick("off", "23:30-09:00", "01:00-11:30", "10:00-12:00", "18:00-18:30"))
	}
	return b.String()
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

// each calls f with random questions, clients and instants, half of them close to a change of daylight saving.
func each(t *testing.T, seed uint64, f func(a *asker, c Client, q *Question, name string, at time.Time)) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"} {
		a := &asker{d: story(t, randomHousehold(r, zone))}
		changes := []int64{1774746000, 1792890000, 1772953200, 1793512800, 1775314800, 1791041400, 1771117200}
		for range 1500 {
			at := time.Unix(1767225600+r.Int64N(366*86400), 0)
			if r.IntN(2) == 0 {
				at = time.Unix(changes[r.IntN(len(changes))]+r.Int64N(20*3600)-10*3600, 0)
			}
			c, err := a.d.Locate("h", fmt.Sprintf("m%d", r.IntN(12)))
			if err != nil {
				t.Fatal(err)
			}
			if r.IntN(4) == 0 {
				if c, err = a.d.LocateDevice("shared"); err != nil {
					t.Fatal(err)
				}
			}
			name := randomName(r)
			f(a, c, a.question(t, name), name, at)
		}
	}
}

// lived is each in households in which people do things and use things up.
func lived(t *testing.T, seed uint64, f func(c Client, q *Question, name string, at time.Time)) {
	r := rand.New(rand.NewPCG(seed, 7))
	each(t, seed, func(a *asker, c Client, q *Question, name string, at time.Time) {
		if err := a.d.Apply("h", randomState(r, name, at.Unix())); err != nil {
			t.Fatal(err)
		}
		for _, h := range a.d.order {
			for _, m := range h.Members {
				m.budget.use(r, at.Unix())
			}
		}
		f(c, q, name, at)
	})
}

// use counts minutes at random, mostly about as many as there are, and up to the present one.
func (b *budget) use(r *rand.Rand, now int64) {
	if b == nil || r.IntN(4) == 0 {
		return
	}
	l := b.days.at(now)
	minute, _ := l.minute(now)
	for _, a := range b.list {
		a.meter.pages = [2]atomic.Pointer[page]{}
		n := int64(a.minutes[bit(l.school)] + r.IntN(6) - 3)
		for m := minute - n - r.Int64N(3); n > 0 && m <= minute; m++ {
			a.meter.mark(l.day, max(m, 0))
		}
		for range r.IntN(3) { // while the clock shows an hour again, minutes ahead are counted
			a.meter.mark(l.day, min(minute+r.Int64N(90), minutesOfDay-1))
		}
	}
}

// randomState does a few things around an instant.
func randomState(r *rand.Rand, name string, now int64) (s State) {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	for range r.IntN(6) {
		from := now + r.Int64N(6*3600) - 5*3600
		until := from + 60*(1+r.Int64N(600))
		to := Subject{}
		switch r.IntN(3) {
		case 0:
			to.Member = fmt.Sprintf("m%d", r.IntN(4))
		case 1:
			to.Device = "shared"
		}
		grant := Grant{Subject: to, At: from, Until: until * r.Int64N(2), AtBedtime: r.IntN(2) == 0, Minutes: 1 + r.IntN(60)}
		switch r.IntN(10) {
		case 0:
			s.Pauses = append(s.Pauses, Pause{Subject: to, At: from, Until: until * r.Int64N(2)})
		case 1:
			s.Offs = append(s.Offs, FilterOff{Subject: to, At: from, Until: until})
		case 2, 3:
			s.Uses = append(s.Uses, Use{Device: "shared", Member: fmt.Sprintf("m%d", r.IntN(3)), At: from, Until: until})
		case 4, 5:
			grant.Kind, grant.Value = GrantBonus, pick("total", "social.networks", "tiktok")
			s.Grants = append(s.Grants, grant)
		case 6:
			grant.Kind = GrantTime
			s.Grants = append(s.Grants, grant)
		case 7:
			grant.Kind, grant.Value = GrantKind(pick("name", "security")), name
			s.Grants = append(s.Grants, grant)
		case 8:
			grant.Kind, grant.Value = GrantKind(pick("category", "continue")), pick("social.networks", "fun.games", "adult.porn")
			s.Grants = append(s.Grants, grant)
		case 9:
			grant.Kind, grant.Value = GrantService, pick("tiktok", "roblox")
			s.Grants = append(s.Grants, grant)
		}
	}
	return s
}

// TestExplainEqualsDecide: the same walk, whoever looks.
func TestExplainEqualsDecide(t *testing.T) {
	seen, clocks, granted := map[Step]int{}, map[Clock]int{}, 0
	lived(t, 1, func(c Client, q *Question, name string, at time.Time) {
		c = c.Now(at)
		d, x := c.Decide(q, at), c.Explain(q, at)
		if diff := cmp.Diff(d, x.Decision); diff != "" {
			t.Fatalf("%s at %s: Decide and Explain differ:\n%s", name, at, diff)
		}
		if p, y := c.Profile.Decide(q, at), c.Profile.Explain(q, at); p != y.Decision {
			t.Fatalf("%s at %s: of the profile alone, Decide says %+v and Explain %+v", name, at, p, y.Decision)
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
		clocks[d.Clock]++
		granted += int(bit(d.Granted))
	})
	for s := StepLaw; s <= StepUnknown; s++ {
		if seen[s] == 0 && s != StepLabel {
			t.Errorf("no random question was decided at step %s: the test is too narrow", s)
		}
	}
	if clocks[Window] == 0 || clocks[Paused] == 0 || clocks[QuotaUsed] == 0 || granted == 0 {
		t.Errorf("windows, pauses and quotas stopped %v random questions, %d were granted: the test is too narrow", clocks, granted)
	}
}

// TestUntilIsExact: with what is used as it is, a decision is the same on [now, Until), and an end that is a true edge
// changes something.
func TestUntilIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	lived(t, 2, func(c Client, q *Question, name string, at time.Time) {
		decide := func(unix int64) Decision {
			at := time.Unix(unix, 0)
			who := c.Now(at)
			return who.Decide(q, at)
		}
		d := decide(at.Unix())
		end := d.Until
		if end == 0 {
			end = at.Unix() + 21*86400
		} else if end <= at.Unix() {
			t.Fatalf("%s at %s: until %d is not after now", name, at, end)
		}
		if d.Ends != 0 && (d.Clock == NoClock || d.Until == 0 || d.Until > d.Ends) {
			t.Fatalf("%s at %s: what stops it ends at %d: %+v", name, at, d.Ends, d)
		}
		probe := []int64{end - 1, end - 1800, end - 3600, at.Unix() + 1}
		for range 12 {
			probe = append(probe, at.Unix()+r.Int64N(end-at.Unix()))
		}
		for _, unix := range probe {
			if unix < at.Unix() || unix >= end {
				continue
			}
			later := decide(unix)
			if who := c.Now(at); who.budget != nil || later.Until == 0 || later.Until > d.Until {
				later.Until = d.Until // it moves with the minutes that nobody uses, and what begins meanwhile
			}
			if later != d {
				t.Fatalf("%s at %s: %+v, but at %s: %+v", name, at, d, time.Unix(unix, 0), later)
			}
		}
		if d.Until != 0 {
			after := decide(d.Until)
			if after.Until == d.Until || after.Step == d.Step && after.Until == 0 && !changed(c, d.Until) {
				t.Fatalf("%s at %s: nothing happens at the end of %+v: %+v", name, at, d, after)
			}
		}
	})
}

// changed says whether anything that people did begins or ends at an instant.
func changed(c Client, at int64) bool {
	st := c.standing()
	return st != nil && slices.ContainsFunc(slices.Concat(st.acts, st.bonuses), func(a act) bool { return a.at == at || a.until == at })
}

// TestChainsOnlyTakeAway: whatever a name points at, a chain never opens what
// was closed.
func TestChainsOnlyTakeAway(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	each(t, 3, func(a *asker, c Client, q *Question, name string, at time.Time) {
		p := c.Profile
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
	strictest := func(a *asker, _ Client, q *Question, name string, at time.Time) {
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
