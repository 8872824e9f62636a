package resolver

import (
	"encoding/json"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Structured is how clients ask for the reason of a block as structured data, and what all of them are told
// (draft-ietf-dnsop-structured-dns-error). The zero value: none is given.
type Structured struct {
	Option       uint16   // code of the EDNS option by which they ask; 0: there is none
	Legacy       bool     // they may ask by an Extended DNS Error of code 0 without text
	Contact      []string // URIs
	Organization string
}

const (
	reasonOctets = 512
	// elsewhere is what a UDP reply needs beside its records and its reason: OPT record, head of the reason, cookie.
	elsewhere = 11 + 6 + 28
	// operatorPolicy is the sub-error of names that are blocked for everybody. It says the same of all of them.
	operatorPolicy = `"s":6`
)

// structured is a Structured, prepared.
type structured struct {
	option                uint16
	legacy                bool
	contact, organization string // members of the JSON object, "" if there is nothing to tell
}

func newStructured(cfg Structured) structured {
	s := structured{option: cfg.Option, legacy: cfg.Legacy}
	member := func(name string, value any) string {
		b, _ := json.Marshal(value) // strings can be encoded
		return `"` + name + `":` + string(b)
	}
	if len(cfg.Contact) > 0 {
		s.contact = member("c", cfg.Contact)
	}
	if cfg.Organization != "" {
		s.organization = member("o", cfg.Organization)
	}
	return s
}

// wanted reports whether the client asks for structured data.
func (t *structured) wanted(q *wire.Query) bool {
	if t.option != 0 {
		if v, ok := q.Option(t.option); ok && len(v) == 0 {
			return true
		}
	}
	if !t.legacy {
		return false
	}
	v, ok := q.Option(wire.OptionEDE)
	return ok && len(v) == 2 && v[0] == 0 && v[1] == 0
}

// negative is the mode in which a client that understands the reason gets a block: without an address that is not
// the name's own. Who is refused stays refused, because then it is the profile's wish that the client knows no more.
func negative(m policy.BlockMode) policy.BlockMode {
	if m == policy.Refused {
		return m
	}
	return policy.NXDOMAIN
}

// room is how many octets a reason may have beside the records of a reply.
func room(c Client, q *wire.Query, reply []byte) int {
	if c.Transport != UDP {
		return reasonOctets
	}
	return int(min(q.Size, wire.MaxUDP)) - len(reply) - elsewhere
}

// structuredReason returns the reason of a block as JSON of at most room octets: if need be without justification
// and organization, else without anything. The object of a security block is that of the abuse list (see reason).
func (s *Stroke) structuredReason(room int) wire.EDE {
	t, p := &s.world.structured, s.who.Profile
	e := wire.EDE{Code: edeFiltered}
	if s.decision.Silent {
		e.Code = edeBlocked
	}
	id := p.AppendID(s.words[:0], s.decision)
	text, language := p.Justification(s.decision), p.TextLanguage()
	if s.decision.Silent {
		text = ""
	}
	const marks = len(`{,"j":" []",,"s":6,"l":"",}`)
	room = min(room, reasonOctets, len(s.words)-len(id))
	whole := len(t.contact)+len(text)+len(id)+len(language)+len(t.organization)+marks <= room
	o := object{s.words[len(id):len(id):len(s.words)]}
	o.add(t.contact)
	if whole && text != "" {
		o.add(`"j":"`)
		o.text = append(append(append(append(append(o.text, text...), " ["...), id...), ']'), '"')
	}
	if s.decision.Silent {
		o.add(operatorPolicy)
	}
	if whole && (text != "" || t.organization != "") {
		o.add(`"l":"`)
		o.text = append(append(o.text, language...), '"')
		o.add(t.organization)
	}
	if len(o.text) > 0 && len(o.text) < room {
		e.Text = append(o.text, '}')
	}
	return e
}

// object is a JSON object that is being written.
type object struct{ text []byte }

// add begins another member, unless it is "".
func (o *object) add(member string) {
	if member == "" {
		return
	}
	mark := byte(',')
	if len(o.text) == 0 {
		mark = '{'
	}
	o.text = append(append(o.text, mark), member...)
}
