package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/help"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

func taxonomy(t testing.TB, own ...blocklists.Definition) *blocklists.Taxonomy {
	t.Helper()
	tax, err := blocklists.NewTaxonomy(own...)
	if err != nil {
		t.Fatal(err)
	}
	return tax
}

func open(t testing.TB, c LibraryConfig) *Library {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	l, err := OpenLibrary(c)
	if err != nil {
		t.Fatal(err)
	}
	l.retry = 0
	return l
}

// compile compiles and fails the test where a source has a problem.
func compile(t testing.TB, l *Library, tax *blocklists.Taxonomy) *blocklists.Index {
	t.Helper()
	ix, sum, err := l.Compile(context.Background(), tax)
	if err != nil || len(sum.Problems) > 0 {
		t.Fatalf("Compile: %v, problems %v", err, sum.Problems)
	}
	return ix
}

// categoriesOf asks an index for a name.
func categoriesOf(t testing.TB, ix *blocklists.Index, name string) []string {
	t.Helper()
	wire, err := blocklists.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	var h blocklists.Hashes
	ix.Key().Hash(wire, &h)
	var ids []string
	for c := range ix.Match(&h).Categories.All() {
		ids = append(ids, ix.Taxonomy().ID(c))
	}
	slices.Sort(ids)
	return ids
}

