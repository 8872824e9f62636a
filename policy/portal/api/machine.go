package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

// nothing is what a route takes that is asked nothing.
type nothing struct{}

// machineRoutes are about the program as a whole.
func (a *API) machineRoutes() {
	of := func(method, path, id, summary string) route {
		return route{method: method, path: path, id: id, summary: summary, scope: scopeOperate, least: parents.Operator}
	}
	serve(a, of(http.MethodGet, "/v1/status", "getStatus", "What runs, with which policy and index"), a.status)
	reload := of(http.MethodPost, "/v1/reload", "reload", "Load the configuration again and put it in force")
	reload.long = true
	serve(a, reload, func(ctx context.Context, _ *nothing) (Reloaded, error) { return a.Control.Reload(ctx) })
	backup := of(http.MethodGet, "/v1/backup", "getBackup", "The state, as hearth restore takes it")
	backup.long = true
	file(a, backup, "application/octet-stream", func(ctx context.Context, _ *nothing, w io.Writer) error {
		if err := a.looked(ctx, ""); err != nil {
			return err
		}
		return a.Control.State().Backup(w)
	})
	export := of(http.MethodGet, "/v1/export", "getExport", "What is held of a household, or of all, for people to read")
	export.long = true
	file(a, export, "application/json", func(ctx context.Context, in *struct {
		Household string `query:"household" doc:"its id; without it all"`
	}, w io.Writer) error {
		if err := a.looked(ctx, in.Household); err != nil {
			return err
		}
		return a.Control.State().Export(ctx, w, in.Household)
	})
	serve(a, of(http.MethodGet, "/v1/cache", "getCache", "What the cache of answers holds"), func(ctx context.Context, _ *nothing) (CacheStats, error) {
		return a.Control.Cache().Stats(ctx)
	})
	flush := of(http.MethodPost, "/v1/cache/flush", "flushCache", "Have the cache of answers forget a name")
	flush.send = `{"name": "example.com", "subtree": true}, or "." for all names`
	serve(a, flush, a.flush)
}

// looked has a household, or with "" each, read that an operator takes what is held of it.
func (a *API) looked(ctx context.Context, household string) error {
	if a.Desk == nil || callerOf(ctx).Actor.Role != parents.Operator {
		return nil
	}
	if household != "" {
		_, err := a.Desk.Oversee(ctx, Place{household}.who(ctx))
		return err
	}
	return a.Desk.OverseeAll(ctx, callerOf(ctx).Actor)
}

func (a *API) status(ctx context.Context, _ *nothing) (Status, error) {
	s := a.Control.Status(ctx)
	dir := a.View()
	ix := dir.Index()
	s.Policy = dir.Hash()
	s.Index = IndexState{ID: ix.ID(), Names: ix.Names(), Bytes: ix.Bytes(), Built: ix.Built()}
	if err := a.Control.State().Refused(); err != nil {
		s.Warnings = append(s.Warnings, "state: it is as it last was and nothing can be changed: "+err.Error())
	}
	if callerOf(ctx).Actor.Role == parents.Machine { // others read who is in a household there, on its record
		for _, x := range dir.Waiting() {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s/%s had a birthday: confirm the band %s with hearth household confirm %[1]s/%[2]s", x.Household, x.Member, x.To))
		}
	}
	for _, warning := range dir.Warnings() {
		s.Warnings = append(s.Warnings, warning.Path+": "+warning.Text)
	}
	return s, nil
}

func (a *API) flush(ctx context.Context, in *struct {
	Body struct {
		Name    string `json:"name" doc:"a name, or . for all" example:"example.com"`
		Subtree bool   `json:"subtree,omitempty" doc:"all names beneath it too"`
	}
}) (CacheFlushed, error) {
	name, err := portal.ParseName(in.Body.Name)
	if err != nil || in.Body.Name == "" {
		return CacheFlushed{}, &portal.QueryError{Field: "name", Problem: `this is not a domain name; write one such as example.com, or "." with "subtree": true for all names`}
	}
	n, err := a.Control.Cache().Flush(ctx, name, in.Body.Subtree)
	return CacheFlushed{name.String(), in.Body.Subtree, n}, err
}

