package account

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

const (
	// inviteLife is how long an invitation waits: whom it is for may be away for a week.
	inviteLife = 7 * 24 * time.Hour
	// shellLife is how long a code of the machine's shell waits: who asked for it has it before their eyes.
	shellLife = time.Hour
	// maxInvites bounds those of one household that wait.
	maxInvites = 10
)

// Invitation lets one person open an account, once.
type Invitation struct {
	ID        string    `json:"id"` // the hash of its code: it opens nothing
	Household string    `json:"household"`
	Role      Role      `json:"role,omitempty"`
	Name      string    `json:"name,omitempty"`    // proposed; whoever takes it may choose another, but of a child's
	Account   string    `json:"account,omitempty"` // of one that is started anew
	Setup     bool      `json:"setup,omitempty"`   // opens the first account of the machine
	By        string    `json:"by"`
	From      string    `json:"from,omitempty"` // account of who invites; it ends with that account
	Ends      time.Time `json:"ends"`           // when the code runs out
	Until     time.Time `json:"until,omitzero"` // when the rights of the account end

	Code string `json:"-"` // HOUSEHOLD.ABCD-EFGH-JKLM-NPQR, shown once
}

func (i Invitation) key() store.Key {
	return store.Key{Household: i.Household, Kind: kindInvite, ID: i.ID}
}

// Offer is the account that somebody is invited to.
type Offer struct {
	Household string
	Role      Role
	Name      string    // or "", but a child's
	Until     time.Time // a carer's last day
}

