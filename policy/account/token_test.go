package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// TestToken: a token does what its scopes say, in its household, until its day, and ends with who made it.
func TestToken(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	bert := h.joins(account.Offer{Household: "home", Role: account.Parent, Name: "Bert"}, other)
	tok, bearer, err := h.NewToken(h.ctx, bert.Session.Actor(), account.Wish{
		Household: "home", Name: "lights", Scopes: []account.Scope{"requests:read", "explain", "explain"}, Until: h.Now().Add(48 * time.Hour),
	})
	h.ok(err)
	if !strings.HasPrefix(bearer, "hearth.home.") {
		t.Errorf("it is %q", bearer)
	}
	got, err := h.Token(h.ctx, bearer)
	h.ok(err)
	want(t, "name", got.Name, "lights")
	want(t, "scopes", fmt.Sprint(got.Scopes), "[explain requests:read]")
	want(t, "household", got.Household, "home")
	want(t, "of all", got.All, false)
	h.later(24 * time.Hour)
	got, err = h.Token(h.ctx, bearer)
	h.ok(err)
	h.later(24*time.Hour - time.Second)
	_, err = h.Token(h.ctx, bearer)
	h.ok(err)
	h.later(time.Second)
	_, err = h.Token(h.ctx, bearer)
	h.refuses(err, account.SignedOut)
	want(t, "counted", h.metric("hearth_account_wrong_tokens_total"), 1)

	bert, err = h.signIn(at("192.0.2.2"), "home", "Bert", other)
	h.ok(err)
	anna, err = h.signIn(at("192.0.2.1"), "home", "Anna", words)
	h.ok(err)
	a := anna.Session.Actor()
	wish := account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)}
	tok, bearer, err = h.NewToken(h.ctx, bert.Session.Actor(), wish)
	h.ok(err)
	h.ok(h.EndToken(h.ctx, a, "home", tok.ID))
	_, err = h.Token(h.ctx, bearer)
	h.refuses(err, account.SignedOut)
	_, bearer, err = h.NewToken(h.ctx, bert.Session.Actor(), wish)
	h.ok(err)
	h.ok(h.Remove(h.ctx, a, "home", bert.Session.Account))
	_, err = h.Token(h.ctx, bearer)
	h.refuses(err, account.SignedOut)
}

// TestTokensOfOperators: a token for every household is an operator's or the machine's, and ends when the operator is
// none any more.
func TestTokensOfOperators(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	op := h.joins(account.Offer{Household: account.Operators, Role: account.Operator, Name: "Ops"}, other)
	wish := account.Wish{All: true, Name: "billing", Scopes: []account.Scope{"households:read", "operate"}, Until: h.Now().Add(time.Hour)}
	_, _, err := h.NewToken(h.ctx, anna.Session.Actor(), wish)
	h.refuses(err, account.Unknown)
	_, bearer, err := h.NewToken(h.ctx, op.Session.Actor(), wish)
	h.ok(err)
	tok, err := h.Token(h.ctx, bearer)
	h.ok(err)
	want(t, "of all", tok.All, true)
	want(t, "scopes", fmt.Sprint(tok.Scopes), "[households:read operate]")
	single := account.Wish{Household: "home", Name: "support", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)}
	_, one, err := h.NewToken(h.ctx, op.Session.Actor(), single)
	h.ok(err)
	_, err = h.Token(h.ctx, one)
	h.ok(err)
	_, err = h.Invite(h.ctx, tok.Actor(), account.Offer{Household: "new", Role: account.Parent})
	h.ok(err)
	want(t, "invitations", h.kinds("invite"), 1)
	_, _, err = h.NewToken(h.ctx, tok.Actor(), wish)
	h.refuses(err, account.Refused)
	_, machine, err := h.NewToken(h.ctx, account.Machine(), wish)
	h.ok(err)
	h.ok(h.Remove(h.ctx, account.Machine(), account.Operators, op.Session.Account))
	for _, gone := range []string{bearer, one} {
		_, err = h.Token(h.ctx, gone)
		h.refuses(err, account.SignedOut)
	}
	_, err = h.Token(h.ctx, machine)
	h.ok(err)
	want(t, "invitations by the token of who is gone", h.kinds("invite"), 0)
}

