package portal

import (
	"context"
	"errors"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
)

// Channels are the use-cases about how messages reach the people of a household, for pages and programs alike. The desk judges
// who asks, and the household reads in its audit what was done.
type Channels struct {
	Post *notify.Post // nil: nobody has a channel
	Desk *parents.Desk
	Book *account.Book
	View func() *policy.Directory // in force
}

// What is wrong with what somebody wants of a channel.
var (
	ErrNoChannel = &parents.Error{Reason: parents.Unknown, Field: "channel", Text: "the household has no such channel: write its id as the list of channels does"}
	ErrNoKind    = &parents.Error{Field: "of", Text: "a channel gets at least one kind of message: write some, or leave them out for all"}
	ErrNoReader  = &parents.Error{Reason: parents.Unknown, Field: "for", Text: "no parent or carer of the household has this account: leave it out for everybody's"}

	errGone    = &parents.Error{Reason: parents.Unknown, Field: "household", Text: "the household is not in force: add channels to one that is"}
	errCarer   = &parents.Error{Reason: parents.Forbidden, Text: "a carer is told on their own phone or computer: for other ways ask a parent of the household"}
	errBrowser = &parents.Error{Field: "kind", Text: "a browser subscribes in the console, for who is signed in there: write mail, ntfy or webhook"}
)

// MayRead says whether messages of its household may be for an account.
func MayRead(a account.Account) bool { return a.Role == account.Parent || a.Role == account.Carer }

// List gives the channels of a household, and its id; to a carer those that are theirs alone.
func (c Channels) List(ctx context.Context, who parents.Who) (household string, all []notify.Channel, err error) {
	if c.Post == nil {
		return "", nil, ErrNoChannel
	}
	if household, err = c.house(ctx, who); err != nil {
		return "", nil, err
	}
	all, err = c.Post.Channels(ctx, household)
	if who.Actor.Role == parents.Carer {
		all = slices.DeleteFunc(all, func(o notify.Channel) bool { return !mine(who, o) })
	}
	return household, all, err
}

// house is the household that somebody may see channels of.
func (c Channels) house(ctx context.Context, who parents.Who) (string, error) {
	if who.Actor.Role == parents.Carer && who.Actor.Account != "" {
		h, err := c.Desk.Show(ctx, who)
		return h.ID, err
	}
	h, err := c.Desk.Oversee(ctx, who)
	if err != nil {
		return "", err
	}
	return h.ID, nil
}

// mine says whether a channel is somebody's alone.
func mine(who parents.Who, o notify.Channel) bool {
	return slices.Equal(o.For, []string{who.Actor.Account})
}

// Add keeps a channel and tries it at once: who mistyped an address sees it here and not when it counts. Its Of is nil for all
// kinds of messages. It is kept if err is nil; test says why the test did not arrive, nil if it did.
func (c Channels) Add(ctx context.Context, who parents.Who, o notify.Channel) (made notify.Channel, test *notify.Failure, err error) {
	household, _, err := c.List(ctx, who)
	if err != nil {
		return made, nil, err
	}
	if err := c.check(ctx, who, household, o); err != nil {
		return made, nil, err
	}
	if who.Actor.Role == parents.Carer {
		o.Of = []notify.Kind{notify.Request} // which they may answer
	}
	if len(o.Of) == len(notify.Kinds()) && !slices.ContainsFunc(notify.Kinds(), func(k notify.Kind) bool { return !slices.Contains(o.Of, k) }) {
		o.Of = nil // also of what is new some day
	}
	if made, err = c.Post.Add(ctx, household, o); err != nil {
		return made, nil, err
	}
	if err := c.Desk.Note(ctx, household, who.Entry("channel of messages added", string(made.Kind))); err != nil {
		return made, nil, err
	}
	if err := c.Post.Test(ctx, household, made); !errors.As(err, &test) {
		return made, nil, err
	}
	return made, test, nil
}

// check judges what package notify cannot know.
func (c Channels) check(ctx context.Context, who parents.Who, household string, o notify.Channel) error {
	if _, there := c.View().Household(household); !there {
		return errGone
	}
	switch {
	case o.Kind != notify.Push && who.Actor.Role == parents.Carer:
		return errCarer
	case o.Of != nil && len(o.Of) == 0:
		return ErrNoKind
	case o.Kind == notify.Push && !mine(who, o):
		return errBrowser
	case len(o.For) == 0:
		return nil
	}
	accounts, err := c.Book.Accounts(ctx, account.Machine(), household)
	if err != nil {
		return err
	}
	for _, id := range o.For {
		if !slices.ContainsFunc(accounts, func(a account.Account) bool { return a.ID == id && MayRead(a) }) {
			return ErrNoReader
		}
	}
	return nil
}

// Test sends a test message to a channel. That it did not arrive is a *notify.Failure.
func (c Channels) Test(ctx context.Context, who parents.Who, id string) error {
	household, o, err := c.find(ctx, who, id)
	if err != nil {
		return err
	}
	return c.Post.Test(ctx, household, o)
}

// Remove forgets a channel, and gives what it was.
func (c Channels) Remove(ctx context.Context, who parents.Who, id string) (notify.Channel, error) {
	household, o, err := c.find(ctx, who, id)
	if err != nil {
		return o, err
	}
	if err := c.Post.Remove(ctx, household, id); err != nil {
		return o, err
	}
	return o, c.Desk.Note(ctx, household, who.Entry("channel of messages removed", string(o.Kind)))
}

func (c Channels) find(ctx context.Context, who parents.Who, id string) (household string, o notify.Channel, err error) {
	household, all, err := c.List(ctx, who)
	if err != nil {
		return "", o, err
	}
	i := slices.IndexFunc(all, func(o notify.Channel) bool { return o.ID == id })
	if i < 0 {
		return "", o, ErrNoChannel
	}
	return household, all[i], nil
}

// SetNames says whether messages of a household may name sites.
func (c Channels) SetNames(ctx context.Context, who parents.Who, names bool) error {
	if c.Post == nil {
		return ErrNoChannel
	}
	h, err := c.Desk.Oversee(ctx, who)
	if err != nil {
		return err
	}
	household, detail := h.ID, "without names of sites"
	if names {
		detail = "with names of sites"
	}
	if err := c.Post.SetNames(ctx, household, names); err != nil {
		return err
	}
	return c.Desk.Note(ctx, household, who.Entry("messages changed", detail))
}
