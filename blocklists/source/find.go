package source

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// Finding is a statement of a list that concerns a name.
type Finding struct {
	Source     string   `json:"source"` // as in Stat
	Format     Format   `json:"format"`
	Version    string   `json:"version,omitempty"`    // as in Stat, of the content that serves
	FirstSeen  string   `json:"first_seen,omitempty"` // the date on which the list was first seen to say it; "" of a built-in list
	Categories []string `json:"categories"`
	Name       string   `json:"name,omitempty"`    // the name of the entry: that asked for, or an ancestor
	Pattern    string   `json:"pattern,omitempty"` // the expression that matches, instead of Name
	Scope      string   `json:"scope,omitempty"`   // what an entry covers: "subtree", "exact" or "below"
	Text       string   `json:"text,omitempty"`    // as it stands in the list, made printable; "" where the list has changed since
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line"`
	Exception  bool     `json:"exception"` // takes the name out of this list
	Yield      bool     `json:"yield,omitempty"`
	Important  bool     `json:"important,omitempty"`
	Cancel     bool     `json:"cancel,omitempty"` // takes back an entry of this list
	Covers     bool     `json:"covers"`           // false: stands for another part of the tree, such as an ancestor alone
}

// Agreement is a category that a name has, and who says so.
type Agreement struct {
	Category     string   `json:"category"`
	Sources      []string `json:"sources"`       // that put the name into it, exceptions weighed
	Independent  int      `json:"independent"`   // how many of them have no publisher in common, nor one whose names they take over
	SingleSource bool     `json:"single_source"` // no two of them are independent
}

// Found is what the lists say of a name.
type Found struct {
	Name       string      `json:"name"`
	Entries    []Finding   `json:"entries"`    // in the order of Stats, and in each list from the top-level domain down, patterns last
	Categories []Agreement `json:"categories"` // by id
}

// ErrNoName says that what is looked for is no name of a site.
var ErrNoName = errors.New("is no name to look for")

// Find returns what the parsed lists in force and the starter lists say of a name: every entry for it or one of its
// ancestors, every pattern that matches it, and how many independent lists agree. The text of an entry is read from
// the kept list, as far as that still has it. A source of which there is no parsed state yet is read for this.
// For an address, a URL and what else is no name of a site the error is ErrNoName.
func (l *Library) Find(ctx context.Context, name string) (Found, error) {
	wanted, why := Normalise(name)
	if why != "" {
		return Found{}, fmt.Errorf("%q %w: %s", name, ErrNoName, why)
	}
	q := query{name: wanted, text: wanted.String(), ancestors: ancestors(wanted), found: Found{Name: wanted.String(), Entries: []Finding{}}}
	for _, s := range l.starters() {
		if err := q.starter(s); err != nil {
			return Found{}, fmt.Errorf("searching lists: %w", err)
		}
	}
	for _, s := range l.lists.Sources {
		if err := l.findIn(ctx, s, &q); err != nil {
			return Found{}, fmt.Errorf("searching list %s: %w", s.Name, err)
		}
	}
	q.except()
	q.agree(l.families)
	return q.found, nil
}

// findIn searches one source. One that cannot be read is passed over; Compile reports it.
func (l *Library) findIn(ctx context.Context, s Source, q *query) error {
	state, done, err := l.peek(ctx, s)
	if err != nil {
		return ctx.Err()
	}
	defer done()
	plan := s.planFor(state.Directories, l.lists)
	base := Finding{Source: s.Name, Format: s.Format, Version: shortVersion(state.Content)}
	if state.Report.Format != "" {
		base.Format = state.Report.Format
	}
	first := len(q.found.Entries)
	if err := q.search(state.Parsed, base, plan); err != nil || len(q.found.Entries) == first {
		return err
	}
	if s.Except {
		q.excepted(s, first)
	}
	l.quote(ctx, s, plan.options, q.found.Entries[first:])
	return ctx.Err()
}

// peek opens the state of a source that is in force, or where there is none one of its content as it is, which is not
// kept. done closes it.
func (l *Library) peek(ctx context.Context, s Source) (now *state, done func(), err error) {
	if now = l.current(s.Name); now != nil {
		return now, now.close, nil
	}
	return l.glance(ctx, s, l.contentPath(s))
}

// glance reads what lies at path as a source says, and keeps nothing.
func (l *Library) glance(ctx context.Context, s Source, path string) (now *state, done func(), err error) {
	content, err := digest(path)
	if err != nil {
		return nil, nil, err
	}
	d, err := l.read(ctx, s, path, content, nil)
	if err != nil {
		return nil, nil, err
	}
	if now, err = l.open(state{label: d.label, path: d.temp.Name()}); err != nil {
		d.discard()
		return nil, nil, err
	}
	return now, func() { now.close(); d.discard() }, nil
}

// query is one Find.
type query struct {
	name      blocklists.Name
	text      string          // of name, as patterns see it
	ancestors map[string]bool // in wire form, the name included
	found     Found
	votes     []vote
	spared    []string // categories of which a source with Except takes the name out
}

// vote is a list that puts the name into its categories; the parts of a UT1 list are lists.
type vote struct {
	source     string
	categories []string
}

