package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

// findResult is what the lists say of a name.
type findResult struct {
	AnsweredBy string `json:"answered_by"`
	Name       string `json:"name"`
	portal.ListFound
	Withheld bool `json:"withheld"` // entries of security lists, if there are any
}

func (a *app) findName(ctx context.Context, name string) error {
	c, err := a.reach()
	if err != nil {
		return err
	}
	r := findResult{AnsweredBy: c.where}
	query := url.Values{"name": {name}}
	if err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/lists/find", query: query}, &r); err != nil {
		return err
	}
	a.print(r, r.describe)
	return nil
}

func (r findResult) describe(w io.Writer) {
	for _, e := range r.Entries {
		describeEntry(w, e)
	}
	switch {
	case len(r.Entries) > 0:
	case r.Withheld:
		fmt.Fprintf(w, "%s is on no list that can be told of here\n", r.Name)
	default:
		fmt.Fprintf(w, "%s is on no list\n", r.Name)
	}
	for _, c := range r.Categories {
		agree := fmt.Sprintf("%d independent lists agree", c.Independent)
		if c.SingleSource {
			agree = "a single source, nobody independent agrees"
		}
		fmt.Fprintf(w, "%s: %s (%s)\n", c.Category, agree, strings.Join(c.Sources, ", "))
	}
	if r.Withheld {
		fmt.Fprintln(w, "security lists are not told of here, because a legal list is configured; with --config FILE, who may read the state folder finds their entries too")
	}
	fmt.Fprintf(w, "answered by %s\n", r.AnsweredBy)
}

func describeEntry(w io.Writer, e portal.ListEntry) {
	what := strings.Join(e.Categories, ", ")
	if e.Exception {
		what = "exception, not " + what
	}
	where := fmt.Sprintf("line %d", e.Line)
	if e.Part != "" {
		where = e.Part + " " + where
	}
	fmt.Fprintf(w, "%s %s: %s (%s)", e.Source, where, e.Entry, what)
	if e.FirstSeen != "" {
		fmt.Fprintf(w, ", format %s, version %s, first seen %s", e.Format, e.Version, e.FirstSeen)
	}
	fmt.Fprintln(w)
}

func (a *app) compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two lists, or two versions of one",
		Long: `Compare two lists: how many names only B has (added), only A has (removed),
and both have in another directory or with another meaning (moved). A and B are
names of configured lists, NAME@held for the version that is held back,
NAME@previous for the one before, or with --config FILE files. Where a legal
list is configured, lists are compared only with --config FILE.`,
		Example: "  hearth lists diff my-list my-list@held\n  hearth lists diff my-list ./download.txt --config /etc/hearth/config.yaml",
		Args:    exactly(2, "A and B, the lists to compare"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.compareLists(cmd.Context(), args[0], args[1]) },
	}
}

// listDiff is how two lists differ.
type listDiff struct {
	AnsweredBy string `json:"answered_by"`
	api.ListDiff
}

func (a *app) compareLists(ctx context.Context, from, to string) error {
	c, err := a.reach()
	if err != nil {
		return err
	}
	r := listDiff{AnsweredBy: c.where}
	query := url.Values{"from": {from}, "to": {to}}
	if err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/lists/diff", query: query}, &r); err != nil {
		return err
	}
	a.print(r, r.describe)
	return nil
}

func (r listDiff) describe(w io.Writer) {
	for _, row := range []struct {
		what string
		api.ListChanges
	}{{"added", r.Added}, {"removed", r.Removed}, {"moved", r.Moved}} {
		fmt.Fprintf(w, "%d %s\n", row.Count, row.what)
		for _, name := range row.Examples {
			fmt.Fprintf(w, "  %s\n", name)
		}
		if more := row.Count - len(row.Examples); more > 0 && len(row.Examples) > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
	}
	fmt.Fprintf(w, "answered by %s\n", r.AnsweredBy)
}
