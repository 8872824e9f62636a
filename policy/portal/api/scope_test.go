package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// TestScopesOfAHousehold: a token of one household is refused the scopes with which it could do nothing at all, and told what
// to ask for; with each of the others it can use a route.
func TestScopesOfAHousehold(t *testing.T) {
	h := open(t)
	useful := map[string]bool{}
	for _, o := range h.operations() {
		least := who[o.id].least
		useful[o.scope] = useful[o.scope] || least != "operator" && least != "machine"
	}
	for _, s := range account.Scopes() {
		opens, there := useful[string(s)]
		if !there {
			t.Errorf("%s opens nothing", s)
		}
		_, _, err := h.book.NewToken(t.Context(), account.Machine(), account.Wish{Household: "one", Name: "x", Scopes: []account.Scope{"explain", s}, Until: h.Clock().Add(time.Hour)})
		if opens != (err == nil) || err != nil && (!strings.Contains(err.Error(), string(s)) || !strings.Contains(err.Error(), "--all")) {
			t.Errorf("%s, which opens something: %t: %v", s, opens, err)
		}
		_, _, err = h.book.NewToken(t.Context(), account.Machine(), account.Wish{All: true, Name: "x", Scopes: []account.Scope{s}, Until: h.Clock().Add(time.Hour)})
		h.ok(err)
	}
}

// TestTokensAreToldInTheHouseholdsTime: the last day of a token is one of the household's clock.
func TestTokensAreToldInTheHouseholdsTime(t *testing.T) {
	h := open(t)
	made := h.ask(http.MethodPost, "/v1/households/one/tokens", `{"name": "lights", "scopes": ["explain"], "until": "2026-12-31"}`)
	for _, said := range []string{made.Body.String(), h.ask(http.MethodGet, "/v1/households/one/tokens", "").Body.String(), h.ask(http.MethodGet, "/v1/tokens", "").Body.String()} {
		if !strings.Contains(said, `"until":"2027-01-01T00:00:00+01:00"`) || !strings.Contains(said, `"at":"2026-11-18T12:00:00+01:00"`) {
			t.Errorf("it is said as %s", said)
		}
	}
}
