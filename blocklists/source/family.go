package source

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// family names whoever publishes a list, so that two lists of one publisher do not count as two opinions: the family
// that LibraryConfig.Family knows; of a URL its host and the first element of its path, which on a host of many
// projects is the project's owner; of a zone its first primary; of a path its folder. The built-in lists are one.
func (l *Library) family(name string) string {
	i := slices.IndexFunc(l.lists.Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return starterPrefix
	}
	s := l.lists.Sources[i]
	if l.config.Family != nil {
		if family := l.config.Family(s); family != "" {
			return family
		}
	}
	switch {
	case s.URL != "":
		return familyOfURL(s.URL)
	case s.Zone.Name != "":
		return "zone:" + strings.Join(s.Zone.Primaries[:min(1, len(s.Zone.Primaries))], "")
	}
	return "path:" + filepath.Dir(filepath.Clean(s.Path))
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
