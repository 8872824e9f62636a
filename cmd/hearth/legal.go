package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/hearthdns/hearth/blocklists/source"
)

// validateLegal refuses a public list as one of what the law forbids: those
// come by contract.
func (c *Config) validateLegal(r *report) {
	for i, l := range c.Lists.Sources {
		if l.URL == "" || !isLegal(l) {
			continue
		}
		known, err := register.Open()
		if err != nil {
			r.add("lists.sources", "%v", err)
			return
		}
		for _, public := range known.Lists() {
			if public.URL == l.URL {
				r.add("lists.sources["+strconv.Itoa(i)+"].url", "everybody can read this list (%s), so it cannot be illegal.*: write categories: [%s], or the url of the contracted feed",
					public.Title, strings.Join(public.Categories, ", "))
			}
		}
	}
}

// hasLegalLists reports whether a list of what the law forbids is configured.
func (c *Config) hasLegalLists() bool { return slices.ContainsFunc(c.Lists.Sources, isLegal) }

func isLegal(s source.Source) bool {
	return slices.ContainsFunc(s.Categories, blocklists.IsLegal)
}
