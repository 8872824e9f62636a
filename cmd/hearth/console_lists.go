package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// bookshelf is what parents see of the lists: none of what the law forbids.
type bookshelf struct {
	server   *server
	licences map[string]string // by URL, as the catalogue has them
}

func newBookshelf(s *server) (bookshelf, error) {
	known, err := register.Open()
	if err != nil {
		return bookshelf{}, fmt.Errorf("reading the catalogue of lists: %w", err)
	}
	b := bookshelf{s, make(map[string]string)}
	for _, l := range known.Lists() {
		b.licences[l.URL] = l.Licence
	}
	return b, nil
}

// All implements console.Lists.
func (b bookshelf) All(context.Context) (all []console.List, err error) {
	for _, l := range b.server.shelf.Load().library.Stats() {
		if slices.ContainsFunc(l.Categories, blocklists.IsLegal) {
			continue
		}
		all = append(all, console.List{
			Name: l.Name, Licence: b.licences[l.Origin], Categories: l.Categories, Names: l.Names, Fetched: l.Fetched,
			Failed: l.LastError != "", Held: l.Held != nil, Stale: l.Stale,
		})
	}
	return all, nil
}

// Explain implements console.Lists.
func (b bookshelf) Explain(ctx context.Context, q portal.ExplainQuery) (portal.Explanation, error) {
	return b.server.portal.Explain(ctx, q)
}
