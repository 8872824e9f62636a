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
// An address is asked at step 3, whether a rule denies where it lies.
// What a parent declined for a thing is asked there too, unless they confirmed
// the asked name. A parents' allow of the asked name covers its chain, except 1 and 7; the chain
// of help is not looked at, so that no list whatever blocks it.
//
// targets is the OR over all targets; ok.* bits in it lend nothing. hashes is
// made with AppendTarget and AppendAddress; a list not made so is read strictly, any deny wins.
// The verdict on targets does not depend on the time. 0 allocations.
func (p *Profile) DecideChain(asked Decision, q *Question, targets blocklists.Match, hashes []uint64) Decision {
	return p.chained(asked, q, targets, hashes, nil)
}

// chained is DecideChain with what people's acts mean for the question; h may be nil.
func (p *Profile) chained(asked Decision, q *Question, targets blocklists.Match, hashes []uint64, h *hand) Decision {
	d := asked
	if d.Blocks() || d.Action == Fixed || p.helps(d) {
		return d
	}
	c := chain{p: p, q: q, hand: h, decision: &d, names: targets.Categories}
	take(&c.names, &p.ground.quiet)
	c.run(hashes)
	return d
}

// helps reports whether a name was allowed because it is help.
func (p *Profile) helps(d Decision) bool {
	return d.Step == StepNeeded || d.Step == StepAlwaysOn && d.HasCategory && has(&p.ground.help, d.Category)
}

// chain is one pass over the targets.
type chain struct {
	p        *Profile
	q        *Question
	hand     *hand                 // what people's acts mean, or nil
	decision *Decision             // about the asked name, then about all
	names    blocklists.Categories // of the targets
}

func (c *chain) run(hashes []uint64) {
	observed := c.decision.Action != Allow // nothing stricter can come but security
	covered := c.covered()
	switch {
	case c.law():
	case !observed && !covered && c.denied(hashes):
	case c.secured():
	case !observed && !covered:
		c.content()
	}
}

// covered: the parents allowed the asked name.
func (c *chain) covered() bool {
	switch d := c.decision; d.Step {
	case StepAllowed:
		return true
	case StepAlwaysOn:
		if c.hand != nil && c.hand.name != nil {
			return true
		}
		r, _ := c.p.rules.winner(c.q.Hashes.H[:c.q.Hashes.N])
		return r != nil && r.Allow
	default:
		return false
	}
}

func (c *chain) by(a Action, s Step, cat blocklists.Category) bool {
	d := c.decision
	d.Action, d.Step, d.Category, d.HasCategory, d.Rule = a, s, cat, true, nil
	d.Clock, d.Ends = NoClock, 0
	d.Applied = !c.observes() || unconditional(s)
	d.Silent = c.p.ground.silences(a, &c.names)
	return true
}

// observes is walk.observes.
func (c *chain) observes() bool { return c.p.observe || c.hand != nil && c.hand.off }

func (c *chain) law() bool {
	if cat, ok := common(&c.names, &c.p.ground.illegal); ok {
		c.decision.Until = 0
		return c.by(Block, StepLaw, cat)
	}
	return false
}

func (c *chain) secured() bool {
	if c.hand != nil && c.hand.secure {
		return false
	}
	if cat, ok := common(&c.names, &c.p.security); ok {
		return c.by(Block, StepSecurity, cat)
	}
	return false
}

func (c *chain) denied(hashes []uint64) bool {
	if c.observes() && meet(&c.names, &c.p.security) { // as walk.shadows
		return false
	}
	for len(hashes) > 0 {
		n := hashes[0]
		if n&addressMark != 0 && len(hashes) >= addressWords {
			if r := c.p.where.denies(readAddress(hashes)); r != nil {
				return c.ruled(r)
			}
			hashes = hashes[addressWords:]
			continue
		}
		if n >= uint64(len(hashes)) {
			return c.ruled(c.p.rules.anyDeny(hashes))
		}
		if r, _ := c.p.rules.winner(hashes[1 : 1+n]); r != nil && !r.Allow {
			return c.ruled(r.Rule)
		}
		if r := c.declines(hashes[1 : 1+n]); r != nil {
			return c.ruled(r)
		}
		hashes = hashes[1+n:]
	}
	return false
}

// declines gives the rule by which a parent declined a target for a thing. A confirmed name, and what is always on, are
// stronger, as they are where a thing asks for a declined name itself.
func (c *chain) declines(target []uint64) *Rule {
	if c.p.learned == nil || c.decision.Step == StepAlwaysOn {
		return nil
	}
	if confirmed, _ := c.p.said(c.q.Hashes); confirmed {
		return nil
	}
	if r, _ := c.p.learned.winner(target); r != nil && !r.Allow {
		return r.Rule
	}
	return nil
}

func (c *chain) ruled(r *Rule) bool {
	if r == nil {
		return false
	}
	c.by(Block, StepDenied, 0)
	c.decision.HasCategory, c.decision.Rule = false, r
	return true
}

// content applies the services and categories. What an allowed service lifts is
// lifted on the whole chain of its names.
func (c *chain) content() {
	blocked := c.p.services.block
	if c.hand != nil {
		take(&blocked, &c.hand.services)
	}
	if cat, ok := common(&c.names, &blocked); ok {
		c.by(Block, StepService, cat)
		return
	}
	names, services := c.names, c.q.Match.Categories.Or(c.names)
	c.p.lift(&names, &services)
	if c.hand != nil {
		c.p.cells.grant(&names, c.hand)
	}
	if action, cat, ok := c.p.cells.verdict(&names); ok {
		c.by(action, StepCategory, c.p.shownOf(&names, cat))
	}
}
