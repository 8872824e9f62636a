package transfer

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"strings"

	"github.com/miekg/dns"
)

// Key is a secret shared with the primaries of a zone (RFC 8945). It is its own dns.TsigProvider.
type Key struct {
	name      string // canonical
	algorithm string // as TSIG records write it: with the dot at its end
	secret    []byte
}

// shortestSecret is the least that a secret may have, in bytes: RFC 8945 section 8 asks for as much as the hash gives,
// and what tsig-keygen and keymgr make has it.
const shortestSecret = 16

// How named's configuration and tsig-keygen write a key.
var (
	keyClause       = regexp.MustCompile(`(?s)^\s*key\s+"?([^"\s{]+)"?\s*\{(.*?)\}\s*;?\s*$`)
	algorithmClause = regexp.MustCompile(`\balgorithm\s+"?([A-Za-z0-9-]+)"?\s*;`)
	secretClause    = regexp.MustCompile(`\bsecret\s+"?([A-Za-z0-9+/=]+)"?\s*;`)
)

// ParseKey reads the file of a secret: the secret alone in base64, or the whole clause that tsig-keygen prints. The
// clause's name must be that of the key. An empty algorithm means the clause's, or hmac-sha256.
func ParseKey(name, algorithm, text string) (*Key, error) {
	k := &Key{name: dns.CanonicalName(name)}
	secret := strings.Join(strings.Fields(text), "")
	if clause := keyClause.FindStringSubmatch(text); clause != nil {
		found := secretClause.FindStringSubmatch(clause[2])
		if found == nil {
			return nil, fmt.Errorf(`the key clause has no secret: write what "tsig-keygen %s" prints`, name)
		}
		secret = found[1]
		if dns.CanonicalName(clause[1]) != k.name {
			return nil, fmt.Errorf("the file holds the key %q, the configuration names the key %q: write the same name at both ends", clause[1], name)
		}
		if found := algorithmClause.FindStringSubmatch(clause[2]); found != nil && algorithm == "" {
			algorithm = found[1]
		}
	}
	if algorithm == "" {
		algorithm = "hmac-sha256"
	}
	k.algorithm = dns.CanonicalName(algorithm)
	if k.hash() == nil {
		return nil, fmt.Errorf("no algorithm %q: write hmac-sha256, hmac-sha384 or hmac-sha512", algorithm)
	}
	var err error
	if k.secret, err = base64.StdEncoding.DecodeString(secret); err != nil {
		// The text itself is a secret and is not shown.
		return nil, fmt.Errorf(`the secret is not base64: write the secret alone, or all that "tsig-keygen %s" prints`, name)
	}
	if len(k.secret) < shortestSecret {
		return nil, fmt.Errorf(`the secret has %d bytes and must have %d or more: make one by "tsig-keygen %s"`, len(k.secret), shortestSecret, name)
	}
	return k, nil
}

func (k *Key) hash() hash.Hash {
	switch k.algorithm {
	case dns.HmacSHA256:
		return hmac.New(sha256.New, k.secret)
	case dns.HmacSHA384:
		return hmac.New(sha512.New384, k.secret)
	case dns.HmacSHA512:
		return hmac.New(sha512.New, k.secret)
	}
	return nil
}

// equal reports whether two keys are the same one.
func (k *Key) equal(other *Key) bool {
	return k.name == other.name && k.algorithm == other.algorithm && hmac.Equal(k.secret, other.secret)
}

// Generate implements dns.TsigProvider.
func (k *Key) Generate(msg []byte, _ *dns.TSIG) ([]byte, error) {
	h := k.hash()
	h.Write(msg)
	return h.Sum(nil), nil
}

// Verify implements dns.TsigProvider. A signature that was cut (RFC 8945 section 5.2.2.1) is none.
func (k *Key) Verify(msg []byte, t *dns.TSIG) error { return k.verify(t, msg) }

// verify checks t over the parts of what was signed.
func (k *Key) verify(t *dns.TSIG, parts ...[]byte) error {
	if dns.CanonicalName(t.Hdr.Name) != k.name || dns.CanonicalName(t.Algorithm) != k.algorithm {
		return dns.ErrSecret
	}
	mac, err := hex.DecodeString(t.MAC)
	if err != nil {
		return dns.ErrSig
	}
	h := k.hash()
	for _, part := range parts {
		h.Write(part)
	}
	if !hmac.Equal(h.Sum(nil), mac) {
		return dns.ErrSig
	}
	return nil
}
