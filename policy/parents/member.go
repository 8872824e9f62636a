package parents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
)

// Traits are what says which rules a member has. nil leaves what there is, and "" takes it away. A birth date that comes
// without a band takes the place of a band that was written.
type Traits struct {
	Born    *string `json:"born,omitempty"` // YYYY-MM-DD
	Band    *string `json:"band,omitempty"`
	Profile *string `json:"profile,omitempty"`
}

// Apply writes them into the definition of a member.
func (t Traits) Apply(m *policy.MemberConfig) error {
	if t.Born != nil {
		m.Born = policy.Date{}
		if *t.Born != "" && m.Born.UnmarshalText([]byte(*t.Born)) != nil {
			return refused("born", "%q is no birth date: write it as YYYY-MM-DD", cut(*t.Born, maxName))
		}
		if *t.Born != "" && t.Band == nil {
			m.Band = ""
		}
	}
	if t.Band != nil {
		m.Band = *t.Band
	}
	if t.Profile != nil {
		m.Profile = *t.Profile
	}
	return nil
}

// AddMember takes somebody into a household of the store. expect is the revision of the definition that the change was
// made of, here and below; nil: whichever there is.
func (d *Desk) AddMember(ctx context.Context, who Who, m policy.MemberConfig, expect *uint64) (Person, error) {
	m.Name = strings.TrimSpace(m.Name)
	err := d.redraw(ctx, who, expect, func(p *place, c *policy.HouseholdConfig) (Entry, []change, error) {
		if m.Name == "" {
			return Entry{}, nil, refused("name", "who it is is missing: write a name")
		}
		if slices.ContainsFunc(c.Members, func(o policy.MemberConfig) bool { return strings.EqualFold(o.Name, m.Name) }) {
			return Entry{}, nil, refused("name", "the household %s has a member %q already: write another name", p.household.ID, m.Name)
		}
		c.Members = append(c.Members, m)
		p.subject = policy.Subject{Member: m.Name}
		if err := d.namesakes(ctx, p, c.Members); err != nil {
			return Entry{}, nil, err
		}
		return p.entry("member added", "", 0), nil, p.unborn(m)
	})
	if err != nil {
		return Person{}, err
	}
	who.Member = m.Name
	return d.person(ctx, who)
}

// ChangeMember changes what the definition of a household of the store says of a member. A name does not change: what
// was done and remembered lies under it. edit calls nothing of the Desk.
func (d *Desk) ChangeMember(ctx context.Context, who Who, expect *uint64, edit func(*policy.MemberConfig) error) (Person, error) {
	err := d.redraw(ctx, who, expect, func(p *place, c *policy.HouseholdConfig) (Entry, []change, error) {
		i, err := p.written(c)
		if err != nil {
			return Entry{}, nil, err
		}
		m := &c.Members[i]
		if err := edit(m); err != nil {
			return Entry{}, nil, err
		}
		m.Name = p.member.Name
		return p.entry("member changed", "", 0), nil, p.unborn(*m)
	})
	if err != nil {
		return Person{}, err
	}
	return d.person(ctx, who)
}

// Memory is what is remembered of people beside the desk.
type Memory interface {
	// Erase forgets what is remembered of HOUSEHOLD/MEMBER, also of somebody whom the household no longer has.
	Erase(ctx context.Context, of string, all bool) (policy.ActivityErased, error)
}

// Parted is what went with a member.
type Parted struct {
	policy.ActivityErased
	Devices []string `json:"devices,omitempty"` // that were theirs alone, and are unknown now
	Shared  []string `json:"shared,omitempty"`  // that stay, of the others who use them or of nobody
}

// RemoveMember takes a member out of a household of the store, with the rules and devices that are theirs alone. What is
// kept of them stays.
func (d *Desk) RemoveMember(ctx context.Context, who Who, expect *uint64) (out Parted, err error) {
	err = d.redraw(ctx, who, expect, func(p *place, c *policy.HouseholdConfig) (Entry, []change, error) {
		if _, err := p.written(c); err != nil {
			return Entry{}, nil, err
		}
		out.Household, out.Person = p.household.ID, p.member.Name
		if p.actor.Account != "" && p.actor.Role < Operator && strings.EqualFold(p.actor.Name, out.Person) && p.member.Profile.Band() == policy.Adult {
			return Entry{}, nil, refused("member", "this is you: another parent takes you out of the household").with("self")
		}
		changes, err := d.part(ctx, p, c, &out)
		return p.entry(auditParted, p.member.Profile.Band().String(), 0), changes, err
	})
	return out, err
}

