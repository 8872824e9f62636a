//go:build linux

package main

import (
	"bufio"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// source is one list of hearth: a file of names with their category.
type source struct{ name, path, category string }

//go:embed categories.txt
var categoriesText string

// categories says as which of hearth's categories the lists of the shared data
// are loaded.
var categories = sync.OnceValue(func() map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(categoriesText) {
		if f := strings.Fields(line); len(f) == 2 {
			all[f[0]] = f[1]
		}
	}
	return all
})

// newSource names the list in a file after the file. A file that categories does
// not know is named after a category of hearth's, or gets one of its own.
func newSource(path string) source {
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".gz"), ".txt")
	s := source{name: strings.ReplaceAll(name, "_", "-"), path: path, category: name}
	if known, ok := categories()[name]; ok {
		s.category = known
	} else if !strings.Contains(name, ".") {
		s.category = ownCategory + s.name
	}
	return s
}

// ownCategory begins the ids of categories that are not hearth's.
const ownCategory = "list."

// allows reports whether the source is a list of what is to be allowed.
func (s source) allows() bool { return strings.HasPrefix(s.category, "ok.") }

// fixed reports whether no profile may change what becomes of the category.
func (s source) fixed() bool { return s.allows() || strings.HasPrefix(s.category, "sec.") }

// readLists reads a folder of lists, each file a category. The block list is the
// union of all that block, less what the others allow; asked for is what has
// nothing allowed beneath it either.
func readLists(dir string) (names, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt*"))
	if err != nil {
		return names{}, fmt.Errorf("reading the lists: %w", err)
	}
	var n names
	var all, ok []string
	for _, path := range files {
		if path, err = filepath.Abs(path); err != nil {
			return names{}, fmt.Errorf("reading the lists: %w", err)
		}
		s := newSource(path)
		list, err := readList(path)
		if err != nil {
			return names{}, err
		}
		n.sources = append(n.sources, s)
		if s.allows() {
			ok = append(ok, list...)
		} else {
			all = append(all, list...)
		}
	}
	n.listed, n.blocked = unite(all, ok)
	return n, nil
}

// unite returns the names of all that ok does not cover, each once, and those of
// them that have none of ok beneath them.
func unite(all, ok []string) (listed, blocked []string) {
	allowed, above, seen := newSet(ok), set{}, set{}
	for _, name := range ok {
		for _, rest, found := strings.Cut(name, "."); found; _, rest, found = strings.Cut(rest, ".") {
			above[rest] = true
		}
	}
	for _, name := range all {
		if seen[name] || allowed.covers(name) {
			continue
		}
		seen[name] = true
		listed = append(listed, name)
		if !above[name] {
			blocked = append(blocked, name)
		}
	}
	return listed, blocked
}

// readList reads the names of a list, packed with gzip where its name says so.
func readList(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the lists: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	return scanList(r)
}

// scanList reads one name a line, comments behind "#". What is not a host name
// of two labels or more is left out, for every server but hearth, which reads
// the file itself.
func scanList(r io.Reader) ([]string, error) {
	host := regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
	var all []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "."))
		if len(name) <= 240 && host.MatchString(name) {
			all = append(all, name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the lists: %w", err)
	}
	return all, nil
}
