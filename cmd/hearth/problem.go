package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// place is where something stands in a file; a zero Line means that only
// the file, or nothing at all, is known.
type place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String gives file:line:column, as compilers do and editors understand.
func (p place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// problem is one thing that is wrong, or for a warning worth a second look,
// in a configuration. Text ends with what to write instead.
type problem struct {
	place
	Path string `json:"key,omitempty"`
	Text string `json:"message"`
}

// Error gives "file:line:column: message" on one line.
func (p *problem) Error() string {
	var b strings.Builder
	if at := p.String(); at != "" {
		b.WriteString(at + ": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// discreet is the problem for the log: of what belongs to people only place
// and key, because the message may hold their names.
func (p *problem) discreet() string {
	if strings.HasSuffix(p.Path, ".guest") { // the name of a profile
		return p.withheld()
	}
	for _, section := range []string{"households", "profiles", "categories"} {
		if rest, ok := strings.CutPrefix(p.Path, section); ok && (rest == "" || rest[0] == '[') {
			return p.withheld()
		}
	}
	return p.Error()
}

func (p *problem) withheld() string {
	return (&problem{place: p.place, Path: p.Path, Text: "hearth check-config says what to write here"}).Error()
}

// problems are all that one load found, in the order of the file.
type problems []*problem

// maxShown is how many problems are shown: nobody corrects more in one go.
const maxShown = 100

// shown gives the problems to show and how many there are beyond them.
func (ps problems) shown() (first problems, more int) {
	n := min(len(ps), maxShown)
	return ps[:n], len(ps) - n
}

// Error lists one problem a line.
func (ps problems) Error() string {
	first, more := ps.shown()
	lines := make([]string, 0, len(first)+1)
	for _, p := range first {
		lines = append(lines, p.Error())
	}
	if more > 0 {
		lines = append(lines, andMore(more))
	}
	return strings.Join(lines, "\n")
}

func andMore(n int) string { return fmt.Sprintf("and %d more, shown once these are corrected", n) }

// orNil keeps an empty list from becoming a non-nil error.
func (ps problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b *problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return ps
}

// problemsOf turns an error of a package's Validate into problems. Errors
// that know their path get the place of that path; prefix is the path of the
// package's part inside the whole configuration.
func problemsOf(err error, prefix string, at *places) problems {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all problems
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(e, prefix, at)...)
		}
		return all
	}
	path := prefix
	var placed interface {
		error
		Path() string
	}
	text := err.Error()
	if errors.As(err, &placed) {
		path = joinPath(prefix, placed.Path())
		text = strings.TrimPrefix(text, placed.Path()+": ")
	}
	return problems{{place: at.of(path), Path: path, Text: text}}
}

// joinPath joins two configuration paths in the notation a.b[0].c.
func joinPath(prefix, path string) string {
	switch {
	case prefix == "":
		return path
	case path == "" || strings.HasPrefix(path, "["):
		return prefix + path
	default:
		return prefix + "." + path
	}
}
