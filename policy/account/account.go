package account

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/hearthdns/hearth/policy/store"
)

// Role is what an account is to its household.
type Role string

// The roles. What each may do is in policy/parents.
const (
	Parent   Role = "parent"
	Carer    Role = "carer" // answers requests and gives time, until a date
	Child    Role = "child" // sees its own page, and asks
	Operator Role = "operator"
)

const (
	// maxAccounts bounds the accounts of one household: signing in reads all of them. A large family with carers has ten.
	maxAccounts = 50
	// maxOperators bounds those of the operators: the staff of a provider.
	maxOperators = 1000
	maxName      = 64 // octets
	// keepEnded is how long an account stays whose last day is over, so that a parent can lengthen it.
	keepEnded = 30 * 24 * time.Hour
)

// Account is somebody who may sign in.
type Account struct {
	ID        string    `json:"id"`
	Household string    `json:"household"`
	Name      string    `json:"name"` // as the household calls them; of a member, the member's name
	Role      Role      `json:"role"`
	At        time.Time `json:"at"`
	Until     time.Time `json:"until,omitzero"`     // the rights end; zero: they do not
	Provider  bool      `json:"provider,omitempty"` // proves who it is at the provider
}

func (a Account) key() store.Key {
	return store.Key{Household: a.Household, Kind: kindAccount, ID: a.ID}
}

// active says whether an account may do anything.
func (a Account) active(now time.Time) bool {
	return a.ID != "" && (a.Until.IsZero() || now.Before(a.Until))
}

// proof is what an account proves itself with.
type proof struct {
	Household string    `json:"household"`
	Account   string    `json:"account"`
	Hash      string    `json:"hash,omitempty"` // of the passphrase, in PHC form
	Passkeys  []Passkey `json:"passkeys,omitempty"`
	Browsers  []string  `json:"browsers,omitempty"` // hashes of the cookies of browsers that have signed in, the last one last
}

func (p proof) key() store.Key {
	return store.Key{Household: p.Household, Kind: kindProof, ID: p.Account}
}

// SameName says whether two names are one to people: without regard to case, form of Unicode and spaces (RFC 8266).
func SameName(a, b string) bool { return nameKey(a) != "" && nameKey(a) == nameKey(b) }

// nameKey is what two such names have in common, "" of what is no name.
func nameKey(name string) string {
	if len(name) > 4*maxName {
		return ""
	}
	key, err := precis.Nickname.CompareKey(name)
	if err != nil {
		return ""
	}
	return key
}

// goodName reads a name as it is kept.
func goodName(name string) (string, error) {
	if len(name) <= 4*maxName && utf8.ValidString(name) {
		if clean, err := precis.Nickname.String(name); err == nil && len(clean) <= maxName {
			return clean, nil
		}
	}
	return "", refused("name", "a name has 1 to %d octets of letters, digits and spaces: write such as Anna", maxName)
}

// account gives one account of a household.
func (b *Book) account(ctx context.Context, household, id string) (kept[Account], error) {
	a, err := read[Account](ctx, b, Account{Household: household, ID: id}.key())
	if err == nil && a.revision == 0 {
		err = unknown("account", "this household has no such account")
	}
	return a, err
}

// proofOf gives what an account proves itself with; of none, an empty one.
func (b *Book) proofOf(ctx context.Context, a Account) (kept[proof], error) {
	p, err := read[proof](ctx, b, proof{Household: a.Household, Account: a.ID}.key())
	p.value.Household, p.value.Account = a.Household, a.ID
	return p, err
}

// proven gives one account of a household, and what it proves itself with.
func (b *Book) proven(ctx context.Context, household, id string) (a kept[Account], p kept[proof], err error) {
	if a, err = b.account(ctx, household, id); err == nil {
		p, err = b.proofOf(ctx, a.value)
	}
	return a, p, err
}

// named finds an account by its name.
func (b *Book) named(ctx context.Context, household, name string) (found kept[Account], all []kept[Account], err error) {
	all, err = list[Account](ctx, b, household, kindAccount)
	for _, a := range all {
		if SameName(a.value.Name, name) {
			found = a
		}
	}
	return found, all, err
}

// free says whether a household has room for one more account of a name. The caller holds mu.
func (b *Book) free(ctx context.Context, household, name string) error {
	found, all, err := b.named(ctx, household, name)
	most := maxAccounts
	if household == Operators {
		most = maxOperators
	}
	switch {
	case err != nil:
		return err
	case found.revision > 0:
		return refused("name", "somebody of this household has the name %q already: write another, such as %s 2", found.value.Name, found.value.Name)
	case len(all) >= most:
		return refused("household", "this household has %d accounts already: remove one first", most).with("full", "most", most)
	}
	return nil
}

