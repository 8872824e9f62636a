package console

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
)

// channelsParts is how messages reach the people of a household.
type channelsParts struct {
	Channels []channelRow
	Ways     []wayForm // to add one
	Key      string    // by which a browser subscribes; "": there is no Web Push
	Kinds    []option
	Whose    []option
	Names    bool   // messages may name sites
	Secret   string // of a webhook that was just made
}

type channelRow struct {
	ID, Name, Kind, To, For, Of string
	Last                        string // what became of the last message
	Failed                      bool
}

// wayForm adds a channel of a kind.
type wayForm struct{ Kind, Type, Value, Example string }

// ways are what is written to reach somebody; a browser subscribes by itself.
var ways = map[notify.Carrier]wayForm{
	notify.Mail:    {Type: "email", Example: "alex@home.example"},
	notify.Ntfy:    {Type: "text"},
	notify.Webhook: {Type: "url", Example: "https://home.example/hook"},
}

func (c *Console) channelsPage(v *visit) error {
	p, err := v.channelsParts()
	if err != nil {
		return err
	}
	return v.show("channels", p)
}

func (v *visit) channelsParts() (*page, error) {
	household, err := v.posted()
	if err != nil {
		return nil, err
	}
	post, ctx := v.c.Post, v.r.Context()
	parts := &channelsParts{Whose: []option{{"", v.say("channels.everybody"), false}}}
	if parts.Names, err = post.Names(ctx, household); err != nil {
		return nil, err
	}
	accounts, err := v.c.Book.Accounts(ctx, v.session.Actor(), household)
	if err != nil {
		return nil, err
	}
	people := map[string]string{}
	for _, a := range accounts {
		people[a.ID], people[a.Name] = a.Name, a.Name // a channel may have either
		if a.Role != account.Child {
			parts.Whose = append(parts.Whose, option{a.ID, a.Name, a.ID == v.session.Account})
		}
	}
	for _, k := range notify.Kinds() {
		parts.Kinds = append(parts.Kinds, option{string(k), v.say("message." + string(k)), true})
	}
	for _, k := range post.Offers() {
		if way, there := ways[k]; there {
			if way.Kind = string(k); k == notify.Ntfy {
				way.Value = "hearth-" + strings.ToLower(rand.Text())
			}
			parts.Ways = append(parts.Ways, way)
		} else if v.session.Household == household { // of its own browser nobody makes a channel of others
			parts.Key = post.PublicKey()
		}
	}
	channels, err := post.Channels(ctx, household)
	if err != nil {
		return nil, err
	}
	for _, c := range channels {
		parts.Channels = append(parts.Channels, v.channel(household, c, people))
	}
	p := v.blank(v.say("channels.title"), "household", parts)
	if parts.Key != "" {
		p.Script = v.c.render.scripts["push"]
	}
	return p, nil
}

// posted is the household whose channels are meant.
func (v *visit) posted() (string, error) {
	if v.c.Post == nil {
		return "", v.missing()
	}
	return v.overseen()
}

