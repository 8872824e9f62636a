package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

const (
	accountsPath = householdPath + "/accounts"
	accountPath  = accountsPath + "/{account}"
)

// AccountInvitation waits for somebody who opens an account by its code.
type AccountInvitation account.Invitation

// Invited is a code that somebody is to be given. It is shown once.
type Invited struct {
	AccountInvitation
	Code  string   `json:"code" readOnly:"true"`
	Pages []string `json:"pages,omitempty" doc:"where the code for the first account is typed in, in lines"`
}

// SignedIn is a browser that is signed in, and whose it is.
type SignedIn struct {
	account.Session
	Name string `json:"name"`
}

// Ended is how many browsers were signed out.
type Ended struct {
	Ended int `json:"ended"`
}

// Account is an account of a path.
type Account struct {
	Place
	Account string `path:"account" doc:"its name, or its id"`
}

// accountRoutes are about who may sign in, for operators and the machine: no scope of a household is about that, because
// an account lasts longer than a token. Package account does all of it.
func (a *API) accountRoutes() {
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: path, id: id, summary: summary, scope: scopeOperate, least: parents.Operator}
	}
	everybody := func(path, id, summary string) route {
		r := read(path, id, summary)
		r.least = parents.Machine
		return r
	}
	serve(a, read(accountsPath, "listAccounts", "Who may sign in"), inHousehold(a, a.accounts))
	serve(a, everybody("/v1/accounts", "listAllAccounts", "Who may sign in, of all households"), ofAll(a, a.accounts))
	serve(a, read(householdPath+"/account-invitations", "listAccountInvitations", "Which invitations to an account wait"), inHousehold(a, a.invitations))
	serve(a, everybody("/v1/account-invitations", "listAllAccountInvitations", "Which of them wait, of all households"), ofAll(a, a.invitations))
	serve(a, read(householdPath+"/sessions", "listSessions", "Where people are signed in"), inHousehold(a, a.sessions))
	serve(a, everybody("/v1/sessions", "listAllSessions", "Where people of all households are signed in"), ofAll(a, a.sessions))
	serve(a, read(householdPath+"/tokens", "listTokens", "The tokens that are good"), inHousehold(a, a.tokens))
	serve(a, everybody("/v1/tokens", "listAllTokens", "The tokens of all households that are good"), ofAll(a, a.tokens))
	a.codeRoutes()
	a.accountChanges()
	a.tokenRoutes()
}

// inHousehold pages what is found of a household.
func inHousehold[T any](a *API, find func(context.Context, account.Actor, string) ([]T, error)) func(context.Context, *struct {
	Place
	Paging
}) (Page[T], error) {
	return func(ctx context.Context, in *struct {
		Place
		Paging
	}) (Page[T], error) {
		home, err := a.accountsOf(ctx, in.Place)
		if err != nil {
			return Page[T]{}, err
		}
		all, err := find(ctx, callerOf(ctx).Accounts, home)
		if err != nil {
			return Page[T]{}, err
		}
		return page(in.Paging, all)
	}
}

// ofAll pages what is found of all households.
func ofAll[T any](_ *API, find func(context.Context, account.Actor, string) ([]T, error)) func(context.Context, *struct{ Paging }) (Page[T], error) {
	return func(ctx context.Context, in *struct{ Paging }) (Page[T], error) {
		all, err := find(ctx, callerOf(ctx).Accounts, "")
		if err != nil {
			return Page[T]{}, err
		}
		return page(in.Paging, all)
	}
}

func (a *API) invitations(ctx context.Context, by account.Actor, household string) ([]AccountInvitation, error) {
	all, err := a.Accounts.Invitations(ctx, by, household)
	list := make([]AccountInvitation, 0, len(all))
	for _, i := range all {
		a.there(i.Household, &i.Ends, &i.Until)
		list = append(list, AccountInvitation(i))
	}
	return list, err
}

func (a *API) accounts(ctx context.Context, by account.Actor, household string) ([]account.Account, error) {
	all, err := a.Accounts.Accounts(ctx, by, household)
	for i := range all {
		a.there(all[i].Household, &all[i].At, &all[i].Until)
	}
	return all, err
}

func (a *API) tokens(ctx context.Context, by account.Actor, household string) ([]account.Token, error) {
	all, err := a.Accounts.Tokens(ctx, by, household)
	for i := range all {
		a.there(all[i].Household, &all[i].At, &all[i].Until, &all[i].Seen)
	}
	return all, err
}

func (a *API) sessions(ctx context.Context, by account.Actor, household string) ([]SignedIn, error) {
	all, err := a.Accounts.Accounts(ctx, by, household)
	if err != nil {
		return nil, err
	}
	found, err := a.Accounts.Sessions(ctx, by, household, "")
	list := make([]SignedIn, 0, len(found))
	for _, one := range found {
		i := slices.IndexFunc(all, func(a account.Account) bool { return a.Household == one.Household && a.ID == one.Account })
		if i >= 0 {
			a.there(one.Household, &one.At, &one.Seen, &one.Until)
			list = append(list, SignedIn{one, all[i].Name})
		}
	}
	return list, err
}

