package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists/source"
)

// alone is one real list, and what the naive reader takes it for.
type alone struct {
	name     string
	path     string
	format   string
	options  source.Options
	category string // "" for a list that is only counted, because it is not to be in the index
	device   int    // which of the four devices has the category blocked; allowing for an allow-list in ours
	reading  *reading
}

const allowing = 4

// unfit are the wild files that say next to nothing about names: the program takes them for no lists.
var unfit = []string{"adblock-cosmetic-hugeai", "plain-shadowwhisperer-top-level", "squidguard-ut1-adult-urls"}

// unmapped are folders of UT1 that the map of the configuration does not name. Those whose usage begins with "white"
// (liste_bu, liste_blanche, bank) must then not be read at all.
var unmapped = []string{"audio-video", "blog", "liste_blanche", "liste_bu", "bank", "games", "forums"}

// disputed are listed names that came into the Public Suffix List, or left it, in the months between the shared copy and
// the one that a version of the Go library has. Of these the library is asked.
var disputed = []string{"mazeplay.com", "chatgpt.site", "claudeusercontent.com"}

// readAll reads every list of the shared folders.
func readAll(t *testing.T, dir string) []alone {
	t.Helper()
	s := newSuffixes(lines(t, filepath.Join(dir, "public_suffix_list.dat.gz")))
	if len(s.rules) < 9000 {
		t.Fatalf("%d public suffixes were read", len(s.rules))
	}
	for _, name := range disputed {
		delete(s.rules, name)
		if suffix, _ := publicsuffix.PublicSuffix(name); suffix == name {
			s.rules[name] = true
		}
	}
	return slices.Concat(readCategories(t, s, dir), readWild(t, s, dir), readUT1(t, s, dir), []alone{readServices(t, s, dir)})
}

// readCategories reads the cleaned lists. A taxonomy has no room for a category each: they share eighteen, but for the
// allow-lists, which fill those of ours that allow.
func readCategories(t *testing.T, s suffixes, dir string) []alone {
	t.Helper()
	known := ours(t)
	var out []alone
	for i, f := range categoryFiles(t, dir) {
		a := alone{name: "c-" + stem(f), path: f, format: "domains", options: source.Options{PublicSuffixes: true},
			category: "data.c" + strconv.Itoa(i%18), device: i % 18 % allowing, reading: newReading(s, true)}
		if c := known[stem(f)]; strings.HasPrefix(stem(f), "allow_") {
			a.category, a.device = c, allowing
		}
		a.reading.read("domains", lines(t, f), nil)
		out = append(out, a)
	}
	return out
}

func readWild(t *testing.T, s suffixes, dir string) []alone {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "wild", "*.gz"))
	var out []alone
	for i, f := range files {
		format := "v2fly"
		for prefix, is := range wild {
			if strings.HasPrefix(stem(f), prefix) {
				format = is
			}
		}
		if strings.HasSuffix(f, ".jsonl.gz") {
			continue // odd lines of many lists
		}
		a := alone{name: "w-" + stem(f), path: f, format: format, device: i % allowing, reading: newReading(s, false)}
		if !slices.Contains(unfit, stem(f)) {
			a.category = "data." + strings.ReplaceAll(stem(f), "_", "-")
		}
		if format == "rpz" {
			a.reading.policyZone(lines(t, f))
		} else {
			a.reading.read(format, lines(t, f), func(string) func(func(string) bool) { return nil })
		}
		out = append(out, a)
	}
	return out
}

