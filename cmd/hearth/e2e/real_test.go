package e2e

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/source"
)

// shared returns the folder of real lists, or skips: they are other people's and
// are not part of the project.
func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HEARTH_SHARED")
	if dir == "" {
		dir = "../../../../shared"
	}
	dir, err := filepath.Abs(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "categories")); err != nil {
		t.Skip("the real lists are not here (HEARTH_SHARED names their folder): ", err)
	}
	return dir
}

// ours says which category of the taxonomy each real file is loaded as, as dnsbench
// does. Files with no entry get a category of the operator's own.
func ours(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../dnsbench/categories.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 {
			all[f[0]] = f[1]
		}
	}
	return all
}

// wild says how each file of the wild folder is written.
var wild = map[string]string{
	"adblock-": "adblock", "dnsmasq-": "dnsmasq", "hosts-": "hosts", "plain-": "domains", "rpz-": "rpz", "squidguard-": "domains",
}

func categoryFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "categories", "*.txt.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no category lists in %s: %v", dir, err)
	}
	return files
}

func stem(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// lines yields the lines of a gzip file.
func lines(t *testing.T, path string) func(func(string) bool) {
	t.Helper()
	return func(yield func(string) bool) {
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Error(err)
			return
		}
		for s := bufio.NewScanner(z); s.Scan(); {
			if !yield(s.Text()) {
				return
			}
		}
	}
}

