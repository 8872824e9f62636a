package api

import (
	"context"
	"net/http"
	"time"

	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/portal"
)

// Channel is a way by which messages reach somebody of a household.
type Channel struct {
	ID      string         `json:"id"`
	Kind    notify.Carrier `json:"kind" doc:"push, mail, ntfy or webhook"`
	To      string         `json:"to" doc:"an address of e-mail, a topic of ntfy, a URL; of a browser its push service"`
	Name    string         `json:"name,omitempty"`
	For     []string       `json:"for,omitempty" doc:"ids of accounts that read it; none: everybody's"`
	Of      []notify.Kind  `json:"of,omitempty" doc:"kinds of messages that it gets; none: all"`
	Since   time.Time      `json:"since"`
	Secret  string         `json:"secret,omitempty" readOnly:"true" doc:"signs what is posted to a webhook; shown once"`
	Failure string         `json:"failure,omitempty" readOnly:"true" doc:"why the test message that is sent when it is added did not arrive; left out: it did"`
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

// channelRoutes are about how messages reach parents.
func (a *API) channelRoutes() {
	const path = householdPath + "/channels"
	write := func(method, path, id, summary string) route {
		return route{method: method, path: path, id: id, summary: summary, scope: scopeHouseholdsWrite}
	}
	serve(a, route{method: http.MethodGet, path: path, id: "listChannels", summary: "How messages reach the people of a household", scope: scopeHouseholdsRead}, a.channels)
	add := write(http.MethodPost, path, "addChannel", "Add one, and send it a test message; the same receiver is the same channel. A browser subscribes in the console")
	add.made, add.secret, add.send = true, true, `{"kind": "mail, ntfy or webhook", "to": "…"}`
	serve(a, add, a.addChannel)
	serve(a, write(http.MethodDelete, path+"/{channel}", "removeChannel", "Forget one"), func(ctx context.Context, in *ofChannel) (Channel, error) {
		c, err := a.messages().Remove(ctx, in.who(ctx), in.Channel)
		if err != nil {
			return Channel{}, err
		}
		return channelOf(c), nil
	})
	serve(a, write(http.MethodPost, path+"/{channel}/test", "testChannel", "Send it a test message, at most ten an hour"), func(ctx context.Context, in *ofChannel) (Tried, error) {
		err := a.messages().Test(ctx, in.who(ctx), in.Channel)
		return Tried{in.Channel, err == nil}, err
	})
}

func (a *API) messages() portal.Channels {
	return portal.Channels{Post: a.Post, Desk: a.Desk, Book: a.Accounts, View: a.View}
}

func (a *API) channels(ctx context.Context, in *struct {
	Place
	Paging
}) (Page[Channel], error) {
	_, all, err := a.messages().List(ctx, in.who(ctx))
	if err != nil {
		return Page[Channel]{}, err
	}
	shown := make([]Channel, len(all))
	for i, c := range all {
		shown[i] = channelOf(c)
	}
	return page(in.Paging, shown)
}

func (a *API) addChannel(ctx context.Context, in *struct {
	Place
	Body struct {
		Kind notify.Carrier `json:"kind" doc:"mail, ntfy or webhook"`
		To   string         `json:"to" doc:"an address of e-mail, a topic of ntfy, or a URL"`
		Name string         `json:"name,omitempty"`
		For  []string       `json:"for,omitempty" maxItems:"20" doc:"ids of accounts of parents and carers that read it; none: everybody's"`
		Of   []notify.Kind  `json:"of,omitempty" maxItems:"20" doc:"kinds of messages that it gets, at least one; left out: all"`
	}
}) (Channel, error) {
	b := in.Body
	made, test, err := a.messages().Add(ctx, in.who(ctx), notify.Channel{Kind: b.Kind, To: b.To, Name: b.Name, For: b.For, Of: b.Of})
	if err != nil {
		return Channel{}, err
	}
	shown := channelOf(made)
	if test != nil {
		shown.Failure = test.Text
	}
	return shown, nil
}
