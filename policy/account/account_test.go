package account_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// TestNoDefaultPassword: a machine on which nobody has an account opens to who has a code of its shell, once, for an
// hour, and to nobody else; after that there is no such code any more.
func TestNoDefaultPassword(t *testing.T) {
	h := open(t)
	for _, name := range []string{"", "admin", "root", "hearth", "parent"} {
		for _, passphrase := range []string{"", "admin", "hearth", "password"} {
			_, err := h.signIn(at("192.0.2.9"), "home", name, passphrase)
			if err == nil {
				t.Fatalf("%q signs in with %q", name, passphrase)
			}
		}
	}
	late, err := h.Setup(h.ctx)
	h.ok(err)
	h.later(time.Hour)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: late.Code, Household: "home", Name: "Anna", Passphrase: words})
	h.refuses(err, account.Wrong)

	older, err := h.Setup(h.ctx)
	h.ok(err)
	code, err := h.Setup(h.ctx)
	h.ok(err)
	_, err = h.Invited(h.ctx, at("192.0.2.1"), older.Code)
	h.refuses(err, account.Wrong)
	for _, household := range []string{"", account.Operators, "Home", "a/b", "../x"} {
		_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: code.Code, Household: household, Name: "Anna", Passphrase: words})
		h.refuses(err, account.Refused)
	}
	typed := strings.ToLower(strings.ReplaceAll(code.Code, "-", " ")) // as people type it
	s, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: " " + typed, Household: "home", Name: "Anna", Passphrase: words})
	h.ok(err)
	want(t, "role", s.Session.Who.Role, account.Parent)
	want(t, "household", s.Session.Household, "home")
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: code.Code, Household: "home", Name: "Eve", Passphrase: words})
	h.refuses(err, account.Wrong)
	_, err = h.Setup(h.ctx)
	h.refuses(err, account.Refused)
	_, err = h.signIn(at("198.51.100.1"), "home", "anna", words)
	h.ok(err)
}

// TestTwoFirsts: of two who use the set-up code in the same moment one gets in.
func TestTwoFirsts(t *testing.T) {
	h := open(t)
	code, err := h.Setup(h.ctx)
	h.ok(err)
	done := make(chan error)
	for _, name := range []string{"Anna", "Eve"} {
		go func() {
			_, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: code.Code, Household: "home", Name: name, Passphrase: words})
			done <- err
		}()
	}
	a, b := <-done, <-done
	if (a == nil) == (b == nil) {
		t.Fatalf("%v and %v", a, b)
	}
	want(t, "accounts", h.kinds("account"), 1)
}

// TestInvitationIsGoodOnce: of two who take an invitation in the same moment one gets in, and nobody after a week or after
// it was withdrawn.
func TestInvitationIsGoodOnce(t *testing.T) {
	h := open(t)
	a := h.first("home").Session.Actor()
	offer := account.Offer{Household: "home", Role: account.Parent, Name: "Bert"}
	i, err := h.Invite(h.ctx, a, offer)
	h.ok(err)
	done := make(chan error)
	for _, name := range []string{"", "Eve"} {
		go func() {
			_, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: i.Code, Name: name, Passphrase: other})
			done <- err
		}()
	}
	for _, err := range []error{<-done, <-done} {
		if err != nil {
			h.refuses(err, account.Wrong)
		}
	}
	want(t, "accounts", h.kinds("account"), 2)
	i, err = h.Invite(h.ctx, a, account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	seen, err := h.Invited(h.ctx, at("192.0.2.1"), i.Code)
	h.ok(err)
	want(t, "role", seen.Role, account.Parent)
	h.ok(h.Withdraw(h.ctx, a, "home", i.ID))
	_, err = h.Invited(h.ctx, at("192.0.2.1"), i.Code)
	h.refuses(err, account.Wrong)
	i, err = h.Invite(h.ctx, a, account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	h.later(7 * 24 * time.Hour)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: i.Code, Name: "Carl", Passphrase: other})
	h.refuses(err, account.Wrong)
	for range 10 {
		_, err = h.Invite(h.ctx, account.Machine(), account.Offer{Household: "home", Role: account.Parent})
		h.ok(err)
	}
	_, err = h.Invite(h.ctx, account.Machine(), account.Offer{Household: "home", Role: account.Parent})
	h.refuses(err, account.Refused)
}

