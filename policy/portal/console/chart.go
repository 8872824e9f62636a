package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// chart is a picture of counts: bars first, the same as a table beneath.
type chart struct {
	Bars    []bar
	Height  int
	Start   int // where a line of the language begins; a text without an anchor of its own goes on from there
	End     int
	Label   string // what the picture says, in one sentence
	Allowed uint64
	Blocked uint64
}

// bar is one row. Places are in the units of the picture, which is 320 wide.
type bar struct {
	Text  string
	Count uint64
	Y     int // of the text
	Top   int // of the bar
	Left  int
	Width int
}

const (
	barStep = 34
	barWide = 320
)

// chart counts what was blocked by group. What the law forbids is never told.
func (v *visit) chart(days []policy.ActivityDay) *chart {
	out := &chart{End: barWide}
	leftwards := v.words().Direction == "rtl"
	if leftwards {
		out.Start, out.End = barWide, 0
	}
	groups := map[string]uint64{}
	for _, d := range days {
		for _, s := range d.Sums {
			switch {
			case s.Cause == "" && s.Verdict == "allowed":
				out.Allowed += s.Count
			case s.Cause == "" && s.Verdict == "blocked":
				out.Blocked += s.Count
			case s.Verdict == "blocked" && s.Cause != "law" && !strings.HasPrefix(s.Cause, "illegal"):
				groups[v.group(s.Cause)] += s.Count
			}
		}
	}
	for text, n := range groups {
		out.Bars = append(out.Bars, bar{Text: text, Count: n})
	}
	slices.SortFunc(out.Bars, func(a, b bar) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text)) })
	for i := range out.Bars {
		b := &out.Bars[i]
		b.Y, b.Top = i*barStep+12, i*barStep+18
		b.Width = max(3, int(uint64(barWide)*b.Count/out.Bars[0].Count))
		if leftwards {
			b.Left = barWide - b.Width
		}
	}
	out.Height = len(out.Bars) * barStep
	if len(out.Bars) > 0 {
		out.Label = v.say("chart.label", "group", out.Bars[0].Text, "n", out.Bars[0].Count)
	}
	return out
}

// group is under which parents look for a category, or the step that blocked.
func (v *visit) group(cause string) string {
	t := v.c.Directory().Index().Taxonomy()
	if c, ok := t.Lookup(cause); ok {
		row := t.Definition(c)
		if parent, there := t.Lookup(row.Parent); there && row.Group == "" {
			row = t.Definition(parent)
		}
		if text := policy.Words(v.words().Language).Groups[row.Group]; text != "" {
			return text
		}
		return v.say("chart.other")
	}
	if key := "cause." + strings.ReplaceAll(cause, " ", "_"); v.words().Has(key) {
		return v.say(key)
	}
	return v.say("chart.other")
}

// plainly is what a quota or a grant is of.
func (v *visit) plainly(id string) string {
	if id == "total" {
		return v.say("quota.total")
	}
	if title := serviceTitle(id); title != "" {
		return title
	}
	if v.words().Has("category." + id) {
		return v.say("category." + id)
	}
	t := v.c.Directory().Index().Taxonomy()
	if c, ok := t.Lookup(id); ok {
		if text := policy.Words(v.words().Language).Groups[t.Definition(c).Group]; text != "" {
			return text
		}
	}
	return id
}

// serviceTitle is what people call a service, "" for what is none.
func serviceTitle(id string) string {
	all, _ := blocklists.Services() // a mistake in the table is found by its tests
	for _, s := range all {
		if s.ID == id || s.ID == "service."+id {
			return s.Title
		}
	}
	return ""
}
