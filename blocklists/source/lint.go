package source

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// LintKind says what is odd about entries of a list.
type LintKind string

// The kinds of LintFinding.
const (
	LintRedundant    LintKind = "redundant"     // entries that say what the list says already by a name above
	LintPublicSuffix LintKind = "public-suffix" // entries that are public suffixes: everybody beneath is hit
	LintSharedHost   LintKind = "shared-host"   // entries that carry the sites of many
	LintHelp         LintKind = "help"          // entries that would hit names of ok.help; these stay reachable
	LintGovernment   LintKind = "government"    // entries that hit authorities
	LintHealth       LintKind = "health"        // entries that hit public health services
	LintUnread       LintKind = "unread"        // the list could not be read, or gives nothing
)

// LintFinding is one thing to look at in one list.
type LintFinding struct {
	Source   string   `json:"source"`
	Kind     LintKind `json:"kind"`
	Count    int      `json:"count"`              // entries concerned
	Of       int      `json:"of"`                 // entries of the list
	Examples []string `json:"examples,omitempty"` // the first, at most 10: "name, line 12"
	Why      string   `json:"why,omitempty"`      // LintUnread: what is wrong
}

// lintExamples bounds the examples of one finding: enough to see a pattern, few enough to read.
const lintExamples = 10

//go:embed lint/names.txt
var lintNames []byte

// Lint looks through the last good copies of all lists that block something, and tells what an operator should know
// before trusting them. It fetches nothing and changes nothing. Findings come in the order of the configuration; a list that
// cannot be read is a finding. Legal lists are not looked at. The error is that ctx ended.
func (l *Library) Lint(ctx context.Context, t *blocklists.Taxonomy) ([]LintFinding, error) {
	known, err := l.lintSets()
	if err != nil {
		return nil, err
	}
	var all []LintFinding
	for _, s := range l.lists.Sources {
		if !blocks(s) {
			continue
		}
		found, err := l.lintOne(ctx, t, s, known)
		if ctx.Err() != nil {
			return all, fmt.Errorf("looking through lists: %w", ctx.Err())
		}
		if err != nil {
			found = []LintFinding{{Source: s.Name, Kind: LintUnread, Why: err.Error()}}
		}
		all = append(all, found...)
	}
	return all, nil
}

// blocks reports whether a source may block names that may be talked about.
func blocks(s Source) bool {
	ids := slices.Clone(s.Categories)
	for _, m := range s.Map {
		ids = append(ids, m.To...)
	}
	return slices.ContainsFunc(ids, func(id string) bool {
		return !strings.HasPrefix(id, "ok.") && !strings.HasPrefix(id, "meta.") && !strings.HasPrefix(id, "illegal.")
	})
}

