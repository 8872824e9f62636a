package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/parents"
)

// householdRoutes are what parents change while the server runs; package parents does all of it. Each request names its
// household where there are several, and by= says who asks, for the record.
func (p *Portal) householdRoutes(routes map[string]route) {
	d := p.desk
	const subject = `"household": "…", "member" or "device": "…" or neither for the house`
	routes["/v1/acts"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		acts, err := d.Acts(r.Context(), whose(r))
		return Acts{acts}, err
	})}
	routes["/v1/pause"] = done("{"+subject+`, "for": "30m" or "until": "18:00"}`, func(ctx context.Context, a span) (parents.Act, error) { return d.Pause(ctx, a.Who, a.Span) })
	routes["/v1/pause/end"] = done("{"+subject+"}", d.Resume)
	routes["/v1/filter/off"] = done("{"+subject+`, "for": "15m"}`, func(ctx context.Context, a span) (parents.Act, error) { return d.FilterOff(ctx, a.Who, a.Span) })
	routes["/v1/filter/on"] = done("{"+subject+"}", d.FilterOn)
	routes["/v1/grant"] = done("{"+subject+`, "kind": "name", "value": "example.com", "for": "15m"}`, func(ctx context.Context, a grant) (parents.Act, error) { return d.Grant(ctx, a.Who, a.Ask) })
	routes["/v1/grant/revoke"] = done(`{"household": "…", "id": "…"}`, func(ctx context.Context, a revoke) (parents.Act, error) { return d.Revoke(ctx, a.Who, a.ID) })
	routes["/v1/grant/take"] = done(`{"household": "…", "member": "…"}`, d.Take)
	p.ownerRoutes(routes)
	p.requestRoutes(routes)
	p.deviceRoutes(routes)
}

// ownerRoutes are about households as a whole.
func (p *Portal) ownerRoutes(routes map[string]route) {
	d := p.desk
	routes["/v1/household"] = route{http.MethodGet, told(func(r *http.Request) (any, error) { return Households{d.List(r.Context(), owner)}, nil })}
	routes["/v1/household/show"] = route{http.MethodGet, told(func(r *http.Request) (any, error) { return d.Show(r.Context(), whose(r)) })}
	routes["/v1/household/audit"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		h, list, err := d.Audit(r.Context(), whose(r))
		if err != nil {
			return nil, err
		}
		changes := make([]Change, 0, len(list))
		for _, e := range list {
			changes = append(changes, changeOf(e, h.Location))
		}
		return Changes{h.ID, h.Location.String(), changes}, nil
	})}
	routes["/v1/household/export"] = done(`{"household": "…", "release": false}`, func(ctx context.Context, a release) (Definition, error) {
		text, revision, err := d.Export(ctx, a.Who, a.Release)
		return Definition{string(text), revision}, err
	})
	routes["/v1/household/adopt"] = done(`{"household": "…"}, or with a "definition" in YAML`, func(ctx context.Context, a defined) (parents.Adopted, error) {
		return d.Adopt(ctx, a.Who, a.Definition)
	})
	routes["/v1/household/replace"] = done(`{"household": "…", "definition": "YAML", "revision": 1}`, func(ctx context.Context, a defined) (parents.Household, error) {
		return d.Replace(ctx, a.Who, a.Definition, a.Revision)
	})
	routes["/v1/household/confirm"] = done(`{"household": "…", "member": "…"}`, d.Confirm)
}

// deviceRoutes are about devices, and about the PINs of who shares one.
func (p *Portal) deviceRoutes(routes map[string]route) {
	d := p.desk
	routes["/v1/device"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		known, guests, err := d.Devices(r.Context(), whose(r))
		return Devices{known, guests}, err
	})}
	routes["/v1/device/enrol"] = done(`{"household": "…", "members": ["…"], or "profile": "…", "name": "…"}`, func(ctx context.Context, a enrol) (Invitation, error) {
		code, err := d.Invite(ctx, a.Who, a.Assignment, a.Name)
		return Invitation{code, p.pagesAt() + devicePath + "?code=" + code.Code}, err
	})
	routes["/v1/device/rename"] = done(`{"household": "…", "device": "…", "name": "…"}`, func(ctx context.Context, a rename) (parents.Device, error) { return d.Rename(ctx, a.Who, a.Name) })
	routes["/v1/device/assign"] = done(`{"household": "…", "device": "…", "members": ["…"], or "profile": "…"}`, func(ctx context.Context, a assign) (parents.Device, error) {
		return d.Assign(ctx, a.Who, a.Assignment)
	})
	routes["/v1/device/remove"] = done(`{"household": "…", "device": "…"}`, func(ctx context.Context, a parents.Who) (Gone, error) { return Gone{a.Device}, d.Remove(ctx, a) })
	routes["/v1/device/pin"] = done(`{"household": "…", "member": "…", "pin": "digits, or nothing"}`, func(ctx context.Context, a pin) (Secret, error) {
		return Secret{a.Member, a.PIN != ""}, d.SetPIN(ctx, a.Who, a.PIN)
	})
}

