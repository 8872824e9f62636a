package policy

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

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
type standing struct{ acts []act }

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
	at, until int64 // unix seconds; until 0: no end
	set       blocklists.Categories // which names it is about
	services  blocklists.Categories // what it lifts of step 9
	class     blocklists.Categories // and of 10
	hash      uint64 // of a name
	labels    int
	atBedtime bool
	minutes   int
	value     string
	rule      *Rule // as which a granted name is told
}

// Apply puts the grants, pauses, filter-offs and uses of a state in force for a household, in
// place of those before. What names nobody of the household any more is left out; a grant that cannot be
// understood is an error, and changes nothing. Promotions and things are for Compile alone.
func (d *Directory) Apply(household string, s State) error {
	h, ok := d.households[household]
	if !ok {
		return fmt.Errorf("no household %q: write one of %s", household, d.listHouseholds())
	}
	st, err := d.stand(h, s)
	if err != nil {
		return fmt.Errorf("household %s: %w", household, err)
	}
	h.standing.Store(st)
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
		add(Subject{u.Member, u.Device}, act{kind: actUse, at: u.At, until: u.Until})
	}
	var found []error
	for _, g := range s.Grants {
		a, err := d.ground.granted(g)
		if err != nil {
			found = append(found, fmt.Errorf("grant %s: %w", g.ID, err))
			continue
		}
		add(g.Subject, a)
	}
	if len(st.acts) > maxActs {
		found = append(found, fmt.Errorf("%d grants, pauses and the like are in force, at most %d may be: revoke some", len(st.acts), maxActs))
		st.acts = st.acts[:maxActs] // pauses come first
	}
	if len(st.acts) == 0 {
		st = nil
	}
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
		return a, nil
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

// category lifts a category with the services that belong to it, but no switch of one of them.
func (g *ground) category(a *act) error {
	c, ok := g.taxonomy.Lookup(a.value)
	if !ok || !changeable(a.value) {
		return fmt.Errorf("%q is no category that can be granted", a.value)
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
		return c.Profile.band.Minor()
	case a.house:
		return true
	case c.Assumed && a.kind != actPause:
		return false
	case a.device != nil:
		return a.device == c.Device
	case a.kind == actPause && c.Member == nil && c.Device != nil:
		for _, m := range c.Device.Members {
			if m == a.member {
				return true
			}
		}
		return false
	}
	return a.member == c.Member
}

// about says whether a granted name is the asked one, or above it.
func (a *act) about(h *blocklists.Hashes) bool {
	if a.kind == actSecurity && h.N != a.labels {
		return false
	}
	return h.N >= a.labels && h.H[a.labels-1] == a.hash
}

// hand is what the acts of a household mean for one question of one client at one instant.
type hand struct {
	paused   bool
	pauseEnd int64 // 0: none is known
	pausedAt int64
	off      bool
	time     bool // 5 and 6 are lifted
	secure   bool // 7 is
	name     *act // that grants the asked name
	services blocklists.Categories // lifted of step 9
	class    blocklists.Categories // and of 10
	goOn     blocklists.Categories // warnings that are passed
	offEdge  int64 // when off ends, 0 if it is not on
	edge     int64 // the next instant at which any of this changes, 0: none
}

// of finds out what the acts mean.
func (st *standing) of(c *Client, q *Question, now int64) (h hand) {
	for i := range st.acts {
		if a := &st.acts[i]; a.kind == actPause && a.concerns(c) && a.running(now, &h) {
			h.pause(a)
		}
	}
	for i := range st.acts {
		if a := &st.acts[i]; a.matters(q) && a.concerns(c) && a.running(now, &h) {
			h.take(a)
		}
	}
	return h
}

// matters says whether an act may change anything about a question.
func (a *act) matters(q *Question) bool {
	switch a.kind {
	case actName, actSecurity:
		return a.about(q.Hashes)
	case actClass, actContinue:
		return meet(&q.Match.Categories, &a.set)
	case actOff, actTime:
		return true
	case actPause, actUse, actBonus: // asked for elsewhere
	}
	return false
}

// running says whether an act is in force, and notes when that changes.
func (a *act) running(now int64, h *hand) bool {
	switch {
	case a.until != 0 && now >= a.until:
		return false
	case now < a.at:
		h.edge = sooner(h.edge, a.at)
		return false
	}
	h.edge = sooner(h.edge, a.until)
	return true
}

