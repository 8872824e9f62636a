package source

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// families names who stands behind a list, so that two lists of one publisher do not count as two opinions: the families
// that LibraryConfig.Families knows; of a URL its host and the first element of its path, which on a host of many
// projects is the project's owner; of a zone its first primary; of a path its folder. The built-in lists are one.
func (l *Library) families(name string) []string {
	i := slices.IndexFunc(l.lists.Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return []string{starterPrefix}
	}
	s := l.lists.Sources[i]
	if l.config.Families != nil {
		if families := l.config.Families(s); len(families) > 0 {
			return families
		}
	}
	switch {
	case s.URL != "":
		return []string{familyOfURL(s.URL)}
	case s.Zone.Name != "":
		return []string{"zone:" + strings.Join(s.Zone.Primaries[:min(1, len(s.Zone.Primaries))], "")}
	}
	return []string{"path:" + filepath.Dir(filepath.Clean(s.Path))}
}

// independent counts those of the sources that have nobody behind them in common. The ones with the fewest come first: a
// list that gathers others does not take their votes away.
func independent(sources []string, families func(source string) []string) (n int) {
	var behind [][]string
	for _, s := range sources {
		behind = append(behind, families(s))
	}
	slices.SortStableFunc(behind, func(a, b []string) int { return len(a) - len(b) })
	heard := make(map[string]bool)
	for _, names := range behind {
		if slices.ContainsFunc(names, func(family string) bool { return heard[family] }) {
			continue
		}
		n++
		for _, family := range names {
			heard[family] = true
		}
	}
	return n
}

func familyOfURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "url:" + text
	}
	first, _, more := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !more {
		first = "" // a file at the top: all there is of the host
	}
	return "url:" + strings.ToLower(u.Hostname()+"/"+first)
}
