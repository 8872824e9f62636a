package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/store"
	"github.com/prometheus/client_golang/prometheus"
)

// noticesWait is how many notices of accounts may wait to be written down. A sign-in takes longer than writing one.
const noticesWait = 256

// openAccounts makes the book of who may sign in.
func (s *server) openAccounts(c *Config) (err error) {
	s.notices = make(chan account.Notice, noticesWait)
	cfg := account.Config{Log: s.store, Origins: c.origins(), Tell: s.heard, Fits: s.fits, Gone: s.unsubscribe, Report: s.log}
	if len(cfg.Origins) > 0 {
		cfg.Name = c.consoleName()
	}
	if cfg.Provider, err = c.openProvider(); err != nil {
		return err
	}
	s.accounts, err = account.Open(cfg)
	if err != nil {
		return fmt.Errorf("preparing accounts: %w", err)
	}
	return nil
}

// welcome shows how the first account is opened, while nobody has one: the code itself to a person who looks on, and to
// nobody else, because what a service writes is kept and often read elsewhere. Whoever has the code is a parent.
func (a *app) welcome(ctx context.Context, accounts *account.Book, pages []string, log *slog.Logger) error {
	empty, err := accounts.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	if a.json || !a.atTerminal() {
		log.Info("nobody has an account yet", "do", "hearth account setup prints the code for the first, and where to type it in")
		return nil
	}
	i, err := accounts.Setup(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "Nobody has an account yet. Until %s the set-up page takes this code:\n\n  %s\n\n%s\n", i.Ends.Local().Format("15:04"), i.Code, strings.Join(pages, "\n"))
	return nil
}

// heard takes what happened to accounts, and returns at once.
func (s *server) heard(n account.Notice) {
	select {
	case s.notices <- n:
	default:
		s.untold.Add(1)
		s.log.Error("what happened to an account is not written down, since too much waits", "event", string(n.Event))
	}
}

// untoldMetric counts what heard had no room for.
func (s *server) untoldMetric() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hearth_account_untold_total", Help: "Events of accounts that are neither in an audit nor told, because too many waited.",
	}, func() float64 { return float64(s.untold.Load()) })
}

// tellOfAccounts writes down what happened to accounts and tells the parents, until ctx ends; what waits then is written
// down still.
func (s *server) tellOfAccounts(ctx context.Context) error {
	for {
		select {
		case n := <-s.notices:
			s.tellOf(ctx, n)
			continue
		case <-ctx.Done():
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		for len(s.notices) > 0 && last.Err() == nil {
			s.tellOf(last, <-s.notices)
		}
		return nil
	}
}

// tellOf writes one notice into the household's audit, and tells the parents.
func (s *server) tellOf(ctx context.Context, n account.Notice) {
	if err := s.parents.Note(ctx, n.Household, entryOf(n)); err != nil && !errors.Is(err, store.ErrReadOnly) {
		s.log.Error("what happened to an account is not written down", "event", string(n.Event), "error", err)
	}
	if n.Event == account.EventAmended || n.Event == account.EventWithdrew {
		return // nobody gains a way in by it
	}
	if n.Event == account.EventToken {
		n.Name = ""
	}
	s.tellOfWayIn(ctx, n.Household, string(n.Event), n.Name)
}

// tellOfWayIn tells the parents that somebody gains a way in, or tries to.
func (s *server) tellOfWayIn(ctx context.Context, household, what, who string) {
	m := notify.Message{Household: household, Kind: notify.SignIn, What: what, Member: who}
	if m.For = s.readers(ctx, household, account.Parent); household != account.Operators { // whose channels all are
		m.For = append(m.For, nobody)
	}
	s.post.Send(m)
}

// tellOfGuessing tells the parents that somebody guesses PINs at a device; the desk has written it down.
func (s *server) tellOfGuessing(household, device string) {
	s.tellOfWayIn(context.Background(), household, "pin", device)
}

// accountWords are what stands in the audit.
var accountWords = map[account.Event]string{
	account.EventSignIn: "signed in in a new browser", account.EventGuessed: "somebody guesses passphrases", account.EventCloned: "passkey refused, it may be a copy",
	account.EventJoined: "account opened", account.EventPasskey: "passkeys changed", account.EventChanged: "passphrase changed", account.EventReset: "account started anew",
	account.EventToken: "token made", account.EventRemoved: "account removed", account.EventAmended: "account changed", account.EventInvited: "invited", account.EventWithdrew: "invitation withdrawn",
}

// entryOf is a notice as the audit of its household has it.
func entryOf(n account.Notice) parents.Entry {
	e := parents.Entry{What: cmp.Or(accountWords[n.Event], string(n.Event)), By: n.By, Member: n.Name}
	if n.Event == account.EventToken { // it is no member
		e.Member, e.Detail = "", n.Name
	}
	if n.Event == account.EventSignIn || n.Event == account.EventPasskey || n.Event == account.EventChanged {
		e.By = cmp.Or(n.By, n.Name)
	}
	if n.Network.IsValid() {
		e.Detail = "from " + strings.TrimSuffix(n.Network.String(), "/32")
	}
	return e
}

// unsubscribe takes an account that goes out of the channels of its household.
func (s *server) unsubscribe(ctx context.Context, a account.Account) error {
	return errors.Join(s.post.Forget(ctx, a.Household, a.ID), s.post.Forget(ctx, a.Household, a.Name))
}

// forgetPerson erases what is kept of who is gone beside the desk: accounts with all that opens them, and their channels.
// With "" it is a household; the desk erases what lies under its own id. A child is not the parent who has the same name.
func (s *server) forgetPerson(ctx context.Context, household, person string, adult bool) (map[string]int, error) {
	s.post.Drop(household, strings.TrimPrefix(person, policy.PersonOfDevice("")))
	if person == policy.PersonGuests || strings.HasPrefix(person, policy.PersonOfDevice("")) {
		return nil, nil //nolint:nilnil // they have no account
	}
	found := map[string]int{}
	var roles []account.Role
	if person != "" && !adult {
		roles = []account.Role{account.Child}
	}
	n, err := s.accounts.Erase(ctx, household, person, roles...)
	if err != nil {
		return nil, fmt.Errorf("erasing accounts: %w", err)
	}
	if n > 0 {
		found["account"] = n
	}
	if person == "" {
		return found, nil
	}
	if left, err := s.accounts.Has(ctx, household, person); err != nil || left {
		return found, err // the channels of the name are theirs who have it still
	}
	return found, s.post.Forget(ctx, household, person)
}

// adultSignsIn says whether a parent or carer signs in by a name, or is invited to.
func (s *server) adultSignsIn(ctx context.Context, household, name string) (bool, error) {
	return s.accounts.Has(ctx, household, name, account.Parent, account.Carer)
}

// fits keeps the names of children and of grown-ups apart: who signs in by the name of a child is that child.
func (s *server) fits(household, name string, role account.Role) error {
	h, there := s.directory().Household(household)
	if !there {
		return nil
	}
	for _, m := range h.Members {
		if minor := m.Profile.Band().Minor(); account.SameName(m.Name, name) && minor != (role == account.Child) {
			who := "a child"
			if !minor {
				who = "a grown-up"
			}
			return &account.Error{Field: "name", Text: fmt.Sprintf("%s of the household is called %s: write another name, such as %[2]s 2", who, m.Name)}
		}
	}
	return nil
}
