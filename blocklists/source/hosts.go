package source

import (
	"bytes"

	"github.com/hearthdns/hearth/blocklists"
)

// hostsLine reads a line of a hosts file: an address and any number of names. Lists that call themselves hosts also
// have bare names, so a line without an address is read as one.
func (p *parser) hostsLine(line []byte) {
	p.fields = p.plainFields(line)
	switch {
	case len(p.fields) == 0:
	case isAddress(p.fields[0]):
		p.hostsNames(p.fields)
	case len(p.fields) > 1:
		p.reject(ReasonSyntax, line)
	default:
		p.add(p.fields[0], blocklists.Entry{Scope: p.scope})
	}
}

// hostsNames adds the names behind the address.
func (p *parser) hostsNames(fields [][]byte) {
	if len(fields) == 1 {
		p.reject(ReasonIP, fields[0])
		return
	}
	for _, name := range fields[1:] {
		if !isLocalName(name) {
			p.add(name, blocklists.Entry{Scope: p.scope})
		}
	}
}

// domainsLine reads a line of a domains or wildcard list: one name, "*.name" or ".name", the latter two with
// everything beneath whatever Options.Match says. A hosts line is read as such.
func (p *parser) domainsLine(line []byte) {
	p.fields = p.plainFields(line)
	switch {
	case len(p.fields) == 0:
	case len(p.fields) == 1:
		p.domainsName(p.fields[0])
	case isAddress(p.fields[0]):
		p.hostsNames(p.fields)
	default:
		p.reject(ReasonSyntax, line)
	}
}

func (p *parser) domainsName(text []byte) {
	e := blocklists.Entry{Scope: p.scope}
	name := text
	switch {
	case bytes.HasPrefix(text, []byte("*.")):
		e.Scope, name = blocklists.Subtree, text[2:]
	case len(text) > 1 && text[0] == '.':
		e.Scope, name = blocklists.Subtree, text[1:]
	}
	p.addAs(name, text, e)
}

// addAs is add for a name that is only a part of what stands in the list.
func (p *parser) addAs(name, text []byte, e blocklists.Entry) {
	wire, why := p.norm.entry(name, p.opts.PublicSuffixes)
	if why != "" {
		p.reject(why, text)
		return
	}
	p.addName(wire, text, e)
}

// plainFields splits a line into fields, without its comment: "#" anywhere, as hosts(5) has it; "!", ";" and "//"
// at the start, as headers of other formats are left in plain lists.
func (p *parser) plainFields(line []byte) [][]byte {
	fields := splitFields(p.fields[:0], cutComment(line))
	if len(fields) == 0 {
		return fields
	}
	if first := fields[0]; first[0] == '!' || first[0] == ';' || bytes.HasPrefix(first, []byte("//")) {
		return fields[:0]
	}
	return fields
}

// isLocalName reports whether a name is one of those that a hosts file gives to the machine itself.
func isLocalName(name []byte) bool {
	switch string(name) {
	case "localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0",
		"localhost4", "localhost6", "localhost4.localdomain4", "localhost6.localdomain6",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
		"ip6-allnodes", "ip6-allrouters", "ip6-allhosts":
		return true
	}
	return false
}
