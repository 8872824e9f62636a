package source

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

const (
	// maxPatterns is how many patterns one list may have: each is tried on names that no entry covers. The largest
	// public lists have a few hundred.
	maxPatterns = 2000
	// minLiteral is how many letters and digits a pattern with wildcards must have.
	minLiteral = 3
)

// heldPattern is a pattern of an adblock list until its end, for a later line may take it back.
type heldPattern struct {
	pattern blocklists.Pattern
	text    []byte
	file    string
	line    int
}

type heldPatterns struct {
	made   []heldPattern
	undone []blocklists.Pattern
}

// addPattern emits a pattern, or counts why not. Those of adblock lists are held back until the end of the list; with
// cancel, equal ones of the list are taken back.
func (p *parser) addPattern(pattern blocklists.Pattern, text []byte, cancel bool) {
	switch why := expressionFault(pattern.Expr); {
	case p.err != nil:
		return
	case why != "":
		p.reject(why, text)
		return
	case len(p.held.made) >= maxPatterns || len(p.held.undone) >= maxPatterns || p.report.Patterns >= maxPatterns:
		p.reject(ReasonTooMany, text)
		return
	}
	switch {
	case cancel:
		p.held.undone = append(p.held.undone, pattern)
	case p.format == Adblock:
		p.held.made = append(p.held.made, heldPattern{pattern, bytes.Clone(text), p.file, p.line})
	default:
		p.emitPattern(heldPattern{pattern, text, p.file, p.line})
	}
}

func (p *parser) emitPattern(h heldPattern) {
	p.report.Patterns++
	p.err = p.emit(Item{Pattern: &h.pattern, Text: h.text, Line: h.line, File: h.file})
}

// finish emits the patterns that were held back, unless reading failed.
func (p *parser) finish(failed error) error {
	if failed != nil {
		return failed
	}
	for _, h := range p.held.made {
		taken := slices.ContainsFunc(p.held.undone, func(u blocklists.Pattern) bool { return samePattern(u, h.pattern) })
		if !taken && p.err == nil {
			p.emitPattern(h)
		}
	}
	p.held = heldPatterns{}
	return p.err
}

func samePattern(a, b blocklists.Pattern) bool {
	return a.Expr == b.Expr && a.Except == b.Except && a.Exception == b.Exception && a.Important == b.Important &&
		slices.Equal(a.Types, b.Types)
}

// expressionFault says why an expression cannot be taken; "" means that it can.
func expressionFault(expr string) Reason {
	if blocklists.CheckExpression(expr) != nil {
		return ReasonRegex
	}
	compiled, err := regexp.Compile(expr)
	if err != nil {
		return ReasonRegex
	}
	if compiled.MatchString("aaa.test") && compiled.MatchString("0-1-2.invalid") { // nothing in common but the dot
		return ReasonBroad
	}
	return ""
}

// foldCase makes an expression ignore case where it has capital letters: the names that it is tried on have none.
func foldCase(expr string) string {
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case 'A' <= c && c <= 'Z':
			return "(?i)" + expr
		}
	}
	return expr
}

// nameExpression is the expression for a name with what scope covers.
func nameExpression(name blocklists.Name, scope blocklists.Scope) string {
	quoted := regexp.QuoteMeta(strings.TrimSuffix(name.String(), ".")) + "$"
	switch scope {
	case blocklists.Exact:
		return "^" + quoted
	case blocklists.Below:
		return `\.` + quoted
	case blocklists.Subtree:
	}
	return `(?:^|\.)` + quoted
}

// wildcardExpression is the expression for a name with a * inside, which stands for any octets, dots too. A name on a
// * at its end or start is open there.
func wildcardExpression(name []byte, scope blocklists.Scope) (string, Reason) {
	literal := 0
	for _, c := range name {
		switch {
		case c == '*' || c == '.':
		case hostOctet(c) != 0:
			literal++
		case c == '/' || c == ':' || c == '?' || c == '=' || c == '&' || c == '^':
			return "", ReasonURLPath
		default:
			return "", ReasonBadLabel
		}
	}
	if literal < minLiteral {
		return "", ReasonBroad
	}
	lead := `(?:^|\.)`
	switch scope {
	case blocklists.Exact:
		lead = "^"
	case blocklists.Below:
		lead = `\.`
	case blocklists.Subtree:
	}
	text := strings.ToLower(string(name))
	open := strings.TrimLeft(text, "*")
	if open != text && scope != blocklists.Below {
		lead = ""
	}
	body := strings.TrimRight(open, "*")
	end := "$"
	if body != open {
		end = ""
	}
	var parts []string
	for part := range strings.SplitSeq(body, "*") {
		parts = append(parts, regexp.QuoteMeta(part))
	}
	return lead + strings.Join(parts, ".*") + end, ""
}
