package policy

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// TestEveryService switches each service of the catalogue in three ways, one at a time, and
// asks for all of its names and one beneath each: its switch holds for all of them, and for
// none of the names of another service. A name that lies beneath one of another service is
// of both: what blocks the other one blocks it too, so that an allow alone does not open it.
func TestEveryService(t *testing.T) {
	services, err := blocklists.Services()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("Every service.\n-- config.yaml --\nprofiles:\n")
	for _, s := range services {
		id := strings.TrimPrefix(s.ID, "service.")
		for _, action := range []string{"block", "allow", "timed"} {
			fmt.Fprintf(&text, "  - {name: %s-%s, band: preteen, services: [{id: %s, action: %s}], schedule: {homework: %q}}\n", action, id, id, action, "15:00-16:00")
		}
	}
	byParent := map[string][]string{}
	for _, s := range services {
		text.WriteString("-- lists/" + s.ID + ".txt --\n" + strings.Join(s.Names, "\n") + "\n")
		byParent[s.Parent] = append(byParent[s.Parent], s.Names...)
	}
	for parent, names := range byParent {
		text.WriteString("-- lists/" + parent + ".txt --\n" + strings.Join(names, "\n") + "\n")
	}
	a := asker{d: story(t, text.String())}
	noon, homework := instant(t, "2026-03-02T12:00:00Z"), instant(t, "2026-03-02T15:30:00Z")
	band := a.d.Profile("preteen")
	owner := map[string]blocklists.Service{}
	for _, s := range services {
		for _, name := range s.Names {
			owner[name] = s
		}
	}
	ofTwo := func(name, parent string) bool {
		for _, above, _ := strings.Cut(name, "."); above != ""; _, above, _ = strings.Cut(above, ".") {
			if o := owner[above]; o.ID != "" && o.Parent != parent {
				return true
			}
		}
		return false
	}
	shared := []string{}
	for i, s := range services {
		of := func(action string) *Profile {
			return a.d.Profile(action + "-" + strings.TrimPrefix(s.ID, "service."))
		}
		expect := func(name, what string, p *Profile, at time.Time, holds func(Decision) bool) {
			t.Helper()
			if d := p.Decide(a.question(t, name), at); !holds(d) {
				t.Errorf("%s %s: %s is %s", s.ID, what, name, a.d.describe(d, time.UTC))
			}
		}
		for _, name := range s.Names {
			both := ofTwo(name, s.Parent)
			if both {
				shared = append(shared, name)
			}
			for _, name := range []string{name, "x." + name} {
				expect(name, "blocked", of("block"), noon, func(d Decision) bool {
					return d.Action == Block && d.Step == StepService && a.d.categoryOf(d) == s.ID
				})
				expect(name, "timed", of("timed"), homework, func(d Decision) bool { return d.Action == Block && d.Step == StepHomework })
				if both {
					continue
				}
				expect(name, "allowed", of("allow"), homework, func(d Decision) bool { return d.Action == Allow && !d.Timed })
				expect(name, "timed", of("timed"), noon, func(d Decision) bool { return d.Action == Allow && d.Timed })
			}
		}
		other := services[(i+1)%len(services)]
		want := band.Decide(a.question(t, other.Names[0]), noon)
		for _, action := range []string{"block", "allow", "timed"} {
			expect(other.Names[0], "leaves "+other.ID+" alone, "+action, of(action), noon, func(d Decision) bool {
				return d.Action == want.Action && d.Step == want.Step && d.Category == want.Category && d.Timed == want.Timed
			})
		}
	}
	slices.Sort(shared)
	if want := []string{"atv-ps.amazon.com", "grok.x.com"}; !slices.Equal(shared, want) {
		t.Errorf("names of two services with different categories: %v, want %v", shared, want)
	}
}

var update = flag.Bool("update", false, "write docs/services.md anew")

// TestServicesPage holds docs/services.md to the catalogue.
func TestServicesPage(t *testing.T) {
	services, err := blocklists.Services()
	if err != nil {
		t.Fatal(err)
	}
	const page = "../docs/services.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(text), "<!-- services -->\n")
	if !found {
		t.Fatal("the page has no place for the services")
	}
	var table strings.Builder
	table.WriteString(head + "<!-- services -->\n\n| id | service | group | category |\n|---|---|---|---|\n")
	for _, group := range blocklists.ServiceGroups() {
		for _, s := range services {
			if s.Group == group {
				fmt.Fprintf(&table, "| `%s` | %s | %s | `%s` |\n", strings.TrimPrefix(s.ID, "service."), s.Title, s.Group, s.Parent)
			}
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if table.String() != string(text) {
		t.Error("docs/services.md is not the catalogue; run go test ./policy -run TestServicesPage -update")
	}
}
