package notify

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Kind is what a message is about. The set is closed.
type Kind string

// The kinds.
const (
	Request  Kind = "request"  // a child asks for something
	Notice   Kind = "notice"   // something new, such as what a toy talks to
	SignIn   Kind = "sign-in"  // somebody guesses, or signed in from elsewhere
	Birthday Kind = "birthday" // a member's rules are about to change
	Outcome  Kind = "outcome"  // an appeal or a report was decided

	test Kind = "test"
)

// Kinds lists those that a channel may choose from.
func Kinds() []Kind { return []Kind{Request, Notice, SignIn, Birthday, Outcome} }

// Message is something that the people of a household are told. It holds facts; Words makes the text of them, for each
// channel, when it is sent.
type Message struct {
	Household string
	Kind      Kind
	For       []string // accounts that it is for; none: everybody's channels
	Member    string   // whom it is about; "": nobody alone
	// Site is the name that somebody asks for. It is not told unless the household wants it: lock screens are public. The
	// caller leaves out names of legal lists and of self-harm.
	Site string
	What string // which sentence of its kind, as the caller's Words know it
	Path string // of the page of the console that it leads to, such as /requests/1; "": its first
}

// Draft is what a text is made of: one message, or several of a kind that came shortly after each other. What they do
// not share is left out.
type Draft struct {
	Household string
	Kind      Kind     // or "test"
	For       []string // accounts that read the channel; none: everybody's
	Count     int      // of messages, at least 1
	Member    string
	Site      string // "" unless the household wants names told, and always for several
	What      string
	Path      string // of the page of the console that it leads to
}

// Text is what people read, in their language. Titles have a line of at most 120 characters, bodies 1000; the rest is cut off.
type Text struct {
	Title   string
	Body    string
	Actions []Action // at most three; each opens a page of the console and does nothing by itself
}

// Action is a button of a message.
type Action struct{ Label, Path string }

const (
	maxTitle   = 120
	maxBody    = 1000
	maxLabel   = 40
	maxActions = 3 // ntfy shows no more
	maxFact    = 255
	maxReaders = 100 // of a message: id and name of each account of a household
)

// bounded cuts a message's facts, which wait in memory.
func (m Message) bounded() Message {
	m.Member, m.Site, m.What = cut(m.Member, maxFact), cut(m.Site, maxFact), cut(m.What, maxFact)
	if len(m.Path) > maxFact {
		m.Path = ""
	}
	m.For = slices.Clone(m.For[:min(len(m.For), maxReaders)])
	return m
}

// join is what a message and a later one have in common.
func (m Message) join(n Message) Message {
	if m.Member != n.Member {
		m.Member = ""
	}
	if m.What != n.What {
		m.What = ""
	}
	if m.Path != n.Path {
		m.Path = path.Dir(n.Path)
	}
	m.Site = ""
	return m
}

// letter is a message as a carrier sends it.
type letter struct {
	id      string // the same for all tries, until another message has joined
	at      time.Time
	draft   Draft
	text    Text // actions with whole URLs
	url     string
	urgent  bool
	channel Channel
}

// letter words a message for one channel.
func (p *Post) letter(c Channel, id string, m Message, count int, names bool) letter {
	d := Draft{Household: m.Household, Kind: m.Kind, For: slices.Clone(c.For), Count: count, Member: m.Member, What: m.What, Path: m.Path}
	if names && count == 1 {
		d.Site = m.Site
	}
	t := p.words(d)
	t.Title, t.Body = cut(line(t.Title), maxTitle), cut(strings.Map(keptInBody, t.Body), maxBody)
	base := p.console()
	var actions []Action
	for _, a := range t.Actions[:min(len(t.Actions), maxActions)] {
		if to := inConsole(base, a.Path); to != "" {
			actions = append(actions, Action{cut(line(a.Label), maxLabel), to})
		}
	}
	t.Actions = actions
	return letter{id: id, at: p.now(), draft: d, text: t, url: inConsole(base, m.Path), urgent: m.Kind == Request || m.Kind == SignIn || m.Kind == test, channel: c}
}

// inConsole gives the URL of a page of the console, "" for what leads elsewhere or where nobody knows its address.
func inConsole(base, page string) string {
	b, err := url.Parse(base)
	if err != nil || b.Host == "" || b.Scheme != "https" && b.Scheme != "http" {
		return ""
	}
	to, err := b.Parse(path.Join("/", page))
	if err != nil || to.Host != b.Host || to.Scheme != b.Scheme {
		return ""
	}
	return to.String()
}

// line makes one line of a text.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// keptInBody drops control characters but ends of lines.
func keptInBody(r rune) rune {
	if r != '\n' && unicode.IsControl(r) {
		return -1
	}
	return r
}

// cut keeps the first n characters of what is text.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	for at := range s {
		if n == 0 {
			return s[:at]
		}
		n--
	}
	return s
}
