package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// TestPasskey: a passkey is added in a session of late, and signs in without a name. It is asked for as one that is found
// without a name and verifies its user.
func TestPasskey(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	phone := newAuthenticator()
	options, sealed, err := h.BeginPasskey(h.ctx, anna.Cookie)
	h.ok(err)
	want(t, "resident key", read(options).PublicKey.Selection.Resident, "required")
	want(t, "user verification", read(options).PublicKey.Selection.Verify, "required")
	if len(sealed) > 4000 {
		t.Errorf("the ceremony takes %d octets: too many for a cookie", len(sealed))
	}
	key, err := h.FinishPasskey(h.ctx, anna.Cookie, sealed, "my phone", phone.create(options))
	h.ok(err)
	want(t, "name", key.Name, "my phone")
	options, _, err = h.BeginSignIn()
	h.ok(err)
	want(t, "names asked for", len(read(options).PublicKey.Allow), 0)
	want(t, "user verification", read(options).PublicKey.Verify, "required")
	s, err := h.presents(phone)
	h.ok(err)
	want(t, "account", s.Session.Account, anna.Session.Account)
	want(t, "means", s.Session.Means, account.ByPasskey)
	options, _, err = h.BeginPasskey(h.ctx, s.Cookie)
	h.ok(err)
	want(t, "excluded", len(read(options).PublicKey.Exclude), 1)
	h.later(16 * time.Minute)
	_, _, err = h.BeginPasskey(h.ctx, anna.Cookie)
	h.refuses(err, account.Stale)
	h.refuses(h.RemovePasskey(h.ctx, mustSession(h, anna.Cookie).Actor(), "home", anna.Session.Account, key.ID), account.Stale)
	s, err = h.presents(phone)
	h.ok(err)
	h.ok(h.RemovePasskey(h.ctx, s.Session.Actor(), "home", anna.Session.Account, key.ID))
	_, err = h.presents(phone)
	h.refuses(err, account.Wrong)
}

func mustSession(h *house, cookie string) account.Session {
	h.t.Helper()
	s, err := h.Session(h.ctx, cookie)
	h.ok(err)
	return s
}

// TestHostilePasskeys: answers for another question, page, name or moment, without the user verified, of another's key or
// nobody's, are all refused in the same words.
func TestHostilePasskeys(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	phone := newAuthenticator()
	h.adds(phone, anna.Cookie)
	options, sealed, err := h.BeginSignIn()
	h.ok(err)
	another, otherSealed, err := h.BeginSignIn()
	h.ok(err)
	addOptions, addSealed, err := h.BeginPasskey(h.ctx, anna.Cookie)
	h.ok(err)
	with := func(change func(*authenticator)) []byte {
		twin := phone.clone()
		change(twin)
		return twin.get(options)
	}
	stranger := newAuthenticator()
	stranger.handle = phone.handle
	for what, do := range map[string]func() error{
		"another question": func() error { return h.finish(otherSealed, phone.clone().get(options)) },
		"another page": func() error {
			return h.finish(sealed, with(func(a *authenticator) { a.origin = "https://hearth.example.evil.example" }))
		},
		"plain HTTP": func() error {
			return h.finish(sealed, with(func(a *authenticator) { a.origin = "http://hearth.example:8443" }))
		},
		"another name":          func() error { return h.finish(sealed, with(func(a *authenticator) { a.rp = "evil.example" })) },
		"user not verified":     func() error { return h.finish(sealed, with(func(a *authenticator) { a.verifies = false })) },
		"another's handle":      func() error { return h.finish(sealed, with(func(a *authenticator) { a.handle = []byte("someone") })) },
		"no handle":             func() error { return h.finish(sealed, with(func(a *authenticator) { a.handle = nil })) },
		"another's key":         func() error { return h.finish(sealed, with(func(a *authenticator) { a.key = stranger.key })) },
		"nobody's":              func() error { return h.finish(sealed, stranger.get(options)) },
		"the wrong ceremony":    func() error { return h.finish(addSealed, phone.clone().get(addOptions)) },
		"no ceremony":           func() error { return h.finish("", phone.clone().get(options)) },
		"a forged ceremony":     func() error { return h.finish(sealed[:len(sealed)-4]+"AAAA", phone.clone().get(options)) },
		"a ceremony of a child": func() error { return h.finish(strings.Repeat("A", 5000), phone.clone().get(options)) },
		"junk": func() error {
			return h.finish(sealed, []byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
		},
		"much junk": func() error { return h.finish(sealed, make([]byte, 1<<20)) },
		"junk to add": func() error {
			_, err := h.FinishPasskey(h.ctx, anna.Cookie, addSealed, "x", []byte(`{"id":"AA"}`))
			return err
		},
		"added elsewhere": func() error {
			bert := h.joins(account.Offer{Household: "next", Role: account.Parent, Name: "Bert"}, other)
			_, err := h.FinishPasskey(h.ctx, bert.Cookie, addSealed, "x", newAuthenticator().create(addOptions))
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			err := do()
			h.refuses(err, account.Wrong)
			if !strings.HasPrefix(err.Error(), "this passkey is not known here") {
				t.Errorf("it says %q", err)
			}
		})
	}
	late := phone.clone().get(another)
	h.later(10 * time.Minute)
	h.refuses(h.finish(otherSealed, late), account.Wrong)
	_, err = h.presents(phone)
	h.ok(err)
}

