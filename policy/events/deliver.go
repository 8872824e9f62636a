package events

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"
)

const (
	commandTime = 10 * time.Second // a program that waits for a slow router
	webTime     = 5 * time.Second
	tries       = 3 // of one event
	between     = 2 * time.Second
	maxSaid     = 4 << 10 // of what a command says when it fails, for the log
)

// tell tells a receiver of an event, again if it fails.
func tell(ctx context.Context, to Receiver, e Event) error {
	e.From = e.From.Truncate(time.Second)
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	for n := range tries {
		if n > 0 {
			select {
			case <-ctx.Done():
				return err
			case <-time.After(between):
			}
		}
		if err = to.Deliver(ctx, text); err == nil {
			return nil
		}
	}
	return err
}

// Command runs a program for each event, without a shell: the event is its standard input, a line.
type Command []string

// Deliver runs the program. Its error has what the program said.
func (c Command) Deliver(ctx context.Context, event []byte) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	said := &tail{}
	cmd := exec.CommandContext(ctx, c[0], c[1:]...) //nolint:gosec // the operator's own
	cmd.Stdin = io.MultiReader(bytes.NewReader(event), strings.NewReader("\n"))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w %s", c[0], err, strings.TrimSpace(said.String()))
	}
	return nil
}

// String names the program.
func (c Command) String() string { return c[0] }

// tail keeps the beginning of what is written to it.
type tail struct{ bytes.Buffer }

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.Buffer.Write(b[:min(len(b), maxSaid-min(maxSaid, t.Len()))])
	return len(b), nil
}

// Webhook posts each event to a URL.
type Webhook struct {
	url    string
	secret []byte
	client *http.Client
}

// NewWebhook returns a Webhook. With a secret each request has a header Hearth-Signature, "sha256=" and the HMAC-SHA256
// of the body in hexadecimal (RFC 2104). Redirects are not followed: an event tells of people.
func NewWebhook(to string, secret []byte) *Webhook {
	return &Webhook{url: to, secret: secret, client: &http.Client{
		Timeout:       webTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it leads elsewhere; write that URL") },
	}}
}

// Deliver posts an event; a status other than 2xx is an error.
func (h *Webhook) Deliver(ctx context.Context, event []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(event))
	if err != nil {
		return fmt.Errorf("posting to the webhook: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if len(h.secret) > 0 {
		sum := hmac.New(sha256.New, h.secret)
		_, _ = sum.Write(event) // never fails
		r.Header.Set("Hearth-Signature", "sha256="+hex.EncodeToString(sum.Sum(nil)))
	}
	answer, err := h.client.Do(r)
	if told := new(url.Error); errors.As(err, &told) {
		err = told.Err // without the URL, which may be a secret
	}
	if err != nil {
		return fmt.Errorf("posting to the webhook: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxSaid))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %s", answer.Status)
	}
	return nil
}

// String names the service without what may be secret in its URL.
func (h *Webhook) String() string { return "the webhook" }