// accountsOf says which household's accounts somebody means: one that they oversee, which is written down where an
// operator does; the operators', for operators; one that is gone, as long as it has accounts.
func (a *API) accountsOf(ctx context.Context, p Place) (string, error) {
	c := callerOf(ctx)
	if p.Household == account.Operators && c.Actor.Household == "" {
		return account.Operators, nil
	}
	h, err := a.Desk.Oversee(ctx, p.who(ctx))
	if err != nil {
		return "", err
	}
	if _, there := a.View().Household(h.ID); there {
		return h.ID, nil
	}
	all, err := a.Accounts.Accounts(ctx, c.Accounts, h.ID)
	if err == nil && len(all) == 0 {
		err = &portal.QueryError{Field: "household", Unknown: true, Problem: "there is no household " + h.ID + "; hearth household list shows them, and operators is that of the operators"}
	}
	return h.ID, err
}

// accountOf finds an account of a path, as people write its name.
func (a *API) accountOf(ctx context.Context, in *Account) (account.Account, error) {
	home, err := a.accountsOf(ctx, in.Place)
	if err != nil {
		return account.Account{}, err
	}
	all, err := a.accounts(ctx, callerOf(ctx).Accounts, home)
	if err != nil {
		return account.Account{}, err
	}
	for _, one := range all {
		if one.ID == in.Account || account.SameName(one.Name, in.Account) {
			return one, nil
		}
	}
	return account.Account{}, &portal.QueryError{Field: "account", Unknown: true, Problem: "nobody of " + home + " has an account by this name; hearth account list shows them"}
}

// accountChanges are about accounts that there are.
func (a *API) accountChanges() {
	b := a.Accounts
	write := func(method, path, id, summary, send string) route {
		return route{method: method, path: path, id: id, summary: summary, send: send, scope: scopeOperate, least: parents.Operator}
	}
	serve(a, write(http.MethodPut, accountPath, "amendAccount", "Change an account's name, or a carer's last day", `{"name": "…", "until": "YYYY-MM-DD"}`), a.amend)
	serve(a, write(http.MethodDelete, accountPath, "removeAccount", "Remove an account, with all that it could open", ""), func(ctx context.Context, in *Account) (account.Account, error) {
		who, err := a.accountOf(ctx, in)
		if err != nil {
			return who, err
		}
		return who, b.Remove(ctx, callerOf(ctx).Accounts, who.Household, who.ID)
	})
	serve(a, write(http.MethodDelete, accountPath+"/sessions", "endSessions", "Sign somebody out everywhere", ""), func(ctx context.Context, in *Account) (Ended, error) {
		who, err := a.accountOf(ctx, in)
		if err != nil {
			return Ended{}, err
		}
		by := callerOf(ctx).Accounts
		was, err := b.Sessions(ctx, by, who.Household, who.ID)
		if err != nil {
			return Ended{}, err
		}
		return Ended{len(was)}, b.EndSessions(ctx, by, who.Household, who.ID, "")
	})
	serve(a, write(http.MethodDelete, householdPath+"/account-invitations/{invitation}", "withdrawAccountInvitation", "Make an invitation void that nobody has taken", ""), a.withdraw)
}

func (a *API) amend(ctx context.Context, in *struct {
	Account
	Body struct {
		Name  string `json:"name,omitempty" doc:"its new name"`
		Until string `json:"until,omitempty" doc:"its last day, where the household is"`
	}
}) (account.Account, error) {
	who, err := a.accountOf(ctx, &in.Account)
	if err != nil {
		return who, err
	}
	var to account.Amendment
	if in.Body.Name != "" {
		to.Name = &in.Body.Name
	}
	if in.Body.Until != "" {
		until, err := through(in.Body.Until, a.zone(who.Household))
		if err != nil {
			return account.Account{}, err
		}
		to.Until = &until
	}
	who, err = a.Accounts.Amend(ctx, callerOf(ctx).Accounts, who.Household, who.ID, to)
	a.there(who.Household, &who.At, &who.Until)
	return who, err
}

func (a *API) withdraw(ctx context.Context, in *struct {
	Place
	Invitation string `path:"invitation" doc:"its id"`
}) (AccountInvitation, error) {
	home, err := a.accountsOf(ctx, in.Place)
	if err != nil {
		return AccountInvitation{}, err
	}
	by := callerOf(ctx).Accounts
	all, err := a.Accounts.Invitations(ctx, by, home)
	if err != nil {
		return AccountInvitation{}, err
	}
	i := slices.IndexFunc(all, func(i account.Invitation) bool { return i.ID == in.Invitation })
	if i < 0 {
		return AccountInvitation{}, &portal.QueryError{Field: "invitation", Unknown: true, Problem: "no such invitation waits; hearth account list shows them"}
	}
	return AccountInvitation(all[i]), a.Accounts.Withdraw(ctx, by, home, all[i].ID)
}

// there tells times as the clocks of a household do.
func (a *API) there(household string, times ...*time.Time) {
	for _, t := range times {
		if !t.IsZero() {
			*t = t.In(a.zone(household))
		}
	}
}

// zone is where a household is; the operators are where the machine is.
func (a *API) zone(household string) *time.Location {
	if h, there := a.View().Household(household); there {
		return h.Location
	}
	return time.Local
}

// through reads the last day of something, and gives when it is over in a zone; "" is no day.
func through(day string, zone *time.Location) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	last, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return last, &portal.QueryError{Field: "until", Problem: "this is no date; write the last day as YYYY-MM-DD"}
	}
	return last.AddDate(0, 0, 1), nil
}
