package policy

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/hearthdns/hearth/blocklists"
)

// maxActs bounds what people may have in force at once in one household: each query of it
// walks over all (5 ns each), and a family that reads 256 grants has lost sight of them.
const maxActs = 256

// MaxActs is the most grants, pauses, filter-offs and uses of shared devices together that
// are in force in one household.
const MaxActs = maxActs

// standing is what people changed in one household, compiled; it is replaced as a whole. Nearly
// all households have none.
type standing struct {
	acts    []act
	bonuses []act // of GrantBonus, which no step asks for
}

// actKind is what an act does.
type actKind uint8

const (
	actPause actKind = iota
	actOff
	actUse
	actTime
	actName
	actClass // a service or a category
	actContinue
	actSecurity
	actBonus
)

// act is one thing that somebody did, in the terms of one Directory.
type act struct {
	kind      actKind
	house     bool
	member    *Member
	device    *Device
	at, until int64                 // unix seconds; until 0: no end
	set       blocklists.Categories // which names it is about
	services  blocklists.Categories // what it lifts of step 9
	class     blocklists.Categories // and of 10
	hash      uint64                // of a name
	labels    int
	atBedtime bool
	minutes   int
	value     string
	day       int64 // of the household, on which it was given
	rule      *Rule // as which a granted name is told
}

// Apply puts the grants, pauses, filter-offs, uses and logs of a state in force for a household, in
// place of those before. What names nobody of the household any more is left out; so is a grant that cannot be
// understood, as after a category has left the configuration, and the error says so: the rest is in force.
// Promotions and things are for Compile alone.
func (d *Directory) Apply(household string, s State) error {
	h, ok := d.households[household]
	if !ok {
		return fmt.Errorf("no household %q: write one of %s", household, d.listHouseholds())
	}
	st, err := d.stand(h, s)
	h.standing.Store(st)
	h.keepLogs(s.Logs)
	if err != nil {
		return fmt.Errorf("household %s: %w", household, err)
	}
	return nil
}

// stand compiles what people changed; what it leaves out is in the error.
func (d *Directory) stand(h *Household, s State) (*standing, error) {
	st := new(standing)
	add := func(to Subject, a act) {
		if a.house = to == (Subject{}); a.house || h.subject(to, &a) {
			st.acts = append(st.acts, a)
		}
	}
	for _, p := range s.Pauses {
		add(p.Subject, act{kind: actPause, at: p.At, until: p.Until})
	}
	for _, o := range s.Offs {
		add(o.Subject, act{kind: actOff, at: o.At, until: o.Until})
	}
	for _, u := range s.Uses {
		a := act{kind: actUse, at: u.At, until: u.Until}
		if h.subject(Subject{u.Member, u.Device}, &a) && a.device != nil && slices.Contains(a.device.Members, a.member) {
			st.acts = append(st.acts, a)
		}
	}
	var found []error
	for _, g := range s.Grants {
		a, err := d.ground.granted(g)
		if err != nil {
			found = append(found, fmt.Errorf("grant %s: %w", g.ID, err))
			continue
		}
		a.day = floorDay(zoneAt(a.at, h.Location).reached(a.at))
		add(g.Subject, a)
	}
	if len(st.acts) > maxActs {
		found = append(found, fmt.Errorf("%d grants, pauses and the like are in force, at most %d may be: revoke some", len(st.acts), maxActs))
		st.acts = st.acts[:maxActs] // pauses come first
	}
	if len(st.acts) == 0 {
		return nil, errors.Join(found...)
	}
	isBonus := func(a act) bool { return a.kind == actBonus }
	for _, a := range st.acts {
		if isBonus(a) {
			st.bonuses = append(st.bonuses, a)
		}
	}
	st.acts = slices.DeleteFunc(st.acts, isBonus)
	return st, errors.Join(found...)
}

// subject finds the member and the device that somebody wrote; false if there is none.
func (h *Household) subject(s Subject, a *act) bool {
	for _, m := range h.Members {
		if s.Member != "" && m.Name == s.Member {
			a.member = m
		}
	}
	for _, v := range h.Devices {
		if s.Device != "" && v.Name == s.Device {
			a.device = v
		}
	}
	return (a.member != nil || s.Member == "") && (a.device != nil || s.Device == "")
}

