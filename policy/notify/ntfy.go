package notify

import (
	"context"
	"encoding/json"
	"fmt"
)

// ntfyCarrier publishes to an ntfy server as JSON (docs.ntfy.sh, "Publish as JSON").
type ntfyCarrier struct {
	web    *web
	server string
	token  string
}

// published is what ntfy takes.
type published struct {
	Topic    string       `json:"topic"`
	Title    string       `json:"title"`
	Message  string       `json:"message"`
	Priority int          `json:"priority"` // 3 is the default, 4 makes more noise
	Click    string       `json:"click,omitempty"`
	Actions  []ntfyAction `json:"actions,omitempty"`
}

type ntfyAction struct {
	Action string `json:"action"` // always view: it opens a page
	Label  string `json:"label"`
	URL    string `json:"url"`
}

// send implements carrier.
func (n ntfyCarrier) send(ctx context.Context, l letter) error {
	m := published{Topic: l.channel.To, Title: l.text.Title, Message: l.text.Body, Priority: 3, Click: l.url}
	if m.Message == "" {
		m.Message = m.Title // ntfy would write a word of its own
	}
	if l.urgent {
		m.Priority = 4
	}
	for _, a := range l.text.Actions {
		m.Actions = append(m.Actions, ntfyAction{"view", a.Label, a.Path})
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding for ntfy: %w", err)
	}
	header := map[string]string{}
	if n.token != "" {
		header["Authorization"] = "Bearer " + n.token
	}
	return n.web.post(ctx, n.server+"/", body, header)
}
