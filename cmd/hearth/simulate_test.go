package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const simulatedBefore = `version: 1
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [192.168.1.0/24]
    members: [{name: Mia, band: teen}, {name: Anna, band: adult}]
    devices:
      - {name: phone, member: Mia, addresses: [192.168.1.20]}
      - {name: laptop, member: Anna, addresses: [192.168.1.21]}
    rules: [{name: old.example, action: deny, member: Mia}]
`

const simulatedAfter = `version: 1
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [192.168.1.0/24]
    members: [{name: Mia, band: teen}, {name: Anna, band: adult}]
    devices:
      - {name: phone, member: Mia, addresses: [192.168.1.20]}
      - {name: laptop, member: Anna, addresses: [192.168.1.21]}
    rules: [{name: new.example, action: deny, member: Mia}]
    schedule: {windows: [{days: [mon], from: "16:00", to: "17:00", kind: bedtime}]}
`

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
			names, _ := m[part.key].([]any)
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
