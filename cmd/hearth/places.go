package main

import "strings"

// places maps the path of a key to where it stands, and knows which paths
// were refused as they were read.
type places struct {
	root   place
	at     map[string]place
	broken map[string]bool // paths; a section with "/" behind it has a broken key
}

func newPlaces(file string) *places {
	return &places{root: place{File: file}, at: make(map[string]place), broken: make(map[string]bool)}
}

// of gives the place of path, or of the nearest part above it that is
// written down: a missing key is reported where it ought to stand.
func (p *places) of(path string) place {
	for path != "" {
		if at, ok := p.at[path]; ok {
			return at
		}
		path = above(path)
	}
	return p.root
}

// above gives the path of the section or list that a path is in.
func above(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, '['), 0)]
}

// set says that the value of path comes from elsewhere and can be judged.
func (p *places) set(path string, from place) {
	p.at[path] = from
	delete(p.broken, path)
	delete(p.broken, above(path)+"/")
}

// refused notes that path has no value that can be judged.
func (p *places) refused(path string) {
	if path != "" {
		p.broken[path] = true
		p.broken[above(path)+"/"] = true
	}
}

// unrepeated leaves out the problems that only follow from a path that was
// refused: at it, beneath it, or of the section that it is a key of.
func (p *places) unrepeated(found problems) problems {
	var own problems
	for _, f := range found {
		if !p.repeats(f.Path) {
			own = append(own, f)
		}
	}
	return own
}

func (p *places) repeats(path string) bool {
	if path != "" && p.broken[path+"/"] {
		return true
	}
	for ; path != ""; path = above(path) {
		if p.broken[path] {
			return true
		}
	}
	return false
}
