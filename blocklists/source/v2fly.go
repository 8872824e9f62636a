package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

const (
	// maxIncludes is how deep files may include one another; the deepest chain of the public list has four.
	maxIncludes = 16
	// maxVisits bounds the files that one list is made of, each counted for each selection of its lines.
	maxVisits = 8192
)

// community reads a file of v2fly's domain-list-community: "domain:name" or a bare name (the name and all beneath),
// "full:name" (the name), "keyword:text" and "regexp:expression" (patterns), each with attributes ("@ads") and
// affiliations ("&list", which put the line into another list and say nothing of this one). "include:file" means the
// lines of a file in the same folder, "include:file @ads @-cn" those with and without an attribute.
type community struct {
	*parser
	open    []string        // the files that are being read, the innermost last
	chosen  selection       // that of the source and of all includes that led here
	visited map[string]bool // file and selection
}

// selection says by its attributes whether a line counts.
type selection struct {
	any       []string // at least one of these, where there are some
	all, none []string // in order
}

func newCommunity(p *parser) *community {
	c := &community{parser: p, visited: make(map[string]bool)}
	for _, name := range p.opts.Attributes {
		if banned, ok := strings.CutPrefix(name, "-"); ok {
			c.chosen.none = append(c.chosen.none, strings.TrimPrefix(banned, "@"))
		} else {
			c.chosen.any = append(c.chosen.any, strings.TrimPrefix(name, "@"))
		}
	}
	if p.name != "" {
		c.open = append(c.open, p.name)
	}
	return c
}

func (s selection) takes(marks [][]byte) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(marks, func(m []byte) bool { return m[0] == '@' && string(m[1:]) == name })
	}
	if slices.ContainsFunc(s.none, has) {
		return false
	}
	for _, name := range s.all {
		if !has(name) {
			return false
		}
	}
	return len(s.any) == 0 || slices.ContainsFunc(s.any, has)
}

func (c *community) line(line []byte) {
	c.fields = splitFields(c.fields[:0], cutComment(line))
	if len(c.fields) == 0 {
		return
	}
	rule, marks := c.fields[0], c.fields[1:]
	for _, m := range marks {
		if len(m) < 2 || m[0] != '@' && m[0] != '&' {
			c.reject(ReasonSyntax, line)
			return
		}
	}
	kind, value, found := bytes.Cut(rule, []byte(":"))
	if !found {
		kind, value = nil, rule
	}
	if string(kind) == "include" {
		c.include(string(value), marks, line)
		return
	}
	if !c.chosen.takes(marks) {
		return
	}
	switch string(kind) {
	case "", "domain":
		c.addAs(value, line, blocklists.Entry{Scope: blocklists.Subtree})
	case "full":
		c.addAs(value, line, blocklists.Entry{Scope: blocklists.Exact})
	case "keyword":
		c.keyword(value, line)
	case "regexp":
		c.addPattern(blocklists.Pattern{Expr: foldCase(string(value))}, line, false)
	default:
		c.reject(ReasonSyntax, line)
	}
}

// keyword adds a text that names hold anywhere.
func (c *community) keyword(text, line []byte) {
	literal := 0
	for _, b := range text {
		if hostOctet(b) != 0 {
			literal++
		} else if b != '.' {
			c.reject(ReasonBadLabel, line)
			return
		}
	}
	if literal < minLiteral {
		c.reject(ReasonBroad, line)
		return
	}
	c.addPattern(blocklists.Pattern{Expr: regexp.QuoteMeta(strings.ToLower(string(text)))}, line, false)
}

// narrowed returns the selection of an include with these marks.
func (s selection) narrowed(marks [][]byte) selection {
	all, none := slices.Clone(s.all), slices.Clone(s.none)
	for _, m := range marks {
		switch attribute := string(m[1:]); {
		case m[0] == '&':
		case strings.HasPrefix(attribute, "-"):
			none = append(none, attribute[1:])
		default:
			all = append(all, attribute)
		}
	}
	slices.Sort(all)
	slices.Sort(none)
	return selection{any: s.any, all: slices.Compact(all), none: slices.Compact(none)}
}

// include reads another file of the folder, each once for the same selection of lines.
func (c *community) include(name string, marks [][]byte, line []byte) {
	name = strings.ToLower(name)
	switch {
	case c.siblings != nil && c.siblings[name]: // the whole folder is read
		return
	case !isListName(name), c.root == nil:
		c.reject(ReasonMissing, line)
		return
	case slices.Contains(c.open, name), len(c.open) > maxIncludes, len(c.visited) > maxVisits:
		c.reject(ReasonCycle, line)
		return
	}
	before := c.chosen
	c.chosen = before.narrowed(marks)
	key := fmt.Sprint(name, c.chosen.all, c.chosen.none)
	if !c.visited[key] {
		c.visited[key] = true
		c.open = append(c.open, name)
		c.readIncluded(name, line)
		c.open = c.open[:len(c.open)-1]
	}
	c.chosen = before
}

// readIncluded reads one file as a part of the list. Where it is not there, line is what asked for it.
func (c *community) readIncluded(name string, line []byte) {
	at, file := c.parser.line, c.file
	err := readFile(c.root, name, func(r io.Reader) error {
		return unpack(r, &c.left, func(_ string, plain *bufio.Reader) error {
			c.file = name
			return c.readLines(plain, c.line)
		})
	})
	c.parser.line, c.file = at, file
	switch {
	case errors.Is(err, errOutside), errors.Is(err, fs.ErrNotExist):
		c.reject(ReasonMissing, line)
	case err != nil && c.err == nil:
		c.err = fmt.Errorf("reading included %s: %w", name, err)
	}
}

// isListName reports whether name can be that of a file of the list: letters, digits, "-" and "!".
func isListName(name string) bool {
	for _, b := range []byte(name) {
		if hostOctet(b) == 0 && b != '!' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}
