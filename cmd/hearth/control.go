package main

import (
	"context"
	"fmt"
	"path/filepath"

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
		Updating: s.shelf.Load().library.Working(),
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

// State implements portal.Control.
func (c control) State() portal.State { return c.server.store }

// Lists implements portal.Control.
func (c control) Lists() portal.Lists {
	return desk{shelf: c.server.shelf.Load(), changed: c.server.recompile}
}

// Cache implements portal.Control.
func (c control) Cache() portal.Cache { return answers(c) }

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

// State implements portal.Control.
func (offline) State() portal.State { return noState{} }

// Cache implements portal.Control.
func (offline) Cache() portal.Cache { return noAnswers{} }

// Lists implements portal.Control.
func (o offline) Lists() portal.Lists {
	return desk{shelf: o.shelf, files: true, changed: func(ctx context.Context) error {
		_, err := o.shelf.compile(ctx)
		return err
	}}
}
