package console

import (
	"slices"
	"strconv"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// childParts is the page of one person.
type childParts struct {
	Card     childCard
	URL      string
	Acts     []actRow
	Services []switchRow
	Devices  []string
	Manage   bool
	Store    bool // the household can be changed here
	Week     *week
	PIN      bool
}

// actRow is something that is in force.
type actRow struct {
	ID, Text, Until, By, Note string
	Grant                     bool
}

func (v *visit) act(a parents.Act) actRow {
	row := actRow{ID: a.ID, Until: v.when(a.Until), By: a.By, Note: a.Note, Grant: a.What == "grant"}
	switch {
	case a.What == "grant" && v.words().Has("act."+a.Kind):
		row.Text = v.say("act."+a.Kind, "value", v.plainly(a.Value), "n", a.Minutes)
	case a.What == "grant":
		row.Text = v.plainly(a.Value)
	default:
		row.Text = v.say("act."+actWord[a.What], "value", a.Member)
	}
	return row
}

var actWord = map[string]string{"pause": "pause", "filter off": "off", "use": "use"}

func (c *Console) childPage(v *visit) error {
	p, err := v.childParts()
	if err != nil {
		return err
	}
	return v.show("child", p)
}

func (v *visit) childParts() (*page, error) {
	name := v.name()
	h, err := v.c.Desk.Show(v.r.Context(), v.member())
	if err != nil {
		return nil, err
	}
	parts := childParts{URL: "/child/" + segment(name), Manage: v.actor().Role >= parents.Parent, Store: h.Owner == parents.OwnerStore}
	for _, m := range h.Members {
		if m.Name == name {
			parts.Card, parts.PIN = v.card(h, m), m.PIN
		}
	}
	if parts.Card.Name == "" {
		return nil, v.gone(name)
	}
	for _, a := range h.Acts {
		if a.Member == name {
			parts.Acts = append(parts.Acts, v.act(a))
		}
	}
	if m := v.memberOf(name); m != nil && m.Band.Minor() {
		parts.Week = v.weekOf(m.Profile)
	}
	if err := v.belongings(name, &parts); err != nil {
		return nil, err
	}
	p := v.blank(name, "today", parts)
	p.File = v.file(h)
	return p, nil
}

// belongings adds a person's devices and switches.
func (v *visit) belongings(name string, parts *childParts) error {
	known, _, err := v.c.Desk.Devices(v.r.Context(), v.who())
	if err != nil {
		return err
	}
	for _, d := range known {
		if slices.Contains(d.Members, name) {
			parts.Devices = append(parts.Devices, d.Name)
		}
	}
	if !parts.Manage || !parts.Store {
		return nil
	}
	d, _, err := v.definition()
	if err != nil {
		return err
	}
	if m, err := v.mine(&d); err == nil {
		parts.Services = v.switches(m.Services)
	}
	return nil
}

// childAct does one thing for a person. Each is a use-case of the desk.
func (c *Console) childAct(v *visit) error {
	act := v.r.PathValue("act")
	back, done := "/child/"+segment(v.name()), act
	if v.form("back") == "today" {
		back = "/"
	}
	if act == "grant" && v.form("confirm") == "" && v.form("kind") == string(policy.GrantSecurity) {
		return v.missing() // lifting security is for the shell, where its warning is read
	}
	err := v.doFor(v.member(), act)
	if err != nil {
		p, failed := v.childParts()
		if failed != nil {
			return err
		}
		return v.again("child", p, err)
	}
	return v.done(back, done)
}

// houseAct does one thing for everybody.
func (c *Console) houseAct(v *visit) error {
	switch act := v.r.PathValue("act"); act {
	case "pause", "resume":
		if err := v.doFor(v.who(), act); err != nil {
			return err
		}
		return v.done("/", act)
	}
	return v.missing()
}

func (v *visit) doFor(who parents.Who, act string) (err error) {
	ctx, desk, span := v.r.Context(), v.c.Desk, parents.Span{For: v.form("for"), Until: v.form("until")}
	switch act {
	case "pause":
		_, err = desk.Pause(ctx, who, span)
	case "resume":
		_, err = desk.Resume(ctx, who)
	case "time":
		_, err = desk.Grant(ctx, who, parents.Ask{Kind: policy.GrantTime, Span: span})
	case "bonus":
		n, bad := strconv.Atoi(v.form("minutes"))
		if bad != nil {
			return v.wrong("minutes", "refusal.refused.minutes")
		}
		_, err = desk.Grant(ctx, who, parents.Ask{Kind: policy.GrantBonus, Value: v.form("value"), Minutes: n})
	case "grant":
		kind := policy.GrantName
		if v.form("kind") == string(policy.GrantService) {
			kind = policy.GrantService
		}
		_, err = desk.Grant(ctx, who, parents.Ask{Kind: kind, Value: v.form("value"), Span: span})
	case "revoke":
		_, err = desk.Revoke(ctx, v.who(), v.form("id"))
	case "confirm":
		_, err = desk.Confirm(ctx, who)
	case "pin":
		err = desk.SetPIN(ctx, who, v.form("digits"))
	default:
		err = v.missing()
	}
	return err
}
