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
	"github.com/hearthdns/hearth/policy/portal"
)

// channelsParts is how messages reach the people of a household.
type channelsParts struct {
	Channels []channelRow
	Ways     []wayForm // to add one
	Key      string    // by which a browser subscribes; "": there is no Web Push
	Kinds    []option
	Whose    []option
	Manage   bool   // of the household, and not of oneself alone
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
	household, channels, err := v.channels().List(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	post, ctx := v.c.Post, v.r.Context()
	parts := &channelsParts{Manage: v.actor().Role >= parents.Parent, Whose: []option{{"", v.say("channels.everybody"), false}}}
	if parts.Names, err = post.Names(ctx, household); err != nil {
		return nil, err
	}
	accounts, err := v.mayRead(household, parts.Manage)
	if err != nil {
		return nil, err
	}
	people := map[string]string{}
	for _, a := range accounts {
		people[a.ID], people[a.Name] = a.Name, a.Name // a channel may have either
		if portal.MayRead(a) {
			parts.Whose = append(parts.Whose, option{a.ID, a.Name, a.ID == v.session.Account})
		}
	}
	for _, k := range notify.Kinds() {
		parts.Kinds = append(parts.Kinds, option{string(k), v.say("message." + string(k)), true})
	}
	v.ways(household, parts)
	for _, c := range channels {
		parts.Channels = append(parts.Channels, v.channel(household, c, people))
	}
	place := "household"
	if !parts.Manage {
		place = "account" // which has the way here
	}
	p := v.blank(v.say("channels.title"), place, parts)
	if parts.Key != "" {
		p.Script = v.c.render.scripts["push"]
	}
	return p, nil
}

// mayRead are the accounts that channels may be for: of the household, or nobody's but one's own.
func (v *visit) mayRead(household string, all bool) ([]account.Account, error) {
	if all {
		return v.c.Book.Accounts(v.r.Context(), v.session.Actor(), household)
	}
	return []account.Account{v.session.Who}, nil
}

// ways adds those in which somebody may add a channel.
func (v *visit) ways(household string, parts *channelsParts) {
	for _, k := range v.c.Post.Offers() {
		switch way, typed := ways[k]; {
		case typed && parts.Manage:
			if way.Kind = string(k); k == notify.Ntfy {
				way.Value = "hearth-" + strings.ToLower(rand.Text())
			}
			parts.Ways = append(parts.Ways, way)
		case !typed && v.session.Household == household: // of its own browser nobody makes a channel of others
			parts.Key = v.c.Post.PublicKey()
		}
	}
}

func (v *visit) channels() portal.Channels {
	return portal.Channels{Post: v.c.Post, Desk: v.c.Desk, Book: v.c.Book, View: v.c.Directory}
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
		row.Last, row.Failed = v.say("channels.failed", "when", v.ago(last.At), "why", v.undelivered(c.Kind, last.Failure)), true
	} else if sent {
		row.Last = v.say("channels.arrived", "when", v.ago(last.At))
	}
	return row
}

// addChannel keeps a way to somebody, and tells what became of its test.
func (c *Console) addChannel(v *visit) error {
	if notify.Carrier(v.form("kind")) == notify.Push {
		return v.missing() // which a browser asks for by itself
	}
	made, test, err := v.channels().Add(v.r.Context(), v.who(), v.newChannel())
	p, failed := v.channelsParts()
	if failed != nil {
		return failed
	}
	if err != nil {
		told := v.told(err)
		told.text = v.say("channels.not_kept", "why", told.text)
		return v.again("channels", p, told)
	}
	parts, _ := p.Parts.(*channelsParts)
	parts.Secret = made.Secret
	if test != nil {
		p.Wrong = v.say("channels.kept", "why", v.undelivered(made.Kind, test))
		return v.show("channels", p)
	}
	if made.Secret != "" {
		p.Done = v.say("done.channel")
		return v.show("channels", p)
	}
	return v.done("/channels", "channel")
}

// newChannel reads the form.
func (v *visit) newChannel() notify.Channel {
	o := notify.Channel{Kind: notify.Carrier(v.form("kind")), To: v.form("to"), Name: v.form("name"), Of: []notify.Kind{}}
	if whose := v.form("for"); whose != "" {
		o.For = []string{whose}
	}
	for _, k := range v.r.PostForm["of"] {
		o.Of = append(o.Of, notify.Kind(k))
	}
	return o
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
	if _, _, err := v.channels().List(v.r.Context(), v.who()); err != nil { // who may not is told so before anything is read
		return err
	}
	body, err := v.scripted()
	if err != nil {
		return err
	}
	var s subscription
	if err := json.Unmarshal(body, &s); err != nil {
		return v.unread()
	}
	_, _, err = v.channels().Add(v.r.Context(), v.who(), notify.Channel{ // the page tells what became of the test
		Kind: notify.Push, To: s.Endpoint, P256dh: s.Keys.P256dh, Auth: s.Keys.Auth, Name: label(v.r.UserAgent()), For: []string{v.session.Account},
	})
	if err == nil {
		v.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// channelAct tries a channel, or forgets it.
func (c *Console) channelAct(v *visit) error {
	id, ctx := v.r.PathValue("id"), v.r.Context()
	switch v.r.PathValue("act") {
	case "test":
		return v.tested(id)
	case "remove":
		_, err := v.channels().Remove(ctx, v.who(), id)
		return v.after(err, "channel_gone")
	}
	return v.missing()
}

// tested tries a channel, and tells what became of it.
func (v *visit) tested(id string) error {
	err := v.channels().Test(v.r.Context(), v.who(), id)
	var failed *notify.Failure
	if !errors.As(err, &failed) {
		return v.after(err, "channel_test")
	}
	p, err := v.channelsParts()
	if err != nil {
		return err
	}
	p.Wrong = v.say("channels.kept", "why", v.undelivered(v.kindOf(id), failed))
	return v.send(portal.StatusOf(failed), "channels", p)
}

// kindOf is the kind of a channel that is kept.
func (v *visit) kindOf(id string) (kind notify.Carrier) {
	_, all, _ := v.channels().List(v.r.Context(), v.who())
	for _, c := range all {
		if c.ID == id {
			kind = c.Kind
		}
	}
	return kind
}

// channelNames says whether messages may name sites.
func (c *Console) channelNames(v *visit) error {
	return v.after(v.channels().SetNames(v.r.Context(), v.who(), v.form("names") != ""), "channel_names")
}

// after tells that something was done, unless it was not.
func (v *visit) after(err error, key string) error {
	if err != nil {
		return err
	}
	return v.done("/channels", key)
}
