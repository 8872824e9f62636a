package notify

import (
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Carrier is by what messages reach a channel. The set is closed.
type Carrier string

// The carriers.
const (
	Push    Carrier = "push"    // Web Push (RFC 8030) to a browser
	Mail    Carrier = "mail"    // e-mail
	Ntfy    Carrier = "ntfy"    // the ntfy server of the operator
	Webhook Carrier = "webhook" // JSON posted to a URL
)

// Carriers lists them.
func Carriers() []Carrier { return []Carrier{Push, Mail, Ntfy, Webhook} }

// Channel is one way to somebody of a household, as the store keeps it.
type Channel struct {
	ID   string  `json:"id"` // made of Kind and To: the same receiver is the same channel
	Kind Carrier `json:"kind"`
	// To is the endpoint of a push subscription, an e-mail address, a topic of ntfy or a URL.
	To string `json:"to"`
	// P256dh and Auth are the keys of a push subscription (RFC 8291 2), as the browser gives them: base64url.
	P256dh string `json:"p256dh,omitempty"`
	Auth   string `json:"auth,omitempty"`
	// Secret signs what is posted to a webhook. It is made when the channel is, and shown then alone.
	Secret string    `json:"secret,omitempty"`
	Name   string    `json:"name,omitempty"` // by which people know it, such as "Alex's phone"
	For    []string  `json:"for,omitempty"`  // accounts that read it; none: everybody's
	Of     []Kind    `json:"of,omitempty"`   // kinds of messages that it gets; none: all
	Since  time.Time `json:"since"`
}

const (
	maxName   = 64 // characters
	maxFor    = 20
	topicForm = `^[-_A-Za-z0-9]{1,64}$` // of ntfy
)

var topics = regexp.MustCompile(topicForm)

// idOf names the channel to one receiver.
func idOf(kind Carrier, to string) string {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + to))
	return hex.EncodeToString(sum[:12])
}

// wants says whether a message is for the channel.
func (c Channel) wants(m Message) bool {
	if len(c.Of) > 0 && !slices.Contains(c.Of, m.Kind) {
		return false
	}
	return len(c.For) == 0 || len(m.For) == 0 || slices.ContainsFunc(m.For, func(a string) bool { return slices.Contains(c.For, a) })
}

// Shown is the channel without what is as good as a password, for people to look at.
func (c Channel) Shown() Channel {
	c.Secret, c.P256dh, c.Auth = "", "", ""
	if u, err := url.Parse(c.To); err == nil && (c.Kind == Push || c.Kind == Webhook) {
		c.To = u.Scheme + "://" + u.Host + "/…"
	}
	return c
}

// check says what is wrong with a channel, and what to write instead.
func (p *Post) check(c Channel) error {
	if utf8.RuneCountInString(c.Name) > maxName || !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, unprintable) {
		return wrong("name", "the name is too long or has control characters: write at most %d letters", maxName)
	}
	if len(c.For) > maxFor || slices.ContainsFunc(c.For, func(a string) bool { return a == "" || len(a) > 255 || strings.ContainsFunc(a, unprintable) }) {
		return wrong("for", "these are no accounts: write at most %d names of accounts", maxFor)
	}
	for _, k := range c.Of {
		if !slices.Contains(Kinds(), k) {
			return wrong("of", "%q is no kind of message: write some of %s", k, listed(Kinds()))
		}
	}
	if c.Kind != Push && (c.P256dh != "" || c.Auth != "") {
		return wrong("p256dh", "only a push subscription has keys: leave them out")
	}
	switch c.Kind {
	case Push:
		return p.checkPush(c)
	case Mail:
		if p.set.Mail.Server == "" {
			return off("e-mail", "mail.server")
		}
		if !isAddress(c.To) {
			return wrong("to", "this is no address of e-mail: write one such as alex@home.example")
		}
	case Ntfy:
		if p.set.Ntfy.Server == "" {
			return off("ntfy", "ntfy.server")
		}
		if !topics.MatchString(c.To) {
			return wrong("to", "this is no topic of ntfy: write 1 to 64 of a-z, A-Z, 0-9, - and _; long and random, since whoever knows it reads along")
		}
	case Webhook:
		_, err := p.guard.target(c.To)
		return err
	default:
		return wrong("kind", "%q is no kind of channel: write one of %s", c.Kind, listed(Carriers()))
	}
	return nil
}

func (p *Post) checkPush(c Channel) error {
	if p.carriers[Push] == nil {
		return &Failure{Why: Off, Text: "there is no Web Push here, for want of its key: have the operator look at the log"}
	}
	u, err := p.guard.target(c.To)
	if err != nil {
		return err
	}
	if u.Scheme != "https" { // RFC 8030 8
		return wrong("to", "a push service has an https:// URL: give what the browser gave")
	}
	key, err := unpadded(c.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if auth, bad := unpadded(c.Auth); err != nil || bad != nil || len(auth) != 16 {
		return wrong("p256dh", "these are no keys of a push subscription: give p256dh and auth as the browser gave them")
	}
	return nil
}

// unpadded reads base64url, with or without padding.
func unpadded(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}

func off(what, key string) error {
	return &Failure{Why: Off, Text: "there is no " + what + " here: have the operator set notify." + key}
}

// listed gives words with commas.
func listed[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}
