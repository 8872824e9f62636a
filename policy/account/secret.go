package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"

	"github.com/hearthdns/hearth/policy/store"
)

const (
	secretOctets = 32 // of a cookie or token: nobody meets one by guessing, so guessing them is not slowed
	hashOctets   = 20 // of SHA-256, kept as the id of what a secret opens
	maxSecret    = 256
)

// Codes that people read out and type. With 30 signs in 16 places there are 4e23 of them.
const (
	codeSigns = "23456789ABCDEFGHJKMNPQRSTVWXYZ" // none that looks like another
	codeLen   = 16
	codeGroup = 4
)

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID draws an id of an account: of no meaning, so that a passkey may carry it.
func newID() string { return strings.ToLower(rand.Text()) }

// newSecret draws a secret of a household, and gives the id under which what it opens is kept.
func newSecret(household string) (text, id string) {
	raw := make([]byte, secretOctets)
	_, _ = rand.Read(raw) // it never fails
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return household + "." + secret, hashed(secret)
}

// newCode draws a code, each sign as likely as any other.
func newCode(household string) (text, id string) {
	const fair = 256 - 256%len(codeSigns)
	code := make([]byte, 0, codeLen)
	var b [1]byte
	for len(code) < codeLen {
		_, _ = rand.Read(b[:]) // it never fails
		if int(b[0]) < fair {
			code = append(code, codeSigns[int(b[0])%len(codeSigns)])
		}
	}
	var groups []string
	for i := 0; i < codeLen; i += codeGroup {
		groups = append(groups, string(code[i:i+codeGroup]))
	}
	return household + "." + strings.Join(groups, "-"), hashed(string(code))
}

// hashed is the id of what a secret opens. Who reads the store learns no secret, and looking an id up takes the same time
// however much of it is right.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return lower.EncodeToString(sum[:hashOctets])
}

// locate reads whose secret a text is, and under which id it is kept.
func locate(text string) (household, id string, ok bool) {
	household, secret, found := strings.Cut(text, ".")
	if !found || len(text) > maxSecret || secret == "" || !validHousehold(household) {
		return "", "", false
	}
	return household, hashed(secret), true
}

// locateCode is locate for a code as people type it.
func locateCode(text string) (household, id string, ok bool) {
	household, code, found := strings.Cut(strings.TrimSpace(text), ".")
	household = strings.ToLower(household)
	if !found || len(text) > maxSecret || !validHousehold(household) {
		return "", "", false
	}
	code = strings.Map(func(r rune) rune {
		if strings.ContainsRune(codeSigns, r) {
			return r
		}
		return -1
	}, strings.ToUpper(code))
	return household, hashed(code), len(code) == codeLen
}

func validHousehold(id string) bool {
	return store.Key{Household: id, Kind: kindAccount, ID: "x"}.Validate() == nil
}
