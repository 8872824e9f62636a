package source

import (
	"iter"

	"github.com/hearthdns/hearth/blocklists"
)

// upwards yields a name and all above it but the root.
func upwards(name blocklists.Name) iter.Seq[blocklists.Name] {
	return func(yield func(blocklists.Name) bool) {
		for at := 0; at < len(name) && name[at] != 0; at += int(name[at]) + 1 {
			if !yield(name[at:]) {
				return
			}
		}
	}
}

// nameSet is names that lists are not to hit, in wire form.
type nameSet struct {
	names map[string]bool
	above map[string]bool // all that is above a name of the set, the root left out
}

func newNameSet() nameSet { return nameSet{names: make(map[string]bool), above: make(map[string]bool)} }

// add puts a name into the set.
func (s *nameSet) add(name blocklists.Name) {
	s.names[string(name)] = true
	for above := range upwards(name[1+int(name[0]):]) {
		s.above[string(above)] = true
	}
}

// hit reports whether an entry is of the set, beneath a name of it, or above one so that it takes it along.
func (s *nameSet) hit(e blocklists.Entry) bool {
	if s.takesAlong(e) {
		return true
	}
	for name := range upwards(e.Name) {
		if s.names[string(name)] {
			return true
		}
	}
	return false
}

// takesAlong reports whether an entry for a name above one of the set covers that too.
func (s *nameSet) takesAlong(e blocklists.Entry) bool {
	return e.Scope != blocklists.Exact && s.above[string(e.Name)]
}
