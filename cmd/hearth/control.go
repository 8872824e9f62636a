package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy/portal"
)

// control is what the control socket can do with the running server.
type control struct{ server *server }

// Status implements portal.Control.
func (c control) Status(context.Context) portal.Status {
	s := c.server
	state := s.record.live.Load()
	file := s.file
	if abs, err := filepath.Abs(file); file != "" && err == nil {
		file = abs // who asks has another working folder
	}
	return portal.Status{
		Version: thisBuild().Version, Node: nodeName(), Started: s.started,
		Config:    portal.ConfigState{Path: file, Hash: state.hash, LoadedAt: state.at, Refused: state.refused},
		Listeners: s.addresses, Upstreams: s.switchboard.upstreams(),
	}
}

// Reload implements portal.Control.
func (c control) Reload(ctx context.Context) (portal.Reloaded, error) {
	done, err := c.server.reload(ctx, "control socket")
	if err != nil {
		return portal.Reloaded{}, err
	}
	changed := make([]string, 0, len(done.Changes))
	for _, s := range done.Changes {
		changed = append(changed, s.String())
	}
	if done.Lists != nil {
		return portal.Reloaded{}, fmt.Errorf("the configuration %s is in force, but the lists in use serve on: %w", done.New, done.Lists)
	}
	return portal.Reloaded{Before: done.Old, After: done.New, Changed: changed}, nil
}

// Lists implements portal.Control.
func (c control) Lists() portal.Lists {
	return desk{shelf: c.server.shelf.Load(), changed: c.server.recompile}
}

// offline is what the control API can do without a server: everything that
// needs only the state folder.
type offline struct {
	shelf *shelf
	l     *loaded
}

// Status implements portal.Control.
func (o offline) Status(context.Context) portal.Status {
	return portal.Status{Version: thisBuild().Version, Node: nodeName(), Config: portal.ConfigState{Path: o.l.File, Hash: o.l.Hash()}}
}

// Reload implements portal.Control: there is nothing to reload.
func (offline) Reload(context.Context) (portal.Reloaded, error) {
	return portal.Reloaded{}, fmt.Errorf("%w, so there is nothing to reload; start one with hearth serve", errNoServer)
}

// Lists implements portal.Control.
func (o offline) Lists() portal.Lists {
	return desk{shelf: o.shelf, changed: func(ctx context.Context) error {
		_, err := o.shelf.compile(ctx)
		return err
	}}
}

// desk answers questions about the lists of one shelf.
type desk struct {
	shelf   *shelf
	changed func(context.Context) error // compiles
}

// Stats implements portal.Lists.
func (d desk) Stats(context.Context) ([]portal.ListStat, error) {
	all := []portal.ListStat{}
	for _, s := range d.shelf.library.Stats() {
		from := s.Origin
		if from == "" {
			from = "embedded"
		}
		all = append(all, portal.ListStat{
			Name: s.Name, Format: string(s.Format), From: from, Categories: s.Categories,
			Names: s.Names, Rejected: byReason(s.Rejected), Bytes: s.Bytes,
			Version: s.Version, FetchedAt: s.Fetched, Error: s.LastError,
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

// Find implements portal.Lists.
func (d desk) Find(ctx context.Context, name string) ([]portal.ListEntry, error) {
	found, err := d.shelf.library.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	all := []portal.ListEntry{}
	for _, f := range found {
		if f.Covers {
			all = append(all, portal.ListEntry{
				Source: f.Source, Format: string(f.Format), Categories: f.Categories,
				Entry: f.Text, Line: f.Line, Exception: f.Exception,
			})
		}
	}
	return all, nil
}

// Update implements portal.Lists. The outcomes are those of the library; a
// source that was refused keeps its last good copy.
func (d desk) Update(ctx context.Context, names ...string) ([]portal.ListUpdate, error) {
	results, err := d.shelf.library.Update(ctx, names...)
	all, fresh := []portal.ListUpdate{}, false
	for _, r := range results {
		all = append(all, portal.ListUpdate{Name: r.Source, Outcome: string(r.Status), Names: r.Names, Error: r.Why})
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