func wantCategories(t testing.TB, ix *blocklists.Index, name string, want ...string) {
	t.Helper()
	if got := categoriesOf(t, ix, name); !slices.Equal(got, want) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// files returns the names in a folder, without hidden order.
func files(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestCompile: lists of several formats become one index, each with its own exceptions, and the starter lists with them.
func TestCompile(t *testing.T) {
	lists := t.TempDir()
	config := Default()
	config.Popular = "popular"
	config.Sources = []Source{
		{Name: "casinos", Path: write(t, lists+"/casinos", "casino.example\nshared.example\n"), Format: Domains, Categories: []string{"money.gambling"}},
		{Name: "adult", Path: write(t, lists+"/adult", "||shared.example^\n||porn.example^\n@@||health.porn.example^\n||no.example^\n||no.example^$badfilter\n"),
			Format: Adblock, Categories: []string{"adult.porn", "adult.mixed"}},
		{Name: "zone", Path: write(t, lists+"/zone", "exact.example CNAME .\n*.below.example CNAME .\n"), Format: RPZ, Categories: []string{"sec.malware"}},
		{Name: "exact", Path: write(t, lists+"/exact", "only.example\n"), Format: Domains, Match: MatchExact, Categories: []string{"piracy"}},
		{Name: "popular", Path: write(t, lists+"/popular", "casino.example\nbig.example\n"), Format: Domains},
		{Name: "folder", Path: filepath.Dir(write(t, lists+"/folder/one", "one.example\n")), Format: Domains, Categories: []string{"misinfo"}},
	}
	write(t, lists+"/folder/two", string(gzipOf(t, []byte("two.example\n"))))
	write(t, lists+"/folder/.hidden", "hidden.example\n")
	tax := taxonomy(t)
	if err := config.Validate(tax); err != nil {
		t.Fatal(err)
	}
	l := open(t, LibraryConfig{Lists: config})
	ix := compile(t, l, tax)

	wantCategories(t, ix, "casino.example", "meta.popular", "money.gambling")
	wantCategories(t, ix, "www.casino.example", "meta.popular", "money.gambling")
	wantCategories(t, ix, "notcasino.example")
	wantCategories(t, ix, "shared.example", "adult.mixed", "adult.porn", "money.gambling")
	wantCategories(t, ix, "www.porn.example", "adult.mixed", "adult.porn")
	wantCategories(t, ix, "health.porn.example")
	wantCategories(t, ix, "no.example")
	wantCategories(t, ix, "exact.example", "sec.malware")
	wantCategories(t, ix, "www.exact.example")
	wantCategories(t, ix, "below.example")
	wantCategories(t, ix, "www.below.example", "sec.malware")
	wantCategories(t, ix, "only.example", "piracy")
	wantCategories(t, ix, "www.only.example")
	wantCategories(t, ix, "one.example", "misinfo")
	wantCategories(t, ix, "two.example", "misinfo")
	wantCategories(t, ix, "hidden.example")
	wantCategories(t, ix, "unlisted.example")

	loaded, err := l.Load(tax)
	if err != nil || loaded.ID() != ix.ID() {
		t.Errorf("Load: %v", err)
	}
	for _, file := range files(t, l.config.Dir) {
		if strings.Contains(file, tempMark) {
			t.Errorf("%s is left behind", file)
		}
	}
	info, err := os.Stat(filepath.Join(l.config.Dir, "key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
}

// TestHelpIsAlwaysIn: without starter lists, and whatever exceptions a shared list has, help stays reachable.
func TestHelpIsAlwaysIn(t *testing.T) {
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	lists, err := starterLists(false, table)
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) != 2 || lists[0].category != "ok.help.core" || lists[1].category != "ok.help" {
		t.Fatalf("%d help lists, the first of %s", len(lists), lists[0].category)
	}
	tax := taxonomy(t)
	for _, list := range lists {
		var names []string
		if _, err := list.parse(func(i Item) error { names = append(names, i.Entry.Name.String()); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 {
			t.Fatalf("%s has no names", list.category)
		}
		config := Config{Sources: []Source{{Name: "hostile", Format: Adblock, Categories: []string{"ok.help", "ok.help.core", "adult.porn"},
			Path: write(t, t.TempDir()+"/hostile", "@@||"+strings.Join(names, "^$important\n@@||")+"^$important\n||"+names[0]+"^$badfilter\n||x.example^\n")}}}
		ix := compile(t, open(t, LibraryConfig{Lists: config}), tax)
		for _, name := range names {
			if !slices.Contains(categoriesOf(t, ix, name), list.category) {
				t.Errorf("%s is no longer %s", name, list.category)
			}
		}
	}
}

// TestStarter: every embedded list is of a built-in category and clean, and all of them compile in memory.
func TestStarter(t *testing.T) {
	tax := taxonomy(t)
	ix, err := Starter(tax)
	if err != nil {
		t.Fatal(err)
	}
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	lists, err := starterLists(true, table)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		report, err := list.parse(func(i Item) error {
			if name := i.Entry.Name.String(); !slices.Contains(categoriesOf(t, ix, name), list.category) {
				t.Errorf("%s is not %s", name, list.category)
			}
			return nil
		})
		if err != nil || len(report.Rejected) > 0 {
			t.Errorf("%s: %v, %v", list.category, err, report.Examples)
		}
	}
}

// TestCompileLeavesOut: a source that cannot be read is left out and named; the others are in.
func TestCompileLeavesOut(t *testing.T) {
	lists := t.TempDir()
	torn := gzipOf(t, []byte(strings.Repeat("torn.example\n", 500)))
	config := Config{Sources: []Source{
		{Name: "gone", Path: lists + "/gone", Format: Domains, Categories: []string{"piracy"}},
		{Name: "new", URL: "https://lists.example/", Format: Domains, Categories: []string{"piracy"}},
		{Name: "torn", Path: write(t, lists+"/torn.gz", string(torn[:len(torn)-9])), Format: Domains, Categories: []string{"piracy"}},
		{Name: "no archive", Path: write(t, lists+"/ut1", strings.Repeat("a.example\n", 100)), Format: UT1, Categories: []string{"piracy"}},
		{Name: "good", Path: write(t, lists+"/good", "good.example\n"), Format: Domains, Categories: []string{"piracy"}},
	}}
	ix, sum, err := open(t, LibraryConfig{Lists: config}).Compile(context.Background(), taxonomy(t))
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, p := range sum.Problems {
		named = append(named, p.Source)
	}
	if diff := cmp.Diff([]string{"gone", "new", "torn", "no archive"}, named); diff != "" {
		t.Errorf("problems (-want +got):\n%s\n%v", diff, sum.Problems)
	}
	wantCategories(t, ix, "good.example", "piracy")
}

// TestCompileEnds: the end of ctx leaves the old index in place and no litter.
func TestCompileEnds(t *testing.T) {
	var list strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&list, "w%d.example\n", i)
	}
	config := Config{Sources: []Source{{Name: "list", Path: write(t, t.TempDir()+"/list", list.String()), Format: Domains, Categories: []string{"piracy"}}}}
	l, tax := open(t, LibraryConfig{Lists: config}), taxonomy(t)
	compile(t, l, tax)
	before, err := os.ReadFile(l.indexPath())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := l.Compile(ctx, tax); !errors.Is(err, context.Canceled) {
		t.Errorf("Compile: %v", err)
	}
	after, err := os.ReadFile(l.indexPath())
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the old index is not in place: %v", err)
	}
	if got := files(t, l.config.Dir); !slices.Equal(got, []string{"index.hix", "index.json", "key", "sources"}) {
		t.Errorf("files %v", got)
	}
}

// TestWriteFileKeepsOld: an error while writing leaves the old file and nothing else.
func TestWriteFileKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir+"/file", "old")
	full := errors.New("disk full")
	err := writeFile(path, 0o600, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of the n")
		return full
	})
	text, _ := os.ReadFile(path)
	if !errors.Is(err, full) || string(text) != "old" || len(files(t, dir)) != 1 {
		t.Errorf("%v, %q, %v", err, text, files(t, dir))
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := write(t, dir+"/a.list"+tempMark+"1", "x")
	write(t, dir+"/b.list"+tempMark+"2", "x")
	write(t, dir+"/c.list", "x")
	now := time.Now()
	if err := os.Chtimes(old, now, now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sweep(dir, now)
	if got := files(t, dir); !slices.Equal(got, []string{"b.list" + tempMark + "2", "c.list"}) {
		t.Errorf("files %v", got)
	}
}
