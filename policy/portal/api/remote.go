package api

import (
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/parents"
)

// ErrToken says that nobody has a token, or not any more.
var ErrToken = errors.New("this token is not good, or not any more: make a new one")

// Remote serves who has a token, for a listener with TLS.
func (a *API) Remote() http.Handler { return a.guarded(a.tokened) }

// tokened says who sent a request by its token. Wrong tokens are slowed, by network; a right one passes all the same, so
// that nobody keeps out the programs of the house that they are in.
func (a *API) tokened(w http.ResponseWriter, r *http.Request) (Caller, *Problem) {
	kind, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") || text == "" || a.Tokens == nil {
		return Caller{}, unproven(w, "nobody is signed in: send Authorization: Bearer and a token")
	}
	c, err := a.Tokens.Token(r.Context(), strings.TrimSpace(text))
	switch {
	case errors.Is(err, ErrToken):
		if wait := a.rates.guesses.take(network(r.RemoteAddr), a.Now()); wait > 0 {
			return Caller{}, a.slowed(w, wait, "guess")
		}
		return Caller{}, unproven(w, ErrToken.Error())
	case err != nil:
		return Caller{}, &Problem{Status: http.StatusServiceUnavailable, Detail: "who has the token cannot be read now: try again"}
	case c.Actor.Role == parents.Machine: // nobody else's token may say so
		return Caller{}, unproven(w, ErrToken.Error())
	}
	c.By = ""
	if wait := a.rates.spend(c, a.Now()); wait > 0 {
		return Caller{}, a.slowed(w, wait, "rate")
	}
	return c, nil
}

// unproven says how somebody shows who they are (RFC 6750).
func unproven(w http.ResponseWriter, text string) *Problem {
	w.Header().Set("WWW-Authenticate", `Bearer realm="hearth"`)
	return &Problem{Status: http.StatusUnauthorized, Detail: text}
}

// slowed says how long somebody waits, in whole seconds.
func (a *API) slowed(w http.ResponseWriter, wait time.Duration, why string) *Problem {
	a.counts.refused.WithLabelValues(why).Inc()
	seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
	w.Header().Set("Retry-After", seconds)
	return &Problem{Status: http.StatusTooManyRequests, Detail: "too many requests: wait " + seconds + " s"}
}

// network is what counts as one client: an IPv4 address, or an IPv6 /64.
func network(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ""
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	p, _ := addr.Prefix(64)
	return p.String()
}
