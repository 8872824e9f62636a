package source

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/help"
)

// LintKind says what is odd about entries of a list.
type LintKind string

// The kinds of LintFinding.
const (
	LintHelp         LintKind = "help"          // entries that would hit names of ok.help; these stay reachable
	LintPublicSuffix LintKind = "public-suffix" // entries that are public suffixes: everybody beneath is hit
	LintSharedHost   LintKind = "shared-host"   // entries that carry the sites of many
	LintMachine      LintKind = "machine"       // entries that hit what clocks, certificates and updates need
	LintGovernment   LintKind = "government"    // entries that hit authorities
	LintHealth       LintKind = "health"        // entries that hit public health services
	LintRedundant    LintKind = "redundant"     // entries that say what the list says already by a name above
	LintCovered      LintKind = "covered"       // entries that another list has too, for a category that both have
	LintSingle       LintKind = "single-source" // entries that no other list has for any of their categories
	LintUnread       LintKind = "unread"        // the list could not be read, or was never fetched
)

// LintFinding is one thing to look at in one list.
type LintFinding struct {
	Source   string   `json:"source"`
	Kind     LintKind `json:"kind"`
	Count    int      `json:"count"`              // entries concerned
	Of       int      `json:"of"`                 // entries of the list that block
	Examples []string `json:"examples,omitempty"` // the first, at most 10: "name, line 12"
	Why      string   `json:"why,omitempty"`      // LintUnread: what is wrong
}

// lintExamples bounds the examples of one finding: enough to see a pattern, few enough to read.
const lintExamples = 10

// LintReport is what Lint found.
type LintReport struct {
	Findings  []LintFinding     // in the order of the configuration, the gravest of a list first
	Suspended []help.Suspension // help names that are none for now, and why
}

// Lint looks through the last good states of all lists that block something, and tells what an operator should know
// before trusting them. It fetches nothing and changes nothing. A list that cannot be read is a finding. Legal lists are
// not looked at. Errors: the end of ctx, a folder that cannot be written.
func (l *Library) Lint(ctx context.Context) (LintReport, error) {
	report := LintReport{Suspended: l.SuspendedHelp()}
	known, err := l.lintSets()
	if err != nil {
		return report, err
	}
	var inputs []input
	defer func() { closeAll(inputs) }()
	for _, s := range l.lists.Sources {
		if !blocks(s) {
			continue
		}
		if state := l.current(s.Name); state != nil {
			inputs = append(inputs, input{s, state})
			continue
		}
		report.Findings = append(report.Findings, LintFinding{Source: s.Name, Kind: LintUnread,
			Why: "nothing is kept of it yet: run hearth lists update"})
	}
	jury, err := l.newJury(ctx, inputs)
	if err != nil {
		return report, fmt.Errorf("looking through lists: %w", err)
	}
	for _, in := range inputs {
		found, err := l.lintOne(ctx, in, known, jury)
		if ctx.Err() != nil {
			return report, fmt.Errorf("looking through lists: %w", context.Cause(ctx))
		}
		if err != nil {
			found = []LintFinding{{Source: in.source.Name, Kind: LintUnread, Why: err.Error()}}
		}
		report.Findings = append(report.Findings, found...)
	}
	return report, nil
}

// blocks reports whether a source may block names that may be talked about.
func blocks(s Source) bool {
	return slices.ContainsFunc(s.allCategories(), isBlocking)
}

// isBlocking reports whether a category may block, and may be talked about.
func isBlocking(id string) bool {
	return !strings.HasPrefix(id, "ok.") && !strings.HasPrefix(id, "meta.") && !blocklists.IsLegal(id)
}

// lintOne looks through one list.
func (l *Library) lintOne(ctx context.Context, in input, known []lintSet, j *jury) ([]LintFinding, error) {
	look := lookout{source: in.source.Name, known: known}
	plan := in.source.planFor(in.state.Directories, l.lists)
	records := 0
	err := in.state.Each(func(r blocklists.Record) error {
		if records++; records&4095 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if r.Entry.Name == nil || r.Entry.Exception || r.Entry.Cancel || !slices.ContainsFunc(plan.of(r.Part), isBlocking) {
			return nil
		}
		look.at(r)
		if j.others(in.source.Name, r) {
			look.note(LintCovered, 1)
		} else {
			look.note(LintSingle, 1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	redundant, err := l.redundant(ctx, in, plan)
	if err != nil {
		return nil, err
	}
	look.note(LintRedundant, redundant)
	return look.findings(len(j.voters) > 1), nil
}

// redundant counts the names that a list need not have, by compiling it alone.
func (l *Library) redundant(ctx context.Context, in input, p plan) (int, error) {
	t, err := blocklists.NewTaxonomy(blocklists.Definition{ID: juryID(0)})
	if err != nil {
		return 0, err
	}
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t})
	if err != nil {
		return 0, err
	}
	defer func() { _ = b.Close() }() // only temporary files
	set, err := categories(t, []string{juryID(0)})
	if err != nil {
		return 0, err
	}
	list := b.List(set)
	if _, err := b.Merge(in.state.Parsed, func(part string) (blocklists.ListID, bool) { return list, p.of(part) != nil }); err != nil {
		return 0, err
	}
	sum, err := b.Build(ctx, io.Discard)
	return sum.Redundant, err
}

// lookout gathers what is found in one list.
type lookout struct {
	source  string
	known   []lintSet
	entries int
	found   []LintFinding
	norm    normaliser
}

// at looks at one entry.
func (o *lookout) at(r blocklists.Record) {
	o.entries++
	if o.norm.isPublicSuffix(r.Entry.Name) {
		o.example(LintPublicSuffix, r)
	}
	for _, set := range o.known {
		if set.hit(r.Entry) {
			o.example(set.kind, r)
		}
	}
}

func (o *lookout) note(kind LintKind, n int) *LintFinding {
	at := slices.IndexFunc(o.found, func(f LintFinding) bool { return f.Kind == kind })
	if at < 0 {
		at = len(o.found)
		o.found = append(o.found, LintFinding{Source: o.source, Kind: kind})
	}
	o.found[at].Count += n
	return &o.found[at]
}

func (o *lookout) example(kind LintKind, r blocklists.Record) {
	f := o.note(kind, 1)
	if len(f.Examples) < lintExamples {
		where := fmt.Sprintf("line %d", r.Line)
		if r.Part != "" {
			where = r.Part + " " + where
		}
		f.Examples = append(f.Examples, r.Entry.Name.String()+", "+where)
	}
}

// findings are the gathered ones, the gravest kinds first; what other lists say where there are others.
func (o *lookout) findings(others bool) []LintFinding {
	order := []LintKind{LintHelp, LintPublicSuffix, LintSharedHost, LintMachine, LintGovernment, LintHealth, LintRedundant, LintCovered, LintSingle}
	out := slices.DeleteFunc(o.found, func(f LintFinding) bool {
		return f.Count == 0 || !others && (f.Kind == LintCovered || f.Kind == LintSingle)
	})
	for i := range out {
		out[i].Of = o.entries
	}
	slices.SortStableFunc(out, func(a, b LintFinding) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
	return out
}

func closeAll(inputs []input) {
	for _, in := range inputs {
		in.state.close()
	}
}
