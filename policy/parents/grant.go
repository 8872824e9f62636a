package parents

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Ask is what a parent grants.
type Ask struct {
	Kind      policy.GrantKind `json:"kind"`
	Value     string           `json:"value,omitempty"` // a name, the id of a category or service, what a quota is of
	AtBedtime bool             `json:"at_bedtime,omitempty"`
	Minutes   int              `json:"minutes,omitempty"` // of a bonus
	// Confirm repeats the name of a security grant, after its warning was read.
	Confirm string `json:"confirm,omitempty"`
	Span
}

// whyStanding marks a grant that a child took.
const whyStanding = "standing"

// continueFor is the longest that a warning stays passed.
const continueFor = 30 * time.Minute

// maxBonus bounds the minutes that are added to a quota.
const maxBonus = 24 * 60

// lifts says in words what a grant of a kind lifts, and what not.
var lifts = map[policy.GrantKind]string{
	policy.GrantName:     "It lifts the rules for sites of this name, neither the law nor what protects from dangerous sites.",
	policy.GrantSecurity: "It lifts what protects from dangerous sites for exactly this name, never the law.",
	policy.GrantService:  "It lifts the switch of the service and its category for it, nothing else.",
	policy.GrantCategory: "It lifts the category, no switch of a service and no rule of your own.",
	policy.GrantTime:     "It lifts bedtime, homework time and used-up quotas, and a pause that was before it.",
	policy.GrantBonus:    "It adds minutes to the quota for today.",
}

// Grant lifts something for somebody. A grant of the same to the same subject takes the place of the earlier one.
func (d *Desk) Grant(ctx context.Context, who Who, ask Ask) (Act, error) {
	if ask.Kind == policy.GrantName && strings.EqualFold(ask.For, "always") && !ask.AtBedtime && who.Device == "" {
		if act, done, err := d.always(ctx, who, ask); done || err != nil {
			return act, err
		}
	}
	var made policy.Grant
	var before []policy.Decision
	p, err := d.act(ctx, who, grant, func(p *place) (e Entry, changes []change, err error) {
		if made, err = p.grantFor(ask); err != nil {
			return e, nil, err
		}
		before = p.meet(made)
		return p.entry("grant", describe(made), made.Until), append(p.same(made), change{kind: kindGrant, id: made.ID, value: made}), nil
	})
	if err != nil {
		return Act{}, err
	}
	act := p.grant(made)
	act.Note = lifts[made.Kind] + p.effect(made, before, p.meet(made))
	if made.Kind == policy.GrantName && strings.EqualFold(ask.For, "always") {
		act.Note += d.toWrite(p, made)
	}
	return act, nil
}

// same drops the grants whose place a grant takes; bonuses add up, and what a child took stays counted.
func (p *place) same(made policy.Grant) (changes []change) {
	for id, was := range all[policy.Grant](p.home, kindGrant) {
		if was.Subject == made.Subject && was.Kind == made.Kind && was.Value == made.Value && was.Why == "" && made.Kind != policy.GrantBonus {
			changes = append(changes, change{kind: kindGrant, id: id})
		}
	}
	return changes
}

// grantFor makes a grant of what was asked.
func (p *place) grantFor(ask Ask) (g policy.Grant, err error) {
	g = policy.Grant{ID: newID(), Subject: p.subject, Kind: ask.Kind, Value: ask.Value, AtBedtime: ask.AtBedtime, At: p.now.Unix(), By: p.by}
	if g.Until, err = ask.ends(p); err != nil {
		return g, err
	}
	if ask.AtBedtime && ask.Kind != policy.GrantName {
		return g, refused("at_bedtime", "only a name is granted at bedtime too: grant time beside it")
	}
	if ask.Minutes != 0 && ask.Kind != policy.GrantBonus {
		return g, refused("minutes", "minutes are of a bonus: write for how long with for, such as 15m")
	}
	if g, err = p.valued(g, ask); err == nil && g.Kind != policy.GrantBonus && ask.For == "" && ask.Until == "" {
		err = refused("for", "for how long is missing: write for, such as 15m, 30m, 1h, today or always, or until")
	}
	if err == nil && p.actor.Role == Carer && (g.Until == 0 || g.Kind == policy.GrantSecurity) {
		err = forbidden("a carer grants for a time, and nothing of security: write for, such as 30m or today, or ask a parent")
	}
	return g, err
}

