package parents

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// maxOff is the longest that the filter can be off: it is a look, not a setting.
const maxOff = 4 * time.Hour

// newID names an act: short enough to type, and nobody guesses another's.
func newID() string { return strings.ToLower(rand.Text()[:8]) }

// Pause stops somebody's internet, all but what is always on. It takes the place of a pause of the same subject, and
// ends the grants of whom it concerns.
func (d *Desk) Pause(ctx context.Context, who Who, s Span) (Act, error) {
	var made policy.Pause
	p, err := d.act(ctx, who, grant, func(p *place) (e Entry, changes []change, err error) {
		until, err := s.ends(p)
		if err != nil {
			return e, nil, err
		}
		made = policy.Pause{ID: newID(), Subject: p.subject, At: p.now.Unix(), Until: until, By: p.by}
		for id, was := range all[policy.Pause](p.home, kindPause) {
			if was.Subject == p.subject {
				changes = append(changes, change{kind: kindPause, id: id})
			}
		}
		over, names := p.endGrants()
		changes = append(changes, append(over, change{kind: kindPause, id: made.ID, value: made})...)
		return p.entry("pause", strings.Join(names, "; "), until), changes, nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.pause(made), nil
}

// Resume ends the pause of a subject.
func (d *Desk) Resume(ctx context.Context, who Who) (Act, error) {
	var was policy.Pause
	p, err := d.act(ctx, who, grant, func(p *place) (e Entry, changes []change, err error) {
		for id, running := range all[policy.Pause](p.home, kindPause) {
			if running.Subject == p.subject && runs(running.Until, p.now) {
				was, changes = running, append(changes, change{kind: kindPause, id: id})
			}
		}
		if len(changes) == 0 {
			return e, nil, unknown("", "no pause of %s is running%s", p.whom(p.subject), p.others())
		}
		return p.entry("pause ended", "", 0), changes, nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.pause(was), nil
}

// others tells which pauses run, for who named another.
func (p *place) others() string {
	list := []string{}
	for _, running := range p.home.state(p.now).Pauses {
		list = append(list, p.whom(running.Subject))
	}
	if len(list) == 0 {
		return ""
	}
	return "; those of " + strings.Join(list, ", ") + " are"
}

// endGrants ends the grants of whom a pause of the subject concerns. A standing one stays known as taken.
func (p *place) endGrants() (changes []change, names []string) {
	for id, g := range all[policy.Grant](p.home, kindGrant) {
		if !runs(g.Until, p.now) || !p.paused(g.Subject) {
			continue
		}
		c := change{kind: kindGrant, id: id}
		if g.Why == whyStanding {
			g.Until = p.now.Unix()
			c.value = g
		}
		changes = append(changes, c)
		names = append(names, fmt.Sprintf("ended the grant of %s to %s", describe(g), p.whom(g.Subject)))
	}
	return changes, names
}

// paused says whether a pause of the subject stops s: itself, of a member the devices that are theirs, of the house
// everyone under 18 and what belongs to nobody.
func (p *place) paused(s policy.Subject) bool {
	if s == p.subject {
		return true
	}
	var owners []*policy.Member
	for _, v := range p.household.Devices {
		if s.Device != "" && v.Name == s.Device {
			owners = v.Members
		}
	}
	for _, m := range p.household.Members {
		if s.Member != "" && m.Name == s.Member {
			owners = []*policy.Member{m}
		}
	}
	switch {
	case p.device != nil:
		return false
	case p.member != nil:
		return slices.Contains(owners, p.member)
	}
	minor := func(m *policy.Member) bool { return m.Profile.Band().Minor() }
	return slices.ContainsFunc(owners, minor)
}

// FilterOff stops the filter for somebody, not the internet: the law and security stay. It ends by itself.
func (d *Desk) FilterOff(ctx context.Context, who Who, s Span) (Act, error) {
	var made policy.FilterOff
	p, err := d.act(ctx, who, manage, func(p *place) (e Entry, changes []change, err error) {
		until, err := s.ends(p)
		switch {
		case err != nil:
			return e, nil, err
		case until == 0 || until-p.now.Unix() > int64(maxOff/time.Second):
			return e, nil, refused("for", "the filter is never off for longer than %d hours: write for how long, such as 15m; a profile with observe: true filters nothing for good", int(maxOff.Hours()))
		}
		made = policy.FilterOff{ID: newID(), Subject: p.subject, At: p.now.Unix(), Until: until, By: p.by}
		for id, was := range all[policy.FilterOff](p.home, kindOff) {
			if was.Subject == p.subject {
				changes = append(changes, change{kind: kindOff, id: id})
			}
		}
		return p.entry("filter off", "", until), append(changes, change{kind: kindOff, id: made.ID, value: made}), nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.off(made), nil
}

// FilterOn ends a FilterOff of a subject before its time.
func (d *Desk) FilterOn(ctx context.Context, who Who) (Act, error) {
	var was policy.FilterOff
	p, err := d.act(ctx, who, grant, func(p *place) (e Entry, changes []change, err error) {
		for id, o := range all[policy.FilterOff](p.home, kindOff) {
			if o.Subject == p.subject && runs(o.Until, p.now) {
				was, changes = o, append(changes, change{kind: kindOff, id: id})
			}
		}
		if len(changes) == 0 {
			return e, nil, unknown("", "the filter is not off for %s", p.whom(p.subject))
		}
		return p.entry("filter on", "", 0), changes, nil
	})
	if err != nil {
		return Act{}, err
	}
	return p.off(was), nil
}