// pause notes the longest of the pauses, and the latest.
func (h *hand) pause(a *act) {
	if !h.paused || a.until == 0 || h.pauseEnd != 0 && a.until > h.pauseEnd {
		h.pauseEnd = a.until
	}
	h.paused, h.pausedAt = true, max(h.pausedAt, a.at)
}

// take notes what a grant lifts. A pause that came later is not lifted by it.
func (h *hand) take(a *act) {
	switch a.kind {
	case actOff:
		h.off, h.offEdge = true, max(h.offEdge, a.until)
	case actTime:
		h.lift(a)
	case actName:
		if h.name = a; a.atBedtime {
			h.lift(a)
		}
	case actSecurity:
		h.secure = true
	case actClass:
		h.services, h.class = h.services.Or(a.services), h.class.Or(a.class)
	case actContinue:
		h.goOn = h.goOn.Or(a.class)
	case actPause, actUse, actBonus:
	}
}

func (h *hand) lift(a *act) {
	if !h.paused || a.at >= h.pausedAt {
		h.time, h.paused = true, false
	}
}

// sooner is the earlier of two instants, 0 being none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// standingOf gives what people changed that concerns a client, nil for nearly all.
func (c *Client) standing() *standing {
	if c.Household == nil || c.Status == OptedOut {
		return nil
	}
	return c.Household.standing.Load()
}

// Now gives the client as it is at an instant: whoever has said that they use a shared device
// is the one who does, with their profile. 0 allocations.
func (c Client) Now(now time.Time) Client {
	st := c.standing()
	if st == nil || c.Device == nil || c.Assumed {
		return c
	}
	for i := range st.acts {
		a := &st.acts[i]
		if a.kind == actUse && a.device == c.Device && now.Unix() >= a.at && now.Unix() < a.until {
			c.Member, c.Profile = a.member, a.member.Profile
		}
	}
	return c
}

// UsedUntil is when Now may give somebody else for the client, in unix seconds; 0: not by itself.
func (c *Client) usedUntil(now int64) (edge int64) {
	st := c.standing()
	if st == nil || c.Device == nil {
		return 0
	}
	for i := range st.acts {
		if a := &st.acts[i]; a.kind == actUse && a.device == c.Device {
			if now < a.at {
				edge = sooner(edge, a.at)
			} else if now < a.until {
				edge = sooner(edge, a.until)
			}
		}
	}
	return edge
}

// Decide gives the verdict on a question of this client at an instant, with all that its profile, the clock
// and people say. c is one that Now gave for that instant. 0 allocations but at an edge, as for a Profile.
func (c *Client) Decide(q *Question, now time.Time) (d Decision) {
	st := c.standing()
	if st == nil {
		return c.Profile.Decide(q, now)
	}
	h := st.of(c, q, now.Unix())
	h.edge = sooner(h.edge, c.usedUntil(now.Unix()))
	w := walk{p: c.Profile, q: q, hand: &h}
	w.look(now)
	w.run()
	w.write(&d)
	return d
}

// Explain is Decide with the reasons: the same walk, with a trace.
func (c *Client) Explain(q *Question, now time.Time) Trace {
	st := c.standing()
	if st == nil {
		return c.Profile.Explain(q, now)
	}
	h := st.of(c, q, now.Unix())
	h.edge = sooner(h.edge, c.usedUntil(now.Unix()))
	var t Trace
	w := walk{p: c.Profile, q: q, hand: &h, trace: &t}
	w.look(now)
	w.run()
	return t
}

// DecideChain decides again about an asked name, now that the targets of its chain are known, as
// Profile.DecideChain does, at the instant of the decision.
func (c *Client) DecideChain(asked Decision, q *Question, targets blocklists.Match, hashes []uint64, now time.Time) Decision {
	st := c.standing()
	if st == nil {
		return c.Profile.DecideChain(asked, q, targets, hashes)
	}
	whole := *q
	whole.Match.Categories = q.Match.Categories.Or(targets.Categories)
	h := st.of(c, &whole, now.Unix())
	if asked.Step > StepNeeded && asked.Action != Fixed {
		asked.Until = sooner(asked.Until, h.edge)
	}
	return c.Profile.chained(asked, q, targets, hashes, &h)
}

// stands is where a household keeps what people changed.
type stands struct{ standing atomic.Pointer[standing] }