// readUT1 reads the folders of squidGuard's layout: names in "domains", pages of hosts in "urls". The expressions of
// the shared folders are empty.
func readUT1(t *testing.T, s suffixes, dir string) []alone {
	t.Helper()
	root := filepath.Join(dir, "ut1", "blacklists")
	folders, err := filepath.Glob(filepath.Join(root, "*", "usage.gz"))
	if err != nil || len(folders) < 30 {
		t.Fatalf("%d folders of UT1: %v", len(folders), err)
	}
	var out []alone
	for i, f := range folders {
		folder := filepath.Base(filepath.Dir(f))
		a := alone{name: folder, path: root, format: "ut1", category: "data.u" + strconv.Itoa(i%12), device: i % 12 % allowing, reading: newReading(s, false),
			options: source.Options{Select: func(directory string) bool { return directory == folder }}}
		if slices.Contains(unmapped, folder) {
			a.category, a.device = "data.rest", 0
			if firstWord(t, f) == "white" {
				a.category = ""
			}
		}
		for _, file := range []string{"domains.gz", "urls.gz"} {
			if path := filepath.Join(root, folder, file); exists(path) {
				a.reading.read("domains", lines(t, path), nil)
			}
		}
		out = append(out, a)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// firstWord is the first word of a usage file: what its folder is primarily for, black or white.
func firstWord(t *testing.T, path string) string {
	t.Helper()
	for line := range lines(t, path) {
		if w := strings.TrimSpace(line); w != "" && w[0] != '#' {
			return w
		}
	}
	t.Fatalf("%s says nothing", path)
	return ""
}

// readServices makes a folder of v2fly's kind from the shared table of services, and reads it: one file a service,
// and one that includes them all, the half of them by way of another.
func readServices(t *testing.T, s suffixes, dir string) alone {
	t.Helper()
	texts := make(map[string][]string)
	for line := range lines(t, filepath.Join(dir, "services-v2fly.tsv.gz")) {
		if service, rule, ok := strings.Cut(line, "\t"); ok && line[0] != '#' {
			texts[service] = append(texts[service], rule)
		}
	}
	for i, service := range slices.Sorted(maps.Keys(texts)) {
		into := []string{"everything", "some"}[i%2]
		texts[into] = append(texts[into], "include:"+service+" # a service")
	}
	texts["everything"] = append(texts["everything"], "include:some")
	folder := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(strings.Join(text, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := alone{name: "services", path: filepath.Join(folder, "everything"), format: "v2fly", category: "data.services", device: 3, reading: newReading(s, false)}
	a.reading.read("v2fly", slices.Values(texts["everything"]), func(name string) func(func(string) bool) { return slices.Values(texts[name]) })
	return a
}

// counted is what a reader made of a list.
type counted struct {
	entries, names, patterns, networks int
	rejected                           map[string]int
}

func (c counted) String() string {
	out := fmt.Sprintf("%7d entries %7d names %3d patterns %d networks", c.entries, c.names, c.patterns, c.networks)
	for _, why := range slices.Sorted(maps.Keys(c.rejected)) {
		out += fmt.Sprintf(" %s=%d", why, c.rejected[why])
	}
	return out
}

func (r *reading) counted() counted {
	return counted{r.entries, len(r.marks), len(r.patterns) + len(r.keywords), r.networks, r.rejected}
}

func (a alone) counted(t *testing.T) counted {
	t.Helper()
	names := make(map[string]bool)
	report, err := source.ParsePath(a.path, source.Format(a.format), a.options, func(i source.Item) error {
		if i.Entry.Name != nil {
			names[string(i.Entry.Name)] = true
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", a.name, err)
	}
	c := counted{report.Names, len(names), report.Patterns, report.Prefixes, make(map[string]int)}
	for why, n := range report.Rejected {
		c.rejected[string(why)] = n
	}
	return c
}

// countsAgree compares, of every real file, how many entries, different names, patterns and networks the program and
// the naive reader find, and how many lines they reject for each reason.
func countsAgree(t *testing.T, all []alone) {
	t.Helper()
	for _, a := range all {
		got, want := a.counted(t), a.reading.counted()
		if got.String() != want.String() {
			t.Errorf("%-38s %-8s hearth      %v\n%-47s independent %v", a.name, a.format, got, "", want)
			continue
		}
		t.Logf("%-38s %-8s %v", a.name, a.format, got)
	}
}

// detectionAgrees holds that every real file is taken for what it is. A list of pages is no list of names.
func detectionAgrees(t *testing.T, all []alone) {
	t.Helper()
	for _, a := range all {
		got, err := source.DetectPath(a.path, 0)
		want := a.format
		if strings.HasPrefix(a.name, "w-squidguard-") {
			want = ""
		}
		if string(got.Format) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", a.name, got.Format, err, want)
		}
	}
}
