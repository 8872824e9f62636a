package console

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/hearthdns/hearth/policy/account"
)

// home is the id of the only household of a machine, where set-up or a family calls it nothing else.
const home = "home"

// signInForm is what was typed, for showing the form again; never the passphrase.
type signInForm struct {
	Name     string
	Own      bool
	Passkey  bool // a browser can bind one to this console
	Several  bool // households, so that it must be said which
	Provider bool // people may sign in at a provider
}

func (c *Console) signInPage(v *visit) error {
	if v.session.ID != "" {
		v.to("/")
		return nil
	}
	if empty, err := c.Book.Empty(v.r.Context()); err == nil && empty {
		v.to("/setup")
		return nil
	}
	return v.show("signin", v.signInForm())
}

func (v *visit) signInForm() *page {
	f := signInForm{Name: v.form("name"), Own: v.form("own") != "", Passkey: v.c.Book.HasPasskeys(), Several: len(v.c.Directory().Households()) > 1, Provider: v.c.Book.HasProvider()}
	p := v.blank(v.say("signin.title"), "", f)
	if f.Passkey {
		p.Script = v.c.render.scripts["passkey"]
	}
	return p
}

// named splits what people type as their name: NAME, or HOUSEHOLD/NAME where there are several.
func (v *visit) named() (household, name string) {
	name = v.form("name")
	if at, rest, found := strings.Cut(name, "/"); found {
		return strings.TrimSpace(at), strings.TrimSpace(rest)
	}
	return v.onlyHousehold(), name
}

func (v *visit) onlyHousehold() string {
	if all := v.c.Directory().Households(); len(all) == 1 {
		return all[0].ID
	}
	return home
}

func (c *Console) signIn(v *visit) error {
	household, name := v.named()
	s, err := c.Book.SignIn(v.r.Context(), account.Login{Client: v.client(), Household: household, Name: name, Passphrase: v.r.PostForm.Get("passphrase")})
	if err != nil {
		return v.again("signin", v.signInForm(), err)
	}
	v.signed(s)
	v.to(v.goal())
	return nil
}

func (c *Console) signOut(v *visit) error {
	if err := c.Book.SignOut(v.r.Context(), v.cookie(sessionCookie)); err != nil {
		return err
	}
	v.drop(sessionCookie)
	v.drop(inCookie)
	v.to("/signin")
	return nil
}

func (c *Console) beginSignIn(v *visit) error {
	options, sealed, err := c.Book.BeginSignIn()
	if err != nil {
		return err
	}
	v.options(options, sealed)
	return nil
}

// options hands a ceremony to the script.
func (v *visit) options(options json.RawMessage, sealed string) {
	v.keep(ceremonyCookie, sealed, v.c.Now().Add(ceremonyLife))
	v.w.Header().Set("Content-Type", "application/json")
	_, _ = v.w.Write(options)
}

func (c *Console) passkeySignIn(v *visit) error {
	answer, err := v.scripted()
	if err != nil {
		return err
	}
	client := v.client()
	client.Own = v.r.URL.Query().Get("own") != ""
	s, err := c.Book.FinishSignIn(v.r.Context(), client, v.cookie(ceremonyCookie), answer)
	if err != nil {
		return err
	}
	v.signed(s)
	v.w.Header().Set("Location", v.goal()) // which the script goes to
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// scripted reads what a script sends. Only one of ours can: a form of another site has no such type.
func (v *visit) scripted() ([]byte, error) {
	if v.r.Header.Get("Content-Type") != "application/json" {
		return nil, &refusal{http.StatusUnsupportedMediaType, nil, v.say("problem.form")}
	}
	return io.ReadAll(v.r.Body)
}

// joinForm is an invitation that somebody takes.
type joinForm struct{ Code, Name, Role string }

func (c *Console) joinPage(v *visit) error {
	return v.show("join", v.blank(v.say("join.title"), "", joinForm{}))
}

// join looks at the code first, and then asks who it is.
func (c *Console) join(v *visit) error {
	f := joinForm{Code: v.form("code"), Name: v.form("name")}
	p := v.blank(v.say("join.title"), "", &f)
	i, err := c.Book.Invited(v.r.Context(), v.client(), f.Code)
	if err != nil {
		return v.again("join", p, err)
	}
	f.Role = string(i.Role)
	if v.r.PostForm.Get("passphrase") == "" {
		f.Name = i.Name
		return v.show("join", p)
	}
	s, err := c.Book.Accept(v.r.Context(), account.Join{Client: v.client(), Code: f.Code, Name: f.Name, Passphrase: v.r.PostForm.Get("passphrase")})
	if err != nil {
		return v.again("join", p, err)
	}
	v.signed(s)
	v.to("/")
	return nil
}
