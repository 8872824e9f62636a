package parents

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Taken is what is left of a standing grant after one was taken.
type Taken struct {
	Act
	Left int    `json:"left"`
	Per  string `json:"per"`
}

// Take has a member take one of the standing grants of their profile: time, without asking. Of several, the first
// that is not used up is taken. Days begin at midnight, weeks on Monday.
func (d *Desk) Take(ctx context.Context, who Who) (Taken, error) {
	var made policy.Grant
	var left Taken
	var before []policy.Decision
	p, err := d.act(ctx, who, own, func(p *place) (e Entry, changes []change, err error) {
		if p.member == nil {
			return e, nil, refused("member", "who takes it is missing: write the member")
		}
		p.by = p.member.Name
		if paused := p.pausedNow(); paused {
			return e, nil, refused("", "%s is paused: ask a parent", p.member.Name)
		}
		all := d.standing(p)
		if len(all) == 0 {
			return e, nil, refused("member", "%s has no standing grants: write standing into the profile", p.member.Name)
		}
		for _, s := range all {
			if n := p.taken(s); n < s.Times {
				left.Left, left.Per = s.Times-n-1, s.Per
				made = policy.Grant{
					ID: newID(), Subject: p.subject, Kind: policy.GrantTime, Minutes: s.Minutes, Why: whyStanding, By: p.by,
					At: p.now.Unix(), Until: p.now.Add(time.Duration(s.Minutes) * time.Minute).Unix(),
				}
				before = p.meet(made)
				return p.entry("standing grant", fmt.Sprintf("%d minutes", s.Minutes), made.Until), []change{{kind: kindGrant, id: made.ID, value: made}}, nil
			}
		}
		return e, nil, refused("", "all of it is taken for now: ask a parent")
	})
	if err != nil {
		return Taken{}, err
	}
	left.Act = p.grant(made)
	left.Note = strings.TrimSpace(p.effect(made, before, p.meet(made)))
	return left, nil
}

// standing gives the standing grants of a member's profile.
func (d *Desk) standing(p *place) []policy.StandingConfig {
	written, _ := d.Written()
	i := slices.IndexFunc(written.Profiles, func(c policy.ProfileConfig) bool { return c.Name == p.member.Profile.Name() })
	if i < 0 {
		return nil
	}
	return written.Profiles[i].Standing
}

// pausedNow says whether a pause of the member or the house runs.
func (p *place) pausedNow() bool {
	return slices.ContainsFunc(p.home.state(p.now).Pauses, func(x policy.Pause) bool {
		return x.Subject == p.subject || x.Subject == policy.Subject{} && p.member.Profile.Band().Minor()
	})
}

// taken counts how often a standing grant was taken in its present day or week.
func (p *place) taken(s policy.StandingConfig) (n int) {
	y, m, day := p.now.Date()
	if s.Per == "week" {
		day -= (int(p.now.Weekday()) + 6) % 7
	}
	from := time.Date(y, m, day, 0, 0, 0, 0, p.household.Location).Unix()
	for _, g := range all[policy.Grant](p.home, kindGrant) {
		if g.Why == whyStanding && g.Subject == p.subject && g.Minutes == s.Minutes && g.At >= from {
			n++
		}
	}
	return n
}