// EraseMember takes a member out of a household of the store and erases what is kept of them: first from the definition,
// so that nothing new is kept, then what is remembered, and then everything else. What was left half done is finished by
// asking for it again.
func (d *Desk) EraseMember(ctx context.Context, who Who, memory Memory, expect *uint64) (Parted, error) {
	out, failed := d.RemoveMember(ctx, who, expect)
	if failed != nil {
		home, err := d.unfinished(who, failed)
		if err != nil {
			return out, err
		}
		out.Household, out.Person = home, who.Member
	}
	who.Household, who.Member = out.Household, ""
	had, err := d.past(ctx, out.Household)
	if err != nil {
		return out, err
	}
	out.Person, _ = had.parted(out.Person) // however it is written now
	kept := false
	for _, name := range append(personsOf(d.goneOf(had, out)), out.Person) {
		found, err := d.forgetAll(ctx, who, memory, name, &out)
		if err != nil {
			return out, fmt.Errorf("%s is no member any more, and not all that is kept of them is erased: erase them once more: %w", out.Person, err)
		}
		kept = kept || found
	}
	if !kept {
		return out, failed
	}
	return out, nil
}

// personsOf are devices by the names under which what is theirs lies.
func personsOf(devices []string) (names []string) {
	for _, v := range devices {
		names = append(names, policy.PersonOfDevice(v))
	}
	return names
}

// forgetAll erases all that is kept of a name that is gone, and adds it up; found says whether there was anything.
func (d *Desk) forgetAll(ctx context.Context, who Who, memory Memory, name string, out *Parted) (found bool, err error) {
	r, err := memory.Erase(ctx, out.Household+"/"+name, false)
	if err != nil {
		return false, err
	}
	r.Household, r.Person, r.Gone = out.Household, name, true
	r, err = d.Erase(ctx, who, r)
	if e := new(Error); errors.As(err, &e) && e.Reason == Unknown {
		return false, nil
	}
	out.Gone, out.Partitions, out.Records = true, out.Partitions+r.Partitions, out.Records+r.Records
	for kind, n := range r.State {
		if out.State == nil {
			out.State = map[string]int{}
		}
		out.State[kind] += n
	}
	return true, err
}