// lintOne looks through one list.
func (l *Library) lintOne(ctx context.Context, t *blocklists.Taxonomy, s Source, known []lintSet) ([]LintFinding, error) {
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t})
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }() // only temporary files
	path := l.contentPath(s)
	plan, err := s.plan(path, l.lists)
	if err != nil {
		return nil, err
	}
	list, err := plan.lists(b, t)
	if err != nil {
		return nil, err
	}
	look := lookout{source: s.Name, known: known}
	_, err = ParsePath(path, s.Format, plan.options, func(i Item) error {
		if look.entries++; look.entries&4095 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if i.Entry.Name == nil {
			return nil
		}
		look.at(i)
		return b.Add(list(i), i.Entry)
	})
	if err != nil {
		return nil, err
	}
	sum, err := b.Build(ctx, io.Discard)
	if err != nil {
		return nil, err
	}
	look.note(LintRedundant, sum.Redundant)
	return look.findings(), nil
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
func (o *lookout) at(i Item) {
	if i.Entry.Exception || i.Entry.Cancel {
		return
	}
	if o.norm.isPublicSuffix(i.Entry.Name) {
		o.example(LintPublicSuffix, i)
	}
	for _, set := range o.known {
		if set.hit(i.Entry) {
			o.example(set.kind, i)
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

func (o *lookout) example(kind LintKind, i Item) {
	f := o.note(kind, 1)
	if len(f.Examples) < lintExamples {
		where := ""
		if i.File != "" {
			where = i.File + " "
		}
		f.Examples = append(f.Examples, fmt.Sprintf("%s, %sline %d", i.Entry.Name, where, i.Line))
	}
}

// findings are the gathered ones, the gravest kinds first.
func (o *lookout) findings() []LintFinding {
	gravest := []LintKind{LintHelp, LintPublicSuffix, LintSharedHost, LintGovernment, LintHealth, LintRedundant}
	out := slices.DeleteFunc(o.found, func(f LintFinding) bool { return f.Count == 0 })
	for i := range out {
		out[i].Of = o.entries
	}
	slices.SortStableFunc(out, func(a, b LintFinding) int {
		return slices.Index(gravest, a.Kind) - slices.Index(gravest, b.Kind)
	})
	return out
}

// lintSet is names that a list hits only on purpose.
type lintSet struct {
	kind   LintKind
	alone  bool            // what lies beneath a name of the set does not count
	names  map[string]bool // in wire form
	above  map[string]bool // all that is above a name of the set, the root left out
	abroad map[string]bool // first labels that stand before the top-level domain of any country
}

// hit reports whether an entry is of the set, beneath a name of it, or above one so that it takes it along.
func (s *lintSet) hit(e blocklists.Entry) bool {
	if e.Scope != blocklists.Exact && s.above[string(e.Name)] {
		return true
	}
	if s.alone {
		return s.names[string(e.Name)]
	}
	for at := 0; e.Name[at] != 0; at += int(e.Name[at]) + 1 {
		if s.names[string(e.Name[at:])] || s.isAbroad(e.Name[at:]) {
			return true
		}
	}
	return false
}

// isAbroad reports whether a name is one label of abroad before a country's top-level domain.
func (s *lintSet) isAbroad(name blocklists.Name) bool {
	first := int(name[0])
	rest := name[1+first:]
	return len(rest) == 4 && rest[0] == 2 && s.abroad[string(name[1:1+first])]
}

// add puts a name into the set.
func (s *lintSet) add(name blocklists.Name) {
	s.names[string(name)] = true
	for at := int(name[0]) + 1; name[at] != 0; at += int(name[at]) + 1 {
		s.above[string(name[at:])] = true
	}
}

func newLintSet(kind LintKind) lintSet {
	return lintSet{kind: kind, alone: kind == LintSharedHost, names: make(map[string]bool), above: make(map[string]bool),
		abroad: make(map[string]bool)}
}

// lintSets reads the embedded names and the help lists.
func (l *Library) lintSets() ([]lintSet, error) {
	sets, err := readLintNames(lintNames)
	if err != nil {
		return nil, err
	}
	help := newLintSet(LintHelp)
	for _, list := range l.starters() {
		if list.category != "ok.help" && list.category != "ok.help.core" {
			continue
		}
		if _, err := list.parse(func(i Item) error { help.add(slices.Clone(i.Entry.Name)); return nil }); err != nil {
			return nil, fmt.Errorf("reading help list: %w", err)
		}
	}
	return append(sets, help), nil
}

// readLintNames reads sections of names; "x.*" is x before every country's top-level domain.
func readLintNames(text []byte) ([]lintSet, error) {
	var sets []lintSet
	scan := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			sets = append(sets, newLintSet(LintKind(strings.Trim(line, "[]"))))
			continue
		}
		set := &sets[len(sets)-1]
		if label, ok := strings.CutSuffix(line, ".*"); ok {
			set.abroad[label] = true
			continue
		}
		name, why := Normalise(line)
		if why != "" && why != ReasonSingleLabel {
			return nil, fmt.Errorf("names of lint, line %d: %s is no name (%s)", n, line, why)
		}
		if name == nil { // a top-level domain
			name = append(append(blocklists.Name{byte(len(line))}, line...), 0)
		}
		set.add(name)
	}
	return sets, scan.Err()
}