// TestCarerEnds: a carer's session and token-free rights end on their date, whatever the session would allow; a parent may
// lengthen them, and a month later nothing is left of the account.
func TestCarerEnds(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	for _, o := range []account.Offer{
		{Household: "home", Role: account.Carer},
		{Household: "home", Role: account.Carer, Until: h.Now().Add(-time.Hour)},
		{Household: "home", Role: account.Carer, Until: h.Now().AddDate(2, 0, 0)},
		{Household: "home", Role: account.Parent, Until: h.Now().AddDate(0, 1, 0)},
		{Household: "home", Role: account.Operator},
		{Household: "home", Role: "king"},
	} {
		_, err := h.Invite(h.ctx, anna.Session.Actor(), o)
		h.refuses(err, account.Refused)
	}
	end := h.Now().Add(48 * time.Hour)
	i, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Carer, Name: "Oma", Until: end})
	h.ok(err)
	oma, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.3"), Code: i.Code, Passphrase: other})
	h.ok(err)
	if _, err = h.Invite(h.ctx, oma.Session.Actor(), account.Offer{Household: "home", Role: account.Parent}); err == nil {
		t.Error("a carer invites")
	}
	if _, err = h.Accounts(h.ctx, oma.Session.Actor(), "home"); err == nil {
		t.Error("a carer lists accounts")
	}
	h.later(48*time.Hour - time.Second)
	want(t, "before the end", h.valid(oma.Cookie), true)
	h.later(time.Second)
	want(t, "at the end", h.valid(oma.Cookie), false)
	_, err = h.signIn(at("192.0.2.3"), "home", "Oma", other)
	h.refuses(err, account.Wrong)

	again, err := h.signIn(at("192.0.2.1"), "home", "Anna", words)
	h.ok(err)
	longer := h.Now().Add(24 * time.Hour)
	_, err = h.Amend(h.ctx, again.Session.Actor(), "home", oma.Session.Account, account.Amendment{Until: &longer})
	h.ok(err)
	oma, err = h.signIn(at("192.0.2.3"), "home", "Oma", other)
	h.ok(err)
	shorter := h.Now().Add(time.Hour)
	_, err = h.Amend(h.ctx, again.Session.Actor(), "home", oma.Session.Account, account.Amendment{Until: &shorter})
	h.ok(err)
	h.later(time.Hour)
	want(t, "at the earlier end", h.valid(oma.Cookie), false)
	h.later(32 * 24 * time.Hour)
	h.ok(h.Sweep(h.ctx))
	want(t, "accounts", h.kinds("account"), 1)
	want(t, "proofs", h.kinds("proof"), 1)
}

