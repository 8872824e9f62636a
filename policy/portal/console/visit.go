package console

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/words"
)

// guest is who a page is for.
type guest uint8

const (
	anybody  guest = iota
	somebody       // who is signed in
	grownUp        // and is no child
)

// visit is one request, with who makes it.
type visit struct {
	c       *Console
	w       http.ResponseWriter
	r       *http.Request
	session account.Session // of nobody: the zero value
	in      string          // the household that an operator has chosen
	phrases *phrases        // chosen when the first is needed
}

// page makes a handler of the standard library.
func (c *Console) page(h handler, g guest) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c: c, w: w, r: r}
		if err := v.enter(); err != nil {
			v.fail(err)
			return
		}
		if v.session.ID == "" && g != anybody {
			v.to(v.door())
			return
		}
		if g == grownUp && v.session.Who.Role == account.Child {
			v.fail(v.forChild())
			return
		}
		if err := h(v); err != nil {
			v.fail(err)
		}
	})
}

// door is where somebody goes who is not signed in. The page that they came for is kept until they are.
func (v *visit) door() string {
	if empty, err := v.c.Book.Empty(v.r.Context()); err == nil && empty {
		return "/setup"
	}
	if at := v.r.URL.EscapedPath(); v.r.Method == http.MethodGet && pagePath.MatchString(at) {
		v.keep(goalCookie, at, v.c.Now().Add(ceremonyLife))
	}
	return "/signin"
}

// pagePath is a path of a page of ours, which no browser takes for another host (WHATWG URL standard, "special authority").
var pagePath = regexp.MustCompile(`^(/[A-Za-z0-9._~%-]+)+$`)

// goal is where somebody goes who has signed in: the page that they came for, else the first.
func (v *visit) goal() string {
	at := v.cookie(goalCookie)
	v.drop(goalCookie)
	if !pagePath.MatchString(at) {
		return "/"
	}
	return at
}

// enter finds out who asks.
func (v *visit) enter() error {
	s, err := v.c.Book.Session(v.r.Context(), v.cookie(sessionCookie))
	var no *account.Error
	switch {
	case err == nil:
		v.session = s
	case !errors.As(err, &no) || no.Reason != account.SignedOut:
		return err
	}
	if v.session.Who.Role == account.Operator {
		v.in = v.cookie(inCookie)
	}
	if v.r.Method == http.MethodPost {
		return v.readForm()
	}
	return nil
}

func (v *visit) readForm() error {
	if v.r.Header.Get("Content-Type") == "application/json" {
		return nil // of a script; its handler reads it
	}
	if err := v.r.ParseForm(); err != nil {
		return v.unread()
	}
	return nil
}

// actor is who asks, as the use-cases judge it.
func (v *visit) actor() parents.Actor {
	who := v.session.Who
	a := parents.Actor{Household: v.session.Household, Name: who.Name, Account: who.ID, Until: who.Until}
	switch who.Role {
	case account.Parent:
		a.Role = parents.Parent
	case account.Carer:
		a.Role = parents.Carer
	case account.Child:
		a.Role = parents.Child
	case account.Operator:
		a.Role, a.Household = parents.Operator, ""
	}
	return a
}

// who is the actor with the household that the page is about.
func (v *visit) who() parents.Who {
	a := v.actor()
	w := parents.Who{Household: a.Household, Actor: a}
	if a.Role == parents.Operator {
		w.Household = v.in
	}
	return w
}

// name is the member or the device of the path.
func (v *visit) name() string { return strings.TrimPrefix(v.r.PathValue("name"), "~") }

// segment is a name as a part of a path. One of dots alone would be taken for a step up (RFC 3986, 5.2.4).
func segment(name string) string {
	if strings.Trim(name, ".") == "" || strings.HasPrefix(name, "~") {
		name = "~" + name
	}
	return url.PathEscape(name)
}

// fresh says whether the sign-in is of late, as what opens or ends accounts needs.
func (v *visit) fresh() bool { return v.c.Now().Sub(v.session.Proved) < freshFor }

// member is who with a member of the path; judged by the desk, as all names are.
func (v *visit) member() parents.Who {
	w := v.who()
	w.Member = v.name()
	return w
}

func (v *visit) device() parents.Who {
	w := v.who()
	w.Device = v.name()
	return w
}

// now is the time in the household's zone.
func (v *visit) now() time.Time {
	now := v.c.Now()
	if h, there := v.c.Directory().Household(v.who().Household); there {
		return now.In(h.Location)
	}
	return now
}

func (v *visit) form(key string) string { return strings.TrimSpace(v.r.PostForm.Get(key)) }

// words are those of the browser's language, else of the household's: a parent may read another than the children.
func (v *visit) words() *phrases {
	if v.phrases != nil {
		return v.phrases
	}
	code, known := words.Asked(v.r.Header.Get("Accept-Language"))
	if h, there := v.c.Directory().Household(v.who().Household); there && !known {
		code = words.Match(h.Language, "")
	}
	v.phrases = catalogue.In(code)
	return v.phrases
}

func (v *visit) say(key string, pairs ...any) string { return v.words().Say(key, pairs...) }

// client is the browser, as far as the book needs it.
func (v *visit) client() account.Client {
	return account.Client{
		Address: v.address(), Cookie: v.cookie(sessionCookie), Browser: v.cookie(browserCookie),
		Label: label(v.r.UserAgent()), Own: v.form("own") != "",
	}
}

func (v *visit) address() netip.Addr {
	at, err := netip.ParseAddrPort(v.r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// to sends the browser on: within the console, or to the provider at which people sign in.
func (v *visit) to(path string) {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
}

// done sends the browser on, to a page that says what was done; key is one of the catalogue's.
func (v *visit) done(path, key string) error {
	v.to(path + "?done=" + url.QueryEscape(key))
	return nil
}

// memberOf gives a member in force, nil for nobody.
func (v *visit) memberOf(name string) *policy.Member {
	h, there := v.c.Directory().Household(v.who().Household)
	if !there {
		return nil
	}
	for _, m := range h.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}