// starter searches a built-in list.
func (q *query) starter(s starterList) error {
	ids := []string{s.category}
	var said []blocklists.Record
	_, err := s.parse(func(i Item) error {
		if !q.ancestors[string(i.Entry.Name)] {
			return nil
		}
		i.Entry.Name = slices.Clone(i.Entry.Name)
		r := blocklists.Record{Entry: i.Entry, Line: i.Line}
		f := q.finding(Finding{Source: s.name(), Format: Domains, Version: shortVersion(starterVersion([]starterList{s})), Categories: ids}, r)
		f.Text = printable(i.Text)
		q.found.Entries, said = append(q.found.Entries, f), append(said, r)
		return nil
	})
	if err != nil {
		return err
	}
	return q.vote(s.name(), ids, said)
}

// ancestors returns the name and all above it but the root, in wire form.
func ancestors(name blocklists.Name) map[string]bool {
	all := make(map[string]bool)
	for above := range upwards(name) {
		all[string(above)] = true
	}
	return all
}

// search looks the name up in a parsed list.
func (q *query) search(p *blocklists.Parsed, base Finding, plan plan) error {
	var records []blocklists.Record
	err := p.Find(q.name, func(r blocklists.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return err
	}
	err = p.EachPattern(func(r blocklists.Record) error {
		if re, err := regexp.Compile(r.Pattern.Expr); err == nil && re.MatchString(q.text) {
			records = append(records, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	said := make(map[string][]blocklists.Record) // by list: the directory of a UT1 list
	var order []string
	for _, r := range records {
		ids, list := plan.of(r.Part), plan.listOf(r.Part)
		if plan.byDir != nil && ids == nil {
			continue // not wanted any more
		}
		if said[list] == nil {
			order = append(order, list)
		}
		said[list] = append(said[list], r)
		base.Categories = ids
		f := q.finding(base, r)
		f.File, f.FirstSeen = r.Part, r.Seen.String()
		q.found.Entries = append(q.found.Entries, f)
	}
	for _, list := range order {
		if err := q.vote(base.Source, plan.of(list), said[list]); err != nil {
			return err
		}
	}
	return nil
}

// finding fills in what a record says.
func (q *query) finding(f Finding, r blocklists.Record) Finding {
	f.Line = r.Line
	f.Exception, f.Yield, f.Important, f.Cancel = r.Entry.Exception, r.Entry.Yield, r.Entry.Important, r.Entry.Cancel
	if r.Pattern != nil {
		f.Pattern, f.Covers = r.Pattern.Expr, true
		return f
	}
	f.Name = r.Entry.Name.String()
	same := f.Name == q.text
	f.Covers = r.Entry.Scope == blocklists.Subtree || same == (r.Entry.Scope == blocklists.Exact)
	f.Scope = [...]string{blocklists.Subtree: "subtree", blocklists.Exact: "exact", blocklists.Below: "below"}[r.Entry.Scope]
	return f
}

// vote notes whether a list puts the name into its categories, all that it says weighed.
func (q *query) vote(source string, ids []string, said []blocklists.Record) error {
	listed, err := blocklists.Lists(said, q.name)
	if listed {
		q.votes = append(q.votes, vote{source, ids})
	}
	return err
}

// agree tells for each category which lists say so, and how many of them are independent.
func (q *query) agree(families func(source string) []string) {
	q.found.Categories = []Agreement{}
	sources := make(map[string][]string)
	for _, v := range q.votes {
		for _, id := range v.categories {
			if !slices.Contains(sources[id], v.source) {
				sources[id] = append(sources[id], v.source)
			}
		}
	}
	for id, agreed := range sources {
		n := independent(agreed, families)
		q.found.Categories = append(q.found.Categories, Agreement{Category: id, Sources: agreed, Independent: n, SingleSource: n == 1})
	}
	slices.SortFunc(q.found.Categories, func(a, b Agreement) int { return strings.Compare(a.Category, b.Category) })
}

// errQuoted ends reading a list when all that was wanted is read.
var errQuoted = errors.New("all lines are read")

// quote fills in the texts of findings in one source from the list, as far as it still says the same on the line.
func (l *Library) quote(ctx context.Context, s Source, o Options, findings []Finding) {
	type place struct {
		file string
		line int
	}
	wanted := make(map[place][]*Finding)
	left := len(findings)
	for i := range findings {
		at := place{findings[i].File, findings[i].Line}
		wanted[at] = append(wanted[at], &findings[i])
	}
	read := 0
	_, _ = ParsePath(l.contentPath(s), s.Format, o, func(i Item) error { // what was read until an error counts
		if read++; read&4095 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for _, f := range wanted[place{i.File, i.Line}] {
			if f.Text == "" && f.says(i) {
				f.Text = printable(i.Text)
				left--
			}
		}
		if left == 0 {
			return errQuoted
		}
		return nil
	})
}

// says reports whether an item is what was found.
func (f *Finding) says(i Item) bool {
	if i.Pattern != nil {
		return i.Pattern.Expr == f.Pattern
	}
	return i.Entry.Name != nil && i.Entry.Name.String() == f.Name && i.Entry.Exception == f.Exception && i.Entry.Cancel == f.Cancel
}