// Invite makes a code for a second parent, a carer, a child, or for an operator.
func (b *Book) Invite(ctx context.Context, by Actor, o Offer) (Invitation, error) {
	if err := b.governs(by, o.Household); err != nil {
		return Invitation{}, err
	}
	now := b.now()
	if err := checkOffer(o, now); err != nil {
		return Invitation{}, err
	}
	i := Invitation{Household: o.Household, Role: o.Role, By: by.Name, From: by.Account, Ends: now.Add(inviteLife), Until: o.Until.UTC().Truncate(time.Second)}
	if o.Name != "" {
		var err error
		if i.Name, err = goodName(o.Name); err != nil {
			return Invitation{}, err
		}
		if err = b.Fits(i.Household, i.Name, i.Role); err != nil {
			return Invitation{}, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting, err := list[Invitation](ctx, b, o.Household, kindInvite)
	if err != nil {
		return Invitation{}, err
	}
	waiting = slices.DeleteFunc(waiting, func(w kept[Invitation]) bool { return !now.Before(w.value.Ends) })
	if len(waiting) >= maxInvites {
		return Invitation{}, refused("household", "%d invitations wait already: withdraw one first", maxInvites).with("full", "most", maxInvites)
	}
	if i, err = b.issue(ctx, i); err == nil {
		b.tell(Notice{Event: EventInvited, Household: i.Household, Name: i.Name, By: i.By})
	}
	return i, err
}

func checkOffer(o Offer, now time.Time) error {
	switch {
	case !validHousehold(o.Household):
		return unknown("household", "there is no such household")
	case o.Role == Operator && o.Household != Operators, o.Role != Operator && o.Household == Operators:
		return refused("role", "operators are invited to %q, and nobody else is: write the household and parent, carer or child", Operators)
	case o.Role == Child && o.Name == "":
		return refused("name", "whose account it is to be is missing: write the name of the child, as the household has it")
	case !slices.Contains([]Role{Parent, Carer, Child, Operator}, o.Role):
		return refused("role", "there is no role %q: write parent, carer or child", o.Role)
	}
	return checkUntil(o.Role, o.Until, now)
}

// issue writes an invitation down under a new code, in place of others.
func (b *Book) issue(ctx context.Context, i Invitation, instead ...store.Write) (Invitation, error) {
	i.Code, i.ID = newCode(i.Household)
	w, err := set(i, 0)
	if err != nil {
		return Invitation{}, err
	}
	return i, b.put(ctx, append(instead, w)...)
}

// Setup makes the code that opens the first account, for the machine's shell and the server's own terminal. There is one
// at a time, and none once anybody has an account.
func (b *Book) Setup(ctx context.Context) (Invitation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch empty, err := b.Empty(ctx); {
	case err != nil:
		return Invitation{}, err
	case !empty:
		return Invitation{}, refused("", "somebody has an account already: sign in, or start an account anew with hearth account reset NAME")
	}
	before, err := list[Invitation](ctx, b, Operators, kindInvite)
	if err != nil {
		return Invitation{}, err
	}
	var gone []store.Write
	for _, i := range before {
		gone = append(gone, store.Write{Key: i.value.key()})
	}
	return b.issue(ctx, Invitation{Household: Operators, Role: Parent, Setup: true, By: Machine().Name, Ends: b.now().Add(shellLife)}, gone...)
}

// Empty says whether nobody has an account yet, so that the first-run set-up is open to who has a code for it.
func (b *Book) Empty(ctx context.Context) (bool, error) {
	if b.somebody.Load() {
		return false, nil
	}
	s, err := b.Log.Snapshot(ctx, "")
	if err != nil {
		return false, err
	}
	there := slices.ContainsFunc(s.Entries, func(e store.Entry) bool { return e.Key.Kind == kindAccount })
	if there {
		b.somebody.Store(true)
	}
	return !there, nil
}

// Recover makes a code by which an account is started anew, for the machine's shell. What opened the account until then
// ends when the code is used, not before.
func (b *Book) Recover(ctx context.Context, household, name string) (Invitation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, all, err := b.named(ctx, household, name)
	switch {
	case err != nil:
		return Invitation{}, err
	case len(all) == 0:
		return Invitation{}, unknown("household", "nobody has an account in the household %q", household)
	case a.revision == 0:
		return Invitation{}, unknown("name", "nobody of the household %q has the name %q", household, name)
	case a.value.Provider:
		return Invitation{}, refused("name", "%s signs in at the provider: start anew there", a.value.Name).with("provider")
	}
	before, err := list[Invitation](ctx, b, household, kindInvite)
	if err != nil {
		return Invitation{}, err
	}
	var gone []store.Write
	for _, i := range before {
		if i.value.Account == a.value.ID {
			gone = append(gone, store.Write{Key: i.value.key()})
		}
	}
	return b.issue(ctx, Invitation{Household: household, Role: a.value.Role, Name: a.value.Name, Account: a.value.ID, By: Machine().Name, Ends: b.now().Add(shellLife)}, gone...)
}

// Invitations lists what waits for somebody; with "" as Accounts does.
func (b *Book) Invitations(ctx context.Context, a Actor, household string) ([]Invitation, error) {
	if err := b.reads(a, household); err != nil {
		return nil, err
	}
	all, err := listAll[Invitation](ctx, b, household, kindInvite)
	now, found := b.now(), []Invitation{}
	for _, i := range all {
		if now.Before(i.value.Ends) {
			found = append(found, i.value)
		}
	}
	slices.SortStableFunc(found, func(a, b Invitation) int { return a.Ends.Compare(b.Ends) })
	return found, err
}

// Withdraw makes an invitation void.
func (b *Book) Withdraw(ctx context.Context, a Actor, household, id string) error {
	if err := b.reads(a, household); err != nil {
		return err
	}
	i, err := read[Invitation](ctx, b, Invitation{Household: household, ID: id}.key())
	if err != nil {
		return err
	}
	if i.revision == 0 {
		return unknown("invitation", "there is no such invitation, or it was taken")
	}
	if err := b.put(ctx, i.drop()); err != nil {
		return err
	}
	b.tell(Notice{Event: EventWithdrew, Household: household, Name: i.value.Name, By: a.Name})
	return nil
}

// Invited gives what a code is for, without using it up.
func (b *Book) Invited(ctx context.Context, c Client, code string) (Invitation, error) {
	i, err := b.invited(ctx, c, code)
	return i.value, err
}

// invited looks a code up; wrong ones slow down whoever tries.
func (b *Book) invited(ctx context.Context, c Client, code string) (i kept[Invitation], err error) {
	household, id, ok := locateCode(code)
	t, err := b.attempt(c, "", "codes "+household, Account{})
	if err != nil {
		return i, err
	}
	if ok {
		if i, err = read[Invitation](ctx, b, Invitation{Household: household, ID: id}.key()); err != nil {
			b.forgive(t)
			return i, err
		}
	}
	if i.revision == 0 || !b.now().Before(i.value.Ends) {
		b.counts.signIn(ByCode, false)
		return kept[Invitation]{}, wrongCode()
	}
	b.forgive(t)
	return i, nil
}

// Join is somebody who takes an invitation.
type Join struct {
	Client
	Code       string
	Household  string // of the first account alone, which the set-up names
	Name       string // "": as proposed; an account that is started anew keeps its own, and a child's is the child's
	Passphrase string
}

// Accept opens the account that a code is for, and signs it in. The code is used up if it does.
func (b *Book) Accept(ctx context.Context, j Join) (Signed, error) {
	i, err := b.invited(ctx, j.Client, j.Code)
	if err != nil {
		return Signed{}, err
	}
	a, err := b.joining(ctx, i.value, j)
	if err != nil {
		return Signed{}, err
	}
	text, err := checkPassphrase(j.Passphrase, a.Name, a.Household)
	if err != nil {
		return Signed{}, err
	}
	made, err := b.hash(ctx, text)
	if err != nil {
		return Signed{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i.value.Account != "" {
		return b.restart(ctx, i, made, j.Client)
	}
	if i.value.Setup {
		if empty, err := b.Empty(ctx); err != nil || !empty {
			return Signed{}, cmp.Or(err, wrongCode())
		}
	}
	if err := b.free(ctx, a.Household, a.Name); err != nil {
		return Signed{}, err
	}
	w, err := set(a, 0)
	if err != nil {
		return Signed{}, err
	}
	p := kept[proof]{value: proof{Household: a.Household, Account: a.ID, Hash: made}}
	signed, err := b.begin(ctx, a, entry{client: j.Client, means: ByCode, proof: p, writes: []store.Write{i.drop(), w}, expects: true})
	if err == nil {
		b.somebody.Store(true)
		b.tell(Notice{Event: EventJoined, Household: a.Household, Name: a.Name, By: i.value.By, Network: network(j.Address)})
	}
	return signed, taken(err)
}

// taken says of a code that another used in the same moment what it says of one used before.
func taken(err error) error {
	if e := new(Error); errors.As(err, &e) && e.Reason == Conflict {
		return wrongCode()
	}
	return err
}

// joining is the account that somebody who takes an invitation will have.
func (b *Book) joining(ctx context.Context, i Invitation, j Join) (Account, error) {
	if i.Account != "" {
		a, err := b.account(ctx, i.Household, i.Account)
		if err != nil {
			return Account{}, wrongCode()
		}
		return a.value, nil
	}
	name, err := goodName(cmp.Or(j.Name, i.Name))
	switch {
	case err != nil:
		return Account{}, err
	case i.Role == Child && !SameName(name, i.Name): // who has it sees the pages of the child of this name
		return Account{}, refused("name", "this code is for %s alone: write this name", i.Name)
	case i.Role == Child:
		name = i.Name
	}
	a := Account{ID: newID(), Household: i.Household, Name: name, Role: i.Role, At: b.now(), Until: i.Until}
	if i.Setup {
		if a.Household = j.Household; !validHousehold(a.Household) || a.Household == Operators {
			return Account{}, refused("household", "%q is no id for a household: write 1 to 64 of a-z, 0-9 and -, such as home", j.Household)
		}
	}
	if !a.active(a.At) {
		return Account{}, wrongCode() // the carer's last day came before the carer did
	}
	return a, b.Fits(a.Household, a.Name, a.Role)
}

// restart gives an account a new passphrase and ends all else that opens it: sessions, passkeys, tokens that it made. The
// caller holds mu.
func (b *Book) restart(ctx context.Context, i kept[Invitation], hash string, c Client) (Signed, error) {
	a, err := b.account(ctx, i.value.Household, i.value.Account)
	if err != nil {
		return Signed{}, wrongCode()
	}
	p, err := b.proofOf(ctx, a.value)
	if err != nil {
		return Signed{}, err
	}
	held, err := b.held(ctx, a.value)
	if err != nil {
		return Signed{}, err
	}
	writes := []store.Write{i.drop()}
	for _, w := range held { // begin ends the sessions and writes the proof anew
		if w.Key.Kind != kindSession && w.Key.Kind != kindProof && w.Key != i.value.key() {
			writes = append(writes, w)
		}
	}
	p.value.Hash, p.value.Passkeys = hash, nil
	signed, err := b.begin(ctx, a.value, entry{client: c, means: ByCode, proof: p, writes: writes, anew: true, expects: true})
	if err == nil {
		b.tell(Notice{Event: EventReset, Household: a.value.Household, Name: a.value.Name, By: i.value.By, Network: network(c.Address)})
	}
	return signed, taken(err)
}
