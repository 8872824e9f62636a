package parents

import (
	"context"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Act is something that somebody did and that is in force, as it is told.
type Act struct {
	Household string    `json:"household"`
	ID        string    `json:"id"`
	What      string    `json:"what"` // pause, filter off, grant, use
	Member    string    `json:"member,omitempty"`
	Device    string    `json:"device,omitempty"`
	Kind      string    `json:"kind,omitempty"`  // of a grant
	Value     string    `json:"value,omitempty"` // of a grant
	AtBedtime bool      `json:"at_bedtime,omitempty"`
	Minutes   int       `json:"minutes,omitempty"` // of a bonus
	At        time.Time `json:"at"`
	Until     time.Time `json:"until,omitzero"` // zero: until it is ended
	By        string    `json:"by,omitempty"`
	Note      string    `json:"note,omitempty"` // what the parent should know
}

func (p *place) told(what, id string, s policy.Subject, at, until int64, by string) Act {
	a := Act{Household: p.household.ID, ID: id, What: what, Member: s.Member, Device: s.Device, At: p.clock(at), By: by}
	if until != 0 {
		a.Until = p.clock(until)
	}
	return a
}

func (p *place) clock(unix int64) time.Time { return time.Unix(unix, 0).In(p.household.Location) }

func (p *place) pause(x policy.Pause) Act {
	return p.told("pause", x.ID, x.Subject, x.At, x.Until, x.By)
}

func (p *place) off(x policy.FilterOff) Act {
	return p.told("filter off", x.ID, x.Subject, x.At, x.Until, x.By)
}

func (p *place) grant(x policy.Grant) Act {
	a := p.told("grant", x.ID, x.Subject, x.At, x.Until, x.By)
	a.Kind, a.Value, a.AtBedtime, a.Minutes = string(x.Kind), x.Value, x.AtBedtime, x.Minutes
	return a
}

func (p *place) use(x policy.Use) Act {
	return p.told("use", "", policy.Subject{Member: x.Member, Device: x.Device}, x.At, x.Until, x.Member)
}

// acts lists what is in force, in the order pauses, filter off, grants, uses.
func (p *place) acts() []Act {
	list, s := []Act{}, p.home.state(p.now)
	for _, x := range s.Pauses {
		list = append(list, p.pause(x))
	}
	for _, x := range s.Offs {
		list = append(list, p.off(x))
	}
	for _, x := range s.Grants {
		list = append(list, p.grant(x))
	}
	for _, x := range s.Uses {
		list = append(list, p.use(x))
	}
	return list
}

// Acts lists what people did that is in force in a household.
func (d *Desk) Acts(ctx context.Context, who Who) ([]Act, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.look(ctx, who)
	if err != nil {
		return nil, err
	}
	return p.acts(), nil
}

// ActsFor lists what is in force for a client that the resolver found: for its device, its member and the whole house.
func (d *Desk) ActsFor(c policy.Client) []Act {
	if c.Household == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(Who{Household: c.Household.ID}, proven)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(p.acts(), func(a Act) bool {
		switch {
		case a.Device != "":
			return c.Device == nil || c.Device.Name != a.Device
		case a.Member != "":
			return c.Member == nil || c.Member.Name != a.Member
		}
		return false
	})
}
