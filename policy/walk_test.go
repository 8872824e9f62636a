package policy

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/blocklists"
)

// TestFreeNamesGoTheWholeWay: where Decide goes to the last step at once, Explain,
// which asks every step, gets there too. The names are in random categories, more
// than any lists would give them, and the profiles are all there are.
func TestFreeNamesGoTheWholeWay(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	free, ended := 0, map[Step]int{}
	each(t, 5, func(a *asker, c Client, q *Question, name string, at time.Time) {
		p := c.Profile
		profiles := []*Profile{p, a.d.order[0].Guest, optedOut(a.d)}
		for _, b := range Bands() {
			profiles = append(profiles, a.d.profiles[b.String()])
		}
		q.Match.Categories = blocklists.Categories{}
		for range r.IntN(4) {
			q.Match.Categories.Add(blocklists.Category(r.IntN(len(a.d.ground.taxonomy.All())))) //nolint:gosec // at most 256
		}
		for _, p := range profiles {
			d, x := p.Decide(q, at), p.Explain(q, at)
			if diff := cmp.Diff(x.Decision, d); diff != "" {
				t.Fatalf("%s, %v for %s at %s: Explain and Decide differ:\n%s", name, q.Match.Categories, p.Name(), at, diff)
			}
			w := walk{p: p, q: q}
			if w.look(at); w.free() {
				free++
				if d.Step != StepUnknown || len(x.Steps) != int(StepUnknown)-1 { // no step 11 yet
					t.Fatalf("%s for %s at %s: free, and decided by %+v", name, p.Name(), at, x.Steps)
				}
				continue
			}
			ended[d.Step]++
		}
	})
	if free < 1000 {
		t.Errorf("only %d free names: the test is too narrow", free)
	}
	for _, s := range []Step{StepLaw, StepNeeded, StepDenied, StepAlwaysOn, StepBedtime, StepHomework, StepSecurity, StepAllowed, StepService, StepCategory} {
		if ended[s] == 0 {
			t.Errorf("no name ended at step %s: the test is too narrow", s)
		}
	}
}

// optedOut is the profile of a household that has not opted in.
func optedOut(d *Directory) *Profile {
	t := traits{name: "opted-out"}
	return &Profile{stance: newStance(d.ground, &t, new(texts)), rules: &ruleSet{}}
}
