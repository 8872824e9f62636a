package register_test

import (
	"slices"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/register"
)

func chosen(t *testing.T, name string) []register.List {
	t.Helper()
	r := open(t)
	p, ok := r.Preset(name)
	if !ok {
		t.Fatalf("no preset %s", name)
	}
	lists := r.Chosen(p)
	if len(lists) != len(p.Choice) {
		t.Fatalf("preset %s: %d of %d lists are in the catalogue", name, len(lists), len(p.Choice))
	}
	return lists
}

// groups returns the groups of the taxonomy under which the subjects of lists fall.
func groups(t *testing.T, lists []register.List) map[string]bool {
	t.Helper()
	tax := taxonomy(t)
	found := map[string]bool{}
	for _, l := range lists {
		for _, id := range l.Subjects() {
			c, _ := tax.Lookup(id)
			found[tax.Definition(c).Group] = true
		}
	}
	return found
}

func TestPresetsAreThoseOfTheIssue(t *testing.T) {
	var names []string
	for _, p := range open(t).Presets() {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"balanced", "strict", "light"}) {
		t.Errorf("presets %v", names)
	}
}

// TestLightIsSmall holds that the light preset is a download of a few megabytes: at some 20 octets a name, 200,000
// names are 4 MB, and none of its lists is large by itself.
func TestLightIsSmall(t *testing.T) {
	total := 0
	for _, l := range chosen(t, "light") {
		if l.Names == 0 || l.Size == register.Large || l.Size == register.Huge {
			t.Errorf("%s is %s, with %d names", l.Name, l.Size, l.Names)
		}
		total += l.Names
	}
	if total > 200_000 {
		t.Errorf("%d names", total)
	}
}

// TestStrictCoversEveryGroup holds that each group of categories for which the catalogue has a list has one in the
// strict preset, and each such category too; lists of single services aside.
func TestStrictCoversEveryGroup(t *testing.T) {
	all, strict := groups(t, open(t).Lists()), groups(t, chosen(t, "strict"))
	for group := range all {
		if !strict[group] {
			t.Errorf("group %s has lists, and none in the preset", group)
		}
	}
	for _, group := range blocklists.Groups() {
		// Self-harm has no public list: the project keeps its own.
		if !all[group] && group != "selfharm" {
			t.Errorf("group %s has no list in the catalogue", group)
		}
	}
	var covered []string
	for _, l := range chosen(t, "strict") {
		covered = append(covered, l.Subjects()...)
	}
	tax := taxonomy(t)
	isService := func(id string) bool {
		c, _ := tax.Lookup(id)
		return tax.Definition(c).Service
	}
	for _, l := range open(t).Lists() {
		if slices.ContainsFunc(l.Subjects(), isService) {
			continue // it is for one switch, and its category comes along
		}
		for _, id := range l.Subjects() {
			if !slices.Contains(covered, id) {
				t.Errorf("%s has lists (%s), and none in the preset", id, l.Name)
			}
		}
	}
}

// TestBalancedIsTwoOpinions holds that the subjects on which a mistake hurts most have lists of two hands.
func TestBalancedIsTwoOpinions(t *testing.T) {
	lists := chosen(t, "balanced")
	for _, id := range []string{"adult.porn", "money.gambling", "sec.malware"} {
		var about []register.List
		for _, l := range lists {
			if slices.Contains(l.Subjects(), id) {
				about = append(about, l)
			}
		}
		if !slices.ContainsFunc(about, func(a register.List) bool {
			return slices.ContainsFunc(about, func(b register.List) bool { return independent(a, b) })
		}) {
			t.Errorf("%s: no two independent lists among %d", id, len(about))
		}
	}
}
