package parents

import (
	"context"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Confirm puts a member into the band that their birthday has brought.
func (d *Desk) Confirm(ctx context.Context, who Who) (Person, error) {
	err := d.define(ctx, who, func(p *place) (Entry, []change, error) {
		if p.member == nil {
			return Entry{}, nil, refused("member", "who is meant is missing: write the member")
		}
		waiting := p.dir.Waiting()
		i := slices.IndexFunc(waiting, func(w policy.Waiting) bool { return w.Household == p.household.ID && w.Member == p.member.Name })
		if i < 0 {
			return Entry{}, nil, refused("member", "nothing waits for %s: the band is %s", p.member.Name, p.member.Band)
		}
		before, _ := p.home[kindPromotion][named(p.member.Name)].value.(policy.Promotion)
		now := policy.Promotion{Member: p.member.Name, Born: before.Born, Band: waiting[i].To.String(), At: p.now.Unix(), By: p.by}
		return p.entry("birthday confirmed", now.Band, 0), []change{{kind: kindPromotion, id: named(now.Member), value: now}}, nil
	})
	if err != nil {
		return Person{}, err
	}
	return d.person(ctx, who)
}

// Waiting lists the members whose birthday waits for a parent.
func (d *Desk) Waiting() []policy.Waiting { return d.Directory().Waiting() }

// grow writes down in which band members with a birth date are: at first sight, and at 18, when the controls end by
// themselves. The caller holds mu.
func (d *Desk) grow(ctx context.Context, dir *policy.Directory, written policy.Config) error {
	people, err := d.merged(written)
	if err != nil {
		return err
	}
	all, n := map[string][]change{}, 0
	for i := range people.Households {
		c := &people.Households[i]
		h, there := dir.Household(c.ID)
		if !there || !h.Enabled {
			continue
		}
		p := &place{household: h, home: d.homes[c.ID], now: d.Now().In(h.Location), by: "birthday"}
		for _, m := range c.Members {
			if m.Born.IsZero() || m.Band != "" {
				continue
			}
			if changes := d.grown(p, m); len(changes) > 0 {
				all[c.ID] = append(all[c.ID], changes...)
				n += len(changes)
			}
		}
		if n >= store.MaxBatch/2 { // at the first start of many households a write of each would take minutes
			if err := d.putAll(ctx, all); err != nil {
				return err
			}
			all, n = map[string][]change{}, 0
		}
	}
	if n == 0 {
		return nil
	}
	return d.putAll(ctx, all)
}

// grown is what is to be written down of one member.
func (d *Desk) grown(p *place, m policy.MemberConfig) []change {
	band, _ := policy.BandAt(m.Born, policy.DateOf(p.now))
	was, known := p.home[kindPromotion][named(m.Name)].value.(policy.Promotion)
	fresh := !known || was.Born != m.Born
	if !fresh && (band != policy.Adult || was.Band == band.String()) {
		return nil
	}
	now := policy.Promotion{Member: m.Name, Born: m.Born, Band: band.String(), At: p.now.Unix(), By: p.by}
	changes := []change{{kind: kindPromotion, id: named(m.Name), value: now}}
	if fresh {
		return changes
	}
	p.subject = policy.Subject{Member: m.Name}
	return append(changes, p.remembered(p.entry("18th birthday: the controls have ended", "", 0)))
}
