package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// Names of cookies. The prefix makes browsers take them from this very host over HTTPS alone (RFC 6265bis, 4.1.3.2).
const (
	sessionCookie  = "__Host-hearth-session"
	browserCookie  = "__Host-hearth-browser"
	ceremonyCookie = "__Host-hearth-ceremony"
	goalCookie     = "__Host-hearth-goal" // which page somebody came for who is not signed in; it opens nothing
	inCookie       = "__Host-hearth-in"   // which household an operator looks at; it opens nothing
)

// browserLife is how long a browser is known again after it was signed out.
const browserLife = 365 * 24 * time.Hour

func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// keep sets a cookie; until zero: as long as the browser runs.
func (v *visit) keep(name, value string, until time.Time) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if !until.IsZero() {
		c.MaxAge = max(1, int(until.Sub(v.c.Now()).Seconds()))
	}
	http.SetCookie(v.w, c)
}

func (v *visit) drop(name string) {
	http.SetCookie(v.w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// signed keeps a new session.
func (v *visit) signed(s account.Signed) {
	var until time.Time
	if s.Session.Own {
		until = s.Session.Until
	}
	v.keep(sessionCookie, s.Cookie, until)
	v.keep(browserCookie, s.Browser, v.c.Now().Add(browserLife))
	v.drop(ceremonyCookie)
	v.drop(inCookie)
}

// browsers and systems by what they write of themselves, the more exact first: each names its ancestors too.
var (
	browsers = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}}
	systems  = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "Mac"}, {"CrOS", "Chromebook"}, {"Linux", "Linux"}}
)

// label is what the list of sessions calls a browser: only names of products, so that it says nothing else.
func label(agent string) string {
	var parts []string
	for _, names := range [][][2]string{browsers, systems} {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				parts = append(parts, n[1])
				break
			}
		}
	}
	return strings.Join(parts, ", ")
}
