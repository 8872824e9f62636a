package portal

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
)

// keyring is who may sign in, for whoever has the machine; package account does all of it.
type keyring struct {
	book *account.Book
	view func() *policy.Directory
	zone func(household string) *time.Location
	// pages say, in lines, where the first account is opened.
	pages []string
}

// routes are all of it; each names its household where there are several, and by= says who asks, for the record.
func (k keyring) routes(routes map[string]route) {
	b := k.book
	routes["/v1/account"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return k.whoSignsIn(r.Context(), r.URL.Query().Get("household"))
	})}
	routes["/v1/account/setup"] = done("nothing", func(ctx context.Context, _ struct{}) (Invited, error) {
		i, err := b.Setup(ctx)
		return Invited{i, i.Code, k.pages}, err
	})
	routes["/v1/account/reset"] = done(`{"household": "…", "name": "…"}`, func(ctx context.Context, a ofAccount) (Invited, error) {
		home, err := k.home(ctx, a.Household)
		if err != nil {
			return Invited{}, err
		}
		i, err := b.Recover(ctx, home, a.Name)
		return Invited{i, i.Code, nil}, err
	})
	routes["/v1/account/invite"] = done(`{"household": "…", "role": "parent", "name": "…", "until": "YYYY-MM-DD"}`, k.inviteTo)
	routes["/v1/account/withdraw"] = done(`{"household": "…", "id": "…"}`, k.withdraw)
	routes["/v1/account/amend"] = done(`{"household": "…", "name": "…", "next": "…", "until": "YYYY-MM-DD"}`, k.amend)
	routes["/v1/account/remove"] = done(`{"household": "…", "name": "…"}`, func(ctx context.Context, a ofAccount) (account.Account, error) {
		who, err := k.accountNamed(ctx, a.Household, a.Name)
		if err != nil {
			return who, err
		}
		return who, b.Remove(ctx, atMachine(a.By), who.Household, who.ID)
	})
	routes["/v1/account/sessions"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return k.signedIn(r.Context(), r.URL.Query().Get("household"), r.URL.Query().Get("name"))
	})}
	routes["/v1/account/sessions/end"] = done(`{"household": "…", "name": "…"}`, func(ctx context.Context, a ofAccount) (Ended, error) {
		who, err := k.accountNamed(ctx, a.Household, a.Name)
		if err != nil {
			return Ended{}, err
		}
		was, err := b.Sessions(ctx, account.Machine(), who.Household, who.ID)
		if err != nil {
			return Ended{}, err
		}
		return Ended{len(was)}, b.EndSessions(ctx, atMachine(a.By), who.Household, who.ID, "")
	})
	k.tokens(routes)
}

// tokens are about the tokens of programs.
func (k keyring) tokens(routes map[string]route) {
	routes["/v1/account/tokens"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		all, err := k.book.Tokens(r.Context(), account.Machine(), r.URL.Query().Get("household"))
		return Tokens{all}, err
	})}
	routes["/v1/account/tokens/new"] = done(`{"household": "…" or "all": true, "name": "…", "scopes": ["explain"], "until": "YYYY-MM-DD"}`, k.newToken)
	routes["/v1/account/tokens/end"] = done(`{"household": "…", "id": "…"}`, func(ctx context.Context, a ofRecord) (account.Token, error) {
		all, err := k.book.Tokens(ctx, account.Machine(), a.Household)
		if err != nil {
			return account.Token{}, err
		}
		t, err := begins(all, a.ID, "token", func(t account.Token) string { return t.ID })
		if err != nil {
			return t, err
		}
		return t, k.book.EndToken(ctx, atMachine(a.By), t.Household, t.ID)
	})
}

// What the requests carry.
type (
	ofAccount struct {
		Household string `json:"household"`
		Name      string `json:"name"`
		By        string `json:"by"`
	}
	ofRecord struct {
		Household string `json:"household"`
		ID        string `json:"id"` // or how it begins
		By        string `json:"by"`
	}
	offer struct {
		ofAccount
		Role  account.Role `json:"role"`
		Until string       `json:"until"`
	}
	amendment struct {
		ofAccount
		Next  string `json:"next"`
		Until string `json:"until"`
	}
	wish struct {
		ofAccount
		All    bool            `json:"all"`
		Scopes []account.Scope `json:"scopes"`
		Until  string          `json:"until"`
	}
)

