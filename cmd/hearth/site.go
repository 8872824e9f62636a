package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/hearthdns/hearth/policy/portal/api"
)

// site is a state folder in which a command works offline, with the server
// that runs there.
type site struct {
	app    *app
	server *client // nil: none, or it does the work itself
	index  func() (string, error)
}

// site looks who else is in the state folder of --config. A server of another
// configuration is refused: its index would be overwritten by one of lists
// that are not its own.
func (a *app) site(ctx context.Context) (site, error) {
	if a.config == "" {
		return site{}, nil
	}
	l, err := a.load()
	if err != nil {
		return site{}, err
	}
	state, err := a.stateDir(&l.Config)
	if err != nil {
		return site{}, err
	}
	c := dial(controlPath(&l.Config, state))
	status, err := a.status(ctx, c)
	switch {
	case errors.Is(err, errNoServer):
		return site{}, nil
	case err != nil:
		return site{}, err
	case !sameFile(status.Config.Path, l.File):
		return site{}, fmt.Errorf("%s serves %s, whose lists are in this state folder; leave --config out to let it do the work, or give %s a folder of its own with `state:`",
			c.where, described(status.Config.Path), l.File)
	}
	index := func() (string, error) {
		s, err := a.openShelf(l)
		if err != nil {
			return "", err
		}
		ix, err := s.library.Load(s.taxonomy)
		if ix == nil {
			return "", err
		}
		return ix.ID(), nil
	}
	return site{app: a, server: &c, index: index}, nil
}

func described(file string) string {
	if file == "" {
		return "the built-in example"
	}
	return file
}

// sameFile says whether two paths lead to one file.
func sameFile(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	if abs, err := filepath.Abs(b); err == nil && abs == a {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}

// takeover says who serves what was compiled.
type takeover struct {
	TakenBy  string `json:"taken_over_by,omitempty"`
	NotTaken string `json:"not_taken_over,omitempty"` // why a server that runs has not
}

func (t takeover) sayTakeover(w io.Writer) {
	switch {
	case t.NotTaken != "":
		fmt.Fprintf(w, "not taken over: %s\n", t.NotTaken)
	case t.TakenBy != "":
		fmt.Fprintf(w, "taken over by %s\n", t.TakenBy)
	}
}

// handOver lets the running server take over the index on disk and gives its
// name; "" where none runs. The error says why it serves another one.
func (s site) handOver(ctx context.Context) (string, error) {
	if s.server == nil {
		return "", nil
	}
	ours, err := s.index()
	if err != nil {
		return "", err
	}
	if err := s.server.call(ctx, request{method: http.MethodPost, path: "/v1/reload"}, &api.Reloaded{}); err != nil {
		return "", fmt.Errorf("%s: %w", s.server.where, err)
	}
	status, err := s.app.status(ctx, *s.server)
	if err != nil {
		return "", err
	}
	if status.Index.ID != ours {
		return "", fmt.Errorf("%s serves the index %s and not %s; look at its log", s.server.where, status.Index.ID, ours)
	}
	return s.server.where, nil
}
