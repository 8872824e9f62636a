package portal

import (
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// cause is why a name is blocked, as far as a page says it.
type cause struct {
	reason   policy.Reason
	step     policy.Step
	category string // id, "" where none decided
	what     string // the category or service in plain words, "" where none is told
	rule     string // name of the own rule that decided
	until    time.Time
	id       string
}

// cause reads a decision on a name of these categories. A name that promotes self-harm gets the page of help by
// whichever rule it was blocked, the law excepted.
func (v *visit) cause(set blocklists.Categories, d policy.Decision) cause {
	c := cause{reason: v.profile.Reason(d), step: d.Step}
	t := v.dir.Index().Taxonomy()
	if d.HasCategory {
		c.category = t.ID(d.Category)
		c.what = v.what(t.Definition(d.Category), v.profile.What(d))
	}
	if d.Rule != nil {
		c.rule = d.Rule.Name
	}
	if harm, ok := t.Lookup(selfHarm); ok && set.Has(harm) && d.Step != policy.StepLaw {
		c.reason = policy.ReasonSelfharm
		d.HasCategory = false // the id must not name one either
	}
	c.id = string(v.profile.AppendID(nil, d))
	if d.Ends != 0 {
		c.until = time.Unix(d.Ends, 0)
	}
	return c
}

// what says a category in the page's language. The profile knows it in the household's: that is right where
// both are one, and for an operator's own title or a service.
func (v *visit) what(row blocklists.Definition, told string) string {
	if told != "" && told == policy.Words(v.profile.Language()).Groups[row.Group] {
		return v.words.Groups[row.Group]
	}
	return told
}

// decision makes a remembered block a decision again. The numbers of categories belong to one Directory, so that
// the id is what was remembered.
func (v *visit) decision(b block) policy.Decision {
	d := policy.Decision{Action: b.action, Step: b.step, Clock: b.clock, Applied: true}
	if b.category != "" {
		d.Category, d.HasCategory = v.dir.Index().Taxonomy().Lookup(b.category)
	}
	return d
}