// What the requests carry.
type (
	span struct {
		parents.Who
		parents.Span
	}
	grant struct {
		parents.Who
		parents.Ask
	}
	revoke struct {
		parents.Who
		ID string `json:"id"`
	}
	release struct {
		parents.Who
		Release bool `json:"release"`
	}
	defined struct {
		parents.Who
		Definition string `json:"definition"`
		Revision   uint64 `json:"revision"`
	}
	enrol struct {
		parents.Who
		parents.Assignment
		Name string `json:"name"`
	}
	rename struct {
		parents.Who
		Name string `json:"name"`
	}
	assign struct {
		parents.Who
		parents.Assignment
	}
	pin struct {
		parents.Who
		PIN string `json:"pin"`
	}
)

// Acts is the answer of GET /v1/acts.
type Acts struct {
	Acts []parents.Act `json:"acts"`
}

// Households is the answer of GET /v1/household.
type Households struct {
	Households []parents.Household `json:"households"`
}

// Changes is the answer of GET /v1/household/audit.
type Changes struct {
	Household string   `json:"household"`
	Timezone  string   `json:"timezone"`
	Changes   []Change `json:"changes"`
}

// Change is what somebody changed, with times in the household's zone.
type Change struct {
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	What   string    `json:"what"`
	Member string    `json:"member,omitempty"`
	Device string    `json:"device,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

func changeOf(e parents.Entry, in *time.Location) Change {
	c := Change{At: time.Unix(e.At, 0).In(in), By: e.By, What: e.What, Member: e.Member, Device: e.Device, Detail: e.Detail}
	if e.Until != 0 {
		c.Until = time.Unix(e.Until, 0).In(in)
	}
	return c
}

// Definition is the answer of POST /v1/household/export.
type Definition struct {
	Definition string `json:"definition"` // YAML
	Revision   uint64 `json:"revision"`
}

// Devices is the answer of GET /v1/device.
type Devices struct {
	Devices []parents.Device `json:"devices"`
	Unknown []parents.Seen   `json:"unknown"` // seen lately in the household's networks
}

// Invitation is the answer of POST /v1/device/enrol.
type Invitation struct {
	parents.Code
	URL string `json:"url"` // where the device redeems it
}

// Gone is the answer of POST /v1/device/remove.
type Gone struct {
	Device string `json:"device"`
}

// Secret is the answer of POST /v1/device/pin.
type Secret struct {
	Member string `json:"member"`
	Set    bool   `json:"set"`
}

// owner is whoever may open the control socket.
var owner = parents.Actor{Role: parents.Machine}

// whose is the household that a question is about.
func whose(r *http.Request) parents.Who {
	return parents.Who{Household: r.URL.Query().Get("household"), Device: r.URL.Query().Get("device"), Actor: owner}
}

// told answers a question.
func told(find func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, err := find(r)
		if err != nil {
			fail(w, err)
			return
		}
		writeJSON(w, found)
	}
}

// done is a route that reads what is asked, does it, and answers with what it has become.
func done[A, R any](send string, do func(context.Context, A) (R, error)) route {
	return route{http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		var ask A
		if !decode(w, r, &ask, send) {
			return
		}
		if who, is := any(&ask).(interface{ As(parents.Actor) }); is {
			who.As(owner)
		}
		result, err := do(r.Context(), ask)
		if err != nil {
			fail(w, err)
			return
		}
		writeJSON(w, result)
	}}
}

// statuses are the HTTP statuses of what a parent is told.
var statuses = map[parents.Reason]int{
	parents.Refused:     http.StatusBadRequest,
	parents.Unknown:     http.StatusNotFound,
	parents.Conflict:    http.StatusConflict,
	parents.InFile:      http.StatusConflict,
	parents.Unconfirmed: http.StatusPreconditionRequired,
	parents.Wait:        http.StatusTooManyRequests,
	parents.Forbidden:   http.StatusForbidden,
}

// asParents finds the error of package parents, nil if it is another.
func asParents(err error) *parents.Error {
	var e *parents.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// pagesAt is the address of ask.<name> for a browser of the home.
func (p *Portal) pagesAt() string {
	port := ""
	if p.port != "" && p.port != "80" {
		port = ":" + p.port
	}
	return "http://ask." + strings.TrimSuffix(p.own.String(), ".") + port
}
