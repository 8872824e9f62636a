package account_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"

	"github.com/hearthdns/hearth/policy/account"
)

// authenticator is a phone in software: one discoverable ES256 credential, as in W3C Web Authentication, 6.1 and 6.5,
// with its counter.
type authenticator struct {
	id, handle []byte
	key        *ecdsa.PrivateKey
	counter    uint32

	origin   string // of the page that asks
	rp       string // that it signs for
	verifies bool   // checks finger or PIN
	counts   bool
}

func newAuthenticator() *authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &authenticator{id: id, key: key, origin: origin, rp: "hearth.example", verifies: true, counts: true}
}

// clone is a copy of it that counts on by itself.
func (a *authenticator) clone() *authenticator {
	twin := *a
	return &twin
}

type asked struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
		Selection struct {
			Resident string `json:"residentKey"`
			Verify   string `json:"userVerification"`
		} `json:"authenticatorSelection"`
		Verify  string            `json:"userVerification"`
		Allow   []json.RawMessage `json:"allowCredentials"`
		Exclude []struct {
			ID string `json:"id"`
		} `json:"excludeCredentials"`
	} `json:"publicKey"`
}

func read(options json.RawMessage) (q asked) {
	if err := json.Unmarshal(options, &q); err != nil {
		panic(err)
	}
	return q
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) client(kind, challenge string) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		panic(err)
	}
	return text
}

func (a *authenticator) data(attested []byte) []byte {
	if a.counts {
		a.counter++
	}
	rp := sha256.Sum256([]byte(a.rp))
	flags := byte(0x01)
	if a.verifies {
		flags |= 0x04
	}
	if attested != nil {
		flags |= 0x40
	}
	out := append(rp[:], flags)
	out = binary.BigEndian.AppendUint32(out, a.counter)
	return append(out, attested...)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(options json.RawMessage) []byte {
	q := read(options)
	a.handle, _ = base64.RawURLEncoding.DecodeString(q.PublicKey.User.ID)
	point, err := a.key.PublicKey.Bytes() // 0x04, X, Y
	if err != nil {
		panic(err)
	}
	// {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: X, -3: Y}
	cose := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 0x20), point[33:]...)
	attested := binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(a.id)))
	data := a.data(append(append(attested, a.id...), cose...))
	// {"fmt": "none", "attStmt": {}, "authData": data}
	object := append([]byte{0xa3, 0x63}, "fmt"...)
	object = append(append(append(object, 0x64), "none"...), 0x67)
	object = append(append(append(object, "attStmt"...), 0xa0, 0x68), "authData"...)
	object = append(binary.BigEndian.AppendUint16(append(object, 0x59), uint16(len(data))), data...)
	return a.answer(map[string]any{"clientDataJSON": b64(a.client("webauthn.create", q.PublicKey.Challenge)), "attestationObject": b64(object)})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options json.RawMessage) []byte {
	client, data := a.client("webauthn.get", read(options).PublicKey.Challenge), a.data(nil)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		panic(err)
	}
	return a.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(a.handle)})
}

func (a *authenticator) answer(response map[string]any) []byte {
	text, err := json.Marshal(map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		panic(err)
	}
	return text
}

// adds adds an authenticator to the account of a session.
func (h *house) adds(a *authenticator, cookie string) {
	h.t.Helper()
	options, sealed, err := h.BeginPasskey(h.ctx, cookie)
	h.ok(err)
	_, err = h.FinishPasskey(h.ctx, cookie, sealed, "my phone", a.create(options))
	h.ok(err)
}

// presents signs in with an authenticator.
func (h *house) presents(a *authenticator) (account.Signed, error) {
	h.t.Helper()
	options, sealed, err := h.BeginSignIn()
	h.ok(err)
	return h.FinishSignIn(h.ctx, at("203.0.113.5"), sealed, a.get(options))
}
