package main

import (
	"fmt"

	"github.com/hearthdns/hearth/policy/notify"
)

// hireMessengers makes what tells others: programs and web services of stops, parents of what waits for them.
func (s *server) hireMessengers(c *Config) (err error) {
	if s.events, err = newEvents(c.Events, s.directory, s.presence.List, s.log); err != nil {
		return err
	}
	s.post, err = notify.New(notify.Config{
		Settings: c.Notify, State: s.state, Log: s.store, Words: sentences, NAT64: c.Resolve.DNS64.Prefix, Report: s.log,
	})
	if err != nil {
		return fmt.Errorf("preparing messages to parents: %w", err)
	}
	return nil
}

// sentences words messages in English.
func sentences(d notify.Draft) notify.Text {
	who := d.Member
	if who == "" {
		who = "Somebody"
	}
	switch {
	case d.Kind == notify.Request && d.Count > 1:
		return notify.Text{Title: fmt.Sprintf("%d requests wait for an answer", d.Count)}
	case d.Kind == notify.Request && d.Site != "":
		return notify.Text{Title: fmt.Sprintf("%s asks for %s", who, d.Site)}
	case d.Kind == notify.Request:
		return notify.Text{Title: who + " asks for something"}
	case d.Kind == notify.SignIn:
		return accountText(d)
	case d.Kind == notify.Birthday:
		return notify.Text{Title: "A birthday is near", Body: who + " may soon get other rules."}
	case d.Kind == notify.Outcome:
		return notify.Text{Title: "A report was looked at"}
	case d.Kind == notify.Notice:
		return notify.Text{Title: "There is something new to look at"}
	}
	return notify.Text{Title: "Messages arrive here", Body: "This is a test."}
}
