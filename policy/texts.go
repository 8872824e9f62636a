package policy

import (
	"encoding/json"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// texts are the prepared Extended DNS Error texts of one language and reader, so
// that a block allocates nothing.
type texts struct {
	language string                           // of them
	short    wording                          // for people
	said     wording                          // short, and how to ask, as they stand within a JSON string
	what     [blocklists.MaxCategories]string // in plain words
}

// wording says why something is blocked, by what decided.
type wording struct {
	steps      [StepUnknown + 1]string
	clocks     [QuotaUsed + 1]string // in place of a step's; "" for a window
	categories [blocklists.MaxCategories]string
}

func newTexts(g *ground, words *Phrases, r Reader, own []CategoryConfig) *texts {
	t := &texts{language: words.Language}
	short := &t.short
	short.steps[StepDenied] = words.Short[ReasonRule]
	short.steps[StepBedtime] = words.Short[ReasonBedtime]
	short.steps[StepHomework] = words.Short[ReasonHomework]
	short.clocks[Paused], short.clocks[QuotaUsed] = words.Short[ReasonPause], words.Short[ReasonQuota]
	short.steps[StepUnknown] = words.Short[ReasonUnknown]
	t.name(g, words, own)
	for i, what := range t.what {
		if r == ReaderChild {
			short.categories[i] = words.Page(r, ReasonCategory).Headline
		} else {
			short.categories[i] = strings.ReplaceAll(words.Short[ReasonCategory], "{what}", what)
		}
	}
	if r != ReaderChild {
		short.categories[g.selfharm] = words.Short[ReasonSelfharm]
	}
	short.categories[g.newNames] = words.Short[ReasonNew]
	t.explain(g, words, r)
	return t
}

// name finds the plain words for each category.
func (t *texts) name(g *ground, words *Phrases, own []CategoryConfig) {
	titles := map[string]string{otherSearch: words.Search}
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
	}
}

// explain makes of the short texts those with how to ask. Self-harm is told what all
// categories are told, because whoever reads along must not learn of it.
func (t *texts) explain(g *ground, words *Phrases, r Reader) {
	general := words.Page(r, ReasonCategory).Next
	say := func(short string, why Reason) string {
		how := words.Page(r, why).Next
		if strings.Contains(how, "{") { // of the hour, say
			how = general
		}
		return quoted(strings.TrimSuffix(short, ".") + ". " + how)
	}
	for step, why := range map[Step]Reason{StepDenied: ReasonRule, StepBedtime: ReasonBedtime, StepHomework: ReasonHomework, StepUnknown: ReasonUnknown} {
		t.said.steps[step] = say(t.short.steps[step], why)
	}
	for clock, why := range map[Clock]Reason{Paused: ReasonPause, QuotaUsed: ReasonQuota} {
		t.said.clocks[clock] = say(t.short.clocks[clock], why)
	}
	for i, short := range t.short.categories {
		t.said.categories[i] = say(short, ReasonCategory)
	}
	t.said.categories[g.newNames] = say(t.short.categories[g.newNames], ReasonNew)
}

// quoted is a text as it stands within a JSON string.
func quoted(text string) string {
	b, _ := json.Marshal(text) // a string can be encoded; what is not UTF-8 in it becomes U+FFFD
	return string(b[1 : len(b)-1])
}

func (w *wording) of(g *ground, d Decision) string {
	if d.Action != Block && d.Action != Warn {
		return ""
	}
	if text := w.clocks[d.Clock]; text != "" {
		return text
	}
	switch d.Step {
	case StepService, StepCategory:
		return w.categories[d.Category]
	case StepUnknown:
		if d.HasCategory && d.Category == g.newNames {
			return w.categories[d.Category]
		}
		return w.steps[StepUnknown]
	case StepDenied, StepBedtime, StepHomework:
		return w.steps[d.Step]
	default:
		return "" // the law and security look alike, and say nothing
	}
}