// granted compiles a grant.
func (g *ground) granted(grant Grant) (act, error) {
	a := act{at: grant.At, until: grant.Until, value: grant.Value, minutes: grant.Minutes, atBedtime: grant.AtBedtime}
	switch grant.Kind {
	case GrantTime:
		a.kind = actTime
		return a, nil
	case GrantBonus:
		a.kind = actBonus
		return a, g.quota(&a)
	case GrantName, GrantSecurity:
		a.kind = actName
		if grant.Kind == GrantSecurity {
			a.kind = actSecurity
		}
		return a, g.named(&a)
	case GrantService:
		a.kind = actClass
		return a, g.service(&a)
	case GrantCategory, GrantContinue:
		a.kind = actClass
		if grant.Kind == GrantContinue {
			a.kind = actContinue
		}
		return a, g.category(&a)
	}
	return a, fmt.Errorf("%q is no kind of grant", grant.Kind)
}

func (g *ground) named(a *act) error {
	text, err := parseRuleName(a.value)
	if err != nil {
		return err
	}
	name, err := blocklists.ParseName(text)
	if err != nil {
		return fmt.Errorf("%q is no domain name: %w", text, err)
	}
	var h blocklists.Hashes
	g.key.Hash(name, &h)
	a.hash, a.labels = h.H[h.N-1], h.N
	a.rule = &Rule{Name: text, Allow: true, Exact: a.kind == actSecurity}
	return nil
}

// service lifts what the switch of an allowed service does: its own category, on its names alone.
func (g *ground) service(a *act) error {
	c, ok := lookupService(g.taxonomy, a.value)
	if !ok {
		return fmt.Errorf("no service %q", a.value)
	}
	a.set.Add(c)
	a.services.Add(c)
	a.class = g.family(g.shown[c])
	return nil
}

// quota gives minutes to what a quota is of.
func (g *ground) quota(a *act) error {
	of, _, ok := quotaNames(g.taxonomy, a.value)
	if !ok {
		return fmt.Errorf("%q is nothing that a quota is of: write %s, a category or a service", a.value, quotaTotal)
	}
	a.value = of
	return nil
}

// category lifts a category with the services that belong to it, but no switch of one of them.
func (g *ground) category(a *act) error {
	c, ok := g.taxonomy.Lookup(a.value)
	if !ok || !changeable(a.value) || c == g.newNames && a.kind == actClass { // whose cell is none of the steps 9 and 10
		return fmt.Errorf("%q is no category that can be granted: grant the name itself", a.value)
	}
	a.set = g.family(c)
	a.class = a.set
	return nil
}

// family is a category and its services.
func (g *ground) family(c blocklists.Category) (set blocklists.Categories) {
	for i := range g.taxonomy.All() {
		if g.shown[i] == c {
			set.Add(blocklists.Category(i)) //nolint:gosec // at most MaxCategories
		}
	}
	set.Add(c)
	return set
}

// concerns says whether an act is about a client. A pause of the house stops everyone under 18 and
// whoever is not known, not what adults use alone, nor things: the heating goes on. A pause of one member stops
// what they share; a grant to one lifts nothing of what others use as well.
func (a *act) concerns(c *Client) bool {
	switch {
	case a.house && a.kind == actPause:
		return c.young()
	case a.house:
		return true
	case c.Assumed && a.kind != actPause:
		return false
	case c.Forwarder != nil: // it may be any device behind it
		return a.kind == actPause && c.Forwarder.TellsApart()
	case a.device != nil:
		return a.device == c.Device
	case a.kind == actPause && c.Member == nil && c.Device != nil:
		return slices.Contains(c.Device.Members, a.member)
	}
	return a.member == c.Member
}

// young says that it may be somebody under 18 who asks, whatever profile they have there, or that nobody knows who it is.
func (c *Client) young() bool {
	switch {
	case c.Profile.band == Things:
		return false
	case c.Status == Guest || c.Profile.band.Minor():
		return true
	case c.Member != nil:
		return c.Member.Band.Minor()
	}
	return c.Device != nil && slices.ContainsFunc(c.Device.Members, func(m *Member) bool { return m.Band.Minor() })
}

// about says whether a granted name is the asked one, or above it.
func (a *act) about(h *blocklists.Hashes) bool {
	if a.kind == actSecurity && h.N != a.labels {
		return false
	}
	return h.N >= a.labels && h.H[a.labels-1] == a.hash
}

// stands is where a household keeps what people changed.
type stands struct {
	standing atomic.Pointer[standing]
	logs
}
