package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

// listRoutes are about the sources of names.
func (a *API) listRoutes() {
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: path, id: id, summary: summary, scope: scopeListsRead, least: parents.Parent}
	}
	serve(a, read("/v1/lists", "listLists", "The sources, with their state"), a.lists)
	serve(a, read("/v1/lists/find", "findInLists", "Which entries cover a name"), func(ctx context.Context, in *struct {
		Name string `query:"name" doc:"the name, in any spelling" example:"example.com"`
	}) (portal.Found, error) {
		return a.Portal.Find(ctx, in.Name)
	})
	a.machineLists(read)
}

// lists are the sources. Parents are told of them what the console tells them: of legal ones nothing.
func (a *API) lists(ctx context.Context, in *struct{ Paging }) (Page[ListStat], error) {
	all, err := a.Control.Lists().Stats(ctx)
	if err != nil {
		return Page[ListStat]{}, err
	}
	by := callerOf(ctx).Actor
	told := make([]ListStat, 0, len(all))
	for _, l := range all {
		l.Failed, l.Waits = l.Error != "", l.Held != nil
		switch {
		case by.Role >= parents.Operator && by.Household == "":
			told = append(told, l)
		case !slices.ContainsFunc(l.Categories, blocklists.IsLegal):
			told = append(told, ListStat{Name: l.Name, Categories: l.Categories, Names: l.Names, FetchedAt: l.FetchedAt, Failed: l.Failed, Waits: l.Waits, Stale: l.Stale})
		}
	}
	return page(in.Paging, told)
}

// machineLists are those routes of lists that concern everybody who uses the machine.
func (a *API) machineLists(read func(path, id, summary string) route) {
	diff := read("/v1/lists/diff", "diffLists", "What differs between two sources, or two versions of one")
	lint := read("/v1/lists/lint", "lintLists", "Entries that an operator should know of")
	diff.least, lint.least = parents.Operator, parents.Operator
	serve(a, diff, a.diff)
	serve(a, lint, func(ctx context.Context, _ *nothing) (ListLint, error) { return a.Control.Lists().Lint(ctx) })
	serve(a, route{
		method: http.MethodPost, path: "/v1/lists/update", id: "updateLists", scope: scopeListsWrite, least: parents.Operator, long: true,
		summary: "Fetch some sources, or all that are due", send: `{"names": ["a list"]}, or nothing for all lists that are due`,
	}, func(ctx context.Context, in *struct {
		Body *struct {
			Names []string `json:"names,omitempty" maxItems:"1000"`
		}
	}) (Updates, error) {
		var names []string
		if in.Body != nil {
			names = in.Body.Names
		}
		updates, err := a.Control.Lists().Update(ctx, names...)
		return Updates{updates}, err
	})
	serve(a, route{
		method: http.MethodPost, path: "/v1/lists/{list}/accept", id: "acceptList", scope: scopeListsWrite, least: parents.Operator, long: true,
		summary: "Put the version of a source that is held back in force",
	}, func(ctx context.Context, in *struct {
		List string `path:"list" doc:"its name"`
	}) (ListUpdate, error) {
		return a.Control.Lists().Accept(ctx, in.List)
	})
}

// Updates is what became of sources that were to be fetched.
type Updates struct {
	Updates []ListUpdate `json:"updates"`
}

func (a *API) diff(ctx context.Context, in *struct {
	From string `query:"from" doc:"a source, NAME@held or NAME@previous; offline a file"`
	To   string `query:"to" doc:"likewise"`
}) (ListDiff, error) {
	switch {
	case in.From == "" || in.To == "":
		return ListDiff{}, &portal.QueryError{Field: "from", Problem: "two lists are compared; write from=NAME&to=NAME, NAME@held or NAME@previous"}
	case !a.Portal.Frank(): // a list that is compared with one name tells whether it has it
		return ListDiff{}, &Problem{Status: http.StatusForbidden, Detail: "lists are not compared here, because a legal list is configured; with --config FILE, who may read the state folder compares them"}
	}
	return a.Control.Lists().Diff(ctx, in.From, in.To)
}
