package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

const (
	simulatedHome = `version: 1
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [192.168.1.0/24]
    members: [{name: Mia, band: teen}, {name: Anna, band: adult}]
    devices:
      - {name: phone, member: Mia, addresses: [192.168.1.20]}
      - {name: laptop, member: Anna, addresses: [192.168.1.21]}
`
	simulatedBefore = simulatedHome + "    rules: [{name: old.example, action: deny, member: Mia}]\n"
	simulatedAfter  = simulatedHome + `    rules: [{name: new.example, action: deny, member: Mia}]
    schedule: {windows: [{days: [mon], from: "16:00", to: "17:00", kind: bedtime}]}
`
)

// monday is a few minutes of 2 March 2026, a Monday.
const monday = `# a day
15:59:30  192.168.1.20  www.new.example
15:59:31  192.168.1.20  www.new.example
15:59:40  phone         old.example
16:30     h-home/Mia    page.example
17:00     192.168.1.20  page.example
16:30     laptop        page.example
16:30     192.168.1.99  page.example
16:30     203.0.113.9   page.example
nonsense
`

// TestSimulate: what another configuration would have changed in a day, for whom.
func TestSimulate(t *testing.T) {
	dir := writeFiles(t, map[string]string{"before.yaml": simulatedBefore, "after.yaml": simulatedAfter, "monday.txt": monday})
	r := hearth(t, "--json", "--config", filepath.Join(dir, "after.yaml"), "simulate", "--day", "2026-03-02",
		"--before", filepath.Join(dir, "before.yaml"), filepath.Join(dir, "monday.txt"))
	if r.code != 0 {
		t.Fatal(r.err)
	}
	var raw map[string]any
	if err := json.Unmarshal([]byte(r.out), &raw); err != nil {
		t.Fatalf("%v\n%s", err, r.out)
	}
	type row struct {
		Who                    string
		Queries, Before, After float64
		Closed, Opened         []string
	}
	var rows []row
	for _, c := range raw["clients"].([]any) {
		m := c.(map[string]any)
		one := row{Who: m["who"].(string), Queries: m["queries"].(float64), Before: m["stopped_before"].(float64), After: m["stopped_after"].(float64)}
		for _, part := range []struct {
			key string
			to  *[]string
		}{{"newly_stopped", &one.Closed}, {"no_longer_stopped", &one.Opened}} {
			names := m[part.key].(map[string]any)["most_frequent"].([]any)
			for _, n := range names {
				*part.to = append(*part.to, n.(map[string]any)["name"].(string)+" by "+n.(map[string]any)["why"].(string))
			}
		}
		rows = append(rows, one)
	}
	want := []row{
		{Who: "h-home/Anna", Queries: 1},
		{Who: "h-home/Mia", Queries: 5, Before: 1, After: 3,
			Closed: []string{"www.new.example by denied deny new.example and all beneath", "page.example by bedtime"},
			Opened: []string{"old.example by denied deny old.example and all beneath"}},
		{Who: "h-home/unknown devices", Queries: 1},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if raw["queries"] != 8.0 || raw["unreadable_lines"] != 1.0 || raw["queries_of_strangers"] != 1.0 {
		t.Errorf("counted %v, %v and %v", raw["queries"], raw["unreadable_lines"], raw["queries_of_strangers"])
	}
}

// simulated runs hearth simulate over two configurations.
func simulated(t *testing.T, before, after, day string) (s simulation, text string) {
	t.Helper()
	dir := writeFiles(t, map[string]string{"before.yaml": before, "after.yaml": after, "day.txt": day})
	args := []string{"--config", filepath.Join(dir, "after.yaml"), "simulate", "--day", "2026-03-02", filepath.Join(dir, "day.txt")}
	if before != "" {
		args = append(args, "--before", filepath.Join(dir, "before.yaml"))
	}
	r := hearth(t, append([]string{"--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		t.Fatalf("%v\n%s%s", err, r.out, r.err)
	}
	return s, hearth(t, args...).out
}

// TestReplayIsOneDay: times without a date are of one day, also those that are over, and without --day of today where
// the client is at home, however far that is from the machine.
func TestReplayIsOneDay(t *testing.T) {
	utc := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC) // Tuesday already, at home
	tokyo := policy.Client{Household: &policy.Household{Location: time.FixedZone("", 9*3600)}}
	for given, want := range map[bool]string{false: "2026-03-03", true: "2026-03-02"} {
		r := &replay{day: utc, given: given}
		for _, text := range []string{"00:00", "04:59", "05:01", "23:59", "16:00:30"} {
			at, err := r.at(text, tokyo)
			if got := at.Format("2006-01-02 15:04:05"); err != nil || !strings.HasPrefix(got, want+" "+text) {
				t.Errorf("given %v, %s: %s (%v), want %s", given, text, got, err, want)
			}
		}
	}
}

// TestSimulateStrangers: who is nobody's in the new configuration is told by what the file calls them and whose they
// were, but for the secret of a device.
func TestSimulateStrangers(t *testing.T) {
	before := strings.Replace(simulatedBefore, "addresses: [192.168.1.20]", "id: k4t9w2mzr7qx5bvd, addresses: [192.168.1.20]", 1)
	after := strings.NewReplacer("name: phone, ", "name: tablet, ", "192.168.1.0/24", "192.168.1.16/28").Replace(simulatedAfter)
	day := strings.Repeat("16:00 192.168.1.99 page.example\n", 3) + "16:01 phone page.example\n16:02 id:k4t9w2mzr7qx5bvd page.example\n" +
		"16:03 203.0.113.9 page.example\n16:04 tablet page.example\n16:05 gone page.example\n"
	s, text := simulated(t, before, after, day)
	want := []*stranger{
		{Client: "192.168.1.99", Before: "h-home/unknown devices", Queries: 3},
		{Client: "id:…", Before: "h-home/Mia", Queries: 1}, {Client: "phone", Before: "h-home/Mia", Queries: 1},
	}
	if diff := cmp.Diff(want, s.Strangers); diff != "" || s.Strange != 6 || s.Unreadable != 1 || s.Queries != 7 {
		t.Errorf("%s%d queries of strangers, %d unreadable, %d in all", diff, s.Strange, s.Unreadable, s.Queries)
	}
	if strings.Contains(text, "k4t9w2mzr7qx5bvd") || !strings.Contains(text, "192.168.1.99  (before h-home/unknown devices)") {
		t.Errorf("says\n%s", text)
	}
	if s, _ = simulated(t, "", after, "16:04 tablet page.example\n16:03 203.0.113.9 page.example\n"); len(s.Strangers) != 1 || s.Strangers[0].Client != "203.0.113.9" {
		t.Errorf("beside no filter at all, strangers are %+v", s.Strangers)
	}
}

// TestSimulateManyNames: of what is not shown it is said how much it is.
func TestSimulateManyNames(t *testing.T) {
	var day strings.Builder
	for i := range 25 {
		day.WriteString(strings.Repeat(fmt.Sprintf("15:00 phone n%d.new.example\n", i), 2))
	}
	s, text := simulated(t, simulatedBefore, simulatedAfter, day.String())
	if c := s.Clients[0].Closed; c.Queries != 50 || c.Count != 25 || len(c.Names) != 20 || !strings.Contains(text, "and 5 more names") {
		t.Errorf("%d queries, %d names, %d shown in\n%s", c.Queries, c.Count, len(c.Names), text)
	}
	r := replay{kept: replayedNames - 1}
	var changed shift
	for _, name := range []string{"first.example", "first.example", "second.example", "second.example", "first.example"} {
		n, err := blocklists.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		r.note(&changed, n, "", time.Time{})
	}
	if one := changed.all["first.example"]; changed.Queries != 5 || len(changed.all) != 1 || one == nil || one.Count != 3 || r.result.Unnamed != 2 {
		t.Errorf("without room: %+v, %d queries not named", changed, r.result.Unnamed)
	}
}

// TestSimulateSafeSearch: where safe search leads is a change, and so is a rule against the safe host.
func TestSimulateSafeSearch(t *testing.T) {
	const day = "15:00 phone www.google.com\n15:00 laptop www.google.com\n"
	s, _ := simulated(t, strings.Replace(simulatedAfter, "band: teen", "band: adult", 1), simulatedAfter, day)
	for _, c := range s.Clients {
		if led := c.Led.Queries; (led == 1) != (c.Who == "h-home/Mia") || led == 1 && c.Led.Names[0].Why != "to forcesafesearch.google.com" {
			t.Errorf("%s is led %+v", c.Who, c.Led)
		}
	}
	s, _ = simulated(t, simulatedBefore, strings.Replace(simulatedAfter, "new.example", "forcesafesearch.google.com", 1), day)
	for _, c := range s.Clients {
		if closed := c.Closed.Queries; (closed == 1) != (c.Who == "h-home/Mia") || closed == 1 && c.Closed.Names[0].Name != "www.google.com" {
			t.Errorf("a rule against the safe host stops for %s %+v", c.Who, c.Closed)
		}
	}
}

// TestSimulateTheUsual: HEARTH_CONFIG names the configuration for this command too; of lines that cannot be read the
// first ones are told, with what to write.
func TestSimulateTheUsual(t *testing.T) {
	dir := writeFiles(t, map[string]string{"c.yaml": simulatedAfter, "day.txt": "16:30 phone page.example\n25:00 phone page.example\n16:31 phone\n"})
	r := hearthWith(t, []string{"HEARTH__STATE=" + t.TempDir(), "HEARTH_CONFIG=" + filepath.Join(dir, "c.yaml")}, "simulate", filepath.Join(dir, "day.txt"))
	for _, want := range []string{"h-home/Mia: 1 queries", "line 2: ", "fri 21:05", "line 3: 2 words: write TIME CLIENT NAME"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("does not say %q:\n%s%s", want, r.out, r.err)
		}
	}
}

// TestSimulateNothing: a file without queries is no day on which nothing would change.
func TestSimulateNothing(t *testing.T) {
	dir := writeFiles(t, map[string]string{"c.yaml": simulatedBefore, "empty.txt": "# nothing\n", "odd.txt": "16:00 nobody-here example.test\n"})
	for _, file := range []string{"empty.txt", "odd.txt"} {
		if r := hearth(t, "--config", filepath.Join(dir, "c.yaml"), "simulate", filepath.Join(dir, file)); r.code != 1 || r.err == "" {
			t.Errorf("%s: code %d, %q", file, r.code, r.err)
		}
	}
}