// explainRoutes tell what happens to a name, and what devices are set to.
func (a *API) explainRoutes() {
	serve(a, route{
		method: http.MethodGet, path: "/v1/explain", id: "explain", scope: scopeExplain, least: parents.Carer,
		summary: "What happens to a name for somebody, step by step",
	}, a.explain)
	if a.Desk != nil {
		serve(a, route{
			method: http.MethodGet, path: householdPath + "/decisions/{decision}", id: "getDecision", scope: scopeExplain,
			summary: "What the id of a decision means, and when it was made; the name, the member and the device only where the household lets support see them",
		}, a.decision)
	}
	serve(a, route{
		method: http.MethodGet, path: "/v1/settings", id: "getSettings", scope: scopeHouseholdsRead, least: parents.Carer,
		summary: "What devices are set to for encrypted DNS, as far as it holds for all",
	}, func(context.Context, *nothing) (portal.Settings, error) { return a.Portal.Settings("") })
	serve(a, route{
		method: http.MethodGet, path: "/v1/households/{household}/devices/{device}/settings", id: "getDeviceSettings", scope: scopeHouseholdsWrite,
		least: parents.Parent, summary: "What one device is set to: with its id, which is its secret",
	}, a.settings)
}

// asked is what is to be explained.
type asked struct {
	Name   string `query:"name" doc:"the name, in any spelling" example:"example.com"`
	Client string `query:"client" doc:"for the client with this address; \"id:ID\" or \"ADDRESS id:ID\" as encrypted DNS tells a device's id"`
	Device string `query:"device" doc:"or for this device, HOUSEHOLD/DEVICE"`
	Member string `query:"member" doc:"or for this person, HOUSEHOLD/MEMBER"`
	Type   string `query:"type" doc:"query type; without it A"`
	At     string `query:"at" doc:"\"fri 21:05\", \"21:05\" or RFC 3339; without it now"`
}

func (a *API) explain(ctx context.Context, in *asked) (portal.Explanation, error) {
	own := callerOf(ctx).Actor.Household
	q := portal.ExplainQuery{Name: in.Name, Client: in.Client, Device: in.Device, Member: in.Member, Type: in.Type, At: in.At}
	for _, whose := range []*string{&q.Device, &q.Member} {
		var err error
		if *whose, err = within(own, *whose); err != nil {
			return portal.Explanation{}, err
		}
	}
	e, err := a.Portal.Explain(ctx, q)
	switch {
	case err != nil:
		return e, err
	case own != "" && e.Household != own:
		return portal.Explanation{}, &portal.QueryError{Field: "client", Unknown: true, Problem: "your household has no such client: write member, device, or an address of one of its devices"}
	case a.Desk != nil && e.Household != "":
		_, err = a.Desk.Show(ctx, Place{e.Household}.who(ctx)) // an operator's look is written down
	}
	return e, err
}

// decision is for support. That it looked is written down each time, for the household's parents to read.
func (a *API) decision(ctx context.Context, in *struct {
	Place
	Decision string `path:"decision" doc:"as the page or the answer has it" example:"10.fun.games-0123abcd-4567cdef"`
}) (portal.Decision, error) {
	who := in.who(ctx)
	h, err := a.Desk.Oversee(ctx, who)
	if err != nil {
		return portal.Decision{}, err
	}
	if _, there := a.View().Household(h.ID); !there { // one that is gone blocks nothing
		_, err := a.Desk.Show(ctx, who)
		return portal.Decision{}, err
	}
	d, err := a.Portal.Decision(h.ID, in.Decision)
	if err == nil && who.Actor.Role >= parents.Operator {
		err = a.Desk.Note(ctx, h.ID, who.Entry("decision looked at", d.ID))
	}
	if err != nil {
		return portal.Decision{}, err
	}
	return d, nil
}

// within names somebody of a household whom a caller of that household alone may mean.
func within(own, name string) (string, error) {
	household, rest, qualified := cutHousehold(name)
	switch {
	case own == "" || name == "":
		return name, nil
	case !qualified:
		return own + "/" + name, nil
	case household != own:
		return "", &portal.QueryError{Field: "household", Unknown: true, Problem: "there is no such household for you: write " + own + "/" + rest}
	}
	return name, nil
}

func (a *API) settings(ctx context.Context, in *struct {
	Place
	Device string `path:"device" doc:"its name"`
}) (portal.Settings, error) {
	who := in.who(ctx)
	s, err := a.Portal.Settings(joined(who.Household, in.Device))
	home, _, _ := cutHousehold(s.Device)
	switch {
	case err != nil:
		return s, err
	case who.Household != "" && home != who.Household:
		return portal.Settings{}, errors.New("the device is another's: write its name alone")
	case a.Desk != nil:
		who.Household = home
		_, err = a.Desk.Oversee(ctx, who)
	}
	if err != nil {
		s = portal.Settings{}
	}
	return s, err
}
