package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

// codeRoutes make the codes that open accounts; those of the first account and of who forgot a passphrase are the
// machine's alone.
func (a *API) codeRoutes() {
	b := a.Accounts
	serve(a, route{
		method: http.MethodPost, path: "/v1/setup", id: "setUp", summary: "A code for the first account", scope: scopeOperate, least: parents.Machine, made: true, secret: true,
	}, func(ctx context.Context, _ *nothing) (Invited, error) {
		i, err := a.invited(b.Setup(ctx))
		if a.SetupPages != nil {
			i.Pages = a.SetupPages()
		}
		return i, err
	})
	serve(a, route{
		method: http.MethodPost, path: accountPath + "/reset", id: "resetAccount", summary: "A code that starts an account anew", scope: scopeOperate, least: parents.Machine, made: true, secret: true,
	}, func(ctx context.Context, in *Account) (Invited, error) {
		home, err := a.accountsOf(ctx, in.Place)
		if err != nil {
			return Invited{}, err
		}
		return a.invited(b.Recover(ctx, home, in.Account))
	})
	serve(a, route{
		method: http.MethodPost, path: householdPath + "/account-invitations", id: "invitePerson", summary: "A code by which one person opens an account, good for seven days", scope: scopeOperate, least: parents.Operator, made: true, secret: true,
		send: `{"role": "parent, carer or child", "name": "…", "until": "YYYY-MM-DD"}`,
	}, a.invitePerson)
}

func (a *API) invited(i account.Invitation, err error) (Invited, error) {
	a.there(i.Household, &i.Ends, &i.Until)
	return Invited{AccountInvitation: AccountInvitation(i), Code: i.Code}, err
}

func (a *API) invitePerson(ctx context.Context, in *struct {
	Place
	Body struct {
		Role  account.Role `json:"role" doc:"parent, carer or child; operator where the household is operators"`
		Name  string       `json:"name,omitempty" doc:"how they are called; a child, as the household has it; others may choose another"`
		Until string       `json:"until,omitempty" doc:"a carer's last day, where the household is"`
	}
}) (Invited, error) {
	home, err := a.accountsOf(ctx, in.Place)
	if err != nil {
		return Invited{}, err
	}
	if home == account.Operators && callerOf(ctx).Actor.Role != parents.Machine {
		return Invited{}, &Problem{Status: http.StatusForbidden, Detail: "a token invites no operators: sign in, or use the machine's shell"}
	}
	until, err := through(in.Body.Until, a.zone(home))
	if err != nil {
		return Invited{}, err
	}
	return a.invited(a.Accounts.Invite(ctx, callerOf(ctx).Accounts, account.Offer{Household: home, Role: in.Body.Role, Name: in.Body.Name, Until: until}))
}

// Bearer is a token with what proves it. It is shown once.
type Bearer struct {
	account.Token
	Bearer string `json:"bearer" readOnly:"true"`
}

// tokenRoutes are about the tokens of programs.
func (a *API) tokenRoutes() {
	serve(a, route{
		method: http.MethodPost, path: householdPath + "/tokens", id: "makeToken", summary: "A token for a program; of operators, one that is good for all households", scope: scopeOperate, least: parents.Operator, made: true, secret: true,
		send: `{"name": "what it is for", "scopes": ["explain"], "until": "YYYY-MM-DD"}`,
	}, a.makeToken)
	serve(a, route{
		method: http.MethodDelete, path: householdPath + "/tokens/{token}", id: "endToken", summary: "End a token", scope: scopeOperate, least: parents.Operator,
	}, func(ctx context.Context, in *struct {
		Place
		Token string `path:"token" doc:"its id"`
	}) (account.Token, error) {
		home, err := a.accountsOf(ctx, in.Place)
		if err != nil {
			return account.Token{}, err
		}
		by := callerOf(ctx).Accounts
		all, err := a.tokens(ctx, by, home)
		if err != nil {
			return account.Token{}, err
		}
		i := slices.IndexFunc(all, func(t account.Token) bool { return t.ID == in.Token })
		if i < 0 {
			return account.Token{}, &portal.QueryError{Field: "token", Unknown: true, Problem: "there is no such token, or it has ended; hearth account token list shows them"}
		}
		return all[i], a.Accounts.EndToken(ctx, by, home, all[i].ID)
	})
}

func (a *API) makeToken(ctx context.Context, in *struct {
	Place
	Body struct {
		Name   string          `json:"name" doc:"what it is for"`
		Scopes []account.Scope `json:"scopes" maxItems:"100"`
		Until  string          `json:"until" doc:"its last day, within a year"`
	}
}) (Bearer, error) {
	home, err := a.accountsOf(ctx, in.Place)
	if err != nil {
		return Bearer{}, err
	}
	until, err := through(in.Body.Until, a.zone(home))
	if err != nil {
		return Bearer{}, err
	}
	t, bearer, err := a.Accounts.NewToken(ctx, callerOf(ctx).Accounts, account.Wish{Household: home, All: home == account.Operators, Name: in.Body.Name, Scopes: in.Body.Scopes, Until: until})
	a.there(t.Household, &t.At, &t.Until)
	return Bearer{t, bearer}, err
}