// valued checks what is granted, and writes it as it is kept.
func (p *place) valued(g policy.Grant, ask Ask) (_ policy.Grant, err error) {
	t := p.dir.Index().Taxonomy()
	if site := ask.Kind == policy.GrantName || ask.Kind == policy.GrantSecurity; !site && lawful(ask.Value) {
		return g, refused("value", "this cannot be granted")
	}
	switch ask.Kind {
	case policy.GrantTime:
		if g.Value = ""; ask.Value != "" {
			return g, refused("value", "time is granted without %q: write for how long with for, such as 30m", ask.Value)
		}
	case policy.GrantBonus:
		return p.bonus(g, ask)
	case policy.GrantName:
		g.Value, err = readSite(ask.Value)
	case policy.GrantSecurity:
		if g.Value, err = readName(ask.Value); err == nil {
			err = confirmed(g.Value, ask.Confirm)
		}
	case policy.GrantService:
		if _, known := t.Lookup("service." + strings.TrimPrefix(ask.Value, "service.")); !known {
			err = refused("value", "%q is no service; did you mean %q?", ask.Value, nearest(services(t), "service."+ask.Value))
		}
	case policy.GrantCategory:
		if strings.HasPrefix(ask.Value, "sec.") {
			return g, refused("value", "%q is granted name by name: write security and the name", ask.Value)
		}
		if _, known := t.Lookup(ask.Value); !known {
			err = refused("value", "%q is no category; %s", ask.Value, didYouMean(grantable(t), ask.Value))
		}
	case policy.GrantContinue:
		err = refused("kind", "a warning is passed by whom it warned, on its page")
	default:
		err = refused("kind", "%q cannot be granted: write time, bonus, name, service, category or security", ask.Kind)
	}
	return g, err
}

// bonus makes minutes of a quota, for the day on which they are given.
func (p *place) bonus(g policy.Grant, ask Ask) (policy.Grant, error) {
	t := p.dir.Index().Taxonomy()
	_, category := t.Lookup(ask.Value)
	_, service := t.Lookup("service." + ask.Value)
	switch {
	case ask.Minutes < 1 || ask.Minutes > maxBonus:
		return g, refused("minutes", "%d minutes: write 1 to %d", ask.Minutes, maxBonus)
	case ask.For != "" || ask.Until != "":
		return g, refused("for", "a bonus is for today: leave for and until out")
	case !category && !service && ask.Value != "total":
		return g, refused("value", "%q has no quota: write total, a service or a category; did you mean %q?", ask.Value, nearest(append(grantable(t), services(t)...), ask.Value))
	}
	if err := p.hasQuota(ask.Value); err != nil {
		return g, err
	}
	y, m, day := p.now.Date()
	g.Minutes, g.Until = ask.Minutes, time.Date(y, m, day+1, 0, 0, 0, 0, p.household.Location).Unix()
	return g, nil
}

// hasQuota refuses what nobody whom it concerns has a quota of.
func (p *place) hasQuota(of string) error {
	all := p.household.QuotasOf(p.member, p.device)
	switch {
	case slices.Contains(all, of), slices.Contains(all, "service."+of):
		return nil
	case len(all) == 0:
		return refused("value", "there is no quota that minutes could be added to: write quotas into the profile, or grant time").with("any")
	}
	return refused("value", "there is no quota of %s: write one of %s", of, strings.Join(all, ", ")).with("any")
}

// confirmed asks for a security grant twice. It looks nothing up, so that it tells nothing of the name.
func confirmed(name, again string) error {
	if said, err := readName(again); err == nil && said == name {
		return nil
	}
	return &Error{Reason: Unconfirmed, Field: "confirm", Text: fmt.Sprintf(
		"a site that is blocked for security can take over a device or steal passwords; lists err, but rarely. If you know that %s is harmless, ask again and confirm with its name: %[1]s", name)}
}

