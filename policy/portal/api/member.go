package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// Member is a person of a path.
type Member struct {
	Place
	Member string `path:"member" doc:"the name"`
}

func (m Member) who(ctx context.Context) parents.Who {
	return Subject{Member: m.Member}.of(m.Place.who(ctx))
}

// memberRoutes are about the people of a household.
func (a *API) memberRoutes() {
	d := a.Desk
	serve(a, route{method: http.MethodGet, path: householdPath + "/members", id: "listMembers", summary: "The people of a household", scope: scopeHouseholdsRead},
		func(ctx context.Context, in *struct {
			Place
			Paging
		}) (Page[parents.Person], error) {
			h, err := d.Show(ctx, in.who(ctx))
			if err != nil {
				return Page[parents.Person]{}, err
			}
			return page(in.Paging, h.Members)
		})
	serve(a, route{method: http.MethodGet, path: memberPath, id: "getMember", summary: "One of them", scope: scopeHouseholdsRead},
		func(ctx context.Context, in *Member) (parents.Person, error) {
			h, err := d.Show(ctx, in.who(ctx))
			if err != nil {
				return parents.Person{}, err
			}
			i := slices.IndexFunc(h.Members, func(m parents.Person) bool { return m.Name == in.Member })
			if i < 0 {
				return parents.Person{}, &Problem{Status: http.StatusNotFound, Field: "member", Detail: "the household has no member of this name: write it as the list of members does"}
			}
			return h.Members[i], nil
		})
	serve(a, route{method: http.MethodPost, path: memberPath + "/confirm", id: "confirmBand", summary: "Put a member into the band that the birthday has brought", scope: scopeHouseholdsWrite},
		func(ctx context.Context, in *Member) (parents.Person, error) { return d.Confirm(ctx, in.who(ctx)) })
	serve(a, route{method: http.MethodPost, path: memberPath + "/take", id: "takeGrant", summary: "Take one of the member's standing grants", scope: scopeGrantsWrite},
		func(ctx context.Context, in *Member) (parents.Taken, error) { return d.Take(ctx, in.who(ctx)) })
	a.memberChanges()
	a.pinRoutes()
}

// Edition is which definition of a household a change was made of.
type Edition struct {
	Revision uint64 `json:"revision,omitempty" query:"revision" doc:"of the household's definition that this change was made of; without it whichever there is"`
}

func (e Edition) expected() *uint64 {
	if e.Revision == 0 {
		return nil
	}
	return &e.Revision
}

// memberChanges are about who belongs to a household of the store.
func (a *API) memberChanges() {
	d := a.Desk
	const send = `{"name": "…", "born": "YYYY-MM-DD", or "band": "child", "profile": "…"}`
	serve(a, route{
		method: http.MethodPost, path: householdPath + "/members", id: "addMember", summary: "Take somebody into a household of the store", scope: scopeHouseholdsWrite, made: true, send: send,
	}, func(ctx context.Context, in *struct {
		Place
		Body struct {
			Name string `json:"name"`
			parents.Traits
			Edition
		}
	}) (parents.Person, error) {
		m := policy.MemberConfig{Name: in.Body.Name}
		if err := in.Body.Apply(&m); err != nil {
			return parents.Person{}, err
		}
		return d.AddMember(ctx, in.who(ctx), m, in.Body.expected())
	})
	serve(a, route{
		method: http.MethodPatch, path: memberPath, id: "changeMember", summary: "Change what gives a member their rules; what is not sent stays, and \"\" takes it away", scope: scopeHouseholdsWrite,
		send: `{"born": "YYYY-MM-DD", "band": "child", or "profile": "…"}`,
	}, func(ctx context.Context, in *struct {
		Member
		Body struct {
			parents.Traits
			Edition
		}
	}) (parents.Person, error) {
		return d.ChangeMember(ctx, in.who(ctx), in.Body.expected(), in.Body.Apply)
	})
	if a.Activity == nil {
		return
	}
	serve(a, route{
		method: http.MethodDelete, path: memberPath, id: "eraseMember", summary: "Take a member out of a household of the store, and erase all that is kept of them", scope: scopeHouseholdsWrite,
	}, func(ctx context.Context, in *struct {
		Member
		Edition
	}) (parents.Parted, error) {
		return d.EraseMember(ctx, in.who(ctx), a.Activity, in.expected())
	})
}

// Secret is whether a member has a PIN.
type Secret struct {
	Member string `json:"member"`
	Set    bool   `json:"set"`
}

func (a *API) pinRoutes() {
	pin := route{method: http.MethodPut, path: memberPath + "/pin", id: "setPin", scope: scopeHouseholdsWrite, summary: "Set the PIN by which a member says to use a shared device", send: `{"pin": "4 to 12 digits"}`}
	serve(a, pin, func(ctx context.Context, in *struct {
		Member
		Body struct {
			PIN string `json:"pin" minLength:"1" maxLength:"64" writeOnly:"true"`
		}
	}) (Secret, error) {
		return Secret{in.Member.Member, true}, a.Desk.SetPIN(ctx, in.who(ctx), in.Body.PIN)
	})
	gone := route{method: http.MethodDelete, path: memberPath + "/pin", id: "removePin", scope: scopeHouseholdsWrite, summary: "Take the PIN away"}
	serve(a, gone, func(ctx context.Context, in *Member) (Secret, error) {
		return Secret{in.Member, false}, a.Desk.SetPIN(ctx, in.who(ctx), "")
	})
}
