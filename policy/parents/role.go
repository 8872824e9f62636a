package parents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Role is what somebody is to a household. The set is closed.
type Role uint8

// The roles.
const (
	Nobody   Role = iota // may do nothing
	Child                // a member, for themself: see and ask
	Carer                // grants, and answers requests; mostly until a date
	Parent               // all of one household
	Operator             // of the service: all of every household, and the household reads who looked
	Machine              // whoever may open the control socket: the machine is theirs
)

var roleNames = [...]string{"nobody", "child", "carer", "parent", "operator", "machine"}

// String gives the role as it is written down.
func (r Role) String() string { return roleNames[r] }

// Actor is who asks for something. Whoever says who that is (a session, a token, the control socket, the address of a
// device) fills it in; what they may do is judged here, in every use-case, and nowhere else.
type Actor struct {
	Role      Role
	Household string    // the only one that they may touch; of an Operator and of Machine all, if it is ""
	Name      string    // of the account; of a Child the member
	Account   string    // its id; "" of who has none, such as Machine and programs
	Until     time.Time // when their rights end; zero: never
}

// right is what a use-case needs.
type right uint8

const (
	proven right = 0         // by a code or PIN, in the use-case itself
	own    right = 1 << iota // things about oneself
	see
	grant
	manage
	operate
)

var rights = [...]right{
	Child:    own,
	Carer:    own | see | grant,
	Parent:   own | see | grant | manage,
	Operator: own | see | grant | manage | operate,
	Machine:  own | see | grant | manage | operate,
}

// may says whether the actor of a place has a right there.
func (p *place) may(r right) error {
	a := p.actor
	switch {
	case r == proven:
		return nil
	case !a.Until.IsZero() && !p.now.Before(a.Until):
		return forbidden("your rights have ended: ask a parent of the household")
	case rights[a.Role]&r == 0:
		return forbidden("a %s may not do this: ask a parent of the household", a.Role)
	}
	return nil
}

// at is the household that somebody may mean, before anything of it is looked at or told.
func (a Actor) at(household string, r right) (string, error) {
	switch {
	case r == proven:
		return household, nil
	case a.Role == Nobody || a.Role < Operator && a.Household == "":
		return "", forbidden("nobody is signed in: sign in first")
	case a.Household == "" || household == a.Household:
		return household, nil
	case household == "":
		return a.Household, nil
	}
	return "", unknown("household", "there is no household %q for you: write %s", household, a.Household)
}

func forbidden(format string, args ...any) error {
	return &Error{Reason: Forbidden, Text: fmt.Sprintf(format, args...)}
}

// lookedEvery is how often an operator's looking at a household is written down: once an hour tells the household, and a
// support call does not fill its record.
const lookedEvery = time.Hour

// look finds whom something concerns for who only wants to see it. That an operator did is written down for the
// household to read. The caller holds mu.
func (d *Desk) look(ctx context.Context, who Who) (*place, error) { return d.lookWith(ctx, who, see) }

// lookWith is look for who needs another right.
func (d *Desk) lookWith(ctx context.Context, who Who, r right) (*place, error) {
	p, err := d.find(who, r)
	if err != nil || !d.isNews(p) {
		return p, err
	}
	if err := d.commit(ctx, p, p.entry(lookedAt, "", 0), nil); err != nil {
		return nil, err
	}
	d.looked[p.looker()] = p.now
	return p, nil
}

// lookedAt is what households read of an operator's look.
const lookedAt = "household looked at"

// looker is who looks at which household.
func (p *place) looker() string { return p.household.ID + "/" + p.actor.Name }

// isNews says whether a look is to be written down.
func (d *Desk) isNews(p *place) bool {
	last, did := d.looked[p.looker()]
	return p.actor.Role == Operator && (!did || p.now.Sub(last) >= lookedEvery)
}

// lookAtAll is lookWith for many households, which have their records in one step for each store.MaxBatch of them. Where the
// store has no room for all, each has its own, and the error is of those that could not.
func (d *Desk) lookAtAll(ctx context.Context, a Actor, households []string, r right) (all []*place, err error) {
	for some := range slices.Chunk(households, store.MaxBatch) {
		var places []*place
		records := map[string][]change{}
		for _, id := range some {
			p, err := d.find(Who{Household: id, Actor: a}, r)
			if err != nil {
				return nil, err
			}
			if places = append(places, p); d.isNews(p) {
				records[id] = []change{p.remembered(p.entry(lookedAt, "", 0))}
			}
		}
		if len(records) > 0 {
			err := d.putAll(ctx, records)
			if errors.Is(err, store.ErrFull) {
				return d.lookAtEach(ctx, a, households, r)
			}
			if err != nil {
				return nil, err
			}
		}
		for id := range records {
			p := places[slices.Index(some, id)]
			d.looked[p.looker()] = p.now
		}
		all = append(all, places...)
	}
	return all, nil
}

func (d *Desk) lookAtEach(ctx context.Context, a Actor, households []string, r right) (all []*place, err error) {
	for _, id := range households {
		p, failed := d.lookWith(ctx, Who{Household: id, Actor: a}, r)
		if err = errors.Join(err, failed); failed == nil {
			all = append(all, p)
		}
	}
	return all, err
}

// OverseeAll is Oversee for all households there are.
func (d *Desk) OverseeAll(ctx context.Context, a Actor) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.lookAtAll(ctx, a, d.visible(a, manage), manage)
	return err
}

// Oversee says which household somebody means for what is kept beside the desk, such as activity: its parents may see and
// change that. That an operator did is written down, as of all else. One that is gone may be meant by who operates.
func (d *Desk) Oversee(ctx context.Context, who Who) (*policy.Household, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.lookWith(ctx, who, manage)
	var e *Error
	switch {
	case err == nil:
		return p.household, nil
	case errors.As(err, &e) && e.Reason == Unknown && e.Field == "household" && who.Household != "" && who.Actor.Role >= Operator && who.Actor.Household == "":
		return &policy.Household{ID: who.Household, Location: time.UTC}, nil
	}
	return nil, err
}
