package help

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"aead.dev/minisign"
	"github.com/goccy/go-yaml"
)

// Config is the `lists.help` section of the configuration.
type Config struct {
	Suspended []string `yaml:"suspended"` // names of the table that are to be no help names any more: lapsed, hijacked
	Update    Update   `yaml:"update"`    // where signed notices of suspended names come from; the zero value = nowhere
}

// Update says where the project's or somebody else's notices are. Beside a notice lies its detached minisign
// signature, under the same name with .minisig at the end.
type Update struct {
	Path string `yaml:"path"` // a file, or
	URL  string `yaml:"url"`  // https
	Key  string `yaml:"key"`  // minisign public key, the line that begins with RW
}

// Set says that notices are asked for.
func (u Update) Set() bool { return u.Path != "" || u.URL != "" }

// fieldError is a mistake in one field of a Config.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string { return e.text }

// Path is the place of the field relative to the Config, such as "suspended[0]".
func (e *fieldError) Path() string { return e.path }

// Validate reports every mistake at once, joined; each has a method Path() string and says what to write instead. It
// reads no file. A name that the table does not have is no mistake: a later table may have dropped it.
func (c Config) Validate() error {
	var errs []error
	fail := func(path, format string, args ...any) {
		errs = append(errs, &fieldError{path: path, text: fmt.Sprintf(format, args...)})
	}
	for i, name := range c.Suspended {
		if !hostName.MatchString(name) {
			fail(fmt.Sprintf("suspended[%d]", i), "%q is no host name: write it in lower case, such as helpline.example", name)
		}
	}
	u := c.Update
	if u.URL != "" {
		if at, err := url.Parse(u.URL); err != nil || at.Scheme != "https" || at.Host == "" || at.User != nil {
			fail("update.url", "not a URL that notices are fetched from: write https://host/path, without a password")
		}
	}
	switch {
	case u.Path != "" && u.URL != "":
		fail("update.path", "both url and path are given: keep the one where the notices are")
	case u.Set() && u.Key == "":
		fail("update.key", "no key: write the minisign public key of who signs the notices, the line that begins with RW")
	case u.Key != "" && !u.Set():
		fail("update", "a key without a place: write url: https://… or path: /…")
	case u.Key != "":
		if _, err := readKey(u.Key); err != nil {
			fail("update.key", "%v", err)
		}
	}
	return errors.Join(errs...)
}

func readKey(text string) (key minisign.PublicKey, err error) {
	if err = key.UnmarshalText([]byte(strings.TrimSpace(text))); err != nil {
		return key, errors.New("no minisign public key: write the line that begins with RW")
	}
	return key, nil
}

// Suspension is a name that is no help name any more.
type Suspension struct {
	Name   string `yaml:"name"   json:"name"`
	Reason string `yaml:"reason" json:"reason"`
	Date   string `yaml:"date"   json:"date,omitempty"` // YYYY-MM-DD
}

// Notice is a catalogue update: every name that is suspended now. It replaces the one before.
type Notice struct {
	Serial    uint64       `yaml:"serial"` // grows with every notice
	Suspended []Suspension `yaml:"suspended"`
}

// MaxNotice is the largest notice, or signature, in bytes; a thousand names take about a tenth of it.
const MaxNotice = 1 << 20

// Reasons why a notice is not taken.
var (
	ErrUnsigned  = errors.New("the notice is not signed: its signature belongs beside it, in a file of the same name with .minisig at the end")
	ErrSignature = errors.New("the signature is not one of this notice by the configured key")
	ErrOlder     = errors.New("the notice has an older serial than the one in force, or its serial with other words")
)

// Verify reads a notice that was signed with key, and only such a one. held is the notice in force, the zero value if
// there is none. Errors: ErrUnsigned, ErrSignature, ErrOlder, or what is wrong with the notice; held then stays.
func Verify(key string, text, signature []byte, held Notice) (Notice, error) {
	public, err := readKey(key)
	if err != nil {
		return Notice{}, err
	}
	switch {
	case len(text) > MaxNotice:
		return Notice{}, fmt.Errorf("the notice has more than %d bytes", MaxNotice)
	case len(bytes.TrimSpace(signature)) == 0:
		return Notice{}, ErrUnsigned
	case !minisign.Verify(public, text, signature):
		return Notice{}, ErrSignature
	}
	n, err := parseNotice(text)
	if err != nil {
		return Notice{}, err
	}
	if n.Serial < held.Serial || n.Serial == held.Serial && !slices.Equal(n.Suspended, held.Suspended) {
		return Notice{}, fmt.Errorf("%w: %d, in force is %d", ErrOlder, n.Serial, held.Serial)
	}
	return n, nil
}

func parseNotice(text []byte) (n Notice, err error) {
	if err := yaml.UnmarshalWithOptions(text, &n, yaml.Strict()); err != nil {
		return Notice{}, fmt.Errorf("reading the notice: %w", err)
	}
	if n.Serial == 0 {
		return Notice{}, errors.New("reading the notice: no serial: write serial: 1, and more in every later one")
	}
	for _, s := range n.Suspended {
		_, err := time.Parse(time.DateOnly, s.Date)
		switch {
		case !hostName.MatchString(s.Name):
			return Notice{}, fmt.Errorf("reading the notice: %q is no host name in lower case", s.Name)
		case s.Reason == "":
			return Notice{}, fmt.Errorf("reading the notice: %s has no reason", s.Name)
		case err != nil:
			return Notice{}, fmt.Errorf("reading the notice: the date of %s is %q: write it like 2024-09-15", s.Name, s.Date)
		}
	}
	return n, nil
}

// Suspensions joins what the operator and a notice suspend; of two for one name the operator's counts.
func (c Config) Suspensions(n Notice) []Suspension {
	var all []Suspension
	for _, name := range c.Suspended {
		all = append(all, Suspension{Name: name, Reason: "suspended in the configuration"})
	}
	for _, s := range n.Suspended {
		if !slices.Contains(c.Suspended, s.Name) {
			all = append(all, s)
		}
	}
	return all
}

// Without returns the table without the rows of the suspended names, and the suspensions of names that it has none of.
func (t Table) Without(suspended []Suspension) (left Table, unknown []Suspension) {
	off := make(map[string]bool, len(suspended))
	for _, s := range suspended {
		off[s.Name] = true
		if !slices.ContainsFunc(t, func(r Row) bool { return r.Name == s.Name }) {
			unknown = append(unknown, s)
		}
	}
	for _, r := range t {
		if !off[r.Name] {
			left = append(left, r)
		}
	}
	return left, unknown
}
