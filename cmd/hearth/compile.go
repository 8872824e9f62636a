package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/portal/api"
)

// compiled is the index that lists compile made, or found to be right.
type compiled struct {
	AnsweredBy string  `json:"answered_by"`
	Index      string  `json:"index"`
	Names      int     `json:"names"`
	Bytes      int64   `json:"bytes"`
	PerName    float64 `json:"bytes_per_name"`
	Seconds    float64 `json:"seconds"`
	Unchanged  bool    `json:"unchanged,omitempty"` // the server's index was that of the lists already

	Shortfall []string `json:"shortfall,omitempty"` // lists that are not in it as they are, and why
	Held      []string `json:"held,omitempty"`      // lists of which a newer version waits for lists accept, and why
	takeover
}

func (a *app) compileLists(ctx context.Context) error {
	compile := a.compileByServer
	if a.config != "" {
		compile = a.compileHere
	}
	r, err := compile(ctx)
	if err != nil {
		return err
	}
	a.print(r, r.describe)
	if r.NotTaken != "" || len(r.Shortfall) > 0 {
		return errReported
	}
	return nil
}

// compileByServer lets the running server do it: it knows its lists.
func (a *app) compileByServer(ctx context.Context) (compiled, error) {
	c, err := a.reach()
	if err != nil {
		return compiled{}, err
	}
	before, err := a.status(ctx, c)
	if err != nil {
		return compiled{}, err
	}
	start := time.Now()
	if err := a.ask(ctx, c, request{method: http.MethodPost, path: "/v1/reload"}, &api.Reloaded{}); err != nil {
		return compiled{}, err
	}
	after, err := a.status(ctx, c)
	if err != nil {
		return compiled{}, err
	}
	return compiled{
		AnsweredBy: c.where, Index: after.Index.ID, Names: after.Index.Names, Bytes: after.Index.Bytes,
		PerName: perName(after.Index.Bytes, after.Index.Names), Seconds: time.Since(start).Seconds(),
		Unchanged: after.Index.ID == before.Index.ID,
	}, nil
}

func (a *app) status(ctx context.Context, c client) (api.Status, error) {
	var s api.Status
	err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/status"}, &s)
	return s, err
}

// compileHere compiles the lists of --config in this process.
func (a *app) compileHere(ctx context.Context) (compiled, error) {
	l, err := a.load()
	if err != nil {
		return compiled{}, err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	at, err := a.site(ctx)
	if err != nil {
		return compiled{}, err
	}
	s, err := a.openShelf(l)
	if err != nil {
		return compiled{}, err
	}
	start := time.Now()
	k, err := s.compile(ctx)
	if err != nil {
		return compiled{}, err
	}
	r := compiled{
		AnsweredBy: "offline, by " + l.source(), Index: k.index.ID(), Names: k.index.Names(), Bytes: k.index.Bytes(),
		PerName: perName(k.index.Bytes(), k.index.Names()), Seconds: time.Since(start).Seconds(),
	}
	if err := k.shortfall(); err != nil {
		r.Shortfall = strings.Split(err.Error(), "\n")
	}
	r.Held = k.waiting()
	if r.TakenBy, err = at.handOver(ctx); err != nil {
		r.NotTaken = err.Error()
	}
	return r, nil
}

func (r compiled) describe(w io.Writer) {
	fmt.Fprintf(w, "index %s: %d names, %d bytes, %.1f bytes a name", r.Index, r.Names, r.Bytes, r.PerName)
	if r.Unchanged {
		fmt.Fprintln(w, ", that of the lists as they are: nothing to compile")
	} else {
		fmt.Fprintf(w, ", compiled in %.1f s\n", r.Seconds)
	}
	for _, line := range r.Held {
		fmt.Fprintf(w, "held back: %s\n", line)
	}
	for _, line := range r.Shortfall {
		fmt.Fprintf(w, "not as configured: %s\n", line)
	}
	fmt.Fprintf(w, "done by %s\n", r.AnsweredBy)
	r.sayTakeover(w)
}

func perName(bytes int64, names int) float64 {
	if names == 0 {
		return 0
	}
	return float64(bytes) / float64(names)
}
