package policy

import (
	"strings"
	"testing"
)

// TestHouseholdsShareParts: what is made anew for a household is its own rules,
// and those once for all its people; the rest grows with the number of different
// households, not of households.
func TestHouseholdsShareParts(t *testing.T) {
	const n = 300
	d := compiled(t, many(n))
	profiles, stances := map[*Profile]bool{}, map[*stance]bool{}
	rules, schedules := map[*ruleSet]bool{}, map[*schedule]bool{}
	for _, h := range d.Households() {
		people := []*Profile{h.Guest}
		for _, m := range h.Members {
			people = append(people, m.Profile)
		}
		for i, p := range people {
			if p.rules != h.Guest.rules {
				t.Errorf("%s: person %d has a set of the same rules of their own", h.ID, i)
			}
			profiles[p], stances[p.stance], rules[p.rules], schedules[p.schedule] = true, true, true, true
		}
	}
	// Three languages, of which each has children, preteens and adults.
	if len(stances) != 3*3 {
		t.Errorf("%d stances, want 9", len(stances))
	}
	if len(schedules) != 1+2 || !schedules[nil] {
		t.Errorf("%d schedules, want none, a child's and a preteen's", len(schedules))
	}
	if len(rules) != 1+n/10 {
		t.Errorf("%d sets of rules, want an empty one and those of %d households", len(rules), n/10)
	}
	if most := 4*3 + 3*n/10; len(profiles) > most {
		t.Errorf("%d profiles, want at most %d", len(profiles), most)
	}
}

// TestUnlikeTimetables: windows of their own, another zone and another band's
// proposal are not taken for one another.
func TestUnlikeTimetables(t *testing.T) {
	const head = "Times.\n-- config.yaml --\nhouseholds:\n"
	household := func(id, zone, schedule string) string {
		return "  - {id: " + id + ", consent: {by: A, at: 2026-01-10}, timezone: " + zone +
			", members: [{name: Mia, band: child}, {name: Tom, band: preteen}], schedule: " + schedule + "}\n"
	}
	d := story(t, head+strings.Join([]string{
		household("h-1", "Europe/Berlin", "{preset: true}"),
		household("h-2", "Europe/London", "{preset: true}"),
		household("h-3", "Europe/Berlin", `{preset: true, homework: "off"}`),
		household("h-4", "Europe/Berlin", `{windows: [{days: [mon], from: "12:00", to: "13:00", kind: bedtime}]}`),
		household("h-5", "Europe/Berlin", `{windows: [{days: [mon], from: "12:00", to: "13:00", kind: homework}]}`),
		household("h-6", "Europe/Berlin", "{preset: true}"),
	}, ""))
	seen := map[*schedule]string{}
	for i, h := range d.Households()[:5] {
		for _, m := range h.Members {
			who, band := h.ID+"/"+m.Name, m.Band.String()
			if i >= 3 { // windows of their own are the same for all
				band = ""
			}
			other, twice := seen[m.Profile.schedule]
			if m.Profile.schedule == nil || twice && other != h.ID+band {
				t.Errorf("%s has the schedule of %q", who, other)
			}
			seen[m.Profile.schedule] = h.ID + band
		}
	}
	if a, b := d.order[0].Members[0].Profile, d.order[5].Members[0].Profile; a != b {
		t.Error("equal schedules make unequal profiles")
	}
}
