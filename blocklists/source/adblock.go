package source

import (
	"bytes"

	"github.com/hearthdns/hearth/blocklists"
)

// adblockLine reads a rule of the DNS core of the adblock syntax: ||name^ (the name and all beneath), |name^ (the name),
// @@ before them (exception), $important and $badfilter behind them. Everything that a browser but no resolver can do
// is rejected: a rule with another modifier means less than its name, and reading it as a plain block breaks the web.
func (p *parser) adblockLine(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '!' || bytes.HasPrefix(line, []byte("[Adblock")) {
		return
	}
	rule, exception := bytes.CutPrefix(line, []byte("@@"))
	switch {
	case isRegex(rule):
		p.reject(ReasonRegex, line)
		return
	case isCosmetic(line):
		p.reject(ReasonCosmetic, line)
		return
	case line[0] == '#':
		return
	case bytes.HasPrefix(rule, []byte("/")):
		p.reject(ReasonURLPath, line)
		return
	}
	e := blocklists.Entry{Exception: exception}
	pattern, modifiers, found := bytes.Cut(rule, []byte("$"))
	if found && !applyModifiers(&e, modifiers) {
		p.reject(ReasonModifier, line)
		return
	}
	p.adblockPattern(bytes.TrimSpace(pattern), line, e)
}

// adblockPattern adds what the pattern of a rule matches. Where a pattern matches more than a name and the names
// beneath it (no anchor in front: also any name that merely ends so), the part on label boundaries is taken.
func (p *parser) adblockPattern(pattern, line []byte, e blocklists.Entry) {
	name := pattern
	switch {
	case bytes.HasPrefix(pattern, []byte("||")):
		e.Scope, name = blocklists.Subtree, pattern[2:]
	case bytes.HasPrefix(pattern, []byte("|")):
		e.Scope, name = blocklists.Exact, pattern[1:]
	case bytes.HasPrefix(pattern, []byte("*://")):
		p.matchPattern(pattern[len("*://"):], line, e)
		return
	case isPlain(pattern):
		p.adblockPlain(pattern, line, e)
		return
	}
	name = trimEnd(name)
	switch {
	case bytes.HasPrefix(name, []byte("*.")):
		e.Scope, name = blocklists.Below, name[2:]
	case len(name) > 1 && name[0] == '.':
		e.Scope, name = blocklists.Below, name[1:]
	}
	if bytes.IndexByte(name, '^') >= 0 { // a separator inside: something of the path is meant
		p.reject(ReasonURLPath, line)
		return
	}
	p.addAs(name, line, e)
}

// matchPattern reads what follows "*://" in a browser's match pattern: "*.name/*" means every page of the name and of
// all names beneath it.
func (p *parser) matchPattern(rest, line []byte, e blocklists.Entry) {
	e.Scope = blocklists.Exact
	name := bytes.TrimSuffix(rest, []byte("/*"))
	if below, ok := bytes.CutPrefix(name, []byte("*.")); ok {
		e.Scope, name = blocklists.Subtree, below
	}
	p.addAs(name, line, e)
}

// adblockPlain reads a line without any adblock mark: a bare name or a hosts line.
func (p *parser) adblockPlain(pattern, line []byte, e blocklists.Entry) {
	e.Scope = p.scope
	p.fields = splitFields(p.fields[:0], cutComment(pattern, '#'))
	switch {
	case len(p.fields) == 1:
		p.addAs(p.fields[0], line, e)
	case len(p.fields) > 1 && !e.Exception && isAddress(p.fields[0]):
		p.hostsNames(p.fields)
	default:
		p.reject(ReasonSyntax, line)
	}
}

func isPlain(pattern []byte) bool {
	return !bytes.ContainsAny(pattern, "|^*") && (len(pattern) == 0 || pattern[0] != '.')
}

// trimEnd takes off what ends the name in a pattern: ^ ^| ^* |
func trimEnd(pattern []byte) []byte {
	for _, end := range []string{"^|", "^*", "^", "|"} {
		if rest, ok := bytes.CutSuffix(pattern, []byte(end)); ok {
			return rest
		}
	}
	return pattern
}

// applyModifiers sets what the modifiers say; false where one is not understood.
func applyModifiers(e *blocklists.Entry, modifiers []byte) bool {
	for m := range bytes.SplitSeq(modifiers, []byte(",")) {
		switch string(bytes.TrimSpace(m)) {
		case "important":
			e.Important = true
		case "badfilter":
			e.Cancel = true
		default:
			return false
		}
	}
	return true
}

// isRegex reports whether a rule is /expression/, with flags or modifiers behind it or not.
func isRegex(rule []byte) bool {
	if len(rule) < 2 || rule[0] != '/' {
		return false
	}
	end := bytes.LastIndexByte(rule, '/')
	if i := bytes.Index(rule, []byte("/$")); i > 0 {
		end = i
	}
	if end == 0 {
		return false
	}
	tail := rule[end+1:]
	return len(tail) == 0 || tail[0] == '$' || len(bytes.Trim(tail, "dgimsuvy")) == 0
}

// isCosmetic reports whether a line is a rule about the content of pages: domains##selector and its kin (#@# #?# #$#
// #%# and mixtures), or domains$$selector. White space before the mark means a comment behind something else.
func isCosmetic(line []byte) bool {
	i := bytes.IndexAny(line, "#$ \t")
	if i < 0 {
		return false
	}
	rest := line[i+1:]
	switch line[i] {
	case '#':
		rest = bytes.TrimLeft(rest, "@?$%")
		return len(rest) > 0 && rest[0] == '#'
	case '$':
		return bytes.HasPrefix(rest, []byte("$")) || bytes.HasPrefix(rest, []byte("@$"))
	}
	return false
}
