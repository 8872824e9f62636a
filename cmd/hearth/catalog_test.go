package main

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists/register"
)

// TestAddedListsAreAccepted: what `lists add` prints, pasted into a file, is a configuration, whichever list it is.
func TestAddedListsAreAccepted(t *testing.T) {
	known, err := register.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range known.Lists() {
		out := hearth(t, "lists", "add", l.Name).out
		path := writeConfig(t, "version: 1\n"+out)
		if l, err := load(path, nil); err != nil {
			t.Errorf("%s", err)
		} else if len(l.Config.Lists.Sources) != 1 {
			t.Errorf("%d sources", len(l.Config.Lists.Sources))
		}
	}
	for _, preset := range []string{"balanced", "strict", "light"} {
		path := writeConfig(t, "version: 1\n"+hearth(t, "lists", "add", "--preset", preset).out)
		if l, err := load(path, nil); err != nil || len(l.Config.Lists.Sources) < 5 {
			t.Errorf("preset %s: %v", preset, err)
		}
	}
}

// TestCatalogShowsLicences: nobody should load a list without having seen its terms.
func TestCatalogShowsLicences(t *testing.T) {
	known, err := register.Open()
	if err != nil {
		t.Fatal(err)
	}
	table := hearth(t, "lists", "catalog").out
	for _, l := range known.Lists() {
		line := ""
		for text := range strings.Lines(table) {
			if strings.HasPrefix(text, l.Name+" ") {
				line = text
			}
		}
		if !strings.Contains(line, l.Licence) {
			t.Errorf("%s: the line %q does not show %s", l.Name, line, l.Licence)
		}
	}
}
