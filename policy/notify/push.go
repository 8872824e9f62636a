package notify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/SherClockHolmes/webpush-go"
)

// pushTime is how long a push service keeps a message for a phone that is off, in seconds: a day.
const pushTime = 24 * 60 * 60

// pushCarrier sends Web Push: RFC 8030, encrypted by RFC 8291 and signed by RFC 8292.
type pushCarrier struct {
	web     *web
	key     pushKey
	contact string
}

// pushed is what a browser gets: a declarative push message (W3C Push API), which some show without help and which the console's
// service worker reads as well.
type pushed struct {
	Version      int    `json:"web_push"` // 8030
	Notification notice `json:"notification"`
}

type notice struct {
	Title    string         `json:"title"`
	Body     string         `json:"body,omitempty"`
	Navigate string         `json:"navigate"`
	Tag      string         `json:"tag"` // a later notice of the same tag takes this one's place
	Actions  []noticeAction `json:"actions,omitempty"`
}

type noticeAction struct {
	Action   string `json:"action"`
	Title    string `json:"title"`
	Navigate string `json:"navigate"`
}

// send implements carrier. Every message is as long as the other: 4096 octets, by padding.
func (p pushCarrier) send(ctx context.Context, l letter) error {
	m := pushed{Version: 8030, Notification: notice{Title: l.text.Title, Body: l.text.Body, Navigate: l.url, Tag: "hearth-" + string(l.draft.Kind)}}
	for _, a := range l.text.Actions {
		m.Notification.Actions = append(m.Notification.Actions, noticeAction{a.Path, a.Label, a.Path})
	}
	body, err := m.fitting()
	if err != nil {
		return err
	}
	options := &webpush.Options{
		HTTPClient: p.web, Subscriber: p.contact, Topic: topic(l), TTL: pushTime, Urgency: webpush.UrgencyNormal,
		VAPIDPublicKey: p.key.public, VAPIDPrivateKey: p.key.private,
	}
	if l.urgent {
		options.Urgency = webpush.UrgencyHigh
	}
	to := &webpush.Subscription{Endpoint: l.channel.To, Keys: webpush.Keys{Auth: l.channel.Auth, P256dh: l.channel.P256dh}}
	answer, err := webpush.SendNotificationWithContext(ctx, body, to, options)
	if err != nil {
		return failureOf(err)
	}
	return judge(answer)
}

// room is what a push of 4096 octets has for us: less the header, the end mark and the tag (RFC 8291 4).
const room = 4096 - 86 - 1 - 16

// fitting encodes the message; the body gives way, then the buttons.
func (m pushed) fitting() ([]byte, error) {
	for {
		b, err := json.Marshal(m)
		n := &m.Notification
		switch {
		case err != nil:
			return nil, fmt.Errorf("encoding a push: %w", err)
		case len(b) <= room:
			return b, nil
		case n.Body != "":
			n.Body = cut(n.Body, len(n.Body)/8)
		case len(n.Actions) > 0:
			n.Actions = nil
		default:
			return nil, wrong("", "the message has no room in a push: make its title and path shorter")
		}
	}
}

// topic has a push service keep the last of the messages of a kind alone for a phone that is off (RFC 8030 5.4). It tells
// the service nothing.
func topic(l letter) string {
	sum := sha256.Sum256([]byte(l.channel.ID + l.channel.Auth + string(l.draft.Kind)))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}
