package policy

import "time"

// Trace is a decision with every step that led to it.
type Trace struct {
	Decision
	Steps []TraceStep

	why string
}

// TraceStep is one step that was asked, in order; the last one decided.
type TraceStep struct {
	Step    Step
	Verdict string // "pass", or the action
	Detail  string
}

const verdictPass = "pass"

// Explain is Decide with the reasons: the same walk, with a trace.
func (p *Profile) Explain(q *Question, now time.Time) Trace {
	var t Trace
	w := walk{p: p, q: q, trace: &t}
	w.look(now)
	w.run()
	return t
}

func (t *Trace) add(s Step, verdict, detail string) {
	t.Steps = append(t.Steps, TraceStep{Step: s, Verdict: verdict, Detail: detail})
}

// end writes down the step that decided.
func (t *Trace) end(w *walk) {
	w.write(&t.Decision)
	t.add(t.Step, t.Action.String(), w.detail())
}

// detail says by what the last step decided.
func (w *walk) detail() string {
	d, category := w.trace.Decision, ""
	if d.HasCategory {
		category = w.p.ground.taxonomy.ID(d.Category)
	}
	detail := w.trace.why
	switch {
	case d.Rule != nil:
		detail = d.Rule.String()
	case d.Clock == Paused:
		detail = "a pause"
	case d.Clock == QuotaUsed && d.Step == StepBedtime:
		detail = "the minutes of the day are used up"
	case d.Clock == QuotaUsed:
		detail = "the minutes of the day are used up of " + w.spent.used.of
	case d.Step == StepBedtime:
		detail = "bedtime"
	case d.Step == StepHomework:
		detail = "homework time, and timed by " + category
	case d.HasCategory:
		detail = category
	case d.Action == Fixed:
		detail = "the resolver's own answer"
	}
	if !d.Applied {
		detail += " (observed, not applied)"
	}
	return detail
}
