package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// webhookCarrier posts JSON to a URL.
type webhookCarrier struct{ web *web }

// posted is what is posted. docs/notify.md describes it.
type posted struct {
	ID        string         `json:"id"` // the same for each try
	At        time.Time      `json:"at"`
	Kind      Kind           `json:"kind"`
	Household string         `json:"household"`
	Count     int            `json:"count"`
	Member    string         `json:"member,omitempty"`
	Site      string         `json:"site,omitempty"`
	Title     string         `json:"title"`
	Body      string         `json:"body,omitempty"`
	URL       string         `json:"url,omitempty"`
	Actions   []postedAction `json:"actions,omitempty"`
}

type postedAction struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// send implements carrier. Each request has a header Hearth-Signature, "sha256=" and the HMAC-SHA256 (RFC 2104) of the
// body with the channel's secret in hexadecimal, as events have.
func (h webhookCarrier) send(ctx context.Context, l letter) error {
	m := posted{
		ID: l.id, At: l.at.UTC().Truncate(time.Second), Kind: l.draft.Kind, Household: l.draft.Household, Count: l.draft.Count,
		Member: l.draft.Member, Site: l.draft.Site, Title: l.text.Title, Body: l.text.Body, URL: l.url,
	}
	for _, a := range l.text.Actions {
		m.Actions = append(m.Actions, postedAction{a.Label, a.Path})
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding for a webhook: %w", err)
	}
	header := map[string]string{}
	if l.channel.Secret != "" {
		sum := hmac.New(sha256.New, []byte(l.channel.Secret))
		_, _ = sum.Write(body) // never fails
		header["Hearth-Signature"] = "sha256=" + hex.EncodeToString(sum.Sum(nil))
	}
	return h.web.post(ctx, l.channel.To, body, header)
}
