package console

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// ceremonyLife is how long the cookie of a ceremony is kept; what it says ends by itself.
const ceremonyLife = 10 * time.Minute

// accountParts is the page of one's own account.
type accountParts struct {
	Role       string
	Until      string
	Sessions   []sessionRow
	Passkeys   []passkeyRow
	Passphrase bool
	CanPasskey bool
	Fresh      bool // signed in of late, as giving keys needs
	Messages   bool // has a way to those of a carer; a parent has it at the household
}

type sessionRow struct {
	ID, Label, Means, Seen string
	This                   bool
}

type passkeyRow struct {
	ID, Name, At string
	Cloned       bool
}

// freshFor is how long a sign-in is of late, for showing a form or saying why not; policy/account judges it.
const freshFor = 15 * time.Minute

func (c *Console) accountPage(v *visit) error {
	p, err := v.accountParts()
	if err != nil {
		return err
	}
	return v.show("account", p)
}

func (v *visit) accountParts() (*page, error) {
	s, ctx := v.session, v.r.Context()
	parts := accountParts{
		Role: v.say("role." + string(s.Who.Role)), CanPasskey: v.c.Book.HasPasskeys(), Fresh: v.fresh(),
		Messages: v.c.Post != nil && s.Who.Role == account.Carer,
	}
	if !s.Who.Until.IsZero() {
		parts.Until = v.lastDay(s.Who.Until)
	}
	sessions, err := v.c.Book.Sessions(ctx, s.Actor(), s.Household, s.Account)
	if err != nil {
		return nil, err
	}
	for _, o := range sessions {
		parts.Sessions = append(parts.Sessions, sessionRow{o.ID, o.Label, v.say("means." + string(o.Means)), v.ago(o.Seen), o.ID == s.ID})
	}
	keys, passphrase, err := v.c.Book.Passkeys(ctx, s.Actor(), s.Household, s.Account)
	if err != nil {
		return nil, err
	}
	parts.Passphrase = passphrase
	for _, k := range keys {
		parts.Passkeys = append(parts.Passkeys, passkeyRow{base64.RawURLEncoding.EncodeToString(k.ID), k.Name, day(k.At), k.Cloned})
	}
	p := v.blank(v.say("account.title"), "account", parts)
	if parts.CanPasskey {
		p.Script = v.c.render.scripts["passkey"]
	}
	return p, nil
}

func (c *Console) setPassphrase(v *visit) error {
	s, err := c.Book.SetPassphrase(v.r.Context(), v.client(), v.r.PostForm.Get("old"), v.r.PostForm.Get("next"))
	if err != nil {
		p, failed := v.accountParts()
		if failed != nil {
			return failed
		}
		return v.again("account", p, err)
	}
	v.signed(s)
	return v.done("/account", "passphrase")
}

func (c *Console) endSession(v *visit) error {
	s := v.session
	if err := c.Book.EndSession(v.r.Context(), s.Actor(), s.Household, v.form("id")); err != nil {
		return err
	}
	return v.done("/account", "session")
}

func (c *Console) endOthers(v *visit) error {
	s := v.session
	if err := c.Book.EndSessions(v.r.Context(), s.Actor(), s.Household, s.Account, v.cookie(sessionCookie)); err != nil {
		return err
	}
	return v.done("/account", "sessions")
}

func (c *Console) beginPasskey(v *visit) error {
	options, sealed, err := c.Book.BeginPasskey(v.r.Context(), v.cookie(sessionCookie))
	if err != nil {
		return err
	}
	v.options(options, sealed)
	return nil
}

func (c *Console) addPasskey(v *visit) error {
	answer, err := v.scripted()
	if err != nil {
		return err
	}
	name := label(v.r.UserAgent())
	if _, err := c.Book.FinishPasskey(v.r.Context(), v.cookie(sessionCookie), v.cookie(ceremonyCookie), name, answer); err != nil {
		return err
	}
	v.drop(ceremonyCookie)
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Console) removePasskey(v *visit) error {
	id, err := base64.RawURLEncoding.DecodeString(v.form("id"))
	if err != nil {
		return v.unread()
	}
	s := v.session
	if err := c.Book.RemovePasskey(v.r.Context(), s.Actor(), s.Household, s.Account, id); err != nil {
		return err
	}
	return v.done("/account", "passkey_gone")
}
