package source

import (
	"bytes"
	"fmt"
	"strings"
)

// sample is what was seen of the first lines of a list. Every line has one shape; a format fits the shapes that it
// gives a meaning to.
type sample struct {
	shapes [shapes]int
	lines  int
	fields [][]byte
}

// shape is what a line looks like.
type shape int

const (
	shapeOther   shape = iota
	shapeName          // a bare name, or an address
	shapeStar          // *.name
	shapeHosts         // address and names
	shapeAdblock       // ||name^ and the other marks of adblock rules
	shapeDnsmasq       // address=/name/
	shapeUnbound       // local-zone: "name" type
	shapeRecord        // a record or a directive of a master file
	shapeV2fly         // full:name, name @attribute
	shapeNone          // a blank line or a comment
	shapes
)

// fitting says which shapes a format gives a meaning to, the first of them being its own: a list of which no line has
// that is not taken for it.
func fitting(f Format) []shape {
	switch f {
	case Hosts:
		return []shape{shapeHosts, shapeName}
	case Domains:
		return []shape{shapeName}
	case Wildcard:
		return []shape{shapeStar, shapeName}
	case Adblock:
		return []shape{shapeAdblock, shapeName, shapeHosts}
	case Dnsmasq:
		return []shape{shapeDnsmasq}
	case Unbound:
		return []shape{shapeUnbound}
	case RPZ:
		return []shape{shapeRecord}
	case V2fly:
		return []shape{shapeV2fly, shapeName}
	case UT1, Auto: // told by folders; no format
	}
	return nil
}

func newSample() *sample { return &sample{} }

// take looks at the lines of a list's beginning; whole says that it is all of the list.
func (s *sample) take(start []byte, whole bool) {
	if !whole {
		start = start[:bytes.LastIndexByte(start, '\n')+1]
	}
	for line := range bytes.Lines(start) {
		if s.lines >= maxSample {
			return
		}
		if of := s.shapeOf(trimLine(line)); of != shapeNone {
			s.shapes[of]++
			s.lines++
		}
	}
}

// judge names the format that most lines fit; why says what is in the way of one.
func (s *sample) judge() (d Detection, why string) {
	d = Detection{Lines: s.lines, Fits: make(map[Format]int)}
	own := make(map[Format]int)
	for _, f := range Formats() {
		fit := fitting(f)
		if len(fit) == 0 || s.shapes[fit[0]] == 0 {
			continue
		}
		own[f] = s.shapes[fit[0]]
		for _, of := range fit {
			d.Fits[f] += s.shapes[of]
		}
	}
	ranked := d.ranking()
	switch {
	case s.lines == 0:
		return d, fmt.Sprintf("its beginning has no line but comments; write one of %s as its format", formatNames())
	case len(ranked) == 0:
		return d, fmt.Sprintf("none of its first %d lines fits a format; if it is a list, write one of %s as its format", s.lines, formatNames())
	}
	best := ranked[0]
	for _, f := range ranked[1:] { // of formats that fit alike, the one that more lines are peculiar to
		if d.Fits[f] == d.Fits[best] && own[f] > own[best] {
			best = f
		}
	}
	if d.Fits[best]*100 < enough*s.lines {
		var choice []string
		for _, f := range ranked {
			choice = append(choice, string(f))
		}
		return d, fmt.Sprintf("%s; write %s as its format", d, strings.Join(choice, " or "))
	}
	d.Format = best
	return d, ""
}

func (s *sample) shapeOf(line []byte) shape {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '!' || line[0] == ';' || line[0] == '[' || bytes.HasPrefix(line, []byte("//")) {
		return shapeNone
	}
	if isRuleShape(line) {
		return shapeAdblock
	}
	s.fields = splitFields(s.fields[:0], cutSpacedComment(line, '#'))
	if len(s.fields) == 0 {
		return shapeNone
	}
	first := s.fields[0]
	key, _, option := bytes.Cut(first, []byte(":"))
	switch {
	case isDnsmasqShape(line):
		return shapeDnsmasq
	case option && (equalFold(key, "local-zone") || equalFold(key, "local-data") || string(first) == "server:"):
		return shapeUnbound
	case isAddress(first) && len(s.fields) > 1:
		return shapeHosts
	case isRecordShape(s.fields):
		return shapeRecord
	case isV2flyShape(s.fields):
		return shapeV2fly
	case len(s.fields) > 1:
		return shapeOther
	case isAddress(first):
		return shapeName
	}
	return nameShape(first)
}

func nameShape(text []byte) shape {
	text = cutComment(text)
	below, star := bytes.CutPrefix(text, []byte("*."))
	text = bytes.TrimPrefix(below, []byte("."))
	if len(text) == 0 {
		return shapeOther
	}
	for _, c := range text {
		if hostOctet(c) == 0 && c != '.' && c < 0x80 {
			return shapeOther
		}
	}
	if star {
		return shapeStar
	}
	return shapeName
}

// isRuleShape reports whether a line has a mark of adblock rules.
func isRuleShape(line []byte) bool {
	switch {
	case bytes.HasPrefix(line, []byte("||")), bytes.HasPrefix(line, []byte("@@")), bytes.HasPrefix(line, []byte("|http")),
		bytes.HasPrefix(line, []byte("*://")):
		return true
	case line[0] == '|' || line[len(line)-1] == '^', bytes.Contains(line, []byte("^$")):
		return true
	}
	return line[0] == '/' && len(line) > 2 && isRegex(line) || isSelectorShape(line)
}

// isSelectorShape reports whether a line is a cosmetic rule and no comment: something stands behind the mark.
func isSelectorShape(line []byte) bool {
	if !isCosmetic(line) {
		return false
	}
	rest := bytes.TrimLeft(line[bytes.IndexAny(line, "#$"):], "#$@?%")
	return len(rest) > 0 && !isSpace(rest[0])
}

func isDnsmasqShape(line []byte) bool {
	key, value, found := bytes.Cut(line, []byte("="))
	return found && isDnsmasqBlock(bytes.TrimPrefix(bytes.TrimSpace(key), []byte("--"))) && bytes.HasPrefix(bytes.TrimSpace(value), []byte("/"))
}

// isRecordShape reports whether fields are those of a record, its owner left out or not, or of a directive.
func isRecordShape(fields [][]byte) bool {
	if equalFold(fields[0], "$ttl") || equalFold(fields[0], "$origin") {
		return true
	}
	for n := 0; n < 4 && n+1 < len(fields); n++ {
		kind := fields[n]
		if equalFold(kind, "soa") || equalFold(kind, "ns") || isRecordType(kind) {
			return true
		}
		if n > 0 && !isTTL(kind) && !isClass(kind) {
			return false
		}
	}
	return false
}

func isV2flyShape(fields [][]byte) bool {
	kind, value, found := bytes.Cut(fields[0], []byte(":"))
	if found && len(value) > 0 {
		switch string(kind) {
		case "domain", "full", "keyword", "regexp", "include":
			return true
		}
	}
	if len(fields) < 2 || found {
		return false
	}
	for _, mark := range fields[1:] {
		if len(mark) < 2 || mark[0] != '@' && mark[0] != '&' {
			return false
		}
	}
	return true
}
