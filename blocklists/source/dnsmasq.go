package source

import (
	"bytes"

	"github.com/hearthdns/hearth/blocklists"
)

// dnsmasqLine reads the options of dnsmasq by which it blocks: address=/name/…/address (any address, "#" and none),
// server=/name/…/ and local=/name/…/ without a server. server=/name/# means "resolve as usual" and is an exception.
// Each covers the name and all beneath, "*.name" only what is beneath (dnsmasq(8)).
func (p *parser) dnsmasqLine(line []byte) {
	line = bytes.TrimSpace(cutSpacedComment(line, '#'))
	if len(line) == 0 {
		return
	}
	key, value, found := bytes.Cut(line, []byte("="))
	key = bytes.TrimPrefix(bytes.TrimSpace(key), []byte("--"))
	if !found || !isDnsmasqBlock(key) {
		p.reject(otherOption(key, found), line)
		return
	}
	value = bytes.TrimSpace(value)
	end := bytes.LastIndexByte(value, '/')
	if end <= 0 || value[0] != '/' {
		p.reject(ReasonAction, line)
		return
	}
	names, target := value[1:end], value[end+1:]
	e := blocklists.Entry{Scope: blocklists.Subtree}
	if string(key) != "address" && len(target) > 0 {
		if string(target) != "#" {
			p.reject(ReasonAction, line) // asks another server
			return
		}
		e.Exception = true
	}
	for name := range bytes.SplitSeq(names, []byte("/")) {
		p.dnsmasqName(name, line, e)
	}
}

func (p *parser) dnsmasqName(name, line []byte, e blocklists.Entry) {
	switch {
	case len(name) == 0, string(name) == "#": // all names without a dot; all names
		p.reject(ReasonSingleLabel, line)
		return
	case bytes.HasPrefix(name, []byte("*.")):
		e.Scope, name = blocklists.Below, name[2:]
	case name[0] == '.':
		name = name[1:]
	}
	p.addAs(name, line, e)
}

func isDnsmasqBlock(key []byte) bool {
	switch string(key) {
	case "address", "server", "local":
		return true
	}
	return false
}

// otherOption tells another option of dnsmasq from a line that is none.
func otherOption(key []byte, hasValue bool) Reason {
	for _, c := range key {
		if (c < 'a' || c > 'z') && c != '-' && (c < '0' || c > '9') {
			return ReasonSyntax
		}
	}
	if len(key) == 0 || !hasValue && bytes.IndexByte(key, '-') < 0 {
		return ReasonSyntax
	}
	return ReasonAction
}
