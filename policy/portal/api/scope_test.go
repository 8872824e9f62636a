package api_test

import (
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
