package account_test

import (
	"errors"
	"testing"

	"github.com/hearthdns/hearth/policy/account"
)

// TestNamesAreKeptApart: nobody gets a name that fits somebody else, by an invitation, by taking one or by a change; a
// child's account is the child's for whom it was made.
func TestNamesAreKeptApart(t *testing.T) {
	taken := errors.New("a child of the household is called so")
	h := open(t, func(c *account.Config) {
		c.Fits = func(household, name string, role account.Role) error {
			if household == "home" && account.SameName(name, "Ben") && role != account.Child {
				return taken
			}
			return nil
		}
	})
	anna := h.first("home")
	if _, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Parent, Name: "ben"}); !errors.Is(err, taken) {
		t.Errorf("an invitation: %v", err)
	}
	i, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	if _, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.2"), Code: i.Code, Name: "BEN", Passphrase: other}); !errors.Is(err, taken) {
		t.Errorf("who takes one: %v", err)
	}
	name := "Ben"
	if _, err := h.Amend(h.ctx, anna.Session.Actor(), "home", anna.Session.Account, account.Amendment{Name: &name}); !errors.Is(err, taken) {
		t.Errorf("a change: %v", err)
	}

	_, err = h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Child})
	h.refuses(err, account.Refused)
	i, err = h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Child, Name: "Ben"})
	h.ok(err)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.2"), Code: i.Code, Name: "Mia", Passphrase: other})
	h.refuses(err, account.Refused)
	ben, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.2"), Code: i.Code, Name: "ben", Passphrase: other})
	h.ok(err)
	all, err := h.Accounts(h.ctx, account.Machine(), "home")
	h.ok(err)
	for _, a := range all {
		if a.ID == ben.Session.Account && (a.Name != "Ben" || a.Role != account.Child) {
			t.Errorf("it is %+v", a)
		}
	}
	for _, tt := range []struct {
		household, name string
		roles           []account.Role
		has             bool
	}{
		{"home", "BEN", nil, true},
		{"home", "Ben", []account.Role{account.Parent, account.Carer}, false},
		{"home", "anna", []account.Role{account.Parent, account.Carer}, true},
		{"other", "Anna", nil, false},
	} {
		has, err := h.Has(h.ctx, tt.household, tt.name, tt.roles...)
		h.ok(err)
		want(t, tt.name, has, tt.has)
	}
	_, err = h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Carer, Name: "Oma", Until: h.Now().AddDate(0, 0, 9)})
	h.ok(err)
	if has, err := h.Has(h.ctx, "home", "oma", account.Carer); err != nil || !has {
		t.Errorf("who is invited: %v, %v", has, err)
	}
}

// TestNamesOfProvidersAreKeptApart: who signs in at a provider by the name of a child of the household is not that child,
// also when the provider says later that they are a parent.
func TestNamesOfProvidersAreKeptApart(t *testing.T) {
	h, p := subscribed(t, func(c *account.Config) {
		c.Provider.Roles["kids"] = account.Child
		c.Fits = func(_, name string, role account.Role) error {
			if account.SameName(name, "Ben") && role != account.Child {
				return errors.New("a child of the household is called so")
			}
			return nil
		}
	})
	signsIn := func(sub, group string) account.Account {
		t.Helper()
		p.set(map[string]any{"sub": sub, "hh": "line-42", "name": "Ben", "groups": group})
		s, err := h.visits(p)
		h.ok(err)
		return s.Session.Who
	}
	parent := signsIn("subscriber-1", "subscribers")
	want(t, "a parent", parent.Name, "Ben 2")
	child := signsIn("subscriber-2", "kids")
	want(t, "the child", child.Name, "Ben")
	want(t, "the parent again", signsIn("subscriber-1", "subscribers").Name, "Ben 2")
	want(t, "the child again", signsIn("subscriber-2", "kids").Name, "Ben")
	grown := signsIn("subscriber-2", "subscribers")
	want(t, "the account", grown.ID, child.ID)
	want(t, "who is no child any more", grown.Name, "Ben 3")
	want(t, "who is one from now on", signsIn("subscriber-1", "kids").Name, "Ben 2")
}
