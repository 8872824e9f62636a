package source

import (
	"bytes"

	"github.com/hearthdns/hearth/blocklists"
)

// adblockLine reads a rule of the adblock syntax as AdGuard reads it for DNS: ||name^ (the name and all beneath), |name^
// (the name), names with a * inside, /expression/, @@ before them (exception), and behind them the modifiers for DNS.
// Everything that a browser but no resolver can do is rejected: a rule with another modifier means less than its name,
// and reading it as a plain block breaks the web.
func (p *parser) adblockLine(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '!' || bytes.HasPrefix(line, []byte("[Adblock")) {
		return
	}
	rule, exception := bytes.CutPrefix(line, []byte("@@"))
	switch {
	case isRegex(rule):
		p.adblockRegex(rule, line, exception)
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
	p.rule = adblockRule{text: line, entry: blocklists.Entry{Exception: exception}}
	pattern, modifiers, found := bytes.Cut(rule, []byte("$"))
	if found {
		if why := p.rule.modify(modifiers); why != "" {
			p.reject(why, line)
			return
		}
	}
	p.adblockPattern(bytes.TrimSpace(pattern))
}

// adblockRegex reads /expression/ with what follows it.
func (p *parser) adblockRegex(rule, line []byte, exception bool) {
	expr, modifiers, _ := cutRegex(rule)
	p.rule = adblockRule{text: line, entry: blocklists.Entry{Exception: exception}}
	if len(modifiers) > 0 {
		if why := p.rule.modify(modifiers); why != "" {
			p.reject(why, line)
			return
		}
	}
	if bytes.IndexByte(expr, '/') >= 0 { // a part of a URL that no name has
		p.reject(ReasonRegex, line)
		return
	}
	p.adblockExpression(foldCase(string(expr)))
}

// adblockExpression adds p.rule for what expr matches. What $denyallow leaves open cannot be said of an expression.
func (p *parser) adblockExpression(expr string) {
	r := &p.rule
	if len(r.open) > 0 {
		p.reject(ReasonModifier, r.text)
		return
	}
	p.addPattern(blocklists.Pattern{Expr: expr, Types: r.types, Except: r.except,
		Exception: r.entry.Exception, Important: r.entry.Important}, r.text, r.entry.Cancel)
}

// adblockPattern adds what the pattern of p.rule matches. Where a pattern matches more than a name and the names
// beneath it (no anchor in front: also any name that merely ends so), the part on label boundaries is taken.
func (p *parser) adblockPattern(pattern []byte) {
	e, name := &p.rule.entry, pattern
	switch {
	case bytes.HasPrefix(pattern, []byte("||")):
		e.Scope, name = blocklists.Subtree, pattern[2:]
	case bytes.HasPrefix(pattern, []byte("|")):
		e.Scope, name = blocklists.Exact, pattern[1:]
	case bytes.HasPrefix(pattern, []byte("*://")):
		p.matchPattern(pattern[len("*://"):])
		return
	case isPlain(pattern):
		p.adblockPlain(pattern)
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
		p.reject(ReasonURLPath, p.rule.text)
		return
	}
	p.adblockName(name)
}

// adblockName adds p.rule for a name, or for the names that one with a * inside stands for.
func (p *parser) adblockName(text []byte) {
	r := &p.rule
	name, why := p.norm.entry(text, p.opts.PublicSuffixes)
	switch {
	case why == ReasonInnerWildcard:
		expr, why := wildcardExpression(text, r.entry.Scope)
		if why != "" {
			p.reject(why, r.text)
			return
		}
		p.adblockExpression(expr)
	case why != "":
		p.reject(why, r.text)
	case len(r.types) > 0:
		p.adblockExpression(nameExpression(name, r.entry.Scope))
	default:
		p.addName(name, r.text, r.entry)
		if len(r.open) > 0 {
			p.leaveOpen(blocklists.Name(bytes.Clone(name)))
		}
	}
}

// leaveOpen adds what $denyallow takes out of a block: names beneath it, each with all beneath.
func (p *parser) leaveOpen(blocked blocklists.Name) {
	r := &p.rule
	e := blocklists.Entry{Exception: true, Yield: true, Important: r.entry.Important, Cancel: r.entry.Cancel}
	for text := range bytes.SplitSeq(r.open, []byte("|")) {
		name, why := p.norm.entry(bytes.TrimSpace(text), true)
		if why != "" {
			p.reject(why, r.text)
			continue
		}
		if r.entry.Scope != blocklists.Exact && isBeneath(name, blocked) {
			p.addName(name, r.text, e)
		}
	}
}

// isBeneath reports whether name is over itself or has it as an ancestor.
func isBeneath(name, over blocklists.Name) bool {
	for above := range upwards(name) {
		if bytes.Equal(above, over) {
			return true
		}
	}
	return false
}

// matchPattern reads what follows "*://" in a browser's match pattern: "*.name/*" means every page of the name and of
// all names beneath it.
func (p *parser) matchPattern(rest []byte) {
	p.rule.entry.Scope = blocklists.Exact
	name := bytes.TrimSuffix(rest, []byte("/*"))
	if below, ok := bytes.CutPrefix(name, []byte("*.")); ok {
		p.rule.entry.Scope, name = blocklists.Subtree, below
	}
	p.adblockName(name)
}

// adblockPlain reads a line without any adblock mark: a bare name or a hosts line, which has no modifiers.
func (p *parser) adblockPlain(pattern []byte) {
	r := &p.rule
	r.entry.Scope = p.scope
	p.fields = splitFields(p.fields[:0], cutComment(pattern))
	switch {
	case len(p.fields) == 1:
		p.adblockName(p.fields[0])
	case len(p.fields) > 1 && !r.modified && !r.entry.Exception && isAddress(p.fields[0]):
		p.hostsNames(p.fields)
	default:
		p.reject(ReasonSyntax, r.text)
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

// isRegex reports whether a rule is /expression/, with flags or modifiers behind it or not.
func isRegex(rule []byte) bool {
	_, _, ok := cutRegex(rule)
	return ok
}

// cutRegex splits /expression/ with modifiers behind it ("$…") or flags, of which names heed none.
func cutRegex(rule []byte) (expr, modifiers []byte, ok bool) {
	if len(rule) < 2 || rule[0] != '/' {
		return nil, nil, false
	}
	end := bytes.LastIndexByte(rule, '/')
	if i := bytes.LastIndex(rule, []byte("/$")); i > 0 && end != len(rule)-1 {
		end = i
	}
	if end == 0 {
		return nil, nil, false
	}
	expr, tail := rule[1:end], rule[end+1:]
	if len(tail) > 0 && tail[0] == '$' {
		return expr, tail[1:], true
	}
	return expr, nil, len(bytes.Trim(tail, "dgimsuvy")) == 0
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