func (h *house) finish(sealed string, response []byte) error {
	_, err := h.FinishSignIn(h.ctx, at("203.0.113.5"), sealed, response)
	return err
}

// TestPasskeyReplay: an answer that was good once is good no more, even of a passkey that does not count.
func TestPasskeyReplay(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	synced := newAuthenticator()
	synced.counts = false
	options, sealed, err := h.BeginPasskey(h.ctx, anna.Cookie)
	h.ok(err)
	made := synced.create(options)
	_, err = h.FinishPasskey(h.ctx, anna.Cookie, sealed, "x", made)
	h.ok(err)
	if _, err = h.FinishPasskey(h.ctx, anna.Cookie, sealed, "y", made); err == nil {
		t.Error("one answer adds two passkeys")
	}
	options, sealed, err = h.BeginSignIn()
	h.ok(err)
	answer := synced.get(options)
	h.ok(h.finish(sealed, answer))
	h.refuses(h.finish(sealed, answer), account.Wrong)
	_, err = h.presents(synced)
	h.ok(err)
}

// TestClonedAuthenticator: a copy is seen when its counter meets the other's. That sign-in is refused and told; the rest of
// the account goes on.
func TestClonedAuthenticator(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	phone := newAuthenticator()
	h.adds(phone, anna.Cookie)
	copied := phone.clone()
	_, err := h.presents(copied)
	h.ok(err)
	_, err = h.presents(phone)
	h.refuses(err, account.Wrong)
	want(t, "told", h.heard(account.EventCloned, "home"), 1)
	want(t, "counted", h.metric("hearth_account_cloned_total"), 1)
	keys, passphrase, err := h.Passkeys(h.ctx, anna.Session.Actor(), "home", anna.Session.Account)
	h.ok(err)
	want(t, "marked", keys[0].Cloned, true)
	want(t, "passphrase", passphrase, true)
	want(t, "session", h.valid(anna.Cookie), true)
	_, err = h.signIn(at("192.0.2.1"), "home", "Anna", words)
	h.ok(err)
}

// TestPasskeysNeedAName: a browser binds none to an address.
func TestPasskeysNeedAName(t *testing.T) {
	h := open(t, func(c *account.Config) { c.Name = "" })
	anna := h.first("home")
	want(t, "passkeys", h.HasPasskeys(), false)
	_, _, err := h.BeginPasskey(h.ctx, anna.Cookie)
	h.refuses(err, account.Refused)
	_, _, err = h.BeginSignIn()
	h.refuses(err, account.Refused)
	h.refuses(h.finish("x", nil), account.Refused)
	if _, err := account.Open(account.Config{Log: h.bolt, Name: "192.0.2.1", Origins: []string{"https://192.0.2.1"}}); err == nil {
		t.Error("an address is taken for a name")
	}
}

// TestPasskeysAreBounded: an account has ten at most.
func TestPasskeysAreBounded(t *testing.T) {
	h := open(t)
	anna := h.first("home")
	for range 10 {
		h.adds(newAuthenticator(), anna.Cookie)
	}
	_, _, err := h.BeginPasskey(h.ctx, anna.Cookie)
	h.refuses(err, account.Refused)
}
