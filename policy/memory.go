package policy

import (
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

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
	most := p.most(&q.Match.Categories, &d)
	if most == Names && d.Step == StepSecurity && d.Blocks() {
		return max(p.memory, p.alarms)
	}
	return min(most, p.memory)
}

// most is what may be remembered of a query by anybody.
func (p *Profile) most(set *blocklists.Categories, d *Decision) Memory {
	g := p.ground
	switch {
	case d.Step == StepLaw || meet(set, &g.illegal) || meet(set, &g.help) || p.helps(*d):
		return Forget
	case has(set, g.selfharm) || d.HasCategory && d.Category == g.selfharm:
		return Totals
	}
	return Names
}

// Counts says that queries of the profile are counted in sums: that of a band which forgets them, only single names
// may be remembered.
func (p *Profile) Counts() bool { return p.memory >= Totals }

// Keeps says how much of queries the band of the profile keeps, and how much of those that security blocks.
func (p *Profile) Keeps() (queries, alarms Memory) { return p.memory, max(p.memory, p.alarms) }

// For how many days, the present one with them, what is remembered is kept.
const (
	KeepDay   = 1  // sums and names of things
	KeepWeek  = 7  // sums of teenagers and guests; names
	KeepMonth = 28 // sums of those up to 12
)

// SumsKept is for how many days sums of the client's queries are kept, where any are.
func (c *Client) SumsKept() int {
	switch b := c.Profile.band; {
	case c.Person() == PersonGuests:
		return KeepWeek
	case b == Things:
		return KeepDay
	case b.Minor() && b <= Preteen:
		return KeepMonth
	}
	return KeepWeek
}

// Told lists the categories of names that sums may tell of: those that say what a name is for, without self-harm, which
// nobody must learn of by a sum, and without help and the law.
func (p *Profile) Told(names blocklists.Categories) []string {
	var ids []string
	g := p.ground
	hidden := g.help.Or(g.illegal)
	hidden.Add(g.selfharm)
	if names = names.AndNot(hidden); meet(&names, &g.security) {
		names = names.And(g.security) // malware that pretends to be a shop
	}
	for c := range names.All() {
		if id := g.taxonomy.ID(c); !strings.HasPrefix(id, "meta.") {
			ids = append(ids, id)
		}
	}
	return ids
}

// Cause is the category that a decision is by, as other programs may be told; "" for none, and for self-harm, which
// whoever reads along must not learn of.
func (p *Profile) Cause(d Decision) string {
	if !d.HasCategory || d.Category == p.ground.selfharm {
		return ""
	}
	return p.ground.taxonomy.ID(d.Category)
}
