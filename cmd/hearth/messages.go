package main

import (
	"cmp"

	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/words"
)

// messages is a language's messages.yaml: what parents are sent.
type messages struct {
	Reviewed bool   `yaml:"reviewed"`
	Somebody string `yaml:"somebody"` // where nobody is named
	Request  struct {
		For     string      `yaml:"for"`
		One     string      `yaml:"one"`
		Half    string      `yaml:"half"`
		Answer  string      `yaml:"answer"` // of the button
		Several words.Count `yaml:"several"`
	} `yaml:"request"`
	Account  map[string]sentence `yaml:"account"` // by account.Event, and "several"
	Birthday sentence            `yaml:"birthday"`
	Outcome  sentence            `yaml:"outcome"`
	Notice   sentence            `yaml:"notice"`
	Test     sentence            `yaml:"test"`
}

type sentence struct {
	Title string `yaml:"title"`
	Body  string `yaml:"body"`
}

var letters = words.Lazy(func(code string) (*messages, error) { return words.Read[messages](code, "messages") })

// word gives the text of a message in the language of its household.
func (s *server) word(d notify.Draft) notify.Text {
	tag := ""
	if dir := s.directory(); dir != nil {
		if h, ok := dir.Household(d.Household); ok {
			tag = h.Language
		}
	}
	return sentences(words.Match(tag, ""), d)
}

// sentences words a message in a language.
func sentences(language string, d notify.Draft) notify.Text {
	m := letters.In(language)
	said := m.of(d)
	values := map[string]string{"who": cmp.Or(d.Member, m.Somebody), "site": d.Site}
	text := notify.Text{Title: words.Fill(said.Title, values), Body: words.Fill(said.Body, values)}
	if d.Kind == notify.Request {
		text.Actions = []notify.Action{{Label: m.Request.Answer, Path: d.Path}}
	}
	return text
}

func (m *messages) of(d notify.Draft) sentence {
	switch d.Kind {
	case notify.Request:
		switch {
		case d.Count > 1:
			return sentence{Title: m.Request.Several.For(d.Count)}
		case d.What == string(parents.Half):
			return sentence{Title: m.Request.Half}
		case d.Site != "":
			return sentence{Title: m.Request.For}
		}
		return sentence{Title: m.Request.One}
	case notify.SignIn:
		if said, known := m.Account[d.What]; known && d.Count == 1 {
			return said
		}
		return m.Account["several"]
	case notify.Birthday:
		return m.Birthday
	case notify.Outcome:
		return m.Outcome
	case notify.Notice:
		return m.Notice
	}
	return m.Test
}
