package main

import (
	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/hearthdns/hearth/blocklists/source"
)

// publishers tells by the catalogue who stands behind a list, so that lists of
// one hand do not count as several opinions; none for a list that it does not have.
func publishers() (func(source.Source) []string, error) {
	known, err := register.Open()
	if err != nil {
		return nil, err
	}
	families := make(map[string][]string)
	for _, l := range known.Lists() {
		families[l.URL] = l.Behind()
	}
	return func(s source.Source) []string { return families[s.URL] }, nil
}
