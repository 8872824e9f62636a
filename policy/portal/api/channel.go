package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
)

// Channel is a way by which messages reach somebody of a household.
type Channel struct {
	ID     string         `json:"id"`
	Kind   notify.Carrier `json:"kind" doc:"push, mail, ntfy or webhook"`
	To     string         `json:"to" doc:"an address of e-mail, a topic of ntfy, a URL; of a browser its push service"`
	Name   string         `json:"name,omitempty"`
	For    []string       `json:"for,omitempty" doc:"ids of accounts that read it; none: everybody's"`
	Of     []notify.Kind  `json:"of,omitempty" doc:"kinds of messages that it gets; none: all"`
	Since  time.Time      `json:"since"`
	Secret string         `json:"secret,omitempty" readOnly:"true" doc:"signs what is posted to a webhook; shown once"`
}

func channelOf(c notify.Channel) Channel {
	return Channel{ID: c.ID, Kind: c.Kind, To: c.To, Name: c.Name, For: c.For, Of: c.Of, Since: c.Since, Secret: c.Secret}
}

// Tried is what became of a test message.
type Tried struct {
	Channel string `json:"channel"`
	Taken   bool   `json:"taken" doc:"the other side took it"`
}

// ofChannel is a channel of a path.
type ofChannel struct {
	Place
	Channel string `path:"channel" doc:"its id"`
}

// channelRoutes are about how messages reach parents; package notify does all of it.
func (a *API) channelRoutes() {
	const path = householdPath + "/channels"
	write := func(method, path, id, summary string) route {
		return route{method: method, path: path, id: id, summary: summary, scope: scopeHouseholdsWrite}
	}
	serve(a, route{method: http.MethodGet, path: path, id: "listChannels", summary: "How messages reach the people of a household", scope: scopeHouseholdsRead}, a.channels)
	add := write(http.MethodPost, path, "addChannel", "Add one; the same receiver is the same channel. A browser subscribes in the console")
	add.made, add.send = true, `{"kind": "mail, ntfy or webhook", "to": "…"}`
	serve(a, add, a.addChannel)
	serve(a, write(http.MethodDelete, path+"/{channel}", "removeChannel", "Forget one"), func(ctx context.Context, in *ofChannel) (Channel, error) {
		home, c, err := a.channelOf(ctx, in)
		if err == nil {
			err = a.Post.Remove(ctx, home, c.ID)
		}
		if err == nil {
			err = a.note(ctx, home, "channel of messages removed", string(c.Kind))
		}
		if err != nil {
			return Channel{}, err
		}
		return channelOf(c), nil
	})
	serve(a, write(http.MethodPost, path+"/{channel}/test", "testChannel", "Send it a test message, at most ten an hour"), func(ctx context.Context, in *ofChannel) (Tried, error) {
		home, c, err := a.channelOf(ctx, in)
		if err == nil {
			err = a.Post.Test(ctx, home, c)
		}
		return Tried{c.ID, err == nil}, err
	})
}

func (a *API) channels(ctx context.Context, in *struct {
	Place
	Paging
}) (Page[Channel], error) {
	h, err := a.Desk.Oversee(ctx, in.who(ctx))
	if err != nil {
		return Page[Channel]{}, err
	}
	all, err := a.Post.Channels(ctx, h.ID)
	if err != nil {
		return Page[Channel]{}, err
	}
	shown := make([]Channel, len(all))
	for i, c := range all {
		shown[i] = channelOf(c)
	}
	return page(in.Paging, shown)
}

// channelOf finds a channel of a household whose channels the caller may see.
func (a *API) channelOf(ctx context.Context, in *ofChannel) (household string, c notify.Channel, err error) {
	h, err := a.Desk.Oversee(ctx, in.who(ctx))
	if err != nil {
		return "", c, err
	}
	all, err := a.Post.Channels(ctx, h.ID)
	if err != nil {
		return "", c, err
	}
	i := slices.IndexFunc(all, func(c notify.Channel) bool { return c.ID == in.Channel })
	if i < 0 {
		return "", c, &Problem{Status: http.StatusNotFound, Field: "channel", Detail: "the household has no such channel: write its id as the list of channels does"}
	}
	return h.ID, all[i], nil
}

func (a *API) addChannel(ctx context.Context, in *struct {
	Place
	Body struct {
		Kind notify.Carrier `json:"kind" doc:"mail, ntfy or webhook"`
		To   string         `json:"to" doc:"an address of e-mail, a topic of ntfy, or a URL"`
		Name string         `json:"name,omitempty"`
		For  []string       `json:"for,omitempty" maxItems:"20" doc:"ids of accounts that read it; none: everybody's"`
		Of   []notify.Kind  `json:"of,omitempty" maxItems:"20" doc:"kinds of messages that it gets; none: all"`
	}
}) (Channel, error) {
	h, err := a.Desk.Oversee(ctx, in.who(ctx))
	if err != nil {
		return Channel{}, err
	}
	b := in.Body
	if _, there := a.View().Household(h.ID); !there || b.Kind == notify.Push {
		return Channel{}, &Problem{Status: http.StatusBadRequest, Field: "kind", Detail: "a browser subscribes in the console by itself: write mail, ntfy or webhook, for a household that there is"}
	}
	if err := a.reads(ctx, h.ID, b.For); err != nil {
		return Channel{}, err
	}
	c, err := a.Post.Add(ctx, h.ID, notify.Channel{Kind: b.Kind, To: b.To, Name: b.Name, For: b.For, Of: b.Of})
	if err == nil {
		err = a.note(ctx, h.ID, "channel of messages added", string(c.Kind))
	}
	if err != nil {
		return Channel{}, err
	}
	return channelOf(c), nil
}

// reads says whether the readers of a channel have accounts of the household.
func (a *API) reads(ctx context.Context, household string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var all []account.Account
	if a.Accounts != nil {
		var err error
		if all, err = a.Accounts.Accounts(ctx, account.Machine(), household); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(one account.Account) bool { return one.ID == id }) {
			return &Problem{Status: http.StatusNotFound, Field: "for", Detail: "nobody of the household has this account: leave it out for everybody's"}
		}
	}
	return nil
}

// note writes down for a household what was done beside the desk.
func (a *API) note(ctx context.Context, household, what, detail string) error {
	who := Place{household}.who(ctx)
	return a.Desk.Note(ctx, household, parents.Entry{What: what, By: cmp.Or(who.Actor.Name, who.By), Role: who.Actor.Role.String(), Detail: detail})
}

// failureStatuses are the HTTP statuses of why a message was not delivered; all others are 422.
var failureStatuses = map[notify.Why]int{
	notify.Wrong: http.StatusBadRequest, notify.Off: http.StatusBadRequest, notify.Forbidden: http.StatusBadRequest, notify.Often: http.StatusTooManyRequests,
}
