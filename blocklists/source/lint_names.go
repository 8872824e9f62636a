package source

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

//go:embed lint/names.txt
var lintNames []byte

// lintSet is names that a list hits only on purpose.
type lintSet struct {
	nameSet

	kind   LintKind
	alone  bool            // what lies beneath a name of the set does not count
	abroad map[string]bool // first labels that stand before the top-level domain of any country
}

// hit reports whether an entry is of the set, beneath a name of it, or above one so that it takes it along.
func (s *lintSet) hit(e blocklists.Entry) bool {
	if s.alone {
		return s.takesAlong(e) || s.names[string(e.Name)]
	}
	if s.nameSet.hit(e) {
		return true
	}
	for name := range upwards(e.Name) {
		if s.isAbroad(name) {
			return true
		}
	}
	return false
}

// isAbroad reports whether a name is one label of abroad before a country's top-level domain.
func (s *lintSet) isAbroad(name blocklists.Name) bool {
	first := int(name[0])
	rest := name[1+first:]
	return len(rest) == 4 && rest[0] == 2 && s.abroad[string(name[1:1+first])]
}

func newLintSet(kind LintKind) lintSet {
	return lintSet{nameSet: newNameSet(), kind: kind, alone: kind == LintSharedHost, abroad: make(map[string]bool)}
}

// lintSets reads the embedded names and the help lists.
func (l *Library) lintSets() ([]lintSet, error) {
	sets, err := readLintNames(lintNames)
	if err != nil {
		return nil, err
	}
	help := newLintSet(LintHelp)
	for _, list := range l.helpLists() {
		if _, err := list.parse(func(i Item) error { help.add(slices.Clone(i.Entry.Name)); return nil }); err != nil {
			return nil, fmt.Errorf("reading help list: %w", err)
		}
	}
	machine := newLintSet(LintMachine)
	for _, text := range starterNames(infra) {
		if name, why := Normalise(text); why == "" {
			machine.add(name)
		}
	}
	return append(sets, help, machine), nil
}

// readLintNames reads sections of names; "x.*" is x before every country's top-level domain.
func readLintNames(text []byte) ([]lintSet, error) {
	var sets []lintSet
	scan := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			sets = append(sets, newLintSet(LintKind(strings.Trim(line, "[]"))))
			continue
		}
		set := &sets[len(sets)-1]
		if label, ok := strings.CutSuffix(line, ".*"); ok {
			set.abroad[label] = true
			continue
		}
		name, why := Normalise(line)
		if why != "" && why != ReasonSingleLabel {
			return nil, fmt.Errorf("names of lint, line %d: %s is no name (%s)", n, line, why)
		}
		if name == nil { // a top-level domain
			name = append(append(blocklists.Name{byte(len(line))}, line...), 0)
		}
		set.add(name)
	}
	return sets, scan.Err()
}
