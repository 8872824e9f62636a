package policy

import (
	"time"
)

// Trace is a decision with every step that led to it, for people and as JSON.
type Trace struct {
	Decision   `json:"-"`
	Profile    string      `json:"profile"`
	Band       string      `json:"band,omitempty"`
	At         time.Time   `json:"at"`
	Verdict    Action      `json:"action"`
	DecidedBy  Step        `json:"step"`
	CategoryID string      `json:"category,omitempty"`
	RuleText   string      `json:"rule,omitempty"`
	IsApplied  bool        `json:"applied"`
	IsTimed    bool        `json:"timed,omitempty"`
	UntilTime  *time.Time  `json:"until,omitempty"` // in the household's zone where it has a schedule
	Categories []string    `json:"categories"`      // all that the name is
	Steps      []TraceStep `json:"steps"`

	why string
}

// TraceStep is one step that was asked, in order; the last one decided.
type TraceStep struct {
	Step    Step   `json:"step"`
	Name    string `json:"name"`
	Verdict string `json:"verdict"` // "pass", or the action
	Detail  string `json:"detail"`
}

const verdictPass = "pass"

// Explain is Decide with the reasons: the same walk, with a trace.
func (p *Profile) Explain(q *Question, now time.Time) Trace {
	t := Trace{Profile: p.name, Band: p.band.String(), At: now, Categories: []string{}}
	for c := range q.Match.Categories.All() {
		t.Categories = append(t.Categories, p.ground.taxonomy.ID(c))
	}
	w := walk{p: p, q: q, now: now, trace: &t}
	w.run()
	t.Decision = w.decision
	return t
}

func (t *Trace) add(s Step, verdict, detail string) {
	t.Steps = append(t.Steps, TraceStep{Step: s, Name: s.String(), Verdict: verdict, Detail: detail})
}

// end writes down the step that decided.
func (t *Trace) end(w *walk) {
	d := w.decision
	t.Verdict, t.DecidedBy, t.IsApplied, t.IsTimed = d.Action, d.Step, d.Applied, d.Timed
	if d.HasCategory {
		t.CategoryID = w.p.ground.taxonomy.ID(d.Category)
	}
	if d.Rule != nil {
		t.RuleText = d.Rule.String()
	}
	if d.Until != 0 {
		at := time.Unix(d.Until, 0).In(w.p.schedule.location)
		t.UntilTime = &at
	}
	t.add(d.Step, d.Action.String(), w.detail())
}

// detail says by what the last step decided.
func (w *walk) detail() string {
	d, t := w.decision, w.trace
	detail := t.why
	switch {
	case d.Rule != nil:
		detail = t.RuleText
	case d.Step == StepBedtime:
		detail = "bedtime"
	case d.Step == StepHomework:
		detail = "homework time, and timed by " + t.CategoryID
	case d.HasCategory:
		detail = t.CategoryID
	case d.Action == Fixed:
		detail = "the resolver's own answer"
	}
	if !d.Applied {
		detail += " (observed, not applied)"
	}
	return detail
}
