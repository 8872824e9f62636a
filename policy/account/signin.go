package account

import (
	"context"
)

// Login is somebody who says who they are.
type Login struct {
	Client
	Household  string // Operators for those who run the machine
	Name       string
	Passphrase string
}

// SignIn proves an account by its passphrase. A name that nobody has takes as long as a passphrase that is wrong, and
// gets the same words.
func (b *Book) SignIn(ctx context.Context, l Login) (Signed, error) {
	a, _, err := b.named(ctx, l.Household, l.Name)
	if err != nil {
		return Signed{}, err
	}
	who := a.value
	if a.revision == 0 {
		who.Household, who.ID = l.Household, "nobody" // which is looked for all the same
	}
	p, err := b.proofOf(ctx, who)
	if err != nil {
		return Signed{}, err
	}
	if err := b.proves(ctx, l, a.value, p.value); err != nil {
		return Signed{}, err
	}
	next := p.value.Hash
	if h, _ := parsePHC(next); !h.current() {
		if next, err = b.rehash(ctx, l.Passphrase); err != nil {
			return Signed{}, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, err = b.still(ctx, a.value, p.value.Hash); err != nil {
		return Signed{}, err
	}
	p.value.Hash = next
	return b.begin(ctx, a.value, entry{client: l.Client, means: ByPassphrase, proof: p})
}

// proves compares a passphrase, and slows down who guesses.
func (b *Book) proves(ctx context.Context, l Login, a Account, p proof) error {
	browser := p.knows(l.Browser)
	t, err := b.attempt(l.Client, browser, "name "+hashed(l.Household+"/"+nameKey(l.Name)), a)
	if err != nil {
		return err
	}
	fits, err := b.fits(ctx, browser != "", p.Hash, l.Passphrase)
	switch {
	case err != nil: // it was not compared
		b.forgive(t)
		return err
	case !fits:
		b.counts.signIn(ByPassphrase, false)
		return wrong()
	}
	b.forgive(t)
	return nil
}

// still reads an account's proof again, which must be what was proved. The caller holds mu.
func (b *Book) still(ctx context.Context, a Account, hash string) (kept[proof], error) {
	again, err := b.account(ctx, a.Household, a.ID)
	if err != nil || !again.value.active(b.now()) {
		return kept[proof]{}, wrong()
	}
	p, err := b.proofOf(ctx, a)
	if err == nil && p.value.Hash != hash {
		err = wrong()
	}
	return p, err
}

// rehash makes a hash with the settings of today.
func (b *Book) rehash(ctx context.Context, typed string) (string, error) {
	text, err := spoken(typed)
	if err != nil {
		return "", err
	}
	return b.hash(ctx, text)
}

// SetPassphrase gives an account a new passphrase: the old one is asked for, or where there is none a sign-in of late. All
// its other sessions end, and this one goes on under a new cookie.
func (b *Book) SetPassphrase(ctx context.Context, c Client, old, next string) (Signed, error) {
	s, err := b.Session(ctx, c.Cookie)
	if err != nil {
		return Signed{}, err
	}
	if s.Who.Provider {
		return Signed{}, elsewhere()
	}
	p, err := b.proofOf(ctx, s.Who)
	if err != nil {
		return Signed{}, err
	}
	text, err := checkPassphrase(next, s.Who.Name, s.Household)
	if err != nil {
		return Signed{}, err
	}
	if p.value.Hash == "" {
		err = b.fresh(s.Actor())
	} else {
		err = b.oldFits(ctx, c, s, p.value.Hash, old)
	}
	if err != nil {
		return Signed{}, err
	}
	made, err := b.hash(ctx, text)
	if err != nil {
		return Signed{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, err = b.still(ctx, s.Who, p.value.Hash); err != nil {
		return Signed{}, err
	}
	p.value.Hash = made
	signed, err := b.begin(ctx, s.Who, entry{client: c, means: ByPassphrase, proof: p, anew: true, expects: true})
	if err == nil {
		b.tell(Notice{Event: EventChanged, Household: s.Household, Name: s.Who.Name, Network: network(c.Address)})
	}
	return signed, err
}

// oldFits compares the passphrase that was; who guesses it in somebody else's browser is counted with the session.
func (b *Book) oldFits(ctx context.Context, c Client, s Session, hash, old string) error {
	t, err := b.attempt(c, "session "+s.ID, "old "+s.Account, s.Who)
	if err != nil {
		return err
	}
	fits, err := b.fits(ctx, true, hash, old)
	switch {
	case err != nil:
		b.forgive(t)
		return err
	case !fits:
		b.counts.signIn(ByPassphrase, false)
		return &Error{Reason: Wrong, Field: "old", Text: "this is not the passphrase that holds until now: try again"}
	}
	b.forgive(t)
	return nil
}
