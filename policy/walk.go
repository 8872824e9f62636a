package policy

import "github.com/hearthdns/hearth/blocklists"

// shadows says that this profile only observes and the name is a security
// block: a block that is not applied must not stand before one that is.
func (w *walk) shadows() bool {
	return w.observes() && meet(&w.q.Match.Categories, &w.p.security)
}

// observes says that verdicts are not put into force: the profile only observes, or somebody switched
// the filter off.
func (w *walk) observes() bool { return w.p.observe || w.hand != nil && w.hand.off }

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
	d.Applied = !w.observes() || unconditional(w.step)
	d.Clock, d.Granted = w.kind, w.granted && w.action == Allow
	d.Timed = w.timed && w.step > StepAlwaysOn
	d.Silent = w.p.ground.silences(w.action, &w.q.Match.Categories)
	d.Until, d.Ends = w.until(w.step), w.ends()
	if w.step == StepDenied || w.step == StepAllowed {
		d.Rule = w.rule.rule()
	}
	if w.spent != nil {
		w.ration(d)
	}
	if w.hand != nil {
		w.hold(d)
	}
}

// ends is when the time rule that stops a name is over, 0 if none does or that is not known.
func (w *walk) ends() int64 {
	switch {
	case w.kind == Paused:
		return sooner(w.hand.pauseEnd, w.hand.freed)
	case w.kind == QuotaUsed:
		return w.spent.budget.days.at(w.spent.now).midnight
	case w.kind == Window && w.step == StepBedtime:
		return w.clock.edges[bedtime]
	case w.kind == Window:
		return w.clock.edges[homework]
	}
	return 0
}

// ration bounds a decision by when quotas change it. While one of the total is used up, no other matters.
func (w *walk) ration(d *Decision) {
	d.Timed = d.Timed || w.spent.total && w.step > StepAlwaysOn
	if w.step > StepBedtime || w.kind == QuotaUsed {
		d.Until = sooner(d.Until, w.spent.allEdge)
	}
	if w.step > StepHomework || w.step == StepHomework && w.kind == QuotaUsed {
		d.Until = sooner(d.Until, w.spent.edge)
	}
}

// hold bounds a decision by when people's acts change it.
func (w *walk) hold(d *Decision) {
	h := w.hand
	switch {
	case w.step <= StepNeeded:
		return
	case w.step <= StepAlwaysOn:
		d.Until = sooner(d.Until, h.offEdge)
		return
	case w.step == StepAllowed && h.name != nil:
		d.Rule = h.name.rule
	}
	d.Until = sooner(d.Until, h.edge)
}

// silences says whether an action on a name of these categories is a Silent one.
func (g *ground) silences(a Action, names *blocklists.Categories) bool {
	return (a == Block || a == Warn) && meet(names, &g.silent)
}

// unconditional steps stay in force while a profile observes, or the filter is off: the law, the resolver's own
// names and security.
func unconditional(s Step) bool {
	return s == StepLaw || s == StepNeeded || s == StepSecurity
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

// offWhy says why a name that is off the list is.
func (w *walk) offWhy() string {
	if _, declined := w.p.said(w.q.Hashes); declined {
		return "a parent declined this name for the thing"
	}
	return "an allow-list profile, and the name is not on it"
}

// until is the next instant at which the clock can change the decision of a
// step, in unix seconds; 0 if it cannot. What stands before the time rules
// never changes by it, and homework concerns timed names only.
func (w *walk) until(s Step) int64 {
	if s <= StepAlwaysOn {
		return 0
	}
	end := w.clock.edges[bedtime]
	if s > StepBedtime && w.timed {
		end = sooner(end, w.clock.edges[homework])
	}
	return end
}
