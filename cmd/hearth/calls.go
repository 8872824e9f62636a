package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

// at is the path of something of a household; "" is the only one.
func at(household string, parts ...string) string {
	path := "/v1/households/" + url.PathEscape(cmp.Or(household, "-"))
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// subject is whom a request concerns, as it is sent.
func subject(who parents.Who) api.Subject { return api.Subject{Member: who.Member, Device: who.Device} }

// change has the running server do something.
func change(path string, body any) request {
	return request{method: http.MethodPost, path: path, body: body}
}

func look(path string) request { return request{method: http.MethodGet, path: path} }

// end has the running server end something.
func end(path string) request { return request{method: http.MethodDelete, path: path} }

// list asks for all pages of a list.
func list[T any](ctx context.Context, a *app, r request) ([]T, error) {
	c, err := a.server()
	if err != nil {
		return nil, err
	}
	items, err := pages[T](ctx, c, r)
	return items, running(err)
}

// pages reads a list to its end.
func pages[T any](ctx context.Context, c client, r request) ([]T, error) {
	items := []T{}
	query := url.Values{"limit": {"1000"}}
	maps.Copy(query, r.query)
	for {
		var page api.Page[T]
		r.query = query
		if err := c.call(ctx, r, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		query.Set("cursor", page.Next)
	}
}

// paged are the flags of a command that shows one page of a list.
type paged struct {
	after       string
	limit, most int
}

func (p *paged) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.after, "after", "", "the page behind this `PLACE`, as the page before said it")
	cmd.Flags().IntVar(&p.limit, "limit", 50, fmt.Sprintf("at most so many, up to %d", p.most))
}

// look asks for the page; what is asked for by "" is not asked for.
func (p *paged) look(path string, asked map[string]string) (request, error) {
	if p.limit < 1 || p.limit > p.most {
		return request{}, usageError{fmt.Errorf("--limit: write 1 to %d", p.most)}
	}
	r := look(path)
	r.query = url.Values{"limit": {strconv.Itoa(p.limit)}}
	for name, value := range asked {
		if value != "" {
			r.query.Set(name, value)
		}
	}
	if p.after != "" {
		r.query.Set("cursor", p.after)
	}
	return r, nil
}

// sayMore says how the next page is asked for, where there is one.
func sayMore(w io.Writer, next string) {
	if next != "" {
		fmt.Fprintf(w, "more with --after %s\n", next)
	}
}

// answer prints what the running server answers.
func answer[T any](ctx context.Context, a *app, r request, describe func(io.Writer, T)) error {
	var result T
	if err := a.tell(ctx, r, &result); err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { describe(w, result) })
	return nil
}

func (a *app) tell(ctx context.Context, r request, result any) error {
	c, err := a.server()
	if err != nil {
		return err
	}
	return running(c.call(ctx, r, result))
}

// running says what to do where no server runs.
func running(err error) error {
	if errors.Is(err, errNoServer) {
		return fmt.Errorf("%w; what parents change is in force at once, so a server must run: start it with hearth serve", err)
	}
	return err
}
