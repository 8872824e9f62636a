package source

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// countLines counts the lines of a file that are not blank, with nothing of this package.
func countLines(t *testing.T, path string) int {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var plain io.Reader = bytes.NewReader(raw)
	if strings.HasSuffix(path, ".gz") {
		if plain, err = gzip.NewReader(plain); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	scan := bufio.NewScanner(plain)
	for scan.Scan() {
		if strings.TrimSpace(scan.Text()) != "" {
			n++
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSharedCategories: each of the cleaned lists has one name a line, and all of them come out, public
// suffixes included.
func TestSharedCategories(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "categories"), "*.txt.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		report, err := ParsePath(file, Domains, Options{PublicSuffixes: true}, func(Item) error { return nil })
		if err != nil || report.Names != countLines(t, file) || len(report.Rejected) > 0 {
			t.Errorf("%s: %d names, rejected %v, %v; want %d", filepath.Base(file), report.Names, report.Rejected, err, countLines(t, file))
		}
	}
}

// TestSharedUT1: of each directory every line of its files is a name or counted with a reason, and only those that it
// can have; the first word of its usage file says whether a directory allows.
func TestSharedUT1Lines(t *testing.T) {
	root := shared(t, "ut1", "blacklists")
	found, err := survey(filepath.Dir(root), DefaultMaxInflated)
	if err != nil {
		t.Fatal(err)
	}
	names, lines := make(map[string]int), make(map[string]int)
	report, err := ParsePath(filepath.Dir(root), UT1, Options{PublicSuffixes: true}, func(i Item) error { names[i.File]++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	all, total := 0, 0
	for dir := range found {
		for _, file := range []string{"domains.gz", "urls.gz", "expressions.gz"} {
			path := filepath.Join(root, dir, file)
			if _, err := os.Stat(path); err == nil {
				lines[dir] += countLines(t, path)
			}
		}
		if names[dir] > lines[dir] {
			t.Errorf("%s: %d names of %d lines", dir, names[dir], lines[dir])
		}
		all += lines[dir]
	}
	for why, n := range report.Rejected {
		total += n
		if !slices.Contains([]Reason{ReasonIP, ReasonURLPath, ReasonRegex, ReasonBadLabel, ReasonSingleLabel, ReasonSyntax}, why) {
			t.Errorf("%d rejected as %s: %+v", n, why, report.Examples[why])
		}
	}
	if report.Names+total != all {
		t.Errorf("%d names and %d rejected of %d lines", report.Names, total, all)
	}
	t.Logf("%d names, rejected %v", report.Names, report.Rejected)
	var allows []string
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		if found[dir].Allow {
			allows = append(allows, dir)
		}
	}
	want := "bank child educational_games liste_blanche liste_bu sexual_education"
	if got := strings.Join(allows, " "); got != want {
		t.Errorf("%s allow, want %s", got, want)
	}
}
