package account

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/hearthdns/hearth/policy/store"
)

// Operators is the household of those who run the machine: their accounts, sessions and tokens lie under it. No family
// may have this id.
const Operators = "operators"

// Config is what a Book stands on.
type Config struct {
	Log store.Log
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Name is the domain of the console, to which passkeys are bound: "hearth.example". "": there are no passkeys,
	// because a browser binds none to an address.
	Name string
	// Origins are where browsers find the console: "https://hearth.example:8443".
	Origins []string
	// Provider is where people of an Internet provider sign in; nil: nobody does.
	Provider *Provider
	// Tell is told what a household's parents should know of; nil: nobody is told. It returns at once, and calls nothing
	// of the Book.
	Tell func(Notice)
	// Fits says why nobody of a role may have a name: somebody else of the household has it; nil: anybody may. It calls
	// nothing of the Book.
	Fits func(household, name string, role Role) error
	// Gone takes an account out of what others keep for it, before the account is removed; its error keeps the account. nil:
	// nobody keeps anything. It calls nothing of the Book.
	Gone func(ctx context.Context, a Account) error
	// Report gets what could not be done in the background; nil discards. It never gets a name, an address or a secret.
	Report *slog.Logger
}

// Event is what a Notice is about. The set is closed.
type Event string

// The events.
const (
	EventSignIn   Event = "sign-in"    // a browser that was not known signed in
	EventGuessed  Event = "guessed"    // somebody tries passphrases of an account, and is slowed
	EventCloned   Event = "cloned"     // a passkey may have been copied; its sign-in was refused
	EventJoined   Event = "joined"     // an invitation was taken
	EventPasskey  Event = "passkey"    // a passkey was added or removed
	EventChanged  Event = "passphrase" // a passphrase was changed
	EventReset    Event = "reset"      // an account was started anew with a code from the machine's shell
	EventToken    Event = "token"      // a token of the API was made
	EventRemoved  Event = "removed"    // an account was removed
	EventAmended  Event = "amended"    // somebody changed an account's name or its last day
	EventInvited  Event = "invited"    // somebody invited somebody
	EventWithdrew Event = "withdrew"   // an invitation was withdrawn
)

// Notice tells the parents of a household what happened to its accounts. It holds no secret.
type Notice struct {
	Event     Event
	Household string
	Name      string       // of the account, or of a token; as proposed in an invitation, or ""
	By        string       // who did it, if not the account itself
	Network   netip.Prefix // from where, not valid where that is not known
	At        time.Time
}

// Book knows who may sign in, and who is signed in. It is safe for concurrent use.
type Book struct {
	Config
	passkeys *webauthn.WebAuthn // nil: there are none
	provider *relying           // nil: nobody signs in elsewhere
	seal     cipher.AEAD
	gate     *gate
	slow     slowdown
	counts   counters
	census   atomic.Pointer[census] // of the last Sweep
	somebody atomic.Bool            // has an account: seen once

	mu   sync.Mutex // held where records are read to be written
	used used       // ceremonies that were finished
}

// Open checks the configuration.
func Open(c Config) (*Book, error) {
	b := &Book{Config: c, gate: newGate(), slow: newSlowdown(), used: used{}}
	if b.Now == nil {
		b.Now = time.Now
	}
	if b.Tell == nil {
		b.Tell = func(Notice) {}
	}
	if b.Fits == nil {
		b.Fits = func(_, _ string, _ Role) error { return nil }
	}
	if b.Gone == nil {
		b.Gone = func(context.Context, Account) error { return nil }
	}
	if b.Report == nil {
		b.Report = slog.New(slog.DiscardHandler)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails; a restart makes ceremonies void that were under way
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if b.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	if c.Name != "" {
		if b.passkeys, err = newPasskeys(c.Name, c.Origins); err != nil {
			return nil, fmt.Errorf("preparing passkeys for %q: %w", c.Name, err)
		}
	}
	if c.Provider != nil {
		if b.provider, err = newRelying(*c.Provider, b.Now); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sweepEvery is how often what has ended is thrown away.
const sweepEvery = time.Hour

// Run throws away what has ended, until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := b.Sweep(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrReadOnly) && !errors.Is(err, store.ErrClosed) {
			b.Report.Error("accounts and sessions that have ended are not thrown away", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tell fills in a notice and passes it on.
func (b *Book) tell(n Notice) {
	n.At = b.now()
	b.Tell(n)
}

// now is the time in whole seconds, as records keep it.
func (b *Book) now() time.Time { return b.Now().UTC().Truncate(time.Second) }