// TestTokensGovernNobody: no token of a household, and none without operate, sees or changes who may sign in; neither does
// whoever only says that they are a parent.
func TestTokensGovernNobody(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	var all, home []account.Scope
	for _, s := range account.Scopes() {
		if s != "operate" {
			all = append(all, s)
		}
		if !slices.Contains([]account.Scope{"operate", "reports:read", "reports:write", "lists:write"}, s) {
			home = append(home, s)
		}
	}
	actors := map[string]account.Actor{"made up": {Role: account.Parent, Household: "home"}, "made up as an operator": {Role: account.Operator}}
	for name, w := range map[string]account.Wish{
		"explain": {Household: "home", Scopes: []account.Scope{"explain"}}, "every scope of a household": {Household: "home", Scopes: home},
		"all households without operate": {All: true, Scopes: all},
	} {
		w.Name, w.Until = name, h.Now().Add(time.Hour)
		tok, _, err := h.NewToken(h.ctx, account.Machine(), w)
		h.ok(err)
		actors[name] = tok.Actor()
		if _, err = h.Accounts(h.ctx, tok.Actor(), "home"); err == nil {
			t.Errorf("%s lists accounts", name)
		}
	}
	for name, a := range actors {
		for _, role := range []account.Role{account.Parent, account.Child} {
			if _, err := h.Invite(h.ctx, a, account.Offer{Household: "home", Role: role}); err == nil {
				t.Errorf("%s invites a %s", name, role)
			}
		}
		if _, err := h.Invite(h.ctx, a, account.Offer{Household: account.Operators, Role: account.Operator}); err == nil {
			t.Errorf("%s invites an operator", name)
		}
		if err := h.Remove(h.ctx, a, "home", anna.Session.Account); err == nil {
			t.Errorf("%s removes a parent", name)
		}
		if _, err := h.Amend(h.ctx, a, "home", anna.Session.Account, account.Amendment{}); err == nil {
			t.Errorf("%s amends an account", name)
		}
		if _, _, err := h.NewToken(h.ctx, a, account.Wish{Household: "home", Name: "y", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)}); err == nil {
			t.Errorf("%s makes a token", name)
		}
	}
}

// TestWishes: what nobody gets, with what to write instead.
func TestWishes(t *testing.T) {
	h := open(t)
	a := h.first("home").Session.Actor()
	good := account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(365 * 24 * time.Hour)}
	for what, change := range map[string]func(*account.Wish){
		"no scope":          func(w *account.Wish) { w.Scopes = nil },
		"a scope of nobody": func(w *account.Wish) { w.Scopes = []account.Scope{"everything"} },
		"no end":            func(w *account.Wish) { w.Until = time.Time{} },
		"over already":      func(w *account.Wish) { w.Until = h.Now() },
		"two years":         func(w *account.Wish) { w.Until = h.Now().AddDate(2, 0, 0) },
		"no name":           func(w *account.Wish) { w.Name = "" },
		"the machine":       func(w *account.Wish) { w.Scopes = []account.Scope{"operate"} },
	} {
		w := good
		change(&w)
		_, bearer, err := h.NewToken(h.ctx, a, w)
		h.refuses(err, account.Refused)
		if bearer != "" {
			t.Errorf("%s: there is a bearer", what)
		}
	}
	for range 50 {
		_, _, err := h.NewToken(h.ctx, a, good)
		h.ok(err)
	}
	_, _, err := h.NewToken(h.ctx, a, good)
	h.refuses(err, account.Refused)
	all, err := h.Tokens(h.ctx, a, "home")
	h.ok(err)
	want(t, "tokens", len(all), 50)
	want(t, "scopes that there are", len(account.Scopes()), 12)
	if !slices.Contains(account.Scopes(), "activity:read") {
		t.Error("activity:read is missing")
	}
}
