package policy

import "github.com/hearthdns/hearth/blocklists"

// AppendTarget appends the suffix hashes of one target of a chain to the list
// that DecideChain reads: how many there are, then the hashes, the top-level
// domain first.
func AppendTarget(dst []uint64, h *blocklists.Hashes) []uint64 {
	dst = append(dst, uint64(h.N)) //nolint:gosec // 0 to 127
	return append(dst, h.H[:h.N]...)
}

// DecideChain decides again about an asked name, now that the targets of its
// CNAME and DNAME chain are known. Chains can only take away: it never allows
// what was not allowed before. Of the order, steps 1, 3, 7, 9 and 10 are applied
// to the targets; 11 and 12 never are, because content networks would break
// every allow-listed site, and the clock has already spoken about the asked name.
// Help or a parents' allow of the asked name covers its chain, except 1 and 7.
//
// targets is the OR over all targets; ok.* bits in it lend nothing. hashes is
// made with AppendTarget; a list not made so is read strictly, any deny wins.
// The verdict on targets does not depend on the time. 0 allocations.
func (p *Profile) DecideChain(asked Decision, q *Question, targets blocklists.Match, hashes []uint64) Decision {
	if asked.Blocks() || asked.Action == Fixed {
		return asked
	}
	c := chain{p: p, asked: asked, names: targets.Categories.AndNot(p.ground.quiet)}
	if d, ok := c.law(); ok {
		return d
	}
	if asked.Action != Allow { // observed: nothing stricter can come but security
		d, _ := c.secured()
		return d
	}
	covered := covers(p, asked, q)
	if !covered && !p.observing(c.names) {
		if d, ok := c.denied(hashes); ok {
			return d
		}
	}
	if d, ok := c.secured(); ok || covered {
		return d
	}
	return c.content(q.Match.Categories)
}

// covers: the asked name is help, or the parents allowed it.
func covers(p *Profile, asked Decision, q *Question) bool {
	switch asked.Step {
	case StepNeeded, StepAllowed:
		return true
	case StepAlwaysOn:
		r, _ := p.rules.winner(q.Hashes.H[:q.Hashes.N])
		return r != nil && r.Allow || asked.HasCategory && p.ground.help.Has(asked.Category)
	default:
		return false
	}
}

// observing: as walk.shadows, for targets.
func (p *Profile) observing(names blocklists.Categories) bool {
	return p.observe && names.Intersects(p.security)
}

type chain struct {
	p     *Profile
	asked Decision
	names blocklists.Categories // of the targets
}

func (c *chain) by(a Action, s Step, cat blocklists.Category) Decision {
	d := c.asked
	d.Action, d.Step, d.Category, d.HasCategory, d.Rule = a, s, cat, true, nil
	d.Applied = applied(c.p, s)
	d.Silent = c.p.ground.silences(a, c.names)
	return d
}

func (c *chain) law() (Decision, bool) {
	if cat, ok := common(c.names, c.p.ground.illegal); ok {
		d := c.by(Block, StepLaw, cat)
		d.Until = 0
		return d, true
	}
	return c.asked, false
}

func (c *chain) secured() (Decision, bool) {
	if cat, ok := common(c.names, c.p.security); ok {
		return c.by(Block, StepSecurity, cat), true
	}
	return c.asked, false
}

func (c *chain) denied(hashes []uint64) (Decision, bool) {
	for len(hashes) > 0 {
		n := hashes[0]
		if n >= uint64(len(hashes)) {
			return c.ruled(c.p.rules.anyDeny(hashes))
		}
		if r, _ := c.p.rules.winner(hashes[1 : 1+n]); r != nil && !r.Allow {
			return c.ruled(r)
		}
		hashes = hashes[1+n:]
	}
	return c.asked, false
}

func (c *chain) ruled(r *Rule) (Decision, bool) {
	if r == nil {
		return c.asked, false
	}
	d := c.by(Block, StepDenied, 0)
	d.HasCategory, d.Rule = false, r
	return d, true
}

// content applies the services and categories. What an allowed service lifts is
// lifted on the whole chain of its names.
func (c *chain) content(asked blocklists.Categories) Decision {
	if cat, ok := common(c.names, c.p.services.block); ok {
		return c.by(Block, StepService, cat)
	}
	names := c.p.lifted(c.names, asked.Or(c.names))
	if action, cat, ok := c.p.cells.verdict(names); ok {
		return c.by(action, StepCategory, c.p.shownOf(names, cat))
	}
	return c.asked
}