// TestHouseholdsApart: nothing of one household can be seen, changed or ended from another, and what is not one's own is
// as unknown as what is not there.
func TestHouseholdsApart(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	bert := h.joins(account.Offer{Household: "next", Role: account.Parent, Name: "Bert"}, other)
	b, id := bert.Session.Actor(), anna.Session.Account
	_, _, err := h.NewToken(h.ctx, anna.Session.Actor(), account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)})
	h.ok(err)
	i, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	tokens, err := h.Tokens(h.ctx, anna.Session.Actor(), "home")
	h.ok(err)
	before := h.keys(true)
	for what, do := range map[string]func(household string) error{
		"accounts": func(x string) error { _, err := h.Accounts(h.ctx, b, x); return err },
		"amend":    func(x string) error { _, err := h.Amend(h.ctx, b, x, id, account.Amendment{}); return err },
		"remove":   func(x string) error { return h.Remove(h.ctx, b, x, id) },
		"invite": func(x string) error {
			_, err := h.Invite(h.ctx, b, account.Offer{Household: x, Role: account.Parent})
			return err
		},
		"invitations": func(x string) error { _, err := h.Invitations(h.ctx, b, x); return err },
		"withdraw":    func(x string) error { return h.Withdraw(h.ctx, b, x, i.ID) },
		"sessions":    func(x string) error { _, err := h.Sessions(h.ctx, b, x, id); return err },
		"end session": func(x string) error { return h.EndSession(h.ctx, b, x, anna.Session.ID) },
		"end all":     func(x string) error { return h.EndSessions(h.ctx, b, x, id, "") },
		"passkeys":    func(x string) error { _, _, err := h.Passkeys(h.ctx, b, x, id); return err },
		"unpasskey":   func(x string) error { return h.RemovePasskey(h.ctx, b, x, id, []byte("x")) },
		"tokens":      func(x string) error { _, err := h.Tokens(h.ctx, b, x); return err },
		"end token":   func(x string) error { return h.EndToken(h.ctx, b, x, tokens[0].ID) },
		"new token": func(x string) error {
			_, _, err := h.NewToken(h.ctx, b, account.Wish{Household: x, Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			theirs, none := do("home"), do("nowhere")
			h.refuses(theirs, account.Unknown)
			if none == nil || theirs.Error() != none.Error() {
				t.Errorf("of another household %q, of none %q", theirs, none)
			}
			if err := do(account.Operators); err == nil {
				t.Error("it is done to the operators")
			}
		})
	}
	if after := h.keys(true); !slices.Equal(before, after) {
		t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if err := h.EndSession(h.ctx, b, "next", anna.Session.ID); err == nil {
		t.Error("a session of another household ends by its id")
	}
}

// TestNobody: the zero Actor may do nothing.
func TestNobody(t *testing.T) {
	h := open(t)
	h.first("home")
	for _, household := range []string{"", "home", account.Operators} {
		if _, err := h.Accounts(h.ctx, account.Actor{}, household); err == nil {
			t.Errorf("nobody sees the accounts of %q", household)
		}
	}
}

// TestLastParentStays: who can sign in for a household is not locked out by a removal, and two names are never one.
func TestLastParentStays(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	a := anna.Session.Actor()
	h.refuses(h.Remove(h.ctx, a, "home", anna.Session.Account), account.Refused)
	i, err := h.Invite(h.ctx, a, account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	for _, name := range []string{"anna", " ANNA ", "Ａnna", "", "a\x00b", strings.Repeat("x", 65)} {
		_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.3"), Code: i.Code, Name: name, Passphrase: other})
		h.refuses(err, account.Refused)
	}
	bert, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.3"), Code: i.Code, Name: "Bert", Passphrase: other})
	h.ok(err)
	h.ok(h.Remove(h.ctx, bert.Session.Actor(), "home", anna.Session.Account))
	want(t, "Anna's session", h.valid(anna.Cookie), false)
	want(t, "told", h.heard(account.EventRemoved, "home"), 1)
}

// TestExportHasNoProof: what a household takes with it holds no hash of a passphrase and no passkey.
func TestExportHasNoProof(t *testing.T) {
	h := open(t)
	h.first("home")
	var out bytes.Buffer
	h.ok(h.bolt.Export(h.ctx, &out, "home"))
	if !strings.Contains(out.String(), `"Anna"`) {
		t.Error("the account is not in it")
	}
	if strings.Contains(out.String(), "argon2") || strings.Contains(out.String(), "proof") {
		t.Errorf("it holds what proves an account: %s", &out)
	}
}

// TestRecover: a code of the machine's shell starts an account anew. Until it is used all goes on; after that nothing opens
// the account that opened it before.
func TestRecover(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	phone := newAuthenticator()
	h.adds(phone, anna.Cookie)
	_, bearer, err := h.NewToken(h.ctx, anna.Session.Actor(), account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(48 * time.Hour)})
	h.ok(err)
	_, err = h.Recover(h.ctx, "home", "Eve")
	h.refuses(err, account.Unknown)
	older, err := h.Recover(h.ctx, "home", "Anna")
	h.ok(err)
	code, err := h.Recover(h.ctx, "home", "anna")
	h.ok(err)
	want(t, "before the code is used", h.valid(anna.Cookie), true)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.7"), Code: older.Code, Passphrase: other})
	h.refuses(err, account.Wrong)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.7"), Code: code.Code, Passphrase: "short"})
	h.refuses(err, account.Refused)
	again, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.7"), Code: code.Code, Name: "Eve", Passphrase: other})
	h.ok(err)
	want(t, "account", again.Session.Account, anna.Session.Account)
	want(t, "name", again.Session.Who.Name, "Anna")
	want(t, "the old session", h.valid(anna.Cookie), false)
	_, err = h.Token(h.ctx, bearer)
	h.refuses(err, account.SignedOut)
	_, err = h.presents(phone)
	h.refuses(err, account.Wrong)
	keys, _, err := h.Passkeys(h.ctx, again.Session.Actor(), "home", again.Session.Account)
	h.ok(err)
	want(t, "passkeys", len(keys), 0)
	_, err = h.signIn(at("192.0.2.8"), "home", "Anna", words)
	h.refuses(err, account.Wrong)
	_, err = h.signIn(at("192.0.2.8"), "home", "Anna", other)
	h.ok(err)
	_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.7"), Code: code.Code, Passphrase: words})
	h.refuses(err, account.Wrong)
	want(t, "told", h.heard(account.EventReset, "home"), 1)
}

// TestRecoverOperator: what an operator made in households is void with all else when the account is started anew, or removed.
func TestRecoverOperator(t *testing.T) {
	for what, end := range map[string]func(h *house, bo account.Signed){
		"reset": func(h *house, _ account.Signed) {
			code, err := h.Recover(h.ctx, account.Operators, "Bo")
			h.ok(err)
			_, err = h.Accept(h.ctx, account.Join{Client: at("192.0.2.7"), Code: code.Code, Passphrase: words})
			h.ok(err)
		},
		"removed": func(h *house, bo account.Signed) {
			h.ok(h.Remove(h.ctx, account.Machine(), account.Operators, bo.Session.Account))
		},
	} {
		h := open(t)
		anna := h.first("home")
		bo := h.joins(account.Offer{Household: account.Operators, Role: account.Operator, Name: "Bo"}, other)
		_, bearer, err := h.NewToken(h.ctx, bo.Session.Actor(), account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(time.Hour)})
		h.ok(err)
		for _, by := range []account.Signed{bo, anna} {
			_, err = h.Invite(h.ctx, by.Session.Actor(), account.Offer{Household: "home", Role: account.Parent})
			h.ok(err)
		}
		end(h, bo)
		_, err = h.Token(h.ctx, bearer)
		h.refuses(err, account.SignedOut)
		left, err := h.Invitations(h.ctx, account.Machine(), "home")
		h.ok(err)
		if len(left) != 1 || left[0].By != "Anna" {
			t.Errorf("%s: invitations %+v", what, left)
		}
	}
}

