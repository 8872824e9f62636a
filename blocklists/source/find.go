package source

import (
	"bytes"
	"context"
	"fmt"

	"github.com/hearthdns/hearth/blocklists"
)

// Finding is an entry that concerns a name.
type Finding struct {
	Source     string   `json:"source"` // as in Stat
	Format     Format   `json:"format"`
	Categories []string `json:"categories"`
	Name       string   `json:"name"` // the name of the entry: that asked for, or an ancestor
	Text       string   `json:"text"` // the entry as it stands in the list, made printable
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line"`
	Exception  bool     `json:"exception"` // takes the name out of this list
	Important  bool     `json:"important,omitempty"`
	Cancel     bool     `json:"cancel,omitempty"` // takes back an entry of this list
	Covers     bool     `json:"covers"`           // false: stands for another part of the tree, such as an ancestor alone
}

// Find reads the kept copies and the starter lists, and returns every entry for the name or one of its ancestors, in
// the order of Stats and of the lines. It reads whole lists: seconds for millions of names. A source that cannot be
// read is passed over; Compile reports it.
func (l *Library) Find(ctx context.Context, name string) ([]Finding, error) {
	wanted, why := Normalise(name)
	if why != "" {
		return nil, fmt.Errorf("%q is no name to look for: %s", name, why)
	}
	q := query{ctx: ctx, name: wanted, ancestors: ancestors(wanted)}
	for _, s := range l.starters() {
		ids := s.categories()
		base := Finding{Source: s.name(), Format: Domains}
		if _, err := s.parse(q.collect(base, func(Item) []string { return ids })); err != nil {
			return nil, fmt.Errorf("searching lists: %w", err)
		}
	}
	for _, s := range l.lists.Sources {
		path := l.contentPath(s)
		plan, err := s.plan(path, l.lists)
		if err != nil {
			continue
		}
		base := Finding{Source: s.Name, Format: s.Format}
		_, _ = ParsePath(path, s.Format, plan.options, q.collect(base, func(i Item) []string { return plan.of(i.File) })) // what was found until then counts
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("searching lists: %w", err)
		}
	}
	return q.found, nil
}

// query is one Find.
type query struct {
	ctx       context.Context
	name      blocklists.Name
	ancestors map[string]bool // in wire form, the name included
	entries   int
	found     []Finding
}

// ancestors returns the name and all above it but the root, in wire form.
func ancestors(name blocklists.Name) map[string]bool {
	all := make(map[string]bool)
	for at := 0; name[at] != 0; at += int(name[at]) + 1 {
		all[string(name[at:])] = true
	}
	return all
}

// collect returns an emit that keeps the entries that concern the name.
func (q *query) collect(base Finding, ids func(Item) []string) func(Item) error {
	return func(i Item) error {
		if q.entries++; q.entries&4095 == 0 && q.ctx.Err() != nil {
			return q.ctx.Err()
		}
		if !q.ancestors[string(i.Entry.Name)] {
			return nil
		}
		f := base
		f.Categories, f.Name, f.Text = ids(i), i.Entry.Name.String(), printable(i.Text)
		f.File, f.Line = i.File, i.Line
		f.Exception, f.Important, f.Cancel = i.Entry.Exception, i.Entry.Important, i.Entry.Cancel
		same := bytes.Equal(i.Entry.Name, q.name)
		f.Covers = i.Entry.Scope == blocklists.Subtree || same == (i.Entry.Scope == blocklists.Exact)
		q.found = append(q.found, f)
		return nil
	}
}