// Accounts lists who may sign in for a household, in the order of ids; with "", which operators and the machine may, for
// all of them.
func (b *Book) Accounts(ctx context.Context, a Actor, household string) ([]Account, error) {
	if err := b.reads(a, household); err != nil {
		return nil, err
	}
	all, err := listAll[Account](ctx, b, household, kindAccount)
	accounts := make([]Account, 0, len(all))
	for _, one := range all {
		accounts = append(accounts, one.value)
	}
	return accounts, err
}

// Amendment is what is to change of an account; nil leaves what is.
type Amendment struct {
	Name  *string
	Until *time.Time // zero: its rights do not end; a carer's always do
}

// Amend changes an account. Its sessions go on, with what it may do from now on.
func (b *Book) Amend(ctx context.Context, by Actor, household, id string, to Amendment) (Account, error) {
	if err := b.governs(by, household); err != nil {
		return Account{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a, err := b.account(ctx, household, id)
	if err != nil {
		return Account{}, err
	}
	if to.Name != nil {
		if a.value.Name, err = b.rename(ctx, a.value, *to.Name); err != nil {
			return Account{}, err
		}
	}
	if to.Until != nil {
		if a.value.Provider { // who would write it anew at the next sign-in
			return Account{}, refused("until", "%s signs in at the provider: end its rights there", a.value.Name).with("provider")
		}
		if err := checkUntil(a.value.Role, *to.Until, b.now()); err != nil {
			return Account{}, err
		}
		a.value.Until = to.Until.UTC().Truncate(time.Second)
	}
	w, err := set(a.value, a.revision)
	if err != nil {
		return Account{}, err
	}
	if err := b.put(ctx, w); err != nil {
		return Account{}, err
	}
	b.tell(Notice{Event: EventAmended, Household: household, Name: a.value.Name, By: by.Name})
	return a.value, nil
}

// rename gives the name that an account is to have.
func (b *Book) rename(ctx context.Context, a Account, name string) (string, error) {
	name, err := goodName(name)
	if err != nil || SameName(name, a.Name) {
		return name, err
	}
	other, _, err := b.named(ctx, a.Household, name)
	switch {
	case err != nil:
		return name, err
	case other.revision > 0:
		return name, refused("name", "somebody of this household has the name %q already: write another", other.value.Name)
	}
	return name, b.Fits(a.Household, name, a.Role)
}

// longestCarer bounds how far ahead a carer's last day lies: a school year.
const longestCarer = 366 * 24 * time.Hour

// checkUntil says what is wrong with the end of an account's rights: the midnight after their last day, in the zone of the
// household, so that the day that it names is the one that was written.
func checkUntil(r Role, until, now time.Time) error {
	switch {
	case r == Carer && until.IsZero():
		return refused("until", "a carer's rights end on a date: write one, such as %s", now.AddDate(0, 0, 14).Format(time.DateOnly))
	case r == Carer && until.Sub(now) > longestCarer:
		return refused("until", "a carer's rights end within a year: write an earlier date, and lengthen it when it comes")
	case r == Parent && !until.IsZero():
		return refused("until", "a parent's rights do not end: leave the date out, or make it a carer")
	case !until.IsZero() && !until.After(now):
		return refused("until", "%s is over already: write a date to come", until.Add(-time.Second).Format(time.DateOnly))
	}
	return nil
}

// Remove takes an account away, with all that it could open. The last parent of a household stays.
func (b *Book) Remove(ctx context.Context, by Actor, household, id string) error {
	if err := b.governs(by, household); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := list[Account](ctx, b, household, kindAccount)
	if err != nil {
		return err
	}
	var gone kept[Account]
	parents := 0
	for _, a := range all {
		if a.value.Role == Parent {
			parents++
		}
		if a.value.ID == id {
			gone = a
		}
	}
	switch {
	case gone.revision == 0:
		return unknown("account", "this household has no such account")
	case gone.value.Role == Parent && parents == 1 && !by.machine:
		return refused("account", "%s is the last parent who can sign in: invite another first", gone.value.Name)
	}
	if _, err := b.erase(ctx, household, func(a Account) bool { return a.ID == id }); err != nil {
		return err
	}
	b.tell(Notice{Event: EventRemoved, Household: household, Name: gone.value.Name, By: by.Name})
	return nil
}

// Erase forgets the account of a name, or with "" all of a household: accounts, passphrases, passkeys, sessions, tokens
// and invitations, also those that were for the name or by it. Where roles are given, what others of the name have stays. It
// says how many accounts there were. Who calls it has made sure that it is wanted.
func (b *Book) Erase(ctx context.Context, household, name string, roles ...Role) (accounts int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if name != "" {
		if accounts, err = b.erase(ctx, household, func(a Account) bool { return SameName(a.Name, name) && among(roles, a.Role) }); err != nil {
			return accounts, err
		}
		return accounts, b.uninvite(ctx, household, name, roles)
	}
	accounts, err = b.erase(ctx, household, func(Account) bool { return true })
	if err != nil || !validHousehold(household) {
		return accounts, err
	}
	var rest []store.Write // what no account has: invitations, tokens of the machine, what cannot be read
	for _, kind := range []string{kindAccount, kindProof, kindSession, kindToken, kindInvite} {
		s, err := b.Log.Snapshot(ctx, household+"/"+kind+"/")
		if err != nil {
			return accounts, err
		}
		for _, e := range s.Entries {
			rest = append(rest, store.Write{Key: e.Key})
		}
	}
	return accounts, b.put(ctx, rest...)
}

// among says whether a role is one of some, of which none are all.
func among(roles []Role, r Role) bool { return len(roles) == 0 || slices.Contains(roles, r) }

// uninvite forgets the invitations for a name in some roles and, unless these are children's, by it: children invite
// nobody. The caller holds mu.
func (b *Book) uninvite(ctx context.Context, household, name string, roles []Role) error {
	all, err := list[Invitation](ctx, b, household, kindInvite)
	if err != nil {
		return err
	}
	var gone []store.Write
	for _, i := range all {
		if SameName(i.value.Name, name) && among(roles, i.value.Role) || SameName(i.value.By, name) && among(roles, Parent) {
			gone = append(gone, store.Write{Key: i.value.key()})
		}
	}
	return b.put(ctx, gone...)
}

// Has says whether somebody of some roles, without any of all, has a name in a household, or is invited by it.
func (b *Book) Has(ctx context.Context, household, name string, roles ...Role) (bool, error) {
	found, _, err := b.named(ctx, household, name)
	if err != nil || found.revision > 0 && among(roles, found.value.Role) {
		return err == nil, err
	}
	waiting, err := b.Invitations(ctx, Machine(), household)
	return slices.ContainsFunc(waiting, func(i Invitation) bool { return SameName(i.Name, name) && among(roles, i.Role) }), err
}

// erase forgets some accounts. The caller holds mu.
func (b *Book) erase(ctx context.Context, household string, whose func(Account) bool) (n int, err error) {
	all, err := list[Account](ctx, b, household, kindAccount)
	if err != nil {
		return 0, err
	}
	var gone []store.Write
	for _, a := range all {
		if !whose(a.value) {
			continue
		}
		n++
		if err := b.Gone(ctx, a.value); err != nil {
			return 0, err
		}
		held, err := b.held(ctx, a.value)
		if err != nil {
			return 0, err
		}
		gone = append(append(gone, held...), store.Write{Key: a.value.key()}, store.Write{Key: subjectPointer(a.value.ID)})
	}
	if n > 0 {
		b.somebody.Store(false) // perhaps it was the last: who wants to know looks again
	}
	return n, b.put(ctx, gone...)
}

// held lists the deletions of all by which somebody can act as an account.
func (b *Book) held(ctx context.Context, a Account) (gone []store.Write, err error) {
	p, err := b.proofOf(ctx, a)
	if err != nil {
		return nil, err
	}
	gone = append(gone, store.Write{Key: p.value.key()})
	for _, k := range p.value.Passkeys {
		gone = append(gone, store.Write{Key: passkeyPointer(k.ID)})
	}
	sessions, err := list[Session](ctx, b, a.Household, kindSession)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		if s.value.Account == a.ID {
			gone = append(gone, store.Write{Key: s.value.key()})
		}
	}
	reach := a.Household
	if reach == Operators {
		reach = "" // what an operator made lies in the households that it is for
	}
	tokens, err := listAll[Token](ctx, b, reach, kindToken)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		if t.value.Account == a.ID {
			gone = append(gone, store.Write{Key: t.value.key()})
		}
	}
	invites, err := listAll[Invitation](ctx, b, reach, kindInvite)
	for _, i := range invites {
		if i.value.From == a.ID || i.value.Household == a.Household && (i.value.Account == a.ID || SameName(i.value.By, a.Name)) {
			gone = append(gone, store.Write{Key: i.value.key()})
		}
	}
	return gone, err
}
