package policy

import (
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Question is a name as decisions see it. Hashes must be made with the key of
// the Directory's Index; Match is what the Index says, seen by Directory.Match.
type Question struct {
	Hashes *blocklists.Hashes
	Match  blocklists.Match
}

// Decide gives the verdict on a question at an instant. 0 allocations, but one
// when now leaves the stretch between two edges that the schedule remembers; safe for concurrent use.
func (p *Profile) Decide(q *Question, now time.Time) (d Decision) {
	w := walk{p: p, q: q}
	w.look(now)
	if w.free() {
		w.unlisted()
	} else {
		w.run()
	}
	w.write(&d)
	return d
}

// run is the order of decisions. Each line is a step in its final place: it
// returns true if it decided, and nothing after it is asked. Explain is the same
// walk with a trace, and asks every step.
func (w *walk) run() {
	w.sort()
	switch {
	// 1. The law, not taste: nobody in the household can lift it.
	case w.law():
	// 2. No rule, not even a parent's, may cut the household off from its filter,
	// or a child from emergency help.
	case w.needed():
	// 3. Parents know their child, so their deny stands above every class that
	// allows. Help yields only to a deny of exactly that name: not by accident.
	case w.denied():
	// 4. No list and no clock may override help and what devices need to work.
	case w.staysOn():
	// 5. Time rules beat content rules: at bedtime it does not matter what it is.
	// So do a pause and a used-up total quota; extra time lifts them.
	case w.bedtime():
	// 6. The softer time rule, for timed names only.
	// So is a used-up quota of a category or service; extra time lifts both.
	case w.homework():
	// 7. Malware is nobody's choice, so it stands above the parents' allow.
	// An adult's separate, warned confirmation for one name lifts it.
	case w.secured():
	// 8. The parents' allow lifts what follows, neither the clock nor security.
	// A grant for a name, which lifts 9 to 12, is one.
	case w.allowed():
	// 9. One switch for a service is finer than its category, so it comes first.
	// A grant for a service lifts its switch.
	case w.service():
	// 10. The preset of the age band, with the household's changes.
	// A grant for a category lifts its cell, a "continue" a warning.
	case w.category():
	// 11. A name that no list knows may say for whom it is: the age label joins
	// here. A label "for all" that a site gave itself never unblocks.
	// 12. What nobody has said anything about ends here.
	default:
		w.unlisted()
	}
}

// walk is one pass through the order.
type walk struct {
	p     *Profile
	q     *Question
	hand  *hand  // what people's acts mean; nil: nobody did anything
	spent *spent // what quotas say; nil: there are none
	clock *state // of the schedule
	rule  *ruleSlot
	whole bool // the rule is one of exactly this name
	timed bool
	names blocklists.Categories // what the name is, less what an allowed service lifts
	trace *Trace

	// How the walk ended. Were they in Decision's own order, the compiler would
	// read all four at once, and so wait for four single writes (4 ns).
	byCategory bool
	cause      blocklists.Category
	step       Step
	action     Action
	kind       Clock
	granted    bool
}

// look finds out what of the person's own concerns the name, and what the hour is.
func (w *walk) look(now time.Time) {
	w.rule, w.whole = w.p.rules.winner(w.q.Hashes.H[:w.q.Hashes.N])
	w.clock = w.p.schedule.at(now.Unix())
}

// free says that only the last step can decide, which is so of most questions: the
// name is in no category that any other step looks at. It takes 35 ns, the walk 85.
func (w *walk) free() bool {
	return w.rule == nil && !w.clock.on[bedtime] && !meet(&w.q.Match.Categories, &w.p.acts) &&
		!w.p.ground.isFixed(w.q.Hashes)
}

// sort finds out what the name counts as.
func (w *walk) sort() {
	p, m := w.p, &w.q.Match.Categories
	w.names = *m
	p.lift(&w.names, m)
	w.timed = meet(&w.names, &p.cells.timed) || meet(m, &p.services.timed)
	if w.spent != nil {
		w.spent.of(&w.names)
		w.timed = w.timed || w.spent.timed
	}
}

// lift takes off names what the allowed services among services lift.
func (p *Profile) lift(names, services *blocklists.Categories) {
	for i := range p.lifts {
		if meet(services, &p.lifts[i].service) {
			take(names, &p.lifts[i].off)
		}
	}
}

func (w *walk) law() bool {
	if c, ok := common(&w.q.Match.Categories, &w.p.ground.illegal); ok {
		return w.by(Block, StepLaw, c)
	}
	return w.pass(StepLaw, "on no legal list")
}

func (w *walk) needed() bool {
	if w.p.ground.isFixed(w.q.Hashes) {
		return w.end(Fixed, StepNeeded)
	}
	if c, ok := common(&w.q.Match.Categories, &w.p.ground.core); ok {
		return w.by(Allow, StepNeeded, c)
	}
	return w.pass(StepNeeded, "not a name the resolver answers itself, nor emergency help")
}

func (w *walk) denied() bool {
	switch {
	case w.rule == nil:
		return w.pass(StepDenied, w.later("no own rule"))
	case w.rule.Allow:
		return w.pass(StepDenied, "the winning own rule is an allow")
	case !w.whole && meet(&w.q.Match.Categories, &w.p.ground.help):
		return w.pass(StepDenied, "the name is help, and the deny is not of exactly this name")
	case w.shadows():
		return w.pass(StepDenied, "observed only; security decides")
	}
	return w.end(Block, StepDenied)
}

func (w *walk) staysOn() bool {
	m := &w.q.Match.Categories
	if c, ok := common(m, &w.p.alwaysOn); ok {
		if help := m.And(w.p.ground.help); meet(&help, &w.p.alwaysOn) {
			c, _ = common(&help, &w.p.alwaysOn)
		}
		return w.by(Allow, StepAlwaysOn, c)
	}
	return w.pass(StepAlwaysOn, "not in the always-on set")
}

func (w *walk) bedtime() bool {
	kind := w.allOff()
	switch {
	case kind == NoClock:
		return w.pass(StepBedtime, "no pause, no bedtime, and minutes are left")
	case kind != Paused && w.lifted():
		w.granted = true
		return w.pass(StepBedtime, "off, but a grant lifts it")
	case w.shadows():
		return w.pass(StepBedtime, "observed only; security decides")
	}
	w.kind = kind
	return w.end(Block, StepBedtime)
}

// allOff says what of time has switched all names off.
func (w *walk) allOff() Clock {
	switch {
	case w.hand != nil && w.hand.paused:
		return Paused
	case w.clock.on[bedtime]:
		return Window
	case w.spent != nil && w.spent.allUsed != nil:
		return QuotaUsed
	}
	return NoClock
}

// lifted says that somebody was given extra time.
func (w *walk) lifted() bool { return w.hand != nil && w.hand.time }

func (w *walk) homework() bool {
	kind := w.timedOff()
	switch {
	case !w.timed:
		return w.pass(StepHomework, "not a timed name")
	case kind == NoClock:
		return w.pass(StepHomework, "a timed name, but no homework time, and minutes are left")
	case w.lifted():
		w.granted = true
		return w.pass(StepHomework, "off, but a grant lifts it")
	case w.shadows():
		return w.pass(StepHomework, "observed only; security decides")
	}
	w.kind = kind
	if kind == QuotaUsed {
		return w.by(Block, StepHomework, w.quotaOf())
	}
	return w.by(Block, StepHomework, w.timedBy())
}

// timedOff says what of time has switched timed names off.
func (w *walk) timedOff() Clock {
	switch {
	case w.clock.on[homework]:
		return Window
	case w.spent != nil && w.spent.used != nil:
		return QuotaUsed
	}
	return NoClock
}

// quotaOf is the category by which a name is in a quota that is used up.
func (w *walk) quotaOf() blocklists.Category {
	c, _ := common(&w.names, &w.spent.used.names)
	if w.spent.used.service {
		return c
	}
	return w.p.ground.shown[c]
}

// timedBy is what makes a timed name one.
func (w *walk) timedBy() blocklists.Category {
	if c, ok := common(&w.q.Match.Categories, &w.p.services.timed); ok {
		return c
	}
	c, ok := common(&w.names, &w.p.cells.timed)
	if !ok {
		c, _ = common(&w.names, &w.spent.budget.names)
	}
	return w.p.ground.shown[c]
}

func (w *walk) secured() bool {
	if c, ok := common(&w.q.Match.Categories, &w.p.security); ok {
		if w.hand != nil && w.hand.secure {
			w.granted = true
			return w.pass(StepSecurity, "an adult confirmed this very name")
		}
		return w.by(Block, StepSecurity, c)
	}
	return w.pass(StepSecurity, "in no security category")
}

func (w *walk) allowed() bool {
	if w.hand != nil && w.hand.name != nil {
		w.granted = true
		return w.end(Allow, StepAllowed)
	}
	if w.rule == nil || !w.rule.Allow {
		return w.pass(StepAllowed, "no own rule allows it")
	}
	return w.end(Allow, StepAllowed)
}

func (w *walk) service() bool {
	blocked := w.p.services.block
	if w.hand != nil {
		w.granted = w.granted || meet(&w.q.Match.Categories, &w.hand.services) && meet(&w.hand.services, &blocked)
		take(&blocked, &w.hand.services)
	}
	if c, ok := common(&w.q.Match.Categories, &blocked); ok {
		return w.by(Block, StepService, c)
	}
	if w.names != w.q.Match.Categories {
		return w.pass(StepService, "an allowed service lifts its own category")
	}
	return w.pass(StepService, "no service is switched")
}

func (w *walk) category() bool {
	if w.hand != nil {
		w.granted = w.p.cells.grant(&w.names, w.hand) || w.granted
	}
	if action, c, ok := w.p.cells.verdict(&w.names); ok {
		if action == Block || !w.offList() {
			return w.by(action, StepCategory, w.p.shownOf(&w.names, c))
		}
		return w.pass(StepCategory, "a warning, for a name that is not on the allow-list")
	}
	return w.pass(StepCategory, "no category of this name is blocked")
}

// grant takes off names what grants lift, and reports whether any of it would have been stopped. A
// "continue" passes a warning, and opens no block.
func (m *masks) grant(names *blocklists.Categories, h *hand) bool {
	before, _, stopped := m.verdict(names)
	take(names, &h.class)
	if !meet(names, &m.block) {
		take(names, &h.goOn)
	}
	after, _, still := m.verdict(names)
	return stopped && (!still || before != after)
}

// offList says that the last step will block the name because an allow-list does not have it, or a parent
// declined it for a thing. A warning, which a person may pass, must not stand before that.
func (w *walk) offList() bool {
	confirmed, declined := w.p.said(w.q.Hashes)
	return declined || w.p.allowList && !confirmed && !meet(&w.q.Match.Categories, &w.p.listed)
}

// verdict gives the strictest action of the masks on a set.
func (m *masks) verdict(names *blocklists.Categories) (Action, blocklists.Category, bool) {
	if c, ok := common(names, &m.block); ok {
		return Block, c, true
	}
	c, ok := common(names, &m.warn)
	return Warn, c, ok
}

// shownOf is the category that a person is told of. Self-harm goes first,
// because its page offers help.
func (p *Profile) shownOf(names *blocklists.Categories, c blocklists.Category) blocklists.Category {
	if self := p.ground.selfharm; has(names, self) && has(&p.cells.block, self) {
		return self
	}
	return p.ground.shown[c]
}

// unlisted ends every walk.
func (w *walk) unlisted() {
	p, g, m := w.p, w.p.ground, &w.q.Match.Categories
	action, isNew := Allow, has(m, g.newNames)
	switch {
	case isNew && p.newNames == cellBlock:
		w.by(Block, StepUnknown, g.newNames)
		return
	case w.offList():
		action = Block
		w.note(w.offWhy())
	case p.allowList && meet(m, &p.listed):
		w.note("in a category that this allow-list lets through")
	case p.allowList || !within(m, &g.quiet):
		w.note("a listed name that nothing blocks")
	default:
		action = w.unknown()
	}
	if isNew && action == Allow && p.newNames >= cellWarn && !w.goesOn() {
		w.by(Warn, StepUnknown, g.newNames)
		return
	}
	if c, ok := common(m, &p.listed); ok && p.allowList && action == Allow {
		w.by(action, StepUnknown, c)
		return
	}
	w.end(action, StepUnknown)
}

// goesOn says that somebody has passed the warning of a newly registered name, which this last step gives.
func (w *walk) goesOn() bool {
	passed := w.hand != nil && has(&w.hand.goOn, w.p.ground.newNames)
	w.granted = w.granted || passed
	return passed
}

// unknown decides about a name that no list with a meaning for it knows.
func (w *walk) unknown() Action {
	m, g := &w.q.Match.Categories, w.p.ground
	switch {
	case w.p.unknown == unknownAllow:
		w.note("an unknown name; this profile allows them")
	case meet(m, &g.ok):
		w.note("in a class that is allowed")
	case w.p.unknown == unknownPopular && !g.popular:
		w.note("an unknown name; allowed, because no popularity list is loaded")
	case w.p.unknown == unknownPopular && has(m, g.known):
		w.note("a popular name")
	default:
		w.note("an unknown name; this profile blocks them")
		return Block
	}
	return Allow
}
