package api

import (
	"context"
	"net/http"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// Of is somebody of a household whose activity is meant.
type Of struct {
	Place
	Of string `query:"of" doc:"a member, a device, or guests; without it the whole household"`
}

// of names whom a request means, for the activity, after it was judged that the caller may.
func (a *API) of(ctx context.Context, p Place, name string) (string, error) {
	h, err := a.Desk.Oversee(ctx, p.who(ctx))
	switch {
	case err != nil:
		return "", err
	case name == "":
		return h.ID, nil
	}
	return joined(h.ID, name), nil
}

// activityRoutes are about what is remembered of people.
func (a *API) activityRoutes() {
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: householdPath + "/activity" + path, id: id, summary: summary, scope: scopeActivityRead}
	}
	serve(a, read("", "getActivity", "What is remembered of somebody, or of the household, a page of days at a time"), a.remembered)
	serve(a, read("/export", "exportActivity", "Everything that is kept of somebody"), func(ctx context.Context, in *Of) (policy.ActivityExport, error) {
		of, err := a.of(ctx, in.Place, in.Of)
		if err != nil {
			return policy.ActivityExport{}, err
		}
		return a.Activity.Export(ctx, of)
	})
	serve(a, route{
		method: http.MethodPost, path: householdPath + "/activity/erase", id: "eraseActivity", scope: scopeHouseholdsWrite,
		summary: "Forget all activity of somebody; of who or what is gone everything", send: `{"of": "a member"}, or of a household that is gone {"all": true}`,
	}, a.erase)
	serve(a, read("/companions", "listCompanions", "What pages of an allow-list seem to need"), listed(a, a.Activity.Companions))
	serve(a, read("/devices", "listSightings", "When devices asked last, as far as that may be remembered"), listed(a, a.Activity.Devices))
	serve(a, read("/notices", "listNotices", "What parents should know of"), listed(a, func(ctx context.Context, of string) ([]policy.NoticeReport, error) {
		return a.Activity.Notices(ctx, of, false)
	}))
	a.logRoutes()
}

// listed pages what is found of somebody.
func listed[T any](a *API, find func(ctx context.Context, of string) ([]T, error)) func(context.Context, *struct {
	Of
	Paging
}) (Page[T], error) {
	return func(ctx context.Context, in *struct {
		Of
		Paging
	}) (Page[T], error) {
		of, err := a.of(ctx, in.Place, in.Of.Of)
		if err != nil {
			return Page[T]{}, err
		}
		all, err := find(ctx, of)
		if err != nil {
			return Page[T]{}, err
		}
		return page(in.Paging, all)
	}
}

// Remembered is a page of what is remembered of somebody.
type Remembered struct {
	policy.ActivityReport
	Next string `json:"next,omitempty" doc:"the cursor of the next page of days; not there: this is the last"`
}

func (a *API) remembered(ctx context.Context, in *struct {
	Of
	Paging
	Day string `query:"day" doc:"YYYY-MM-DD or today; without it all days"`
}) (Remembered, error) {
	of, err := a.of(ctx, in.Place, in.Of.Of)
	if err != nil {
		return Remembered{}, err
	}
	r, err := a.Activity.Show(ctx, of, in.Day)
	if err != nil {
		return Remembered{}, err
	}
	days, err := page(in.Paging, r.Days)
	r.Days = days.Items
	return Remembered{r, days.Next}, err
}

// erase forgets somebody's activity, and what else is kept of who is gone.
func (a *API) erase(ctx context.Context, in *struct {
	Place
	Body struct {
		Of  string `json:"of,omitempty" doc:"a member, a device, or guests"`
		All bool   `json:"all,omitempty" doc:"everything of a household that is gone"`
	}
}) (policy.ActivityErased, error) {
	of, err := a.of(ctx, in.Place, in.Body.Of)
	if err != nil {
		return policy.ActivityErased{}, err
	}
	r, err := a.Activity.Erase(ctx, of, in.Body.All)
	if err != nil {
		return r, err
	}
	return a.Desk.Erase(ctx, in.who(ctx), r)
}

// logRoutes are about the logs of names that parents ask for.
func (a *API) logRoutes() {
	serve(a, route{method: http.MethodGet, path: householdPath + "/logs", id: "listLogs", summary: "The logs of names that are kept, or asked for", scope: scopeActivityRead}, func(ctx context.Context, in *struct {
		Place
		Paging
	}) (Page[policy.LogReport], error) {
		of, err := a.of(ctx, in.Place, "")
		if err != nil {
			return Page[policy.LogReport]{}, err
		}
		r, err := a.Activity.Show(ctx, of, "today")
		if err != nil {
			return Page[policy.LogReport]{}, err
		}
		return page(in.Paging, r.Logs)
	})
	serve(a, route{
		method: http.MethodPost, path: householdPath + "/logs", id: "keepLog", scope: scopeHouseholdsWrite, made: true,
		summary: "Keep somebody's blocked names, or all, for at most 7 days; the person sees it", send: `{"member": "…", "full": true, "for": "7d"}`,
	}, func(ctx context.Context, in *struct {
		Place
		Body struct {
			Member string `json:"member"`
			Full   bool   `json:"full,omitempty" doc:"of all names, not only of blocked ones"`
			For    string `json:"for" doc:"such as 12h or 7d, which is the longest"`
		}
	}) (policy.LogReport, error) {
		return a.diary(ctx, in.Place, in.Body.Member, parents.Diary{Full: in.Body.Full, For: in.Body.For})
	})
	serve(a, route{method: http.MethodDelete, path: householdPath + "/logs/{member}", id: "endLog", summary: "End a log", scope: scopeHouseholdsWrite}, func(ctx context.Context, in *Member) (policy.LogReport, error) {
		return a.diary(ctx, in.Place, in.Member, parents.Diary{Off: true})
	})
}

func (a *API) diary(ctx context.Context, p Place, member string, ask parents.Diary) (policy.LogReport, error) {
	who := Subject{Member: member}.of(p.who(ctx))
	h, err := a.Desk.Oversee(ctx, who)
	if err != nil {
		return policy.LogReport{}, err
	}
	l, err := a.Desk.Diary(ctx, who, ask)
	return l.Report(h.Location), err
}
