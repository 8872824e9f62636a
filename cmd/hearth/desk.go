package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
)

// desk answers questions about the lists of one shelf.
type desk struct {
	shelf   *shelf
	changed func(context.Context) error // compiles
	files   bool                        // who asks may name files: they can read what this process can
}

// Stats implements api.Lists.
func (d desk) Stats(context.Context) ([]api.ListStat, error) {
	all := []api.ListStat{}
	for _, s := range d.shelf.library.Stats() {
		from := s.Origin
		if from == "" {
			from = "embedded"
		}
		all = append(all, api.ListStat{
			Name: s.Name, Format: string(s.Format), From: from, Categories: s.Categories,
			Names: s.Names, Rejected: byReason(s.Rejected), Bytes: s.Bytes,
			Version: s.Version, FetchedAt: s.Fetched, Error: s.LastError, Held: held(s.Held), Stale: s.Stale,
		})
	}
	return all, nil
}

func byReason(rejected map[source.Reason]int) map[string]int {
	all := make(map[string]int, len(rejected))
	for reason, n := range rejected {
		all[string(reason)] = n
	}
	return all
}

// Find implements api.Lists.
func (d desk) Find(ctx context.Context, name string) (portal.ListFound, error) {
	found, err := d.shelf.library.Find(ctx, name)
	if errors.Is(err, source.ErrNoName) {
		return portal.ListFound{}, &portal.QueryError{Field: "name", Problem: err.Error() + "; write one such as example.com", Original: err}
	}
	if err != nil {
		return portal.ListFound{}, err
	}
	all := portal.ListFound{Entries: []portal.ListEntry{}, Categories: []portal.ListAgreement{}}
	for _, f := range found.Entries {
		if f.Covers {
			all.Entries = append(all.Entries, portal.ListEntry{
				Source: f.Source, Format: string(f.Format), Version: f.Version, FirstSeen: f.FirstSeen, Categories: f.Categories,
				Entry: cmp.Or(f.Text, f.Name, f.Pattern), Scope: f.Scope, Part: f.File, Line: f.Line, Exception: f.Exception,
			})
		}
	}
	for _, a := range found.Categories {
		all.Categories = append(all.Categories, portal.ListAgreement{
			Category: a.Category, Sources: a.Sources, Independent: a.Independent, SingleSource: a.SingleSource,
		})
	}
	return all, nil
}

// Diff implements api.Lists.
func (d desk) Diff(ctx context.Context, from, to string) (api.ListDiff, error) {
	for _, argument := range []string{from, to} {
		if !d.files && !d.hasList(argument) {
			return api.ListDiff{}, fmt.Errorf("no list is named %q: hearth lists stats shows them; a file is compared with --config FILE, because the server opens none for others", argument)
		}
	}
	diff, err := d.shelf.library.Diff(ctx, from, to, nil)
	if err != nil {
		return api.ListDiff{}, err
	}
	return api.ListDiff{
		From: from, To: to, Added: *changes(diff.Added), Removed: *changes(diff.Removed), Moved: *changes(diff.Moved),
	}, nil
}

// hasList says whether an argument of Diff names a configured list, or a version of one.
func (d desk) hasList(argument string) bool {
	name, _, _ := strings.Cut(argument, "@")
	return slices.ContainsFunc(d.shelf.lists.Sources, func(s source.Source) bool { return s.Name == name })
}

// Update implements api.Lists. The outcomes are those of the library; a
// source that was refused or held back keeps its last good copy.
func (d desk) Update(ctx context.Context, names ...string) ([]api.ListUpdate, error) {
	results, err := d.shelf.library.Update(ctx, names...)
	all, fresh := []api.ListUpdate{}, false
	for _, r := range results {
		all = append(all, updated(r))
		fresh = fresh || r.Status == source.Updated
	}
	if err != nil {
		return all, fmt.Errorf("updating lists: %w", err)
	}
	if fresh || d.behind(results) {
		err = d.changed(ctx)
	}
	return all, err
}

// Accept implements api.Lists.
func (d desk) Accept(ctx context.Context, name string) (api.ListUpdate, error) {
	r, err := d.shelf.library.Accept(ctx, name)
	if err != nil {
		return api.ListUpdate{}, fmt.Errorf("accepting a list: %w", err)
	}
	return updated(r), d.changed(ctx)
}

// Lint implements api.Lists.
func (d desk) Lint(ctx context.Context) (api.ListLint, error) {
	found, err := d.shelf.library.Lint(ctx)
	if err != nil {
		return api.ListLint{}, err
	}
	lint := api.ListLint{Findings: []api.ListFinding{}}
	for _, f := range found.Findings {
		lint.Findings = append(lint.Findings, api.ListFinding{
			Source: f.Source, Kind: string(f.Kind), Count: f.Count, Of: f.Of, Examples: f.Examples, Why: f.Why,
		})
	}
	for _, s := range found.Suspended {
		lint.Suspended = append(lint.Suspended, api.SuspendedHelp{Name: s.Name, Reason: s.Reason, Date: s.Date})
	}
	return lint, nil
}

func updated(r source.Result) api.ListUpdate {
	u := api.ListUpdate{
		Name: r.Source, Outcome: string(r.Status), Names: r.Names, Before: r.Before,
		Held: held(r.Held), Seconds: r.Took.Seconds(), Error: r.Why,
	}
	if r.Diff != nil {
		u.Added, u.Removed, u.Moved = changes(r.Diff.Added), changes(r.Diff.Removed), changes(r.Diff.Moved)
	}
	return u
}

func changes(c blocklists.Changes) *api.ListChanges {
	return &api.ListChanges{Count: c.Count, Examples: c.Examples}
}

func held(h *source.Hold) *api.ListHold {
	if h == nil {
		return nil
	}
	return &api.ListHold{Why: h.Why, Hits: h.Hits, Names: h.Names, Since: h.Since}
}

// behind says whether the index on disk is not of the lists as they are,
// although nothing is wrong with them.
func (d desk) behind(results []source.Result) bool {
	for _, r := range results {
		if r.Why != "" {
			return false
		}
	}
	_, err := d.shelf.library.Load(d.shelf.taxonomy)
	return len(results) > 0 && err != nil
}
