package policy

import "github.com/hearthdns/hearth/blocklists"

// shadows says that this profile only observes and the name is a security
// block: a block that is not applied must not stand before one that is.
func (w *walk) shadows() bool {
	return w.p.observe && meet(&w.q.Match.Categories, &w.p.security)
}

// by ends the walk because of a category.
func (w *walk) by(a Action, s Step, c blocklists.Category) bool {
	w.cause, w.byCategory = c, true
	return w.end(a, s)
}

// end ends the walk.
func (w *walk) end(a Action, s Step) bool {
	w.action, w.step = a, s
	if w.trace != nil {
		w.trace.end(w)
	}
	return true
}

// write writes down what a walk that has ended says. It fills in place because a
// struct of small fields that a call returns is waited for when it is copied.
func (w *walk) write(d *Decision) {
	d.Action, d.Step, d.Category, d.HasCategory = w.action, w.step, w.cause, w.byCategory
	d.Applied = applied(w.p, w.step)
	d.Timed = w.timed && w.step > StepAlwaysOn
	d.Silent = w.p.ground.silences(w.action, &w.q.Match.Categories)
	d.Until = w.until(w.step)
	if w.step == StepDenied || w.step == StepAllowed {
		d.Rule = w.rule
	}
}

// silences says whether an action on a name of these categories is a Silent one.
func (g *ground) silences(a Action, names *blocklists.Categories) bool {
	return (a == Block || a == Warn) && meet(names, &g.silent)
}

// applied: observing leaves the law, the resolver's own names and security in force.
func applied(p *Profile, s Step) bool {
	return !p.observe || s == StepLaw || s == StepNeeded || s == StepSecurity
}

// pass goes on to the next step.
func (w *walk) pass(s Step, why string) bool {
	if w.trace != nil {
		w.trace.add(s, verdictPass, why)
	}
	return false
}

// note says beforehand why the last step will decide as it does.
func (w *walk) note(why string) {
	if w.trace != nil {
		w.trace.why = why
	}
}

// until is the next instant at which the clock can change the decision of a
// step, in unix seconds; 0 if it cannot. What stands before the time rules
// never changes by the clock, and homework concerns timed names only.
func (w *walk) until(s Step) int64 {
	if s <= StepAlwaysOn {
		return 0
	}
	end := w.clock.edges[bedtime]
	if work := w.clock.edges[homework]; s > StepBedtime && w.timed && work != 0 && (end == 0 || work < end) {
		end = work
	}
	return end
}
