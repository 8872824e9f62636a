package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// Activity is what is remembered of people. of is HOUSEHOLD, HOUSEHOLD/MEMBER, HOUSEHOLD/DEVICE or HOUSEHOLD/guests.
type Activity interface {
	ActivityRecords
	ActivitySigns
	ActivityNotes
}

// ActivityRecords is what is kept by day.
type ActivityRecords interface {
	// Show tells it, of one day as YYYY-MM-DD or with "" of all days.
	Show(ctx context.Context, of, day string) (policy.ActivityReport, error)
	Export(ctx context.Context, of string) (policy.ActivityExport, error)
	// Erase forgets it, also of a name that its household no longer has, and with all of a household that is gone.
	Erase(ctx context.Context, of string, all bool) (policy.ActivityErased, error)
}

// ActivitySigns is what was found in it.
type ActivitySigns interface {
	Companions(ctx context.Context, of string) ([]policy.Companion, error)
	// Notices gives those that parents may see, with child those that the child itself may.
	Notices(ctx context.Context, of string, child bool) ([]policy.NoticeReport, error)
	Devices(ctx context.Context, of string) ([]policy.Sighting, error)
}

// ActivityNotes writes down what waits.
type ActivityNotes interface {
	// Seen notes that a child saw the notices about them.
	Seen(ctx context.Context, of string) error
	// Settle writes what things asked for.
	Settle() error
}

// What requests about activity carry, and what they are answered.
type (
	about struct {
		Of string `json:"of"`
	}
	erase struct {
		Of  string `json:"of"`
		All bool   `json:"all"`
		By  string `json:"by"`
	}
	diary struct {
		parents.Who
		parents.Diary
	}
	learn struct {
		parents.Who
		For string `json:"for"`
	}
	confirm struct {
		parents.Who
		Without []string `json:"without"`
	}
	// Companions is the answer of GET /v1/activity/companions.
	Companions struct {
		Companions []policy.Companion `json:"companions"`
	}
	// Notices is the answer of GET /v1/activity/notices.
	Notices struct {
		Notices []policy.NoticeReport `json:"notices"`
	}
	// Sightings is the answer of GET /v1/activity/devices.
	Sightings struct {
		Devices []policy.Sighting `json:"devices"`
	}
)

// activityRoutes are about what is remembered of people.
func (p *Portal) activityRoutes(routes map[string]route) {
	a := p.activity
	of := func(r *http.Request) string { return r.URL.Query().Get("of") }
	routes["/v1/activity"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return a.Show(r.Context(), of(r), r.URL.Query().Get("day"))
	})}
	routes["/v1/activity/export"] = route{http.MethodGet, told(func(r *http.Request) (any, error) { return a.Export(r.Context(), of(r)) })}
	routes["/v1/activity/erase"] = done(`{"of": "HOUSEHOLD/MEMBER"}, or of a household that is gone {"of": "HOUSEHOLD", "all": true}`, p.erase)
	routes["/v1/activity/companions"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		found, err := a.Companions(r.Context(), of(r))
		return Companions{found}, err
	})}
	routes["/v1/activity/devices"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		found, err := a.Devices(r.Context(), of(r))
		return Sightings{found}, err
	})}
	routes["/v1/activity/notices"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return p.notices(r.Context(), of(r), r.URL.Query().Get("for") == "child")
	})}
	routes["/v1/activity/seen"] = done(`{"of": "HOUSEHOLD/MEMBER"}`, func(ctx context.Context, ask about) (Notices, error) {
		if err := a.Seen(ctx, ask.Of); err != nil {
			return Notices{}, err
		}
		return p.notices(ctx, ask.Of, true)
	})
	if p.desk != nil {
		p.thingRoutes(routes)
	}
}

// erase forgets somebody's activity, and what else is kept of who is gone.
func (p *Portal) erase(ctx context.Context, ask erase) (policy.ActivityErased, error) {
	r, err := p.activity.Erase(ctx, ask.Of, ask.All)
	if err != nil || p.desk == nil {
		return r, err
	}
	return p.desk.Erase(ctx, parents.Who{By: ask.By, Actor: owner}, r)
}

func (p *Portal) notices(ctx context.Context, of string, child bool) (Notices, error) {
	found, err := p.activity.Notices(ctx, of, child)
	return Notices{found}, err
}

// zone is where a household is; "" is the only one.
func (p *Portal) zone(household string) *time.Location {
	dir := p.view()
	h, there := dir.Household(household)
	if all := dir.Households(); !there && len(all) == 1 {
		h, there = all[0], true
	}
	if !there {
		return time.UTC
	}
	return h.Location
}

// thingRoutes are what parents decide about activity: logs of names, and what things may talk to.
func (p *Portal) thingRoutes(routes map[string]route) {
	d := p.desk
	routes["/v1/activity/log"] = done(`{"household": "…", "member": "…", "full": true, "for": "7d"}, or "off": true`, func(ctx context.Context, ask diary) (policy.LogReport, error) {
		l, err := d.Diary(ctx, ask.Who, ask.Diary)
		return l.Report(p.zone(ask.Household)), err
	})
	routes["/v1/thing/learn"] = done(`{"household": "…", "device": "…", "for": "7d"}`, func(ctx context.Context, ask learn) (parents.Sheet, error) { return d.Learn(ctx, ask.Who, ask.For) })
	routes["/v1/thing/confirm"] = done(`{"household": "…", "device": "…", "without": ["name"]}`, func(ctx context.Context, ask confirm) (parents.Sheet, error) {
		if err := p.activity.Settle(); err != nil {
			return parents.Sheet{}, err
		}
		return d.ConfirmThing(ctx, ask.Who, ask.Without...)
	})
	routes["/v1/thing/sheet"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		if err := p.activity.Settle(); err != nil {
			return nil, err
		}
		return d.Sheet(r.Context(), whose(r))
	})}
}
