package account

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
)

const (
	// ceremonyLife is how long somebody may take from the beginning to the end: to find a phone, or to sign in elsewhere.
	ceremonyLife = 10 * time.Minute
	// maxCeremony bounds what a browser hands back, in octets: less than fits into a cookie.
	maxCeremony = 4096
	// maxResponse bounds what a passkey or a provider answers, in octets.
	maxResponse = 64 << 10
)

// ceremony is what must be the same at the end of a sign-in as at its beginning. The browser keeps it, sealed, so that
// beginning many takes no memory; what was finished is remembered until it would have run out, so that none is finished twice.
type ceremony struct {
	What    string                `json:"what"`
	Until   time.Time             `json:"until"`
	Passkey *webauthn.SessionData `json:"passkey,omitempty"`

	State    string `json:"state,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
	Verifier string `json:"verifier,omitempty"`
}

// What a ceremony is for.
const (
	toAdd     = "add a passkey"
	toSignIn  = "sign in with a passkey"
	toProvide = "sign in at the provider"
)

// sealed closes a ceremony, for the browser to keep: in a cookie HttpOnly, Secure, SameSite=Lax.
func (b *Book) sealed(c ceremony) (string, error) {
	c.Until = b.now().Add(ceremonyLife)
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	closed := b.seal.Seal(nil, nil, text, []byte(c.What)) //nolint:gosec // this AEAD draws its nonces itself, and takes none
	return base64.RawURLEncoding.EncodeToString(closed), nil
}

// unsealed opens a ceremony that this Book began, for what it was begun, in its time.
func (b *Book) unsealed(what, text string) (c ceremony, ok bool) {
	if len(text) > maxCeremony {
		return c, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, false
	}
	plain, err := b.seal.Open(nil, nil, raw, []byte(what))
	if err != nil || json.Unmarshal(plain, &c) != nil {
		return c, false
	}
	return c, c.What == what && b.now().Before(c.Until)
}

// used remembers which ceremonies were finished: those of people who signed in, so no flood fills it.
type used map[string]time.Time

// first says whether a ceremony is finished for the first time. The caller holds Book.mu.
func (u used) first(challenge string, c ceremony, now time.Time) bool {
	for old, until := range u {
		if !now.Before(until) {
			delete(u, old)
		}
	}
	if _, there := u[challenge]; there {
		return false
	}
	u[challenge] = c.Until
	return true
}