// SignsIn is the answer of GET /v1/account.
type SignsIn struct {
	Accounts    []account.Account    `json:"accounts"`
	Invitations []account.Invitation `json:"invitations"`
}

// Invited is a code that somebody is to be given. It is shown once.
type Invited struct {
	account.Invitation
	Code string `json:"code"`
	// Pages say, in lines, where the code for the first account is typed in.
	Pages []string `json:"pages,omitempty"`
}

// SignedIn is the answer of GET /v1/account/sessions.
type SignedIn struct {
	Sessions []Signed `json:"sessions"`
}

// Signed is a browser that is signed in, and whose it is.
type Signed struct {
	account.Session
	Name string `json:"name"`
}

// Ended is the answer of POST /v1/account/sessions/end.
type Ended struct {
	Ended int `json:"ended"`
}

// Tokens is the answer of GET /v1/account/tokens.
type Tokens struct {
	Tokens []account.Token `json:"tokens"`
}

// Bearer is the answer of POST /v1/account/tokens/new. It is shown once.
type Bearer struct {
	account.Token
	Bearer string `json:"bearer"`
}

// maxBy bounds the words by which somebody at the socket is remembered.
const maxBy = 64

// atMachine acts for whoever has the socket, who says how they are called.
func atMachine(by string) account.Actor {
	a := account.Machine()
	a.Name = cmp.Or(strings.ToValidUTF8(by[:min(len(by), maxBy)], ""), a.Name)
	return a
}

// home gives the household that is meant: the only one, or one that is configured, or whose accounts there are.
func (k keyring) home(ctx context.Context, id string) (string, error) {
	dir := k.view()
	if _, there := dir.Household(id); there || id == account.Operators {
		return id, nil
	}
	if all := dir.Households(); id == "" && len(all) == 1 {
		return all[0].ID, nil
	}
	if id == "" {
		return "", &QueryError{Field: "household", Problem: "which household is meant is missing; write HOUSEHOLD/NAME"}
	}
	if all, err := k.book.Accounts(ctx, account.Machine(), id); err != nil || len(all) > 0 {
		return id, err
	}
	return "", &QueryError{Field: "household", Unknown: true, Problem: "there is no household " + id + "; hearth household list shows them, and operators is that of the operators"}
}

// accountNamed finds an account as people write its name.
func (k keyring) accountNamed(ctx context.Context, household, name string) (account.Account, error) {
	home, err := k.home(ctx, household)
	if err != nil {
		return account.Account{}, err
	}
	all, err := k.book.Accounts(ctx, account.Machine(), home)
	if err != nil {
		return account.Account{}, err
	}
	for _, a := range all {
		if account.SameName(a.Name, name) {
			return a, nil
		}
	}
	return account.Account{}, &QueryError{Field: "name", Unknown: true, Problem: "nobody of " + home + " has an account by this name; hearth account list shows them"}
}

func (k keyring) whoSignsIn(ctx context.Context, household string) (s SignsIn, err error) {
	if household != "" {
		if household, err = k.home(ctx, household); err != nil {
			return s, err
		}
	}
	if s.Accounts, err = k.book.Accounts(ctx, account.Machine(), household); err != nil {
		return s, err
	}
	s.Invitations, err = k.book.Invitations(ctx, account.Machine(), household)
	return s, err
}

func (k keyring) inviteTo(ctx context.Context, o offer) (Invited, error) {
	if o.Role == account.Operator && o.Household == "" {
		o.Household = account.Operators
	}
	home, err := k.home(ctx, o.Household)
	if err != nil {
		return Invited{}, err
	}
	until, err := k.through(home, o.Until)
	if err != nil {
		return Invited{}, err
	}
	i, err := k.book.Invite(ctx, atMachine(o.By), account.Offer{Household: home, Role: o.Role, Name: o.Name, Until: until})
	return Invited{i, i.Code, nil}, err
}

