package policy

import (
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// texts are the prepared Extended DNS Error texts of one language and reader, so
// that a block allocates nothing.
type texts struct {
	steps      [StepUnknown + 1]string
	categories [blocklists.MaxCategories]string
	what       [blocklists.MaxCategories]string // in plain words
}

func newTexts(g *ground, words *Phrases, r Reader, own []CategoryConfig) *texts {
	t := new(texts)
	t.steps[StepDenied] = words.Short[ReasonRule]
	t.steps[StepBedtime] = words.Short[ReasonBedtime]
	t.steps[StepHomework] = words.Short[ReasonHomework]
	t.steps[StepUnknown] = words.Short[ReasonUnknown]
	titles := map[string]string{}
	services, _ := blocklists.Services() // without an error, since there is a taxonomy
	for _, s := range services {
		titles[s.ID] = s.Title
	}
	for _, c := range own {
		titles[c.ID] = c.Title
	}
	for i, row := range g.taxonomy.All() {
		what := words.Groups[row.Group]
		if row.Service {
			what = strings.TrimPrefix(row.ID, "service.")
		}
		if title := titles[row.ID]; title != "" {
			what = title
		}
		t.what[i] = what
		t.categories[i] = strings.ReplaceAll(words.Short[ReasonCategory], "{what}", what)
	}
	t.categories[g.selfharm] = words.Short[ReasonSelfharm]
	if r == ReaderChild {
		for i := range t.categories {
			t.categories[i] = words.Page(r, ReasonCategory).Headline
		}
	}
	t.categories[g.newNames] = words.Short[ReasonNew]
	return t
}

func (t *texts) of(g *ground, d Decision) string {
	if d.Action != Block && d.Action != Warn {
		return ""
	}
	switch d.Step {
	case StepService, StepCategory:
		return t.categories[d.Category]
	case StepUnknown:
		if d.HasCategory && d.Category == g.newNames {
			return t.categories[d.Category]
		}
		return t.steps[StepUnknown]
	case StepDenied, StepBedtime, StepHomework:
		return t.steps[d.Step]
	default:
		return "" // the law and security look alike, and say nothing
	}
}
