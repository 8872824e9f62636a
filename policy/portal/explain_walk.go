package portal

import (
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// passed is the verdict of a step that did not decide.
const passed = "pass"

// securityDetail is all that is said of a security block, and so of a legal one.
const securityDetail = "on a security list"

// walk fills in the decision and its steps.
func (e *Explanation) walk(dir *policy.Directory, p *policy.Profile, q *policy.Question) {
	trace := p.Explain(q, e.At)
	d := trace.Decision
	e.Action, e.Applied = d.Action.String(), d.Applied
	e.Step, e.StepName = int(d.Step), d.Step.String()
	e.ID = string(p.AppendID(nil, d))
	e.Answer = answer(p, d, e.Type)
	if d.Until != 0 {
		e.Until = time.Unix(d.Until, 0).In(e.At.Location())
	}
	switch d.Step {
	case policy.StepLaw, policy.StepSecurity:
		e.conceal(p, q)
		return
	case policy.StepNeeded, policy.StepDenied, policy.StepAlwaysOn, policy.StepBedtime, policy.StepHomework,
		policy.StepAllowed, policy.StepService, policy.StepCategory, policy.StepLabel, policy.StepUnknown:
	}
	for _, s := range trace.Steps {
		e.Steps = append(e.Steps, Step{int(s.Step), s.Step.String(), s.Verdict, s.Detail})
	}
	if d.HasCategory {
		e.Category = dir.Index().Taxonomy().ID(d.Category)
	}
	for c := range q.Match.Categories.All() {
		e.Categories = append(e.Categories, dir.Index().Taxonomy().ID(c))
	}
	if d.Rule != nil {
		e.Rule = d.Rule.String()
	}
}

// conceal tells the walk of a security block, whichever of the two this was. Every step before it reads as
// it does for a name that is on no list at all.
func (e *Explanation) conceal(p *policy.Profile, q *policy.Question) {
	e.Step, e.StepName, e.Until = int(policy.StepSecurity), policy.StepSecurity.String(), time.Time{}
	e.Steps = e.Steps[:0]
	bare := policy.Question{Hashes: q.Hashes}
	steps := p.Explain(&bare, e.At).Steps
	for s := policy.StepLaw; s < policy.StepSecurity; s++ {
		detail := ""
		if i := slices.IndexFunc(steps, func(t policy.TraceStep) bool { return t.Step == s && t.Verdict == passed }); i >= 0 {
			detail = steps[i].Detail
		}
		e.Steps = append(e.Steps, Step{int(s), s.String(), passed, detail})
	}
	e.Steps = append(e.Steps, Step{e.Step, e.StepName, policy.Block.String(), securityDetail})
}

// Concealed tells whether category and lists are left out on purpose.
func (e *Explanation) Concealed() bool { return e.Step == int(policy.StepSecurity) }

// answer says in words what a client gets.
func answer(p *policy.Profile, d policy.Decision, qtype string) string {
	switch {
	case d.Action == policy.Fixed:
		return "the resolver's own answer"
	case !d.Blocks():
		return "what the upstream says"
	}
	address := qtype == "A" || qtype == "AAAA"
	switch p.Mode() {
	case policy.NXDOMAIN:
		return "NXDOMAIN"
	case policy.Refused:
		return "REFUSED"
	case policy.Null:
		if address {
			return "the null address"
		}
	case policy.Landing:
		if address {
			return "the landing page's address"
		}
	}
	return "NODATA: the name is there, without a record of type " + qtype
}

// legal tells whether an entry of a list must not be shown.
func legal(e ListEntry) bool {
	return slices.ContainsFunc(e.Categories, func(id string) bool { return strings.HasPrefix(id, "illegal.") })
}