// TestLookups compares the index compiled from every real category file with the
// expected categories of the look-up file, which another program made.
func TestLookups(t *testing.T) {
	dir := shared(t)
	var own []blocklists.Definition
	var cfg = source.Default()
	cfg.Starter = false
	for _, f := range categoryFiles(t, dir) {
		id := "data." + strings.ReplaceAll(stem(f), "_", "-")
		own = append(own, blocklists.Definition{ID: id, Group: "ads"})
		cfg.Sources = append(cfg.Sources, source.Source{Name: stem(f), Path: f, Format: "domains", Categories: []string{id}, PublicSuffixes: true})
	}
	tax, err := blocklists.NewTaxonomy(own...)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := source.OpenLibrary(source.LibraryConfig{Dir: t.TempDir(), Lists: cfg, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lib.Update(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, s := range lib.Stats() {
		if s.Held != nil { // lists of names to allow are among them, with names that no block list may hit
			if _, err := lib.Accept(context.Background(), s.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	ix, sum, err := lib.Compile(context.Background(), tax)
	if err != nil {
		t.Fatal(err)
	}
	if len(sum.Problems) > 0 {
		t.Fatalf("problems: %v", sum.Problems)
	}
	n := 0
	for line := range lines(t, filepath.Join(dir, "lookups", "lookups-dev.tsv.gz")) {
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(f) < 2 {
			continue
		}
		n++
		if got := categoriesOf(t, ix, f[0]); got != f[1] {
			t.Errorf("%s: %s, want %s", f[0], got, f[1])
		}
	}
	if n != 6782 {
		t.Errorf("%d look-ups, want the file's 6782", n)
	}
	t.Logf("%d look-ups agree; %d names, %.2f bytes a name", n, ix.Names(), float64(ix.Bytes())/float64(ix.Names()))
}

func categoriesOf(t *testing.T, ix *blocklists.Index, text string) string {
	t.Helper()
	name, why := source.Normalise(text)
	if why != "" {
		t.Errorf("%s is refused: %s", text, why)
	}
	var h blocklists.Hashes
	ix.Key().Hash(name, &h)
	var out []string
	for c := range ix.Match(&h).Categories.All() {
		if id, ok := strings.CutPrefix(ix.Taxonomy().ID(c), "data."); ok {
			out = append(out, strings.ReplaceAll(id, "-", "_"))
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ",")
}

// realConfig writes a configuration with every category file and every wild one.
func realConfig(t *testing.T, s *server, dir, upstream string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
listen: [{addresses: ["%s"]}]
landing: {ipv4: 127.0.0.1, ipv6: "::1", http: ["%s"]}
resolve: {upstreams: ["%s"]}
metrics: {listen: "%s"}
households:
  - id: real
    consent: {by: parents, at: 2026-01-01}
    networks: [127.0.0.0/8]
    members: [{name: Kim, band: preteen}, {name: Pat, band: adult}]
    devices:
      - {name: kim, addresses: [127.0.0.2], member: Kim}
      - {name: pat, addresses: [127.0.0.4], member: Pat}
lists:
  sources:
`, s.dns, s.http, upstream, s.metrics)
	own, known := []string{"data.wild"}, ours(t)
	for _, f := range categoryFiles(t, dir) {
		id := known[stem(f)]
		if id == "" {
			id = "data." + strings.ReplaceAll(stem(f), "_", "-")
			own = append(own, id)
		}
		fmt.Fprintf(&b, "    - {name: %s, path: %q, format: domains, categories: [%s], public_suffixes: true}\n", stem(f), f, id)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "wild", "*.gz"))
	for _, f := range files {
		if slices.Contains(forBrowsers, stem(f)) {
			continue
		}
		for prefix, format := range wild {
			if strings.HasPrefix(filepath.Base(f), prefix) {
				fmt.Fprintf(&b, "    - {name: wild-%s, path: %q, format: %s, categories: [data.wild]}\n", stem(f), f, format)
			}
		}
	}
	fmt.Fprintf(&b, "    - {name: ut1, path: %q, format: ut1, map: [{from: games, to: [fun.games]}, {from: gambling, to: [money.gambling]}, {from: dating, to: [adult.dating]}]}\n", filepath.Join(dir, "ut1", "blacklists"))
	b.WriteString("categories:\n")
	for _, id := range own {
		fmt.Fprintf(&b, "  - {id: %s, group: ads}\n", id)
	}
	s.write(b.String())
}

// forBrowsers are real lists that say next to nothing for DNS, and are refused: of parts of pages, of pages, of
// top-level domains.
var forBrowsers = []string{"adblock-cosmetic-hugeai", "squidguard-ut1-adult-urls", "plain-shadowwhisperer-top-level"}

// TestRealLists compiles and serves every real list and reports what that takes.
func TestRealLists(t *testing.T) {
	dir := shared(t)
	u := newUpstream(t)
	s := &server{t: t, dir: t.TempDir(), dns: freePort(t), http: freePort(t), metrics: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	realConfig(t, s, dir, u.addr)

	compile := s.command("lists", "compile", "--config", s.config)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("lists compile: %v\n%s", err, out)
	}
	// The list of advertisements and trackers blocks what phones are woken by. It stays reachable, and lint says so.
	if out, code := s.hearth("lists", "lint", "--config", s.config); code != 0 || !strings.Contains(out, "fcm.googleapis.com") {
		t.Errorf("lists lint: exit %d\n%s", code, out)
	}
	usage := compile.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("compile: %.2f s of CPU, at most %d MiB resident", (compile.ProcessState.UserTime() + compile.ProcessState.SystemTime()).Seconds(), usage.Maxrss>>10)
	stats, code := s.hearth("lists", "stats", "--config", s.config)
	if code != 0 || !strings.Contains(stats, "adult") {
		t.Fatalf("lists stats: exit %d\n%s", code, stats)
	}
	t.Logf("lists stats:\n%s", stats)

	begin := time.Now()
	s.start()
	t.Logf("ready %d ms after its start", time.Since(begin).Milliseconds())
	for _, tt := range []struct{ from, name, want string }{
		{"127.0.0.2", "xvideos.com", "127.0.0.1"}, {"127.0.0.4", "xvideos.com", "192.0.2.1"},
		{"127.0.0.2", "www.pokerstars.com", "127.0.0.1"}, {"127.0.0.4", "www.pokerstars.com", "192.0.2.1"},
		{"127.0.0.2", "wikipedia.org", "192.0.2.1"},
	} {
		if got := addresses(s.ask("udp", tt.from, tt.name, dns.TypeA)); got != tt.want {
			t.Errorf("%s asks for %s: %s, want %s", tt.from, tt.name, got, tt.want)
		}
	}
	s.lookups(dir)
	t.Logf("resident while serving: %s", status(s.cmd.Process.Pid, "VmRSS:"))
}

// lookups asks over DNS for every name of the look-up file whose expected
// categories a preteen's preset blocks outright, and must see them blocked.
func (s *server) lookups(dir string) {
	s.t.Helper()
	blocked := map[string]bool{"adult": true, "gambling": true, "dating": true, "drugs": true, "piracy": true, "malware_phishing": true, "bypass_proxy_vpn_doh": true, "violence_gore": true, "hate_extremism": true}
	n := 0
	for line := range lines(s.t, filepath.Join(dir, "lookups", "lookups-dev.tsv.gz")) {
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(f) < 3 || f[0] == "use-application-dns.net" { // a canary: NXDOMAIN for everyone
			continue
		}
		ids := strings.Split(f[1], ",")
		allow := slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, "allow_") || id == "sex_education" })
		if allow || !slices.ContainsFunc(ids, func(id string) bool { return blocked[id] }) {
			continue
		}
		n++
		r, err := s.try("udp", "127.0.0.2", f[0], dns.TypeA)
		if err != nil {
			s.t.Fatal(err)
		}
		if got := addresses(r); got != "127.0.0.1" {
			s.t.Errorf("%s (%s): %s, want the landing address", f[0], f[1], got)
		}
	}
	s.t.Logf("%d look-ups blocked over DNS", n)
}

func status(pid int, field string) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, field); ok {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}
