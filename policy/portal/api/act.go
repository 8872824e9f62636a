package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/hearthdns/hearth/policy/parents"
)

// Stretch is whom something concerns, and how long it lasts.
type Stretch struct {
	Subject
	parents.Span
}

// timed is a request for a while.
type timed struct {
	Place
	Body Stretch
}

// subjected is a request about somebody.
type subjected struct {
	Place
	Body Subject
}

// actRoutes are about what people do: grants, pauses, the filter.
func (a *API) actRoutes() {
	d := a.Desk
	const subject = `"member" or "device": "…", or neither for the house`
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: householdPath + path, id: id, summary: summary, scope: scopeHouseholdsRead}
	}
	write := func(path, id, summary, send string) route {
		return route{method: http.MethodPost, path: householdPath + path, id: id, summary: summary, scope: scopeGrantsWrite, send: send}
	}
	serve(a, read("/pauses", "listPauses", "The pauses that run"), a.acts("pause"))
	pause := write("/pauses", "pause", "Stop somebody's internet", "{"+subject+`, "for": "30m" or "until": "18:00"}`)
	pause.made = true
	serve(a, pause, func(ctx context.Context, in *timed) (parents.Act, error) {
		return d.Pause(ctx, in.Body.of(in.who(ctx)), in.Body.Span)
	})
	serve(a, write("/pauses/end", "endPause", "End the pause of somebody", "{"+subject+"}"), func(ctx context.Context, in *subjected) (parents.Act, error) {
		return d.Resume(ctx, in.Body.of(in.who(ctx)))
	})
	serve(a, read("/filter", "listFilterOff", "For whom the filter is off"), a.acts("filter off"))
	off := write("/filter/off", "filterOff", "Stop the filter, not the internet", "{"+subject+`, "for": "15m"}`)
	off.made = true
	serve(a, off, func(ctx context.Context, in *timed) (parents.Act, error) {
		return d.FilterOff(ctx, in.Body.of(in.who(ctx)), in.Body.Span)
	})
	serve(a, write("/filter/on", "filterOn", "Have it filter again before its time", "{"+subject+"}"), func(ctx context.Context, in *subjected) (parents.Act, error) {
		return d.FilterOn(ctx, in.Body.of(in.who(ctx)))
	})
	serve(a, read("/grants", "listGrants", "The grants that are in force"), a.acts("grant"))
	grant := write("/grants", "grant", "Allow a site, a service, a category or more time, for a while", "{"+subject+`, "kind": "name", "value": "example.com", "for": "15m"}`)
	grant.made = true
	serve(a, grant, func(ctx context.Context, in *struct {
		Place
		Body struct {
			Subject
			parents.Ask
		}
	}) (parents.Act, error) {
		return d.Grant(ctx, in.Body.of(in.who(ctx)), in.Body.Ask)
	})
	serve(a, route{method: http.MethodDelete, path: householdPath + "/grants/{grant}", id: "revokeGrant", summary: "End a grant", scope: scopeGrantsWrite}, func(ctx context.Context, in *struct {
		Place
		Grant string `path:"grant" doc:"its id"`
	}) (parents.Act, error) {
		return d.Revoke(ctx, in.who(ctx), in.Grant)
	})
}

// acts lists what is in force, of one sort or with "" of all.
func (a *API) acts(what string) func(context.Context, *struct {
	Place
	Paging
}) (Page[parents.Act], error) {
	return func(ctx context.Context, in *struct {
		Place
		Paging
	}) (Page[parents.Act], error) {
		all, err := a.Desk.Acts(ctx, in.who(ctx))
		if err != nil {
			return Page[parents.Act]{}, err
		}
		return page(in.Paging, slices.DeleteFunc(all, func(x parents.Act) bool { return what != "" && x.What != what }))
	}
}
