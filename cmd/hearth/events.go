package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/events"
	"github.com/hearthdns/hearth/policy/presence"
)

// newEvents makes what tells of stops, nil where nobody is told.
func newEvents(c events.Receivers, view func() *policy.Directory, machines func() []presence.Machine, log *slog.Logger) (*events.Watch, error) {
	var to []events.Receiver
	if len(c.Command) > 0 {
		to = append(to, events.Command(c.Command))
	}
	if c.Webhook != "" {
		secret, err := eventSecret(c.SecretFile, log)
		if err != nil {
			return nil, fmt.Errorf("reading events.secret_file: %w", err)
		}
		to = append(to, events.NewWebhook(c.Webhook, secret))
	}
	if len(to) == 0 {
		return nil, nil //nolint:nilnil // nobody is told
	}
	seen := func(dir *policy.Directory) map[*policy.Device][]netip.Addr {
		at := make(map[*policy.Device][]netip.Addr)
		for _, m := range machines() {
			d := dir.IdentifyBy(&policy.Facts{Addr: m.Addr, MAC: m.MAC, Name: m.Name}).Device
			at[d] = append(at[d], m.Addr)
		}
		return at
	}
	return events.New(events.Config{View: view, Addresses: seen, Deliver: to, Log: log}), nil
}

// eventSecret reads what signs events, nil without a file.
func eventSecret(file string, log *slog.Logger) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return nil, fmt.Errorf("%s is empty: write a secret of your own into it", file)
	}
	if st, err := os.Stat(file); err == nil && forOthers(st) {
		log.Warn("events.secret_file can be read by others on this machine: set its mode to 0600 or 0640", "file", file)
	}
	return text, nil
}

// stopsChanged has who is told of stops told at once: somebody changed something, or there is a new World.
func (s *server) stopsChanged() {
	if s.events != nil {
		s.events.Changed()
	}
}
