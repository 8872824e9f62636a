package source

import (
	"bufio"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// sharedLists is a configuration with every category list of the shared data, each a category of the operator's own
// of the same name.
func sharedLists(t testing.TB) (Config, []blocklists.Definition) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(shared(t, "categories"), "*.txt.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no lists in the shared data: %v", err)
	}
	var config Config
	var own []blocklists.Definition
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt.gz")
		id := "shared." + strings.ReplaceAll(name, "_", "-")
		own = append(own, blocklists.Definition{ID: id})
		config.Sources = append(config.Sources, Source{Name: name, Path: path, Format: Domains,
			Categories: []string{id}, PublicSuffixes: true})
	}
	return config, own
}

// TestSharedLookups compiles all category lists and asks for every look-up of the shared data: name, expected
// categories (by suffix on label boundaries), kind.
func TestSharedLookups(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles 1.5 million names")
	}
	config, own := sharedLists(t)
	l := open(t, LibraryConfig{Lists: config})
	if _, err := l.Update(context.Background()); err != nil {
		t.Fatal(err)
	}
	acceptAll(t, l)
	ix, sum, err := l.Compile(context.Background(), taxonomy(t, own...))
	if err != nil || len(sum.Problems) > 0 {
		t.Fatalf("Compile: %v, %v", err, sum.Problems)
	}
	for _, s := range l.Stats() {
		if len(s.Rejected) > 0 {
			t.Logf("%s: %v, first %v", s.Name, s.Rejected, s.Examples)
		}
	}
	t.Logf("%d entries, %d names, %d bytes (%.2f a name)", sum.Entries, sum.Names, sum.Bytes, float64(sum.Bytes)/float64(sum.Names))
	asked := 0
	for _, line := range lookups(t) {
		fields := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(fields) < 2 {
			continue
		}
		asked++
		name, why := Normalise(fields[0])
		var want []string
		for id := range strings.FieldsFuncSeq(fields[1], func(r rune) bool { return r == ',' || r == '-' || r == ' ' }) {
			want = append(want, "shared."+strings.ReplaceAll(id, "_", "-"))
		}
		slices.Sort(want)
		var got []string
		if why == "" {
			for _, id := range categoriesOf(t, ix, name.String()) {
				if strings.HasPrefix(id, "shared.") { // the help lists are compiled in too
					got = append(got, id)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s (%s) is %v, want %v", fields[0], fields[2], got, want)
		}
	}
	if asked < 6000 {
		t.Errorf("only %d look-ups", asked)
	}
}

func lookups(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(shared(t, "lookups", "lookups-dev.tsv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	scan := bufio.NewScanner(plain)
	for scan.Scan() {
		lines = append(lines, scan.Text())
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestSharedUT1 reads the squidGuard folder of the shared data with a mapping, and checks that no allow list blocks.
func TestSharedUT1(t *testing.T) {
	path := shared(t, "ut1")
	found, err := survey(path, DefaultMaxInflated)
	if err != nil {
		t.Fatal(err)
	}
	for name, allow := range map[string]bool{"gambling": false, "adult": false, "ai": false, "child": true, "sexual_education": true, "liste_bu": true} {
		if d, ok := found[name]; !ok || d.Allow != allow {
			t.Errorf("%s: found %t, allows %t, want %t", name, ok, d.Allow, allow)
		}
	}
	config := Config{Sources: []Source{{Name: "ut1", Path: path, Format: UT1, Categories: []string{"misinfo"},
		Map: []Mapping{{From: "child", To: []string{"ok.kids"}}, {From: "gambling", To: []string{"money.gambling"}}}}}}
	l := open(t, LibraryConfig{Lists: config})
	ix := compile(t, l, taxonomy(t))
	stat := l.Stats()[len(l.Stats())-1]
	t.Logf("%d names, rejected %v", stat.Names, stat.Rejected)
	child := firstName(t, path, "child")
	if got := categoriesOf(t, ix, child); !slices.Contains(got, "ok.kids") {
		t.Errorf("the first name of child is %v", got)
	}
	if got := categoriesOf(t, ix, firstName(t, path, "gambling")); !slices.Contains(got, "money.gambling") {
		t.Errorf("the first name of gambling is %v", got)
	}
}

// firstName returns the first name of a directory of the shared UT1 list.
func firstName(t *testing.T, path, directory string) string {
	t.Helper()
	file, err := os.Open(filepath.Join(path, "blacklists", directory, "domains.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(plain)
	for scan.Scan() {
		if name, why := Normalise(scan.Text()); why == "" {
			return name.String()
		}
	}
	t.Fatalf("no name in %s", directory)
	return ""
}

// BenchmarkCompile compiles all category lists of the shared data: CPU seconds for 1.5 million entries.
func BenchmarkCompile(b *testing.B) {
	config, own := sharedLists(b)
	tax := taxonomy(b, own...)
	for b.Loop() {
		l := open(b, LibraryConfig{Lists: config})
		_, sum, err := l.Compile(context.Background(), tax)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(sum.Names), "names")
		b.ReportMetric(float64(sum.Bytes)/float64(sum.Names), "bytes/name")
	}
}

// BenchmarkRecompile changes one small list among all category lists of the shared data, which are kept parsed: what an
// update of one list costs.
func BenchmarkRecompile(b *testing.B) {
	config, own := sharedLists(b)
	tax := taxonomy(b, own...)
	path := filepath.Join(b.TempDir(), "small")
	config.Sources = append(config.Sources, Source{Name: "small", Path: path, Format: Domains, Categories: []string{"piracy"}})
	write(b, path, numbered(100))
	l := open(b, LibraryConfig{Lists: config})
	if _, _, err := l.Compile(context.Background(), tax); err != nil {
		b.Fatal(err)
	}
	acceptAll(b, l)
	compile(b, l, tax)
	var spent time.Duration
	names := 0
	for i := 0; b.Loop(); i++ {
		write(b, path, numbered(101-i%2))
		begin := cpuTime(b)
		ix, sum, err := l.Compile(context.Background(), tax)
		spent += cpuTime(b) - begin
		if err != nil || !slices.Equal(sum.Read, []string{"small"}) {
			b.Fatalf("read %q, %v", sum.Read, err)
		}
		names = ix.Names()
	}
	b.ReportMetric(spent.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(names), "names")
}
