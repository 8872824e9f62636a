package portal

import (
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// kind is which page stands for a block. The set is closed.
type kind uint8

const (
	content  kind = iota // a rule, a service, a category, an unknown name
	illegal              // neutral: no name, no reason, nothing to ask
	selfharm             // help first
	bedtime
	homework
	security
)

// cause is why a name is blocked, as far as a page says it.
type cause struct {
	kind     kind
	step     policy.Step
	category string // id, "" where none decided
	rule     string // name of the own rule that decided
	until    time.Time
	id       string
}

// causeOf reads a decision. A name that promotes self-harm gets the page of help by whichever rule it was
// blocked, the law excepted.
func causeOf(dir *policy.Directory, set blocklists.Categories, d policy.Decision) cause {
	c := cause{step: d.Step, id: string(dir.AppendID(nil, d))}
	t := dir.Index().Taxonomy()
	if d.HasCategory {
		c.category = t.ID(d.Category)
	}
	if d.Rule != nil {
		c.rule = d.Rule.Name
	}
	c.kind = kindOf(d.Step)
	if harm, ok := t.Lookup(selfHarm); ok && c.kind != illegal && (set.Has(harm) || c.category == selfHarm) {
		c.kind = selfharm
	}
	// The end of a decision is the end of a block only where the clock made it: a category is still blocked
	// after the next edge of the schedule.
	if d.Until != 0 && (c.kind == bedtime || c.kind == homework) {
		c.until = time.Unix(d.Until, 0)
	}
	return c
}

func kindOf(s policy.Step) kind {
	switch s {
	case policy.StepLaw:
		return illegal
	case policy.StepBedtime:
		return bedtime
	case policy.StepHomework:
		return homework
	case policy.StepSecurity:
		return security
	case policy.StepNeeded, policy.StepDenied, policy.StepAlwaysOn, policy.StepAllowed, policy.StepService,
		policy.StepCategory, policy.StepLabel, policy.StepUnknown:
	}
	return content
}

// remembered is the cause of a block that was decided over the chain behind a name: the name alone does not tell.
func remembered(b block) cause {
	return cause{kind: kindOf(b.step), step: b.step, category: b.category}
}

// withoutCategory takes the category out of a decision id, for pages that must not name it.
func withoutCategory(id string) string {
	head, versions, ok := strings.Cut(id, "-")
	if !ok {
		return ""
	}
	step, _, _ := strings.Cut(head, ".")
	return step + "-" + versions
}