// describe names a grant in a few words.
func describe(g policy.Grant) string {
	switch g.Kind {
	case policy.GrantTime:
		return "time"
	case policy.GrantBonus:
		return fmt.Sprintf("%d minutes more of %s", g.Minutes, g.Value)
	case policy.GrantName, policy.GrantService, policy.GrantCategory, policy.GrantContinue, policy.GrantSecurity:
	}
	text := string(g.Kind) + " " + g.Value
	if g.AtBedtime {
		text += " at bedtime too"
	}
	return text
}

// toWrite says what makes a grant of a name a rule where the household stands in YAML.
func (d *Desk) toWrite(p *place, g policy.Grant) string {
	_, where := d.Written()
	at := where(p.household.ID)
	if at == "" {
		return ""
	}
	rule := "{name: " + g.Value + ", action: allow}"
	if m := g.Subject.Member; m != "" {
		rule = fmt.Sprintf("{name: %s, action: allow, member: %q}", g.Value, m)
	}
	if g.Subject.Device != "" {
		return fmt.Sprintf(" It holds until it is revoked; rules are of members and profiles, so give the device a profile of its own to write it into %s.", at)
	}
	return fmt.Sprintf(" It holds until it is revoked. To make it a rule, write into %s under rules: - %s", at, rule)
}

// Revoke ends a grant by its id.
func (d *Desk) Revoke(ctx context.Context, who Who, id string) (Act, error) {
	var was policy.Grant
	p, err := d.act(ctx, Who{Household: who.Household, By: who.By, Actor: who.Actor}, grant, func(p *place) (e Entry, changes []change, err error) {
		r, there := p.home[kindGrant][id]
		if there {
			was = r.value.(policy.Grant)
		}
		if !there || !runs(was.Until, p.now) {
			return e, nil, unknown("id", "no grant %q is in force: hearth grant list shows them", id)
		}
		c := change{kind: kindGrant, id: id}
		if was.Why == whyStanding {
			ended := was
			ended.Until = p.now.Unix()
			c.value = ended
		}
		p.subject = was.Subject
		return p.entry("revoke", describe(was), 0), []change{c}, nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.grant(was), nil
}

// Continues is until when a warning that is passed now stays passed.
func Continues(d policy.Decision, now time.Time) time.Time {
	until := now.Add(continueFor)
	if edge := time.Unix(d.Until, 0); d.Until != 0 && edge.Before(until) {
		return edge.In(now.Location())
	}
	return until
}

// Continue passes a warning for whom it warned: for the category of it, at most half an hour, and not beyond the next
// change of the clock. q is the question that was warned of.
func (d *Desk) Continue(ctx context.Context, c policy.Client, q policy.Question) (Act, error) {
	if c.Household == nil || c.Status != policy.Known {
		return Act{}, refused("", "this device is not known yet: a parent can enrol it")
	}
	who := Who{Household: c.Household.ID}
	switch {
	case c.Device != nil:
		who.Device = c.Device.Name
	case c.Member != nil:
		who.Member = c.Member.Name
	}
	if c.Member != nil {
		who.By = c.Member.Name
	}
	var made policy.Grant
	p, err := d.act(ctx, who, proven, func(p *place) (e Entry, changes []change, err error) {
		decision := c.Decide(&q, p.now)
		if decision.Action != policy.Warn || !decision.HasCategory {
			return e, nil, refused("", "only a warning can be passed: ask a parent")
		}
		until := Continues(decision, p.now).Unix()
		made = policy.Grant{
			ID: newID(), Subject: p.subject, Kind: policy.GrantContinue, At: p.now.Unix(), Until: until, By: p.by,
			Value: p.dir.Index().Taxonomy().ID(decision.Category),
		}
		return p.entry("continue", describe(made), until), append(p.same(made), change{kind: kindGrant, id: made.ID, value: made}), nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.grant(made), nil
}
