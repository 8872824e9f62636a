package console

import (
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// onFor is how long after its last question a device counts as on.
const onFor = 15 * time.Minute

// todayParts is the first page: what waits, how everybody is, what was blocked.
type todayParts struct {
	House    string // its id, for an operator
	Requests []requestRow
	More     int // requests that wait beside these
	Children []childCard
	Acts     []actRow // for the whole house
	Paused   bool     // the whole house
	Blocked  *chart
	On       []onRow
	Off      int // devices that do not ask now
	Notices  []noticeRow
	Manage   bool
}

// childCard is one person at a glance.
type childCard struct {
	Name, Band string
	State      string // class: on, sleeps, paused, used
	Text       string
	Paused     bool
	Waits      string // the band that a parent is to confirm
	Minor      bool
	Quotas     []quotaRow
}

type quotaRow struct {
	Of, What, Text string
	Left, Limit    int
}

type onRow struct{ Name, Who, Text string }

type noticeRow struct{ Text, When string }

func (c *Console) today(v *visit) error {
	if v.founder() {
		v.to("/setup/family")
		return nil
	}
	if v.actor().Role == parents.Operator && v.in == "" {
		return c.chooseHousehold(v)
	}
	p, err := v.todayParts()
	if err != nil {
		return err
	}
	return v.show("today", p)
}

func (v *visit) todayParts() (*page, error) {
	h, err := v.c.Desk.Show(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	parts := todayParts{House: h.ID, Manage: v.actor().Role >= parents.Parent}
	if err := v.waiting(&parts); err != nil {
		return nil, err
	}
	for _, m := range h.Members {
		card := v.card(h, m)
		if card.Minor {
			parts.Children = append(parts.Children, card)
		}
	}
	for _, a := range h.Acts {
		if a.Member == "" && a.Device == "" {
			parts.Acts = append(parts.Acts, v.act(a))
			parts.Paused = parts.Paused || a.What == "pause"
		}
	}
	if err := v.remembered(h, &parts); err != nil {
		return nil, err
	}
	p := v.blank(v.say("today.title"), "today", parts)
	p.File = v.file(h)
	return p, nil
}

// file is where a household is written that is not to be changed here.
func (v *visit) file(h parents.Household) string {
	if h.Owner == parents.OwnerStore {
		return ""
	}
	return h.Place
}

func (v *visit) card(h parents.Household, m parents.Person) childCard {
	card := childCard{Name: m.Name, Band: v.band(m.Band), State: "on", Text: v.say("state.on")}
	b, _ := policy.ParseBand(m.Band)
	card.Minor = b.Minor()
	if m.Waits != "" {
		card.Waits = v.band(m.Waits)
	}
	switch m.Stopped {
	case "window":
		card.State, card.Text = "sleeps", v.say("state.sleeps", "until", v.when(m.StoppedUntil))
	case "pause":
		card.State, card.Text = "paused", v.say("state.paused", "until", v.when(m.StoppedUntil))
	case "quota":
		card.State, card.Text = "used", v.say("state.used")
	}
	for _, a := range h.Acts {
		card.Paused = card.Paused || a.What == "pause" && a.Member == m.Name
	}
	for _, q := range m.Quotas {
		card.Quotas = append(card.Quotas, quotaRow{
			Of: q.Of, What: v.plainly(q.Of), Left: q.Left(), Limit: max(q.Limit, 1), Text: v.say("quota.left", "n", q.Left(), "most", q.Limit),
		})
	}
	return card
}

// remembered adds what the activity says, for who may oversee it.
func (v *visit) remembered(h parents.Household, parts *todayParts) error {
	a := v.c.Activity
	if a == nil || !parts.Manage {
		return nil
	}
	ctx := v.r.Context()
	if _, err := v.c.Desk.Oversee(ctx, v.who()); err != nil {
		return err
	}
	report, err := a.Show(ctx, h.ID, day(v.now()))
	if err != nil {
		return err
	}
	parts.Blocked = v.chart(report.Days)
	seen, err := a.Devices(ctx, h.ID)
	if err != nil {
		return err
	}
	known, _, err := v.c.Desk.Devices(ctx, v.who())
	if err != nil {
		return err
	}
	owner := map[string]string{}
	for _, d := range known {
		owner[d.Name] = v.whose(d)
	}
	for _, s := range seen {
		if v.c.Now().Sub(s.Last) < onFor {
			parts.On = append(parts.On, onRow{s.Device, owner[s.Device], v.ago(s.Last)})
		} else {
			parts.Off++
		}
	}
	notices, err := a.Notices(ctx, h.ID, false)
	if err != nil {
		return err
	}
	for _, n := range notices {
		if len(parts.Notices) < 5 {
			parts.Notices = append(parts.Notices, noticeRow{n.Text, v.ago(n.At)})
		}
	}
	return nil
}

// chooseHousehold is the first page of an operator.
func (c *Console) chooseHousehold(v *visit) error { return v.show("choose", v.chooseForm()) }

func (v *visit) chooseForm() *page {
	var ids []string
	for _, h := range v.c.Directory().Households() {
		ids = append(ids, h.ID)
	}
	const most = 50
	parts := struct {
		IDs  []string
		More int
	}{ids[:min(len(ids), most)], max(0, len(ids)-most)}
	return v.blank(v.say("choose.title"), "today", parts)
}

// choose keeps which household an operator looks at. The desk writes the look down for the household to read.
func (c *Console) choose(v *visit) error {
	id := v.form("household")
	if id == "" {
		v.drop(inCookie)
		v.to("/")
		return nil
	}
	w := v.who()
	w.Household = id
	if _, err := c.Desk.Show(v.r.Context(), w); err != nil {
		return v.again("choose", v.chooseForm(), err)
	}
	v.keep(inCookie, id, time.Time{})
	v.to("/")
	return nil
}
