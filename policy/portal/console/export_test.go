package console

import (
	"html"
	"maps"
	"slices"
	"strings"
)

// Catalogue gives the words to tests.
func Catalogue() *phrases { return catalogue.In("en") }

// Title is what the first page is called in a language.
func Title(code string) string { return catalogue.In(code).Say("nav.today") }

// Say gives a text of a language as it stands in HTML.
func Say(code, key string, pairs ...any) string {
	return html.EscapeString(catalogue.In(code).Say(key, pairs...))
}

// Keys lists the texts whose keys begin so.
func Keys(with string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(Catalogue().texts)), func(key string) bool { return !strings.HasPrefix(key, with) })
}
