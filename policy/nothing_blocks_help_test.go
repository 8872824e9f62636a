package policy_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/help"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy"
)

// parents lists the names above a name.
func parents(name string) []string {
	var all []string
	for _, above, found := strings.Cut(name, "."); found; _, above, found = strings.Cut(above, ".") {
		all = append(all, above)
	}
	return all
}

// hostileIndex compiles the starter lists beside a list in every category but illegal.* and ok.* that blocks every help
// name and all above it in every way that a list can, and one that claims the help categories to take the names out.
func hostileIndex(t *testing.T, table help.Table, suspended ...string) *blocklists.Index {
	t.Helper()
	taxonomy, err := blocklists.NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	var blocking []string
	for _, row := range taxonomy.All() {
		if !strings.HasPrefix(row.ID, "illegal.") && !strings.HasPrefix(row.ID, "ok.") {
			blocking = append(blocking, row.ID)
		}
	}
	var block, release strings.Builder
	block.WriteString("/[a-z]/\n/./$important\n")
	for _, r := range table {
		if r.Name == "" {
			continue
		}
		for _, name := range append(parents(r.Name), r.Name) {
			block.WriteString("||" + name + "^$important\n||" + name + "^\n|" + name + "^$important\n")
		}
		release.WriteString("@@||" + r.Name + "^$important\n@@||" + r.Name + "^\n||" + r.Name + "^$badfilter\n")
	}
	release.WriteString("||unrelated.example^\n")
	dir := t.TempDir()
	list := func(name, text string, categories ...string) source.Source {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return source.Source{Name: name, Path: path, Format: source.Adblock, Categories: categories, PublicSuffixes: true}
	}
	config := source.Default()
	config.Help.Suspended = suspended
	config.Sources = []source.Source{
		list("block", block.String(), blocking...),
		list("release", release.String(), "ok.help", "ok.help.core", "adult.porn"),
	}
	library, err := source.OpenLibrary(source.LibraryConfig{Dir: t.TempDir(), Lists: config})
	if err != nil {
		t.Fatal(err)
	}
	results, err := library.Update(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Held == nil {
			continue
		}
		if _, err := library.Accept(context.Background(), r.Source); err != nil { // by an operator who means it
			t.Fatal(err)
		}
	}
	index, sum, err := library.Compile(context.Background(), taxonomy)
	if err != nil || len(sum.Problems) > 0 {
		t.Fatal(err, sum.Problems)
	}
	return index
}

var bands = []string{"little", "child", "preteen", "teen", "young", "adult", "things"}

// sternHouse is a household of one device for each band and unknown ones, with bedtime from 21:00 to 07:00, homework
// from 15:00 to 17:00, everything blocked that can be, and these names denied, with all beneath.
func sternHouse(denied []string) policy.Config {
	const week = "all"
	house := policy.HouseholdConfig{ID: "stern", Timezone: "Europe/Vienna", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
		Consent: policy.ConsentConfig{By: "Anna", At: policy.Date{Year: 2024, Month: 1, Day: 1}}}
	var c policy.Config
	for i, band := range bands {
		p := policy.ProfileConfig{Name: "stern-" + band, Band: band, Unknown: "block",
			Categories: []policy.CategoryChange{{ID: "adult", Action: "block"}, {ID: "social", Action: "block"}, {ID: "fun", Action: "timed"}},
			Schedule: policy.ScheduleConfig{Windows: []policy.WindowConfig{
				{Days: []string{week}, From: "21:00", To: "07:00", Kind: "bedtime"},
				{Days: []string{week}, From: "15:00", To: "17:00", Kind: "homework"},
			}}}
		c.Profiles = append(c.Profiles, p)
		house.Devices = append(house.Devices, policy.DeviceConfig{Name: band, Profile: p.Name,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})}})
	}
	for _, name := range denied {
		house.Rules = append(house.Rules, policy.RuleConfig{Name: name, Action: "deny"})
	}
	house.Guest = "stern-preteen"
	c.Households = []policy.HouseholdConfig{house}
	return c
}

// clients are the profiles of the household and that of a device that nobody knows.
func clients(t *testing.T, d *policy.Directory) map[string]*policy.Profile {
	t.Helper()
	all := make(map[string]*policy.Profile)
	for i, band := range append(bands[:len(bands):len(bands)], "unknown device") {
		host := byte(i + 1)
		if i == len(bands) {
			host = 200
		}
		if all[band] = d.Identify(netip.AddrFrom4([4]byte{10, 0, 0, host})).Profile; all[band] == nil {
			t.Fatalf("%s has no profile", band)
		}
	}
	return all
}

// hours are a day, a homework and a bed time of a school day in Vienna.
func hours() map[string]time.Time {
	return map[string]time.Time{
		"day":      time.Date(2024, 9, 18, 8, 0, 0, 0, time.UTC),
		"homework": time.Date(2024, 9, 18, 14, 0, 0, 0, time.UTC),
		"bedtime":  time.Date(2024, 9, 18, 20, 30, 0, 0, time.UTC),
	}
}

