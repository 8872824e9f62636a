package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/parents"
)

const (
	householdPath = "/v1/households/{household}"
	memberPath    = householdPath + "/members/{member}"
	devicePath    = householdPath + "/devices/{device}"
)

// joined is HOUSEHOLD/NAME, the name alone where there is but one household.
func joined(household, name string) string {
	if household == "" {
		return name
	}
	return household + "/" + name
}

func cutHousehold(name string) (household, rest string, qualified bool) {
	household, rest, qualified = strings.Cut(name, "/")
	if !qualified {
		rest = name
	}
	return household, rest, qualified
}

// Definition is a household as the configuration writes it.
type Definition struct {
	Definition string `json:"definition" doc:"YAML, as one file of households_dir"`
	Revision   uint64 `json:"revision" doc:"a change must name the one that it changes"`
}

// householdRoutes are about households as a whole.
func (a *API) householdRoutes() {
	d := a.Desk
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: path, id: id, summary: summary, scope: scopeHouseholdsRead}
	}
	list := read("/v1/households", "listHouseholds", "The households that the caller may see")
	list.least = parents.Carer
	serve(a, list, func(ctx context.Context, in *struct{ Paging }) (Page[parents.Household], error) {
		by := callerOf(ctx).Actor
		ids, err := page(in.Paging, d.Visible(by)) // a look at a page is none at those behind it
		if err != nil {
			return Page[parents.Household]{}, err
		}
		list, err := d.List(ctx, by, ids.Items)
		return Page[parents.Household]{Items: list, Next: ids.Next}, err
	})
	serve(a, read(householdPath, "getHousehold", "One household, with what is in force"), func(ctx context.Context, in *Place) (parents.Household, error) {
		return d.Show(ctx, in.who(ctx))
	})
	serve(a, read(householdPath+"/audit", "listChanges", "Who changed what in 90 days, the latest first"), a.audit)
	serve(a, read(householdPath+"/acts", "listActs", "What people did that is in force"), a.acts(""))
	a.definitionRoutes()
}

// definitionRoutes are about who owns a household, and what it is.
func (a *API) definitionRoutes() {
	d := a.Desk
	write := func(method, path, id, summary string) route {
		return route{method: method, path: householdPath + path, id: id, summary: summary, scope: scopeHouseholdsWrite, send: `{"definition": "YAML", "revision": 1}`}
	}
	serve(a, route{
		method: http.MethodPost, path: "/v1/households", id: "addHousehold", summary: "Add a household to the store", scope: scopeOperate, least: parents.Operator,
		made: true, send: `{"definition": "YAML, with the keys of an item of households"}`,
	}, func(ctx context.Context, in *struct {
		Body struct {
			Definition string `json:"definition" minLength:"1"`
		}
	}) (parents.Adopted, error) {
		return d.Adopt(ctx, Place{only}.who(ctx), in.Body.Definition)
	})
	adopt := write(http.MethodPost, "/adopt", "adoptHousehold", "Move a household of the configuration into the store")
	adopt.least = parents.Parent // before it is said what stands where
	serve(a, adopt, func(ctx context.Context, in *Place) (parents.Adopted, error) {
		return d.Adopt(ctx, in.who(ctx), "")
	})
	serve(a, write(http.MethodGet, "/definition", "getDefinition", "The definition of a household of the store"), func(ctx context.Context, in *Place) (Definition, error) {
		text, revision, err := d.Export(ctx, in.who(ctx), false)
		return Definition{string(text), revision}, err
	})
	serve(a, write(http.MethodPut, "/definition", "replaceDefinition", "Change the definition of a household of the store"), func(ctx context.Context, in *struct {
		Place
		Body Definition
	}) (parents.Household, error) {
		return d.Replace(ctx, in.who(ctx), in.Body.Definition, in.Body.Revision)
	})
	serve(a, write(http.MethodPost, "/release", "releaseHousehold", "Give a household of the store back to the configuration"), func(ctx context.Context, in *Place) (Definition, error) {
		text, revision, err := d.Export(ctx, in.who(ctx), true)
		return Definition{string(text), revision}, err
	})
}

// Change is what somebody changed, with times in the household's zone.
type Change struct {
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	Role   string    `json:"role,omitempty" doc:"of who did it; not there: a code or PIN proved it, or nobody did it"`
	What   string    `json:"what"`
	Member string    `json:"member,omitempty"`
	Device string    `json:"device,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

func changeOf(e parents.Entry, in *time.Location) Change {
	c := Change{At: time.Unix(e.At, 0).In(in), By: e.By, Role: e.Role, What: e.What, Member: e.Member, Device: e.Device, Detail: e.Detail}
	if e.Until != 0 {
		c.Until = time.Unix(e.Until, 0).In(in)
	}
	return c
}

func (a *API) audit(ctx context.Context, in *struct {
	Place
	Paging
}) (Page[Change], error) {
	h, list, err := a.Desk.Audit(ctx, in.who(ctx))
	if err != nil {
		return Page[Change]{}, err
	}
	changes := make([]Change, 0, len(list))
	for _, e := range list {
		changes = append(changes, changeOf(e, h.Location))
	}
	return page(in.Paging, changes)
}