func (k keyring) withdraw(ctx context.Context, a ofRecord) (account.Invitation, error) {
	all, err := k.book.Invitations(ctx, account.Machine(), a.Household)
	if err != nil {
		return account.Invitation{}, err
	}
	i, err := begins(all, a.ID, "invitation", func(i account.Invitation) string { return i.ID })
	if err != nil {
		return i, err
	}
	return i, k.book.Withdraw(ctx, atMachine(a.By), i.Household, i.ID)
}

func (k keyring) amend(ctx context.Context, a amendment) (account.Account, error) {
	who, err := k.accountNamed(ctx, a.Household, a.Name)
	if err != nil {
		return who, err
	}
	var to account.Amendment
	if a.Next != "" {
		to.Name = &a.Next
	}
	if a.Until != "" {
		until, err := k.through(who.Household, a.Until)
		if err != nil {
			return who, err
		}
		to.Until = &until
	}
	return k.book.Amend(ctx, atMachine(a.By), who.Household, who.ID, to)
}

func (k keyring) newToken(ctx context.Context, w wish) (Bearer, error) {
	home := account.Operators
	if !w.All {
		var err error
		if home, err = k.home(ctx, w.Household); err != nil {
			return Bearer{}, err
		}
	}
	until, err := k.through(home, w.Until)
	if err != nil {
		return Bearer{}, err
	}
	t, bearer, err := k.book.NewToken(ctx, atMachine(w.By), account.Wish{Household: home, All: w.All, Name: w.Name, Scopes: w.Scopes, Until: until})
	return Bearer{t, bearer}, err
}

// signedIn lists the browsers of an account, with "" of all of a household, or of all.
func (k keyring) signedIn(ctx context.Context, household, name string) (s SignedIn, err error) {
	of := ""
	if name != "" {
		who, err := k.accountNamed(ctx, household, name)
		if err != nil {
			return s, err
		}
		household, of = who.Household, who.ID
	}
	all, err := k.book.Accounts(ctx, account.Machine(), household)
	if err != nil {
		return s, err
	}
	found, err := k.book.Sessions(ctx, account.Machine(), household, of)
	s.Sessions = make([]Signed, 0, len(found))
	for _, one := range found {
		i := slices.IndexFunc(all, func(a account.Account) bool { return a.Household == one.Household && a.ID == one.Account })
		if i >= 0 {
			s.Sessions = append(s.Sessions, Signed{one, all[i].Name})
		}
	}
	return s, err
}

// through reads the last day of something, and gives when it is over where the household is; "" is no day.
func (k keyring) through(household, day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	last, err := time.ParseInLocation(time.DateOnly, day, k.zone(household))
	if err != nil {
		return last, &QueryError{Field: "until", Problem: "this is no date; write the last day as YYYY-MM-DD"}
	}
	return last.AddDate(0, 0, 1), nil
}

// fewest is how much of an id must be written at least.
const fewest = 6

// begins finds the one whose id begins so.
func begins[T any](all []T, id, what string, of func(T) string) (one T, err error) {
	found := slices.DeleteFunc(slices.Clone(all), func(t T) bool { return len(id) < fewest || !strings.HasPrefix(of(t), id) })
	if len(found) != 1 {
		return one, &QueryError{Field: "id", Unknown: true, Problem: "no " + what + " has this id alone; write at least its first 6 signs, as the list shows them"}
	}
	return found[0], nil
}

// accountStatuses are the HTTP statuses of what package account refuses.
var accountStatuses = map[account.Reason]int{
	account.Refused:   http.StatusBadRequest,
	account.Unknown:   http.StatusNotFound,
	account.SignedOut: http.StatusUnauthorized,
	account.Wrong:     http.StatusForbidden,
	account.Stale:     http.StatusForbidden,
	account.Wait:      http.StatusTooManyRequests,
	account.Conflict:  http.StatusConflict,
}

// ofAccounts is the problem that an error of package account is, false for another error.
func ofAccounts(err error) (problem, bool) {
	var e *account.Error
	if !errors.As(err, &e) {
		return problem{}, false
	}
	return problem{Status: accountStatuses[e.Reason], Detail: e.Text, Field: e.Field}, true
}
