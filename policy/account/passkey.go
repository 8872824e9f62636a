package account

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/hearthdns/hearth/policy/store"
)

// maxPasskeys bounds the passkeys of one account: one or two for each of its devices.
const maxPasskeys = 10

// Passkey is a key pair in somebody's phone, computer or security key. Only its public half is here.
type Passkey struct {
	ID     []byte    `json:"id"`
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	Seen   time.Time `json:"seen,omitzero"`
	Cloned bool      `json:"cloned,omitempty"` // its counter went back once: there may be a copy

	Public     []byte                            `json:"public"` // COSE key
	Flags      byte                              `json:"flags"`
	Count      uint32                            `json:"count"`
	Transports []protocol.AuthenticatorTransport `json:"transports,omitempty"`
}

// credential is a passkey as the library takes it.
func (k Passkey) credential() webauthn.Credential {
	return webauthn.Credential{
		ID: k.ID, PublicKey: k.Public, Transport: k.Transports, Flags: webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(k.Flags)),
		Authenticator: webauthn.Authenticator{SignCount: k.Count},
	}
}

// person is an account as the library takes it. Its handle is the account's id, which means nothing to anybody.
type person struct {
	Account
	keys []webauthn.Credential
}

func (p person) WebAuthnID() []byte                         { return []byte(p.ID) }
func (p person) WebAuthnName() string                       { return p.Name }
func (p person) WebAuthnDisplayName() string                { return p.Name }
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.keys }

func personOf(a Account, p proof) person {
	who := person{Account: a}
	for _, k := range p.Passkeys {
		who.keys = append(who.keys, k.credential())
	}
	return who
}

// newPasskeys asks for keys that are found without a name and that verify their user, by finger, face or PIN; which make
// they are is nobody's business.
func newPasskeys(name string, origins []string) (*webauthn.WebAuthn, error) {
	if err := protocol.ValidateRPID(name); err != nil {
		return nil, err
	}
	required := true
	return webauthn.New(&webauthn.Config{
		RPID: name, RPDisplayName: "Hearth", RPOrigins: origins, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required, UserVerification: protocol.VerificationRequired,
		},
	})
}

// pointer says whose a passkey or a subject of a provider is.
type pointer struct {
	ID        string `json:"id"`
	Household string `json:"household"`
	Account   string `json:"account"`
}

func (p pointer) key() store.Key { return store.Key{Household: Operators, Kind: kindPointer, ID: p.ID} }

func passkeyPointer(id []byte) store.Key { return pointer{ID: "key-" + hashed(string(id))}.key() }

// HasPasskeys says whether the console can be reached by a name to which browsers bind passkeys.
func (b *Book) HasPasskeys() bool { return b.passkeys != nil }

func noPasskeys() error {
	return refused("passkey", "passkeys need the console to have a name: give it one, and reach it by that")
}

// BeginPasskey begins to add a passkey to the account of a session. The options go to navigator.credentials.create, the
// ceremony into a cookie.
func (b *Book) BeginPasskey(ctx context.Context, cookie string) (options json.RawMessage, sealed string, err error) {
	s, p, err := b.adding(ctx, cookie)
	if err != nil {
		return nil, "", err
	}
	who := personOf(s.Who, p.value)
	creation, data, err := b.passkeys.BeginRegistration(who, webauthn.WithExclusions(webauthn.Credentials(who.keys).CredentialDescriptors()))
	if err != nil {
		return nil, "", err
	}
	if options, err = json.Marshal(creation); err != nil {
		return nil, "", err
	}
	sealed, err = b.sealed(ceremony{What: toAdd, Passkey: data})
	return options, sealed, err
}

// adding gives a session that may add a passkey.
func (b *Book) adding(ctx context.Context, cookie string) (s Session, p kept[proof], err error) {
	if b.passkeys == nil {
		return s, p, noPasskeys()
	}
	if s, err = b.Session(ctx, cookie); err != nil {
		return s, p, err
	}
	if s.Who.Provider {
		return s, p, elsewhere()
	}
	if err = b.fresh(s.Actor()); err != nil {
		return s, p, err
	}
	if p, err = b.proofOf(ctx, s.Who); err == nil && len(p.value.Passkeys) >= maxPasskeys {
		err = refused("passkey", "this account has %d passkeys already: remove one first", maxPasskeys).with("full", "most", maxPasskeys)
	}
	return s, p, err
}

// FinishPasskey adds the passkey that navigator.credentials.create answered, under a name such as "my phone".
func (b *Book) FinishPasskey(ctx context.Context, cookie, sealed, name string, response []byte) (Passkey, error) {
	c, ok := b.unsealed(toAdd, sealed)
	if !ok || c.Passkey == nil || len(response) > maxResponse {
		return Passkey{}, wrongPasskey()
	}
	name, err := goodName(name)
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Passkey{}, wrongPasskey()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s, p, err := b.adding(ctx, cookie)
	if err != nil {
		return Passkey{}, err
	}
	made, err := b.passkeys.CreateCredential(personOf(s.Who, p.value), *c.Passkey, parsed)
	if err != nil || !b.used.first(c.Passkey.Challenge, c, b.now()) {
		return Passkey{}, wrongPasskey()
	}
	k := Passkey{
		ID: made.ID, Name: name, At: b.now(), Public: made.PublicKey, Flags: byte(made.Flags.ProtocolValue()),
		Count: made.Authenticator.SignCount, Transports: made.Transport,
	}
	p.value.Passkeys = append(p.value.Passkeys, k)
	to, err := set(pointer{ID: passkeyPointer(k.ID).ID, Household: s.Household, Account: s.Account}, 0)
	if err != nil {
		return Passkey{}, err
	}
	w, err := set(p.value, p.revision)
	if err != nil {
		return Passkey{}, err
	}
	if err := b.put(ctx, to, w); err != nil {
		return Passkey{}, err
	}
	b.tell(Notice{Event: EventPasskey, Household: s.Household, Name: s.Who.Name})
	return k, nil
}

