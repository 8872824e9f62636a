package parents

import (
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// Whoever grants something is told when it changes nothing for somebody: because nothing stops it, or because something
// does that the grant does not lift. Of the law that tells what is told of security.

// client is somebody or something that a grant is for.
type client struct {
	policy.Client
	name string
}

// clients are those of the subject, of the house its members.
func (p *place) clients() (list []client) {
	if !p.household.Enabled {
		return nil
	}
	if p.device != nil {
		return []client{{p.household.Client(p.device).Now(p.now), p.device.Name}}
	}
	for _, m := range p.household.Members {
		if c, err := p.dir.Locate(p.household.ID, m.Name); err == nil && (p.member == nil || p.member == m) {
			list = append(list, client{c, m.Name})
		}
	}
	return list
}

// meet gives what each client is told of what is granted.
func (p *place) meet(g policy.Grant) (all []policy.Decision) {
	q := p.question(g)
	for _, c := range p.clients() {
		d := c.Decide(&q, p.now)
		switch stop := c.Stopped(p.now); {
		case g.Kind == policy.GrantTime && stop.Clock == policy.NoClock:
			soon := c.StoppedTimed(p.now)
			if d = stopped(soon, policy.StepHomework); stop.Until != 0 && (soon.Until == 0 || stop.Until < soon.Until) {
				d.Until = stop.Until
			}
		case g.Kind == policy.GrantTime, g.Kind == policy.GrantSecurity && stop.Clock != policy.NoClock:
			d = stopped(stop, policy.StepBedtime) // which is the same for every name
		}
		all = append(all, d)
	}
	return all
}

// stopped is the decision about a name of which the clock alone says anything.
func stopped(s policy.Stop, at policy.Step) policy.Decision {
	d := policy.Decision{Action: policy.Allow, Applied: true, Step: at, Clock: s.Clock, Until: s.Until, Ends: s.Ends}
	if s.Clock != policy.NoClock {
		d.Action = policy.Block
	}
	return d
}

// question asks for what is granted: the name, or some name of the category, the service or the quota.
func (p *place) question(g policy.Grant) policy.Question {
	if g.Kind == policy.GrantName || g.Kind == policy.GrantSecurity {
		if name, err := blocklists.ParseName(g.Value); err == nil {
			return p.lawless(p.dir.Ask(name, new(blocklists.Hashes)))
		}
	}
	q := policy.Question{Hashes: new(blocklists.Hashes)}
	t := p.dir.Index().Taxonomy()
	for _, id := range []string{g.Value, "service." + g.Value} {
		if c, known := t.Lookup(id); known {
			q.Match.Categories.Add(c)
		}
	}
	return q
}

// lawless asks for a name that the law blocks as for one that is dangerous and otherwise the same: who grants what of it
// must not learn which of the two it is.
func (p *place) lawless(q policy.Question) policy.Question {
	t := p.dir.Index().Taxonomy()
	law, err := t.Select("illegal")
	dangerous, known := t.Lookup("sec.malware")
	if err == nil && known && q.Match.Categories.Intersects(law) {
		q.Match.Categories = q.Match.Categories.AndNot(law)
		q.Match.Categories.Add(dangerous)
	}
	return q
}

// effect says for whom a grant changes nothing, and what does; before and after are what meet gave.
func (p *place) effect(g policy.Grant, before, after []policy.Decision) string {
	clients := p.clients()
	var texts []string
	whom := map[string][]string{}
	if len(clients) != len(before) || len(clients) != len(after) {
		return "" // somebody else changed who there is
	}
	free := len(after) > 0 && g.Kind != policy.GrantBonus
	for i, d := range after {
		free = free && !before[i].Blocks() && !d.Blocks() && p.over(g, before[i])
		if text := p.stays(g, d); text != "" {
			if whom[text] == nil {
				texts = append(texts, text)
			}
			whom[text] = append(whom[text], clients[i].name)
		}
	}
	said := ""
	for _, text := range texts {
		if said += " "; len(whom[text]) < len(clients) {
			said += "For " + strings.Join(whom[text], ", ") + ": "
		}
		said += text
	}
	if free {
		said += " Nothing stops it at present, so that it changes nothing."
	}
	return said + p.deviceless()
}

// over says that a grant is over before what it lifts may stop anything.
func (p *place) over(g policy.Grant, d policy.Decision) bool {
	return g.Kind != policy.GrantTime || d.Until == 0 || g.Until != 0 && g.Until <= d.Until
}

// deviceless says that a member has no device on which their grants hold.
func (p *place) deviceless() string {
	own := func(v *policy.Device) bool { return len(v.Members) == 1 && v.Members[0] == p.member }
	if p.member == nil || slices.ContainsFunc(p.household.Devices, own) {
		return ""
	}
	return " No device is " + p.member.Name + "'s alone: it holds only on one that " + p.member.Name + " is said to use. Grant it to the device instead."
}

// stays says by what something is blocked that was granted, and what to do; "" if it is not, or that must not be told.
func (p *place) stays(g policy.Grant, d policy.Decision) string {
	switch {
	case !d.Blocks():
		return ""
	case d.Step == policy.StepSecurity:
		return "It stays blocked for security: if you know that it is harmless, grant security and the name."
	case d.Clock != policy.NoClock:
		return p.clocked(g, d)
	case d.Rule != nil:
		return "A rule of your own still blocks it: " + d.Rule.String() + ". Change that rule."
	case g.Kind == policy.GrantSecurity:
		return "It is not for security that it is blocked: grant the name."
	case g.Kind == policy.GrantBonus:
		return "It is blocked at any time: grant the category, the service or the name."
	}
	return "It stays blocked, because only sites of an allow-list are let through: grant the names of sites."
}

// clocked says what of time stops something that was granted, and what lifts that.
func (p *place) clocked(g policy.Grant, d policy.Decision) string {
	text := "It is bedtime"
	switch {
	case d.Clock == policy.Paused:
		text = "A pause stops it"
	case d.Clock == policy.QuotaUsed:
		text = "The minutes of the day are used up"
	case d.Step == policy.StepHomework:
		text = "It is homework time"
	}
	if d.Ends != 0 {
		text += " until " + p.clock(d.Ends).Format("Mon 15:04")
	}
	if g.Kind == policy.GrantName {
		return text + ": grant time, or the name at bedtime too."
	}
	return text + ": grant time."
}
