package portal

import (
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// passed is the verdict of a step that did not decide.
const passed = "pass"

// securityDetail is all that is said of a security block, and so of a legal one.
const securityDetail = "on a security list"

// walk fills in the decision and its steps. The block of a name that is on a legal or a security list is told as
// that of a name on some security list, with whatever else the name is: so both read alike at every hour.
func (e *Explanation) walk(dir *policy.Directory, c *policy.Client, q policy.Question) {
	trace := c.Explain(&q, e.At)
	if told, veiled := veil(dir, q.Match.Categories); veiled && blocks(trace) {
		q.Match.Categories = told
		q.Match.Categories.Add(security(dir))
		trace = c.Explain(&q, e.At)
		if q.Match.Categories = told; !blocks(trace) || trace.Step == policy.StepSecurity {
			e.conceal(c, q)
			return
		}
	}
	host := e.safe(dir, c, &q, &trace)
	if host != "" && trace.Silent {
		e.conceal(c, q)
		return
	}
	e.decided(c.Profile, trace.Decision)
	for _, s := range trace.Steps {
		e.Steps = append(e.Steps, Step{int(s.Step), s.Step.String(), s.Verdict, s.Detail})
	}
	if e.SafeSearch = host; host != "" && !trace.Blocks() {
		e.Answer = safely(e.Name, host, e.Type)
	}
	if trace.HasCategory {
		e.Category = dir.Index().Taxonomy().ID(trace.Category)
	}
	for c := range q.Match.Categories.All() {
		e.Categories = append(e.Categories, dir.Index().Taxonomy().ID(c))
	}
	if trace.Rule != nil {
		e.Rule = trace.Rule.String()
	}
}

func (e *Explanation) decided(p *policy.Profile, d policy.Decision) {
	e.Action, e.Applied = d.Action.String(), d.Applied
	e.Step, e.StepName = int(d.Step), d.Step.String()
	e.ID = string(p.AppendID(nil, d))
	e.Answer = answer(p, d, e.Type)
	if until := d.Told(); until != 0 {
		e.Until = time.Unix(until, 0).In(e.At.Location())
	}
}

func blocks(t policy.Trace) bool {
	return t.Action == policy.Block || t.Action == policy.Warn
}

// veil takes off the categories that the explanation of a block leaves out.
func veil(dir *policy.Directory, set blocklists.Categories) (told blocklists.Categories, veiled bool) {
	for c := range set.All() {
		if unnamed(dir.Index().Taxonomy().ID(c)) {
			veiled = true
			continue
		}
		told.Add(c)
	}
	return told, veiled
}

// security is the category that stands for all of them.
func security(dir *policy.Directory) blocklists.Category {
	c, _ := dir.Index().Taxonomy().Lookup("sec.malware") // built in
	return c
}

// unnamed tells whether a category is one of the law's or of security's.
func unnamed(id string) bool {
	return blocklists.IsLegal(id) || strings.HasPrefix(id, "sec.") && id != "sec.nrd"
}

// conceal tells a security block, whichever of the two this was. Every step before it reads as it does for a name
// that is on no list at all.
func (e *Explanation) conceal(c *policy.Client, q policy.Question) {
	e.decided(c.Profile, policy.Decision{Action: policy.Block, Step: policy.StepSecurity, Applied: true})
	q.Match = blocklists.Match{}
	steps := c.Explain(&q, e.At).Steps
	for s := policy.StepLaw; s < policy.StepSecurity; s++ {
		detail := ""
		if i := slices.IndexFunc(steps, func(t policy.TraceStep) bool { return t.Step == s && t.Verdict == passed }); i >= 0 {
			detail = steps[i].Detail
		}
		e.Steps = append(e.Steps, Step{int(s), s.String(), passed, detail})
	}
	e.Steps = append(e.Steps, Step{e.Step, e.StepName, policy.Block.String(), securityDetail})
}

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

// shown keeps the entries of lists that an explanation may show: no legal ones, and none of security beside a block,
// unless there is nothing to hide by it.
func (e *Explanation) shown(entries []ListEntry, frank bool) []ListEntry {
	blocked := e.Action == policy.Block.String() || e.Action == policy.Warn.String()
	return slices.DeleteFunc(slices.Clone(entries), func(l ListEntry) bool {
		return legal(l) || !frank && (blocked && slices.ContainsFunc(l.Categories, unnamed) || e.Step == int(policy.StepSecurity))
	})
}

// tellable leaves out of what was found what the API must not show: what is of the law, and unless it is frank of
// security, so that to find nothing of a name that is blocked without a reason does not tell why it is.
func tellable(found ListFound, frank bool) ListFound {
	hidden := func(ids ...string) bool {
		return slices.ContainsFunc(ids, blocklists.IsLegal) || !frank && slices.ContainsFunc(ids, unnamed)
	}
	return ListFound{
		Entries:    slices.DeleteFunc(slices.Clone(found.Entries), func(e ListEntry) bool { return hidden(e.Categories...) }),
		Categories: slices.DeleteFunc(slices.Clone(found.Categories), func(a ListAgreement) bool { return hidden(a.Category) }),
	}
}

// legal tells whether an entry of a list must not be shown.
func legal(e ListEntry) bool { return slices.ContainsFunc(e.Categories, blocklists.IsLegal) }