// TestSweep: what has ended goes, what holds stays, and the metrics count it.
func TestSweep(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	_, err := h.Invite(h.ctx, anna.Session.Actor(), account.Offer{Household: "home", Role: account.Parent})
	h.ok(err)
	_, _, err = h.NewToken(h.ctx, anna.Session.Actor(), account.Wish{Household: "home", Name: "x", Scopes: []account.Scope{"explain"}, Until: h.Now().Add(24 * time.Hour)})
	h.ok(err)
	h.ok(h.Sweep(h.ctx))
	for _, what := range []string{"accounts", "sessions", "tokens", "invitations"} {
		want(t, what, h.metric("hearth_account_kept", what), 1)
	}
	h.later(31 * 24 * time.Hour)
	h.ok(h.Sweep(h.ctx))
	want(t, "sessions", h.kinds("session"), 0)
	want(t, "tokens", h.kinds("token"), 0)
	want(t, "invitations", h.kinds("invite"), 0)
	want(t, "accounts", h.kinds("account"), 1)
	for _, what := range []string{"sessions", "tokens", "invitations"} {
		want(t, what+" counted", h.metric("hearth_account_kept", what), 0)
	}
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", words)
	h.ok(err)
}

// TestRunEnds: Run looks through at once, and ends with its context.
func TestRunEnds(t *testing.T) {
	h := open(t)
	h.first("home")
	ctx, stop := context.WithCancel(h.ctx)
	stop()
	h.ok(h.Run(ctx))
}
