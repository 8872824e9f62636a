package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/hearthdns/hearth/policy/portal/api"
)

// control is what the control socket can do with the running server.
type control struct{ server *server }

// Status implements api.Control.
func (c control) Status(context.Context) api.Status {
	s := c.server
	state := s.record.live.Load()
	file := s.file
	if abs, err := filepath.Abs(file); file != "" && err == nil {
		file = abs // who asks has another working folder
	}
	return api.Status{
		Version: thisBuild().Version, Node: nodeName(), Started: s.started,
		Config:    api.ConfigState{Path: file, Hash: state.hash, LoadedAt: state.at, Refused: state.refused},
		Listeners: s.addresses, Upstreams: s.switchboard.upstreams(),
		Updating: s.shelf.Load().library.Working(),
	}
}

// Reload implements api.Control.
func (c control) Reload(ctx context.Context) (api.Reloaded, error) {
	done, err := c.server.reload(ctx, "control socket")
	if err != nil {
		return api.Reloaded{}, err
	}
	changed := make([]string, 0, len(done.Changes))
	for _, s := range done.Changes {
		changed = append(changed, s.String())
	}
	if done.Lists != nil {
		return api.Reloaded{}, fmt.Errorf("the configuration %s is in force, but the lists in use serve on: %w", done.New, done.Lists)
	}
	return api.Reloaded{Before: done.Old, After: done.New, Changed: changed}, nil
}

// State implements api.Control.
func (c control) State() api.State { return c.server.store }

// Lists implements api.Control.
func (c control) Lists() api.Lists {
	return desk{shelf: c.server.shelf.Load(), changed: c.server.recompile}
}

// Cache implements api.Control.
func (c control) Cache() api.Cache { return answers(c) }

// offline is what the control API can do without a server: everything that
// needs only the state folder.
type offline struct {
	shelf *shelf
	l     *loaded
}

// Status implements api.Control.
func (o offline) Status(context.Context) api.Status {
	return api.Status{Version: thisBuild().Version, Node: nodeName(), Config: api.ConfigState{Path: o.l.File, Hash: o.l.Hash()}}
}

// Reload implements api.Control: there is nothing to reload.
func (offline) Reload(context.Context) (api.Reloaded, error) {
	return api.Reloaded{}, fmt.Errorf("%w, so there is nothing to reload; start one with hearth serve", errNoServer)
}

// State implements api.Control.
func (offline) State() api.State { return noState{} }

// Cache implements api.Control.
func (offline) Cache() api.Cache { return noAnswers{} }

// Lists implements api.Control.
func (o offline) Lists() api.Lists {
	return desk{shelf: o.shelf, files: true, changed: func(ctx context.Context) error {
		_, err := o.shelf.compile(ctx)
		return err
	}}
}