// unfinished says in which household a member is gone already of whom something may be kept yet; else its error is the one
// that there was.
func (d *Desk) unfinished(who Who, failed error) (household string, err error) {
	var e *Error
	if !errors.As(failed, &e) || e.Reason != Unknown || e.Field != "member" {
		return "", failed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name := who.Member
	who.Member = ""
	p, err := d.find(who, manage)
	if err != nil || name == policy.PersonGuests || strings.HasPrefix(name, policy.PersonOfDevice("")) || p.household.Has(name) {
		return "", failed
	}
	return p.household.ID, nil
}

// redraw changes the definition of a household of the store: edit gets a copy, and says what else is to be changed in the
// same step.
func (d *Desk) redraw(ctx context.Context, who Who, expect *uint64, edit func(*place, *policy.HouseholdConfig) (Entry, []change, error)) error {
	return ofMember(d.define(ctx, who, func(p *place) (Entry, []change, error) {
		kept, at, found, err := d.owned(p)
		if err != nil {
			return Entry{}, nil, err
		}
		if expect != nil && *expect != found {
			return Entry{}, nil, p.outdated(found, *expect, "look at it again")
		}
		text, err := encode(kept)
		if err != nil {
			return Entry{}, nil, err
		}
		c, err := fromYAML[policy.HouseholdConfig](text)
		if err != nil {
			return Entry{}, nil, err
		}
		next := c.(policy.HouseholdConfig)
		entry, more, err := edit(p, &next)
		return entry, append(more, change{kind: kindDefinition, id: at, value: next, expect: &found}), err
	}))
}

// outdated is the error for a change of a definition that somebody else has changed.
func (p *place) outdated(found, expected uint64, instead string) error {
	return &Error{Reason: Conflict, Field: "revision", Revision: found, Text: fmt.Sprintf("the household %s has revision %d now, not %d: %s, and change that", p.household.ID, found, expected, instead)}
}

// ofMember tells what is wrong with a definition as something of the member that was written.
func ofMember(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Field != "definition" || !strings.HasPrefix(e.Text, "members[") {
		return err
	}
	_, rest, _ := strings.Cut(e.Text, "]")
	rest, _, _ = strings.Cut(rest, "; members[") // what else is wrong follows from that
	field, text, _ := strings.Cut(rest, ": ")
	return refused(strings.TrimPrefix(field, "."), "%s", text).with(e.Case)
}

// unborn says that a birth date lies in the future.
func (p *place) unborn(m policy.MemberConfig) error {
	if !m.Born.IsZero() && policy.DateOf(p.now).Before(m.Born) {
		return refused("born", "%s lies in the future: write the day of birth", m.Born)
	}
	return nil
}

// namesakes says that a child who is new would have the name by which a parent or carer signs in: what the one did and
// what is remembered of the other could not be told apart.
func (d *Desk) namesakes(ctx context.Context, p *place, members []policy.MemberConfig) error {
	for _, m := range members {
		if slices.ContainsFunc(p.household.Members, func(o *policy.Member) bool { return o.Name == m.Name }) {
			continue
		}
		band, _ := policy.BandAt(m.Born, policy.DateOf(p.now))
		if m.Band == policy.Adult.String() || m.Band == "" && !m.Born.IsZero() && band == policy.Adult {
			continue
		}
		switch taken, err := d.Adult(ctx, p.household.ID, m.Name); {
		case err != nil:
			return err
		case taken:
			return refused("name", "a parent or carer of the household signs in as %s: write another name, such as %[1]s 2, or the band adult if it is them", m.Name)
		}
	}
	return nil
}

// written finds the member of a place in the definition.
func (p *place) written(c *policy.HouseholdConfig) (int, error) {
	if p.member == nil {
		return 0, refused("member", "who is meant is missing: write the member")
	}
	i := slices.IndexFunc(c.Members, func(m policy.MemberConfig) bool { return m.Name == p.member.Name })
	if i < 0 {
		return 0, unknown("member", "%s is gone meanwhile", p.member.Name)
	}
	return i, nil
}

// part takes a member out of a definition, with what is theirs alone, and out of the devices that enrolled themselves. It
// notes which devices that concerns.
func (d *Desk) part(ctx context.Context, p *place, c *policy.HouseholdConfig, out *Parted) (changes []change, err error) {
	name, devices := p.member.Name, c.Devices
	c.Members = slices.DeleteFunc(c.Members, func(m policy.MemberConfig) bool { return m.Name == name })
	c.Rules = slices.DeleteFunc(c.Rules, func(r policy.RuleConfig) bool { return r.Member == name })
	c.Exceptions = slices.DeleteFunc(c.Exceptions, func(e policy.ExceptionConfig) bool { return e.Member == name })
	c.Devices = nil
	for _, v := range devices {
		if out.leave(&v) {
			c.Devices = append(c.Devices, v)
		}
	}
	for id, v := range all[policy.DeviceConfig](p.home, kindEnrolment) {
		switch had := len(owners(v)); {
		case !out.leave(&v):
			changes = append(changes, change{kind: kindEnrolment, id: id})
		case len(owners(v)) < had:
			changes = append(changes, change{kind: kindEnrolment, id: id, value: v})
		}
	}
	for _, v := range p.household.Devices {
		if !slices.Contains(out.Devices, v.Name) {
			if v.Name == name { // what is remembered of the one could not be told from that of the other
				return nil, refused("member", "the device %q is called so too: give it another name first", name)
			}
			continue
		}
		of := *p
		of.device = v
		more, err := d.carry(ctx, &of, "")
		if err != nil {
			return nil, err
		}
		went := of.entry(auditGone, "of "+name, 0) // by which what is left half done is found again
		went.Member, went.Device = "", v.Name
		changes = append(append(changes, more...), p.remembered(went))
	}
	return changes, nil
}

// leave takes who has parted off a device, and says whether it stays: one of theirs alone goes.
func (r *Parted) leave(v *policy.DeviceConfig) (stays bool) {
	was := owners(*v)
	if !slices.Contains(was, r.Person) {
		return true
	}
	if v.Profile == "" && len(was) == 1 {
		r.Devices = append(r.Devices, v.Name)
		return false
	}
	r.Shared = append(r.Shared, v.Name)
	if v.Member == r.Person {
		v.Member = ""
	}
	v.Members = slices.DeleteFunc(slices.Clone(v.Members), func(m string) bool { return m == r.Person })
	return true
}

// person tells of the member that somebody means, as it is in force.
func (d *Desk) person(ctx context.Context, who Who) (Person, error) {
	h, err := d.Show(ctx, Who{Household: who.Household, Actor: who.Actor})
	if err != nil {
		return Person{}, err
	}
	names := make([]string, len(h.Members))
	for i, m := range h.Members {
		names[i] = m.Name
	}
	i := called(names, who.Member)
	if i < 0 {
		return Person{}, unknown("member", "%s is gone meanwhile", who.Member)
	}
	return h.Members[i], nil
}
