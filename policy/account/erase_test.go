package account_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/account"
)

// TestErase: nothing is left of a person or a household, in no record and no value.
func TestErase(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	tom := h.joins(account.Offer{Household: "home", Role: account.Child, Name: "Tomasz"}, other)
	phone := newAuthenticator()
	h.adds(phone, tom.Cookie)
	for _, name := range []string{"tomasz", "Ewa"} { // who was invited anew, and who stays
		_, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Child, Name: name})
		h.ok(err)
	}
	away := errors.New("what others keep cannot be written")
	h.Gone = func(context.Context, account.Account) error { return away }
	if _, err := h.Erase(h.ctx, "home", "tomasz"); !errors.Is(err, away) {
		t.Errorf("it goes although others keep something: %v", err)
	}
	want(t, "his session still", h.valid(tom.Cookie), true)
	var told []string
	h.Gone = func(_ context.Context, a account.Account) error {
		told = append(told, a.Household+"/"+a.Name+"/"+a.ID)
		return nil
	}
	n, err := h.Erase(h.ctx, "home", "tomasz")
	h.ok(err)
	want(t, "erased", n, 1)
	want(t, "others are told", strings.Join(told, " "), "home/Tomasz/"+tom.Session.Account)
	waiting, err := h.Invitations(h.ctx, account.Machine(), "home")
	h.ok(err)
	want(t, "invitations that wait", len(waiting), 1)
	want(t, "his session", h.valid(tom.Cookie), false)
	want(t, "hers", h.valid(anna.Cookie), true)
	for _, left := range h.keys(true) {
		if strings.Contains(strings.ToLower(left), "tomasz") || strings.Contains(left, tom.Session.Account) {
			t.Errorf("left: %s", left)
		}
	}
	var backup bytes.Buffer
	h.ok(h.bolt.Backup(&backup))
	if bytes.Contains(backup.Bytes(), []byte("Tomasz")) {
		t.Error("a backup has his name")
	}
	_, err = h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	_, err = h.Erase(h.ctx, "home", "")
	h.ok(err)
	want(t, "records", strings.Join(h.keys(false), " "), "")
	empty, err := h.Empty(h.ctx)
	h.ok(err)
	want(t, "nobody has an account", empty, true)
	_, err = h.Setup(h.ctx)
	h.ok(err)
}

// TestEraseSpares: of a name, what has another role than was meant stays, and can sign in.
func TestEraseSpares(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	for _, role := range []account.Role{account.Parent, account.Child} {
		_, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: role, Name: "Ben"})
		h.ok(err)
	}
	for _, tt := range []struct {
		name           string
		roles          []account.Role
		erased, stands int
	}{
		{"anna", []account.Role{account.Child}, 0, 2},
		{"Ben", []account.Role{account.Child}, 0, 1},
		{"Anna", nil, 1, 0},
	} {
		n, err := h.Erase(h.ctx, "home", tt.name, tt.roles...)
		h.ok(err)
		waiting, err := h.Invitations(h.ctx, account.Machine(), "home")
		h.ok(err)
		want(t, tt.name+": erased, and invitations that stay", [2]int{n, len(waiting)}, [2]int{tt.erased, tt.stands})
		want(t, "her session", h.valid(anna.Cookie), tt.erased == 0)
	}
}

// TestAllAccounts: the machine sees everybody's accounts, and what hangs on them, in one list, and a parent only the family's.
func TestAllAccounts(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	i, err := h.Invite(h.ctx, account.Machine(), account.Offer{Household: "away", Role: account.Parent})
	h.ok(err)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.3"), Code: i.Code, Name: "Bert", Passphrase: other})
	h.ok(err)
	all, err := h.Accounts(h.ctx, account.Machine(), "")
	h.ok(err)
	var names []string
	for _, a := range all {
		names = append(names, a.Household+"/"+a.Name)
	}
	want(t, "everybody", strings.Join(names, " "), "away/Bert home/Anna")
	for _, household := range []string{"home", "away"} {
		_, err = h.Invite(h.ctx, account.Machine(), account.Offer{Household: household, Role: account.Parent})
		h.ok(err)
		_, _, err = h.NewToken(h.ctx, account.Machine(), account.Wish{Household: household, Name: "light", Scopes: []account.Scope{"explain"}, Until: h.Now().AddDate(0, 0, 9)})
		h.ok(err)
	}
	waiting, err := h.Invitations(h.ctx, account.Machine(), "")
	h.ok(err)
	tokens, err := h.Tokens(h.ctx, account.Machine(), "")
	h.ok(err)
	sessions, err := h.Sessions(h.ctx, account.Machine(), "", "")
	h.ok(err)
	want(t, "invitations, tokens, sessions", [3]int{len(waiting), len(tokens), len(sessions)}, [3]int{2, 2, 2})
	_, err = h.Accounts(h.ctx, anna.Session.Actor(), "")
	h.refuses(err, account.Unknown)
	_, err = h.Invitations(h.ctx, anna.Session.Actor(), "")
	h.refuses(err, account.Unknown)
	_, err = h.Tokens(h.ctx, anna.Session.Actor(), "")
	h.refuses(err, account.Unknown)
	_, err = h.Sessions(h.ctx, anna.Session.Actor(), "", "")
	h.refuses(err, account.Unknown)
	_, err = h.signIn(at("192.0.2.3"), "", "Anna", words) // no household is not any household
	h.refuses(err, account.Wrong)
}