// BeginSignIn begins a sign-in with a passkey, whoever it will be. The options go to navigator.credentials.get, the
// ceremony into a cookie. Nothing is kept of it.
func (b *Book) BeginSignIn() (options json.RawMessage, sealed string, err error) {
	if b.passkeys == nil {
		return nil, "", noPasskeys()
	}
	assertion, data, err := b.passkeys.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", err
	}
	if options, err = json.Marshal(assertion); err != nil {
		return nil, "", err
	}
	sealed, err = b.sealed(ceremony{What: toSignIn, Passkey: data})
	return options, sealed, err
}

// FinishSignIn signs in whoever's passkey answered navigator.credentials.get. It is never slowed: nobody guesses a
// signature. One whose counter did not move on is refused, and told: there may be a copy of it.
func (b *Book) FinishSignIn(ctx context.Context, client Client, sealed string, response []byte) (Signed, error) {
	if b.passkeys == nil {
		return Signed{}, noPasskeys()
	}
	signed, err := b.finishSignIn(ctx, client, sealed, response)
	if err != nil {
		b.counts.signIn(ByPasskey, false)
	}
	return signed, err
}

func (b *Book) finishSignIn(ctx context.Context, client Client, sealed string, response []byte) (Signed, error) {
	c, ok := b.unsealed(toSignIn, sealed)
	if !ok || c.Passkey == nil || len(response) > maxResponse {
		return Signed{}, wrongPasskey()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Signed{}, wrongPasskey()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a, p, err := b.owner(ctx, parsed.RawID)
	if err != nil {
		return Signed{}, err
	}
	_, found, err := b.passkeys.ValidatePasskeyLogin(func([]byte, []byte) (webauthn.User, error) { return personOf(a, p.value), nil }, *c.Passkey, parsed)
	now := b.now()
	if err != nil || !a.active(now) || !b.used.first(c.Passkey.Challenge, c, now) {
		return Signed{}, wrongPasskey()
	}
	i := slices.IndexFunc(p.value.Passkeys, func(k Passkey) bool { return bytes.Equal(k.ID, found.ID) })
	if i < 0 {
		return Signed{}, wrongPasskey()
	}
	k := &p.value.Passkeys[i]
	if found.Authenticator.CloneWarning {
		return Signed{}, b.cloned(ctx, client, a, p, k)
	}
	k.Seen, k.Count, k.Flags = now, found.Authenticator.SignCount, byte(found.Flags.ProtocolValue())
	return b.begin(ctx, a, entry{client: client, means: ByPasskey, proof: p})
}

// owner finds the account of a passkey. The caller holds mu.
func (b *Book) owner(ctx context.Context, id []byte) (a Account, p kept[proof], err error) {
	to, err := read[pointer](ctx, b, passkeyPointer(id))
	if err != nil || to.revision == 0 {
		return a, p, cmp.Or(err, wrongPasskey())
	}
	who, err := b.account(ctx, to.value.Household, to.value.Account)
	if err != nil {
		return a, p, wrongPasskey()
	}
	p, err = b.proofOf(ctx, who.value)
	return who.value, p, err
}

// cloned writes down that a passkey may have been copied, and tells it.
func (b *Book) cloned(ctx context.Context, client Client, a Account, p kept[proof], k *Passkey) error {
	k.Cloned = true
	b.counts.cloned.Add(1)
	b.tell(Notice{Event: EventCloned, Household: a.Household, Name: a.Name, Network: network(client.Address)})
	w, err := set(p.value, p.revision)
	if err == nil {
		err = b.put(ctx, w)
	}
	return errors.Join(wrongPasskey(), err)
}

// Passkeys lists the passkeys of an account, and says whether it has a passphrase.
func (b *Book) Passkeys(ctx context.Context, a Actor, household, account string) (keys []Passkey, passphrase bool, err error) {
	if err := b.own(a, household, account); err != nil {
		return nil, false, err
	}
	_, p, err := b.proven(ctx, household, account)
	return p.value.Passkeys, p.value.Hash != "", err
}

// RemovePasskey takes a passkey away: the account's own, after a sign-in of late.
func (b *Book) RemovePasskey(ctx context.Context, a Actor, household, account string, id []byte) error {
	err := b.own(a, household, account)
	if err == nil {
		err = b.fresh(a)
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	who, p, err := b.proven(ctx, household, account)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.value.Passkeys, func(k Passkey) bool { return bytes.Equal(k.ID, id) })
	if i < 0 {
		return unknown("passkey", "this account has no such passkey")
	}
	p.value.Passkeys = slices.Delete(p.value.Passkeys, i, i+1)
	w, err := set(p.value, p.revision)
	if err != nil {
		return err
	}
	if err := b.put(ctx, w, store.Write{Key: passkeyPointer(id)}); err != nil {
		return err
	}
	b.tell(Notice{Event: EventPasskey, Household: household, Name: who.value.Name, By: a.Name})
	return nil
}
