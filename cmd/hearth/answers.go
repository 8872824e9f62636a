package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/resolver"
)

// Bounds of what every structured reason carries: it has 512 octets in all, and the
// justification must have room beside these.
const (
	contactOctets      = 200
	organizationOctets = 80
	infoURLOctets      = 255 - len("infourl=") // one string of a record (RFC 9606)
)

// usedOptions are EDNS option codes that mean something else (RFC 6891 and the IANA registry).
const usedOptions = 20

// structured says what clients that understand it are told of a block.
func (c *Config) structured() resolver.Structured {
	s := c.Answers.Structured
	if !s.Enabled {
		return resolver.Structured{}
	}
	return resolver.Structured{Option: s.Option, Legacy: s.Legacy, Contact: s.Contact, Organization: s.Organization}
}

func (c *Config) validateAnswers(r *report) {
	s := c.Answers.Structured
	if s.Option > 0 && s.Option <= usedOptions {
		r.add("answers.structured.option", "the EDNS option %d is for something else; write the code that the draft has got, or 65001 to 65534 to try it out, or 0", s.Option)
	}
	for i, contact := range s.Contact {
		u, err := url.Parse(contact)
		if err != nil || u.Scheme != "mailto" && u.Scheme != "tel" || u.Opaque == "" || strings.ContainsAny(contact, " \t\n") {
			r.add("answers.structured.contact["+strconv.Itoa(i)+"]", "%q is no contact that clients take; write mailto:family@example.com or tel:+49301234567", contact)
		}
	}
	if b, err := json.Marshal(s.Contact); err == nil && len(b) > contactOctets {
		r.add("answers.structured.contact", "these have %d octets, and a reason has no room for more than %d; write fewer", len(b), contactOctets)
	}
	if len(s.Organization) > organizationOctets {
		r.add("answers.structured.organization", "this has %d octets, and a reason has no room for more than %d; write a shorter name", len(s.Organization), organizationOctets)
	}
	if page := c.Answers.InfoURL; page != "" {
		u, err := url.Parse(page)
		if err != nil || u.Scheme != "https" || u.Host == "" || len(page) > infoURLOctets || strings.ContainsAny(page, " \t\n") {
			r.add("answers.info_url", "%q is not the address of a page; write https://example.com/dns, of at most %d octets, or \"\"", page, infoURLOctets)
		}
	}
}
