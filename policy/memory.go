package policy

// Memory is how much of a query may be remembered, or told to another program. The set is
// closed; the order is that of what it tells.
type Memory uint8

// The tiers.
const (
	Forget Memory = iota // nothing, not even that there was a query
	Totals               // that it was, what became of it and why, in sums; no name and no address
	Names                // the messages themselves
)

var memoryNames = [...]string{"nothing", "totals", "names"}

// String gives the tier as presets write it.
func (m Memory) String() string { return memoryNames[m] }

func parseMemory(word string) (Memory, bool) {
	for i, name := range memoryNames {
		if name == word {
			return Memory(i), true //nolint:gosec // three
		}
	}
	return Forget, false
}

// Remembers says how much of a query may be remembered by the band of the profile. Nothing is
// of help, of what the law blocks, and of names that the resolver answers itself, which may
// have a device's id in them; no name of self-harm is. 0 allocations.
func (p *Profile) Remembers(q *Question, d Decision) Memory {
	g, set := p.ground, q.Match.Categories
	switch {
	case d.Step == StepLaw || set.Intersects(g.illegal) || set.Intersects(g.help) || p.helps(d):
		return Forget
	case has(&set, g.selfharm) || d.HasCategory && d.Category == g.selfharm:
		return min(p.memory, Totals)
	case d.Step == StepSecurity && d.Blocks():
		return max(p.memory, p.alarms)
	}
	return p.memory
}

// Cause is the category that a decision is by, as other programs may be told; "" for none, and for self-harm, which
// whoever reads along must not learn of.
func (p *Profile) Cause(d Decision) string {
	if !d.HasCategory || d.Category == p.ground.selfharm {
		return ""
	}
	return p.ground.taxonomy.ID(d.Category)
}
