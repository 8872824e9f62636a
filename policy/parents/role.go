package parents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthdns/hearth/policy"
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
	if err != nil || who.Actor.Role != Operator {
		return p, err
	}
	key := p.household.ID + "/" + who.Actor.Name
	if last, did := d.looked[key]; did && p.now.Sub(last) < lookedEvery {
		return p, nil
	}
	if err := d.commit(ctx, p, p.entry("household looked at", "", 0), nil); err != nil {
		return nil, err
	}
	d.looked[key] = p.now
	return p, nil
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
