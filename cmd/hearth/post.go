package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// hireMessengers makes what tells others: programs and web services of stops, parents of what waits for them.
func (s *server) hireMessengers(c *Config) (err error) {
	if s.events, err = newEvents(c.Events, s.directory, s.presence.List, s.log); err != nil {
		return err
	}
	s.post, err = notify.New(notify.Config{
		Settings: c.Notify, State: s.state, Console: c.consoleOrigin, Log: s.store, Words: s.word, NAT64: c.Resolve.DNS64.Prefix, Report: s.log,
	})
	if err != nil {
		return fmt.Errorf("preparing messages to parents: %w", err)
	}
	return nil
}

// tellOfRequest tells those who may answer of a request that waits for them, and no other child. It is called without
// a context, and reads the store alone.
func (s *server) tellOfRequest(r parents.Request) {
	s.post.Send(notify.Message{
		Household: r.Household, Kind: notify.Request, Member: cmp.Or(r.Member, r.Device), Site: r.Name, What: string(r.Status), Path: console.RequestPath(r.ID),
		For: append(s.readers(context.Background(), r.Household, account.Parent, account.Carer), nobody),
	})
}

// nobody is the name of no account: a message that is for it alone comes to the channels that are everybody's.
const nobody = "\x00"

// readers are the accounts of a household that have one of the roles now, by id and by name: a channel may have either.
func (s *server) readers(ctx context.Context, household string, roles ...account.Role) (list []string) {
	all, err := s.accounts.Accounts(ctx, account.Machine(), household)
	if err != nil {
		s.log.Warn("whom to tell could not be read", "error", err)
	}
	for _, a := range all {
		if slices.Contains(roles, a.Role) && (a.Until.IsZero() || time.Now().Before(a.Until)) {
			list = append(list, a.ID, a.Name)
		}
	}
	return list
}

// tellOfAnswer tells the other parent of a request that one of two has granted.
func (s *server) tellOfAnswer(r parents.Request) {
	if r.Status == parents.Half {
		s.tellOfRequest(r)
	}
}
