package main

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// nearest gives the word of known that is most like the one written, and
// whether it is like enough to be suggested.
func nearest(written string, known []string) (string, bool) {
	best, distance := "", len(written)+1
	for _, word := range known {
		if d := blocklists.Edits(strings.ToLower(written), word); d < distance {
			best, distance = word, d
		}
	}
	return best, best != "" && distance <= max(2, len(written)/3)
}

// unknownKey words the refusal of a key: a likely spelling, or the section
// where the key belongs, or the list of what may stand there.
func unknownKey(key, path string, known []string, root reflect.Type) string {
	where := "at the top level"
	if path != "" {
		where = "under " + path
	}
	text := `unknown key "` + key + `" ` + where + "; "
	if word, ok := nearest(key, known); ok {
		return text + `did you mean "` + word + `"?`
	}
	if home := homesOf(key, root); len(home) > 0 {
		return text + `"` + key + `" belongs here: ` + strings.Join(home, ", ")
	}
	return text + "write one of: " + strings.Join(known, ", ")
}

// homesOf lists where in the configuration a key of that name exists.
func homesOf(key string, root reflect.Type) []string {
	var homes []string
	for _, k := range keysOf(root) {
		if k.Name == strings.ToLower(key) {
			homes = append(homes, k.Path)
		}
	}
	slices.SortFunc(homes, func(a, b string) int { // what stands outside of lists first, and the nearest to the top
		deep := func(path string) int { return strings.Count(path, ".") + 2*strings.Count(path, "[]") }
		return cmp.Or(deep(a)-deep(b), strings.Compare(a, b))
	})
	return homes[:min(len(homes), 3)]
}
