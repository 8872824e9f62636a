package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

const (
	// longestToken bounds how long a token is good: one that nobody remembers ends by itself.
	longestToken = 366 * 24 * time.Hour
	// maxTokens bounds those of one household: a few programs each for a few people.
	maxTokens = 50
	// tokenSeen is how often it is written down that a token is used.
	tokenSeen = time.Hour
	// bearerPrefix lets people, and programs that look for secrets in public places, see what it is.
	bearerPrefix = "hearth."
)

// Scope is what a token may do.
type Scope string

// scopeOperate is what concerns the whole machine, who may sign in with it.
const scopeOperate Scope = "operate"

// scopes are all that there are; what each opens is in the API.
var scopes = []Scope{
	"households:read", "households:write", "grants:write", "requests:read", "requests:write", "reports:read", "reports:write",
	"lists:read", "lists:write", "activity:read", "explain", scopeOperate,
}

// wide are the scopes of what concerns the whole machine: in one household they open nothing.
var wide = []Scope{"reports:read", "reports:write", "lists:write", scopeOperate}

// Scopes lists all scopes.
func Scopes() []Scope { return slices.Clone(scopes) }

// Token lets a program use the API until a day.
type Token struct {
	ID        string    `json:"id"`            // the hash of its bearer: it opens nothing
	Household string    `json:"household"`     // where All, Operators
	All       bool      `json:"all,omitempty"` // good for every household
	Name      string    `json:"name"`          // what it is for
	Scopes    []Scope   `json:"scopes"`
	Account   string    `json:"account,omitempty"` // who made it, "" of the machine; it ends with that account
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Until     time.Time `json:"until"`
	Seen      time.Time `json:"seen,omitzero"` // last used, to the hour
}

func (t Token) key() store.Key { return store.Key{Household: t.Household, Kind: kindToken, ID: t.ID} }

// Wish is the token that somebody wants.
type Wish struct {
	Household string // "" with All
	All       bool   // every household: operators and the machine alone
	Name      string
	Scopes    []Scope
	Until     time.Time // within a year
}

