package store

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxID bounds the last part of a key, and the name of a person in the Journal, in octets: a DNS name has 255 at
// most, a name that people choose is far shorter.
const maxID = 255

// Key names one value: HOUSEHOLD/KIND/ID.
type Key struct {
	Household string // [a-z0-9-]{1,64}
	Kind      string // [a-z]{1,32}: definition, grant, pause, …
	ID        string // 1 to 255 octets of UTF-8 without "/" and control characters
}

// String gives HOUSEHOLD/KIND/ID.
func (k Key) String() string { return k.Household + "/" + k.Kind + "/" + k.ID }

// ParseKey reads what String gives.
func ParseKey(s string) (Key, error) {
	parts := strings.SplitN(s, "/", 3)
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("%q is no key; write HOUSEHOLD/KIND/ID", s)
	}
	k := Key{parts[0], parts[1], parts[2]}
	return k, k.Validate()
}

// MarshalText implements encoding.TextMarshaler.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Key) UnmarshalText(b []byte) (err error) {
	*k, err = ParseKey(string(b))
	return err
}

// Validate says what is wrong with the key, if anything is.
func (k Key) Validate() error {
	if err := validHousehold(k.Household); err != nil {
		return err
	}
	if err := validKind(k.Kind); err != nil {
		return err
	}
	return validID(k.ID)
}

var (
	households = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	kinds      = regexp.MustCompile(`^[a-z]{1,32}$`)
)

func validHousehold(s string) error {
	if !households.MatchString(s) {
		return fmt.Errorf("%q is no id of a household; write 1 to 64 of a-z, 0-9 and -", s)
	}
	return nil
}

func validKind(s string) error {
	if !kinds.MatchString(s) {
		return fmt.Errorf("%q is no kind; write 1 to 32 of a-z", s)
	}
	return nil
}

func validID(s string) error {
	if s == "" || len(s) > maxID || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r == '/' || unicode.IsControl(r) }) {
		return fmt.Errorf("%q is no id; write 1 to %d octets without / and control characters", s, maxID)
	}
	return nil
}

// validPrefix accepts "" (all), "HOUSEHOLD/", "HOUSEHOLD/KIND/" and a whole key.
func validPrefix(s string) error {
	if s == "" {
		return nil
	}
	household, rest, ok := strings.Cut(s, "/")
	if !ok {
		return fmt.Errorf(`%q is no beginning of a key; write "", HOUSEHOLD/, HOUSEHOLD/KIND/ or a whole key`, s)
	}
	kind, id, whole := strings.Cut(rest, "/")
	switch {
	case rest == "":
		return validHousehold(household)
	case whole && id == "":
		return Key{household, kind, "x"}.Validate()
	}
	return Key{household, kind, id}.Validate()
}

// covers says whether a key belongs to what begins with a valid prefix.
func covers(prefix, key string) bool {
	return key == prefix || (prefix == "" || strings.HasSuffix(prefix, "/")) && strings.HasPrefix(key, prefix)
}

// validValue says what is wrong with a value.
func validValue(v json.RawMessage) error {
	switch {
	case len(v) > MaxValue:
		return fmt.Errorf("the value has %d octets; at most %d are kept under one key", len(v), MaxValue)
	case !json.Valid(v):
		return fmt.Errorf("the value is not JSON")
	}
	return nil
}