func (v *visit) channel(household string, c notify.Channel, people map[string]string) channelRow {
	row := channelRow{ID: c.ID, Name: c.Name, Kind: v.say("carrier." + string(c.Kind)), To: c.To, For: v.say("channels.everybody"), Of: v.say("channels.of_all")}
	var list []string
	for _, a := range c.For {
		if name := people[a]; name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	if len(c.For) > 0 {
		row.For = cmp.Or(strings.Join(list, ", "), v.say("channels.gone"))
	}
	list = nil
	for _, k := range c.Of {
		list = append(list, v.say("message."+string(k)))
	}
	row.Of = cmp.Or(strings.Join(list, ", "), row.Of)
	if last, sent := v.c.Post.Last(household, c.ID); sent && last.Failure != nil {
		row.Last, row.Failed = v.say("channels.failed", "when", v.ago(last.At), "why", last.Failure.Text), true
	} else if sent {
		row.Last = v.say("channels.arrived", "when", v.ago(last.At))
	}
	return row
}

// addChannel keeps a way to somebody, and tries it at once: who mistyped an address sees it here and not when it counts.
func (c *Console) addChannel(v *visit) error {
	if notify.Carrier(v.form("kind")) == notify.Push {
		return v.missing() // which a browser asks for by itself
	}
	var made notify.Channel
	o, err := v.newChannel()
	if err == nil {
		made, err = v.keepChannel(o)
	}
	p, failed := v.channelsParts()
	if failed != nil {
		return failed
	}
	parts, _ := p.Parts.(*channelsParts)
	parts.Secret = made.Secret
	if err != nil {
		return v.again("channels", p, err)
	}
	if made.Secret != "" {
		p.Done = v.say("done.channel")
		return v.show("channels", p)
	}
	return v.done("/channels", "channel")
}

// newChannel reads the form.
func (v *visit) newChannel() (notify.Channel, error) {
	o := notify.Channel{Kind: notify.Carrier(v.form("kind")), To: v.form("to"), Name: v.form("name")}
	if whose := v.form("for"); whose != "" {
		o.For = []string{whose}
	}
	of := v.r.PostForm["of"]
	if len(of) == 0 {
		return o, &parents.Error{Field: "of", Text: v.say("channels.no_kind")}
	}
	if len(of) < len(notify.Kinds()) { // else it is told of everything, also of what is new some day
		for _, k := range of {
			o.Of = append(o.Of, notify.Kind(k))
		}
	}
	return o, nil
}

// keepChannel adds a channel, writes that down, and sends a test. What was kept is given with the error of a test.
func (v *visit) keepChannel(o notify.Channel) (made notify.Channel, err error) {
	household, err := v.posted()
	if err != nil {
		return made, err
	}
	if len(o.For) > 0 && !v.reads(household, o.For[0]) {
		return made, &parents.Error{Reason: parents.Unknown, Field: "for", Text: v.say("channels.no_account")}
	}
	if made, err = v.c.Post.Add(v.r.Context(), household, o); err != nil {
		return made, err
	}
	if err := v.note(household, "channel of messages added", string(o.Kind)); err != nil {
		return made, err
	}
	return made, v.c.Post.Test(v.r.Context(), household, made)
}

// reads says whether an account is one of the household's.
func (v *visit) reads(household, id string) bool {
	accounts, err := v.c.Book.Accounts(v.r.Context(), v.session.Actor(), household)
	return err == nil && slices.ContainsFunc(accounts, func(a account.Account) bool { return a.ID == id })
}

// note writes down for the household what was done beside the desk.
func (v *visit) note(household, what, detail string) error {
	a := v.actor()
	return v.c.Desk.Note(v.r.Context(), household, parents.Entry{By: a.Name, Role: a.Role.String(), What: what, Detail: detail})
}

// subscription is what a browser gives (W3C Push API, PushSubscription.toJSON).
type subscription struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

// addPush keeps the browser of who is signed in as a way to them.
func (c *Console) addPush(v *visit) error {
	household, err := v.posted()
	if err != nil {
		return err
	}
	if household != v.session.Household {
		return v.missing()
	}
	body, err := v.scripted()
	if err != nil {
		return err
	}
	var s subscription
	if err := json.Unmarshal(body, &s); err != nil {
		return &parents.Error{Text: v.say("problem.form")}
	}
	made, err := v.keepChannel(notify.Channel{
		Kind: notify.Push, To: s.Endpoint, P256dh: s.Keys.P256dh, Auth: s.Keys.Auth, Name: label(v.r.UserAgent()), For: []string{v.session.Account},
	})
	if f := new(notify.Failure); made.ID != "" && errors.As(err, &f) {
		err = nil // it is kept; the page tells what became of the test
	}
	if err == nil {
		v.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// channelAct tries a channel, or forgets it.
func (c *Console) channelAct(v *visit) error {
	household, err := v.posted()
	if err != nil {
		return err
	}
	id, ctx := v.r.PathValue("id"), v.r.Context()
	channels, err := c.Post.Channels(ctx, household)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(channels, func(o notify.Channel) bool { return o.ID == id })
	if i < 0 {
		return v.missing()
	}
	switch v.r.PathValue("act") {
	case "test":
		if err := c.Post.Test(ctx, household, channels[i]); err != nil {
			p, failed := v.channelsParts()
			if failed != nil {
				return failed
			}
			return v.again("channels", p, err)
		}
		return v.done("/channels", "channel_test")
	case "remove":
		if err := c.Post.Remove(ctx, household, id); err != nil {
			return err
		}
		if err := v.note(household, "channel of messages removed", string(channels[i].Kind)); err != nil {
			return err
		}
		return v.done("/channels", "channel_gone")
	}
	return v.missing()
}

// channelNames says whether messages may name sites.
func (c *Console) channelNames(v *visit) error {
	household, err := v.posted()
	if err != nil {
		return err
	}
	names, detail := v.form("names") != "", "without names of sites"
	if names {
		detail = "with names of sites"
	}
	if err := c.Post.SetNames(v.r.Context(), household, names); err != nil {
		return err
	}
	if err := v.note(household, "messages changed", detail); err != nil {
		return err
	}
	return v.done("/channels", "channel_names")
}