// NewToken makes a token. Its bearer is shown once, and kept nowhere.
func (b *Book) NewToken(ctx context.Context, by Actor, w Wish) (t Token, bearer string, err error) {
	if w.All {
		w.Household = Operators
	}
	if err := b.grantsToken(by, w); err != nil {
		return t, "", err
	}
	now := b.now()
	name, err := goodName(w.Name)
	if err != nil {
		return t, "", refused("name", "what the token is for is missing: write such as home automation")
	}
	if err := checkWish(w, now); err != nil {
		return t, "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := list[Token](ctx, b, w.Household, kindToken)
	if err != nil {
		return t, "", err
	}
	if len(all) >= maxTokens {
		return t, "", refused("household", "there are %d tokens already: end one first", maxTokens).with("full", "most", maxTokens)
	}
	text, id := newSecret(w.Household)
	t = Token{ID: id, Household: w.Household, All: w.All, Name: name, Scopes: sortedScopes(w.Scopes), Account: by.Account, By: by.Name, At: now, Until: w.Until.UTC().Truncate(time.Second)}
	put, err := set(t, 0)
	if err != nil {
		return t, "", err
	}
	if err := b.put(ctx, put); err != nil {
		return t, "", err
	}
	b.tell(Notice{Event: EventToken, Household: t.Household, Name: t.Name, By: t.By})
	return t, bearerPrefix + text, nil
}

// grantsToken says whether somebody may make a token. A token makes none: it would outlive itself.
func (b *Book) grantsToken(by Actor, w Wish) error {
	if err := b.governs(by, w.Household); err != nil {
		return err
	}
	operator := by.machine || by.Role == Operator
	vain := slices.IndexFunc(w.Scopes, func(s Scope) bool { return !w.All && slices.Contains(wide, s) })
	switch {
	case by.token:
		return refused("", "a token makes no tokens: sign in, or use the machine's shell")
	case w.All && !operator:
		return unknown("household", "there is no such household")
	case vain >= 0:
		return refused("scopes", "%s concerns the whole machine and opens nothing in one household: leave it out, or ask for a token of all households (--all)", w.Scopes[vain])
	case !w.All && w.Household == Operators:
		return refused("household", "operators have no household: write one, or ask for all")
	}
	return nil
}

func checkWish(w Wish, now time.Time) error {
	known := make([]string, len(scopes))
	for i, s := range scopes {
		known[i] = string(s)
	}
	for _, s := range w.Scopes {
		if !slices.Contains(scopes, s) {
			return refused("scopes", "there is no scope %q: write one of %s", s, strings.Join(known, ", "))
		}
	}
	switch {
	case len(w.Scopes) == 0:
		return refused("scopes", "a token without scopes opens nothing: write one or more of %s", strings.Join(known, ", "))
	case !w.Until.After(now), w.Until.Sub(now) > longestToken:
		return refused("until", "a token ends within a year: write a date from tomorrow to %s", now.Add(longestToken).Format(time.DateOnly))
	}
	return nil
}

func sortedScopes(s []Scope) []Scope {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

// Token gives what a bearer may do.
func (b *Book) Token(ctx context.Context, bearer string) (Token, error) {
	text, found := strings.CutPrefix(bearer, bearerPrefix)
	household, id, ok := locate(text)
	if !found || !ok {
		return Token{}, b.noToken()
	}
	t, err := read[Token](ctx, b, Token{Household: household, ID: id}.key())
	if err != nil {
		return Token{}, err
	}
	now := b.now()
	if t.revision == 0 || !now.Before(t.value.Until) {
		return Token{}, b.noToken()
	}
	if t.value.Account != "" {
		switch fine, err := b.maker(ctx, t.value, now); {
		case err != nil:
			return Token{}, err
		case !fine:
			return Token{}, b.noToken()
		}
	}
	if now.Sub(t.value.Seen) >= tokenSeen {
		t.value.Seen = now
		if w, err := set(t.value, t.revision); err == nil {
			_ = b.put(ctx, w) // ended meanwhile, or nothing can be written: it is as it was
		}
	}
	return t.value, nil
}

func (b *Book) noToken() error {
	b.counts.tokens.Add(1)
	return &Error{Reason: SignedOut, Text: "this token is not good, or not any more: make a new one"}
}

// maker says whether who made a token could make it still. An operator's account lies apart from the household.
func (b *Book) maker(ctx context.Context, t Token, now time.Time) (bool, error) {
	for _, household := range []string{t.Household, Operators} {
		a, err := read[Account](ctx, b, Account{Household: household, ID: t.Account}.key())
		if err != nil {
			return false, fmt.Errorf("reading who made a token: %w", err)
		}
		role := Parent
		if household == Operators {
			role = Operator
		}
		if a.value.active(now) && a.value.Role == role {
			return true, nil
		}
	}
	return false, nil
}

// Tokens lists the tokens of a household; of Operators, those that are good for all; with "" every one, as Accounts does.
func (b *Book) Tokens(ctx context.Context, a Actor, household string) ([]Token, error) {
	if err := b.reads(a, household); err != nil {
		return nil, err
	}
	all, err := listAll[Token](ctx, b, household, kindToken)
	now, found := b.now(), []Token{}
	for _, t := range all {
		if now.Before(t.value.Until) {
			found = append(found, t.value)
		}
	}
	slices.SortStableFunc(found, func(a, b Token) int { return a.At.Compare(b.At) })
	return found, err
}

// EndToken ends a token by its id.
func (b *Book) EndToken(ctx context.Context, a Actor, household, id string) error {
	if err := b.reads(a, household); err != nil {
		return err
	}
	t, err := read[Token](ctx, b, Token{Household: household, ID: id}.key())
	if err != nil {
		return err
	}
	if t.revision == 0 {
		return unknown("token", "there is no such token, or it has ended")
	}
	return b.put(ctx, store.Write{Key: t.value.key()})
}
