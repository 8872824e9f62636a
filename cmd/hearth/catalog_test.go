package main

import (
	"regexp"
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

// TestCatalogKeysAreLower: keys of JSON are written in one way everywhere.
func TestCatalogKeysAreLower(t *testing.T) {
	out := hearth(t, "lists", "catalog", "urlhaus", "--json").out
	if key := regexp.MustCompile(`"[^"]*[A-Z][^"]*":`).FindString(out); key != "" || !strings.Contains(out, `"text"`) {
		t.Errorf("key %s in %s", key, out)
	}
}

// TestCatalogOfCategory: a category stands for all beneath it, as in profiles, and one without a list is named.
func TestCatalogOfCategory(t *testing.T) {
	both := hearth(t, "lists", "catalog", "--category", "money").out
	for name, wanted := range map[string]bool{"sw-gambling ": true, "sw-crypto ": true, "urlhaus ": false} {
		if strings.Contains(both, name) != wanted {
			t.Errorf("%s shown: %t, want %t", name, !wanted, wanted)
		}
	}
	if r := hearth(t, "lists", "catalog", "--category", "mone"); r.code == 0 || !strings.Contains(r.err, `"mone"`) {
		t.Errorf("exit code %d, %s", r.code, r.err)
	}
}
