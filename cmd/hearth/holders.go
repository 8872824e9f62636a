package main

import (
	"context"
	"errors"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
)

// holders are who has a token.
type holders struct{ *account.Book }

// Token implements api.Tokens.
func (h holders) Token(ctx context.Context, bearer string) (api.Caller, error) {
	t, err := h.Book.Token(ctx, bearer)
	if e := new(account.Error); errors.As(err, &e) && e.Reason == account.SignedOut {
		return api.Caller{}, api.ErrToken
	}
	if err != nil {
		return api.Caller{}, err
	}
	c := api.Caller{ID: t.ID, Actor: parents.Actor{Role: parents.Parent, Household: t.Household, Name: t.Name, Until: t.Until}, Accounts: t.Actor()}
	if t.All {
		c.Actor.Role, c.Actor.Household = parents.Operator, ""
	}
	for _, s := range t.Scopes {
		c.Scopes = append(c.Scopes, string(s))
	}
	return c, nil
}
