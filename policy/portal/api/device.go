package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/hearthdns/hearth/policy/parents"
)

// Device is a device of a path.
type Device struct {
	Place
	Device string `path:"device" doc:"its name"`
}

func (v Device) who(ctx context.Context) parents.Who {
	return Subject{Device: v.Device}.of(v.Place.who(ctx))
}

// Owner says whose a device is.
type Owner struct {
	Members []string `json:"members,omitempty" maxItems:"100" doc:"one member's, or several members'"`
	Profile string   `json:"profile,omitempty" doc:"or nobody's, with a profile of its own such as things"`
}

func (o Owner) assignment() parents.Assignment { return parents.Assignment(o) }

// Invitation is a code by which one device is added.
type Invitation struct {
	parents.Code
	URL string `json:"url" doc:"where the device redeems it"`
}

// Gone is a device that the household has no more.
type Gone struct {
	Device string `json:"device"`
}

// deviceRoutes are about devices.
func (a *API) deviceRoutes() {
	d := a.Desk
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: path, id: id, summary: summary, scope: scopeHouseholdsRead}
	}
	serve(a, read(householdPath+"/devices", "listDevices", "The devices of a household"), func(ctx context.Context, in *struct {
		Place
		Paging
	}) (Page[parents.Device], error) {
		known, _, err := d.Devices(ctx, in.who(ctx))
		if err != nil {
			return Page[parents.Device]{}, err
		}
		return page(in.Paging, known)
	})
	serve(a, read(householdPath+"/unknown-devices", "listUnknownDevices", "What was seen lately in the household's networks that is none of its devices"), func(ctx context.Context, in *struct {
		Place
		Paging
	}) (Page[parents.Seen], error) {
		_, guests, err := d.Devices(ctx, in.who(ctx))
		if err != nil {
			return Page[parents.Seen]{}, err
		}
		return page(in.Paging, guests)
	})
	serve(a, read(devicePath, "getDevice", "One device"), func(ctx context.Context, in *Device) (parents.Device, error) {
		known, _, err := d.Devices(ctx, in.who(ctx))
		i := slices.IndexFunc(known, func(v parents.Device) bool { return v.Name == in.Device })
		if err == nil && i < 0 {
			err = &Problem{Status: http.StatusNotFound, Field: "device", Detail: "the household has no device of this name: write it as the list of devices does"}
		}
		if err != nil {
			return parents.Device{}, err
		}
		return known[i], nil
	})
	a.deviceChanges()
}

func (a *API) deviceChanges() {
	d := a.Desk
	write := func(method, path, id, summary, send string) route {
		return route{method: method, path: path, id: id, summary: summary, send: send, scope: scopeHouseholdsWrite}
	}
	const whose = `{"members": ["…"]}, or {"profile": "…"}`
	invite := write(http.MethodPost, householdPath+"/invitations", "inviteDevice", "A code by which one device is added, good once and for ten minutes", `{"members": ["…"], or "profile": "…", "name": "…"}`)
	invite.made, invite.secret = true, true
	serve(a, invite, func(ctx context.Context, in *struct {
		Place
		Body struct {
			Owner
			Name string `json:"name,omitempty" doc:"what it is to be called; without it what it calls itself"`
		}
	}) (Invitation, error) {
		code, err := d.Invite(ctx, in.who(ctx), in.Body.assignment(), in.Body.Name)
		return Invitation{code, a.Portal.InvitationURL(code.Code)}, err
	})
	serve(a, write(http.MethodPost, devicePath+"/rename", "renameDevice", "Give a device another name; what holds for it goes on holding", `{"name": "…"}`), func(ctx context.Context, in *struct {
		Device
		Body struct {
			Name string `json:"name"`
		}
	}) (parents.Device, error) {
		return d.Rename(ctx, in.who(ctx), in.Body.Name)
	})
	serve(a, write(http.MethodPost, devicePath+"/assign", "assignDevice", "Give a device to other people, or to nobody", whose), func(ctx context.Context, in *struct {
		Device
		Body Owner
	}) (parents.Device, error) {
		return d.Assign(ctx, in.who(ctx), in.Body.assignment())
	})
	serve(a, write(http.MethodDelete, devicePath, "removeDevice", "Take a device out of the household, with all that holds for it", ""), func(ctx context.Context, in *Device) (Gone, error) {
		return Gone{in.Device}, d.Remove(ctx, in.who(ctx))
	})
}