// everywhere asks for a name and one beneath it, for everybody and at every hour, with what patterns say too.
func everywhere(t *testing.T, d *policy.Directory, name string, visit func(who string, got policy.Decision)) {
	t.Helper()
	var hashes blocklists.Hashes
	for _, text := range []string{name, "www." + name} {
		n := parse(t, text)
		plain := d.Ask(n, &hashes)
		whole := plain
		for qtype := range uint16(66) {
			whole.Match, _ = d.Index().MatchPatterns(n, qtype, whole.Match)
		}
		for who, p := range clients(t, d) {
			for hour, at := range hours() {
				for _, q := range []*policy.Question{&plain, &whole} {
					visit(who+", "+hour+", "+text, p.Decide(q, at))
				}
			}
		}
	}
}

// TestNothingBlocksHelp holds, for every name of the table of help, that no list of whatever category, no band, no
// preset, no bedtime, no allow-list and no unknown device blocks it, and that a parent's deny of what lies above does
// not; core names are allowed even where a parent denies exactly them. A legal list stands above all: it must not hold
// help names, which is refused where it is read.
func TestNothingBlocksHelp(t *testing.T) {
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	core, others := table.Names(true), table.Names(false)
	if len(core) == 0 || len(others) == 0 {
		t.Fatal("the table of help is empty")
	}
	denied := make(map[string]bool)
	for _, name := range core {
		denied[name] = true
	}
	for _, name := range append(core[:len(core):len(core)], others...) {
		for _, above := range parents(name) {
			denied[above] = true
		}
	}
	index := hostileIndex(t, table)
	var names []string
	for name := range denied {
		names = append(names, name)
	}
	d, err := policy.Compile(policy.CompileConfig{Config: sternHouse(names), Index: index, Popular: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range core {
		everywhere(t, d, name, func(who string, got policy.Decision) {
			if got.Action != policy.Allow || got.Step != policy.StepNeeded {
				t.Errorf("%s: %v at step %d, want allow at step %d", who, got.Action, got.Step, policy.StepNeeded)
			}
		})
	}
	for _, name := range others {
		everywhere(t, d, name, func(who string, got policy.Decision) {
			if got.Action != policy.Allow || got.Step != policy.StepAlwaysOn {
				t.Errorf("%s: %v at step %d, want allow at step %d", who, got.Action, got.Step, policy.StepAlwaysOn)
			}
		})
	}
}

// TestNoChainBlocksHelp: whatever lists, legal ones too, and rules say of the names and networks that the answer of a
// help name leads to.
func TestNoChainBlocksHelp(t *testing.T) {
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Compile(policy.CompileConfig{Config: sternHouse([]string{"edge.example"}), Index: hostileIndex(t, table)})
	if err != nil {
		t.Fatal(err)
	}
	edge := blocklists.Match{Labels: 2}
	for i := range d.Index().Taxonomy().All() {
		edge.Categories.Add(blocklists.Category(i))
	}
	led := func(text string, visit func(who string, got policy.Decision)) {
		var hashes, target blocklists.Hashes
		d.Ask(parse(t, "edge.example"), &target)
		q := d.Ask(parse(t, text), &hashes)
		for who, p := range clients(t, d) {
			for hour, at := range hours() {
				visit(who+", "+hour+", "+text, p.DecideChain(p.Decide(&q, at), &q, edge, policy.AppendTarget(nil, &target)))
			}
		}
	}
	for core, step := range map[bool]policy.Step{true: policy.StepNeeded, false: policy.StepAlwaysOn} {
		for _, name := range table.Names(core) {
			led(name, func(who string, got policy.Decision) {
				if got.Action != policy.Allow || got.Step != step {
					t.Errorf("%s: %v at step %d, want allow at step %d", who, got.Action, got.Step, step)
				}
			})
		}
	}
	led("plain.example", func(who string, got policy.Decision) {
		if got.Action != policy.Block {
			t.Errorf("%s: %v, want block", who, got.Action)
		}
	})
}

func parse(t *testing.T, text string) blocklists.Name {
	t.Helper()
	name, err := blocklists.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSuspendedHelpIsBlocked: a name that is taken out of the table is blocked by the same lists, for everybody and at
// every hour. It shows too that the lists of these tests are hostile.
func TestSuspendedHelpIsBlocked(t *testing.T) {
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	core, others := table.Names(true), table.Names(false)
	d, err := policy.Compile(policy.CompileConfig{Config: sternHouse(nil), Index: hostileIndex(t, table, core[0], others[0])})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{core[0], others[0]} {
		everywhere(t, d, name, func(who string, got policy.Decision) {
			if got.Action != policy.Block {
				t.Errorf("%s: %v, want block", who, got.Action)
			}
		})
	}
}

// TestExactDenyOfHelp: help that is not core yields to a parent's deny of exactly that name, and of no other.
func TestExactDenyOfHelp(t *testing.T) {
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	others := table.Names(false)
	denied, spared := others[0], others[1]
	d, err := policy.Compile(policy.CompileConfig{Config: sternHouse([]string{denied}), Index: hostileIndex(t, table)})
	if err != nil {
		t.Fatal(err)
	}
	everywhere(t, d, denied, func(who string, got policy.Decision) {
		exact := strings.HasSuffix(who, ", "+denied)
		if exact && (got.Action != policy.Block || got.Step != policy.StepDenied) {
			t.Errorf("%s: %v at step %d, want block at step %d", who, got.Action, got.Step, policy.StepDenied)
		}
	})
	everywhere(t, d, spared, func(who string, got policy.Decision) {
		if got.Action != policy.Allow {
			t.Errorf("%s: %v, want allow", who, got.Action)
		}
	})
}
