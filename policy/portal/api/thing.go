package api

import (
	"context"
	"net/http"

	"github.com/hearthdns/hearth/policy/parents"
)

// thingRoutes are about what toys, cameras and televisions talk to.
func (a *API) thingRoutes() {
	d := a.Desk
	const path = householdPath + "/things/{device}"
	serve(a, route{method: http.MethodGet, path: path + "/sheet", id: "getSheet", summary: "What a thing talks to", scope: scopeHouseholdsRead}, func(ctx context.Context, in *Device) (parents.Sheet, error) {
		if err := a.Activity.Settle(); err != nil {
			return parents.Sheet{}, err
		}
		return d.Sheet(ctx, in.who(ctx))
	})
	serve(a, route{
		method: http.MethodPost, path: path + "/learn", id: "learnThing", summary: "Have a thing learn what it talks to", scope: scopeHouseholdsWrite, send: `{"for": "7d"}`,
	}, func(ctx context.Context, in *struct {
		Device
		Body struct {
			For string `json:"for,omitempty" doc:"for so long, 30d at most; without it 7d"`
		}
	}) (parents.Sheet, error) {
		return d.Learn(ctx, in.who(ctx), in.Body.For)
	})
	serve(a, route{
		method: http.MethodPost, path: path + "/confirm", id: "confirmThing", summary: "Let a thing talk to what it learned, and to nothing else", scope: scopeHouseholdsWrite, send: `{"without": ["name"]}`,
	}, func(ctx context.Context, in *struct {
		Device
		Body struct {
			Without []string `json:"without,omitempty" maxItems:"1000" doc:"but not to these names"`
		}
	}) (parents.Sheet, error) {
		if err := a.Activity.Settle(); err != nil {
			return parents.Sheet{}, err
		}
		return d.ConfirmThing(ctx, in.who(ctx), in.Body.Without...)
	})
}
