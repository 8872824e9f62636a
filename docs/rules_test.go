// Package docs_test holds the project to what its documents promise: the import graph and the house rules
// of architecture.md and CONTRIBUTING.md, and the files that a reader expects to find. It reads the tree;
// it imports nothing of the project.
package docs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hearthdns/hearth"

// graph is the import graph of architecture.md, "Imports": what each package of the project may import of
// the project. A package that is not here has no place in the house yet.
var graph = map[string][]string{
	"blocklists":                  nil,
	"blocklists/help":             nil,
	"resolver/wire":               nil,
	"policy":                      {"blocklists", "policy/words"},
	"policy/words":                nil,
	"blocklists/source":           {"blocklists", "blocklists/help", "blocklists/source/transfer"},
	"blocklists/source/transfer":  nil,
	"resolver/listen":             {"resolver/wire"},
	"resolver/listen/certificate": nil,
	"resolver/local":              {"blocklists", "resolver/wire"},
	"resolver/querylog":           {"policy", "policy/store", "blocklists"},
	"resolver/setup":              nil,
	"resolver/cache":              {"resolver/wire", "blocklists"},
	"resolver/forward":            {"resolver/wire"},
	"resolver/atlas":              {"policy"},
	"resolver":                    {"policy", "blocklists", "resolver/cache", "resolver/local", "resolver/wire"},
	"policy/portal":               {"policy", "policy/account", "policy/notify", "policy/parents", "policy/tickets", "policy/words", "blocklists", "blocklists/help"},
	"policy/portal/chromium":      nil,
	"policy/portal/console":       {"policy", "policy/account", "policy/notify", "policy/parents", "policy/portal", "policy/words", "blocklists"},
	"policy/portal/api":           {"policy", "policy/account", "policy/notify", "policy/parents", "policy/portal", "policy/tickets", "blocklists"},
	"policy/tickets":              {"policy/store", "blocklists"},
	"policy/presence":             {"policy"},
	"policy/store":                nil,
	"policy/account":              {"policy/store"},
	"policy/parents":              {"policy", "policy/store", "blocklists"},
	"policy/policytest":           {"policy", "policy/parents", "policy/store", "blocklists"},
	"policy/events":               {"policy"},
	"policy/notify":               {"policy/store"},
	"cmd/dnsbench":                nil,
	"cmd/hearth": {"blocklists", "blocklists/help", "blocklists/register", "blocklists/source", "policy", "policy/account", "policy/events", "policy/notify", "policy/parents", "policy/portal", "policy/portal/api", "policy/portal/console", "policy/presence", "policy/store", "policy/tickets", "policy/words", "resolver",
		"resolver/atlas", "resolver/cache", "resolver/forward", "resolver/listen", "resolver/listen/certificate", "resolver/local", "resolver/querylog", "resolver/setup", "resolver/wire"},
	"blocklists/register": nil,
}

// confined are modules that only some folders may import, so that leaving one of them touches few packages.
var confined = map[string][]string{
	"github.com/miekg/dns":          {"resolver", "blocklists/source"},
	"github.com/spf13/viper":        {"cmd/hearth"},
	"github.com/spf13/cobra":        {"cmd/hearth"},
	"github.com/danielgtaylor/":     {"policy/portal/api"},
	"github.com/stretchr/":          nil,
	"log":                           nil, // log/slog alone
	"github.com/pkg/errors":         nil,
	"github.com/coreos/go-systemd/": {"cmd/hearth"},
	"github.com/coreos/go-oidc/":    {"policy/account"},
	"github.com/go-webauthn/":       {"policy/account"},
	"golang.org/x/oauth2":           {"policy/account"},
	"go.etcd.io/bbolt":              {"policy/store"},
	"github.com/invopop/":           {"cmd/hearth"},
	"github.com/fsnotify/":          {"cmd/hearth"},
	"github.com/mdlayher/":          {"policy/presence"},
	"github.com/go-viper/":          {"cmd/hearth"},
	"github.com/oschwald/":          {"resolver/atlas"},
	"github.com/maxmind/":           {"tests"}, // no folder: tests write databases
	"golang.org/x/net/http2":        {"tests"}, // no folder: tests of attacks speak it frame by frame
	"github.com/prometheus/client_golang/prometheus/promauto": nil, // registers in globals

	"github.com/SherClockHolmes/": {"policy/notify"},
	"github.com/wneessen/":        {"policy/notify"},
}

// pure lists what a package must not touch: policy decides from what it is given.
var pure = map[string][]string{
	"policy":        {"os", "net", "net/http", "io/ioutil", "database/sql", "github.com/miekg/dns"},
	"resolver/wire": {"os", "net", "net/http", "time"},
}

// vague are names that say nothing of what a package or a type is for.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "info", "data",
	"types", "models", "model", "errors", "misc", "shared", "base", "core", "lib"}

const (
	fileLines = 400
	funcLines = 60
	methods   = 3
)

// source is one parsed Go file.
type source struct {
	path string // from the root, with slashes
	dir  string
	test bool
	file *ast.File
	set  *token.FileSet
	text []byte
}

func (s source) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(p).Line)
}

func (s source) generated() bool { return ast.IsGenerated(s.file) }

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tracked lists the files of the project, from the root with slashes: what git knows, or in an unpacked
// archive everything but what is built.
func tracked(t *testing.T) []string {
	t.Helper()
	top := root(t)
	git := exec.Command("git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if out, err := git.Output(); err == nil {
		files := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
		return slices.DeleteFunc(files, func(name string) bool {
			info, err := os.Stat(filepath.Join(top, name))
			return err != nil || info.IsDir()
		})
	}
	var files []string
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"bin", ".git", ".hearth"}, d.Name()) {
			return filepath.SkipDir
		}
		if rel, err := filepath.Rel(top, name); err == nil && !d.IsDir() {
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sources parses every Go file of the project.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range tracked(t) {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		s := source{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			set: token.NewFileSet(), text: read(t, name)}
		var err error
		if s.file, err = parser.ParseFile(s.set, name, s.text, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) < 50 {
		t.Fatalf("found %d Go files: the test looks in the wrong place", len(all))
	}
	return all
}

func imports(s source) []string {
	var paths []string
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// within says whether dir is one of the folders or lies beneath one.
func within(dir string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return dir == f || strings.HasPrefix(dir, f+"/")
	})
}

func TestImportGraph(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		allowed, known := graph[s.dir]
		if !known {
			t.Errorf("%s: package %s has no place in the import graph; add it to architecture.md and here", s.path, s.dir)
		}
		for _, p := range imports(s) {
			inner, ours := strings.CutPrefix(p, module+"/")
			if ours && !slices.Contains(allowed, inner) {
				t.Errorf("%s imports %s; %s may import %v", s.path, inner, s.dir, allowed)
			}
		}
	}
}

func TestConfinedImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range imports(s) {
			for confinedTo, folders := range confined {
				hit := p == confinedTo || strings.HasSuffix(confinedTo, "/") && strings.HasPrefix(p, confinedTo)
				// A test may ask a server through the library that other servers trust.
				if hit && !within(s.dir, folders) && (!s.test || len(folders) == 0) {
					t.Errorf("%s imports %s, which belongs to %v", s.path, p, folders)
				}
			}
			if !s.test && slices.Contains(pure[s.dir], p) {
				t.Errorf("%s imports %s; package %s takes what it needs as arguments", s.path, p, s.dir)
			}
		}
	}
}

// TestPolicyTakesTimeAsArgument holds that a decision depends on its arguments alone.
func TestPolicyTakesTimeAsArgument(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.dir != "policy" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" &&
					slices.Contains([]string{"Now", "Since", "Until", "After", "Tick", "Sleep"}, sel.Sel.Name) {
					t.Errorf("%s calls time.%s", s.at(sel.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestNames(t *testing.T) {
	for _, s := range sources(t) {
		if name := strings.TrimSuffix(s.file.Name.Name, "_test"); slices.Contains(vague, name) {
			t.Errorf("%s: package name %q says nothing of what it is for", s.path, name)
		}
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if ok && slices.Contains(vague, strings.ToLower(spec.Name.Name)) {
				t.Errorf("%s: type name %q says nothing of what it is for", s.at(spec.Pos()), spec.Name.Name)
			}
			return true
		})
	}
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init; make the value where it is needed", s.at(f.Pos()))
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.generated() {
			continue
		}
		if n := bytes.Count(s.text, []byte("\n")); n > fileLines {
			t.Errorf("%s has %d lines, more than %d: is it still one concept?", s.path, n, fileLines)
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > funcLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.at(f.Pos()), f.Name.Name, n, funcLines)
			}
		}
	}
}

func TestInterfacesAreSmall(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > methods {
				t.Errorf("%s: an interface of %d methods, more than %d", s.at(i.Pos()), i.Methods.NumFields(), methods)
			}
			return true
		})
	}
}

// TestPackageComments holds that each package says what it answers: at least a sentence that begins with
// its name.
func TestPackageComments(t *testing.T) {
	commented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test || !commented[s.dir] {
			commented[s.dir] = commented[s.dir] || hasPackageComment(s)
		}
	}
	for dir, ok := range commented {
		if !ok {
			t.Errorf("package %s has no comment that begins \"Package …\" or \"Command …\" and says what it answers", dir)
		}
	}
}

func hasPackageComment(s source) bool {
	if s.file.Doc == nil {
		return false
	}
	text := s.file.Doc.Text()
	begins := "Package " + s.file.Name.Name
	if s.file.Name.Name == "main" {
		begins = "Command " + path.Base(s.dir)
	}
	return strings.HasPrefix(text, begins) && strings.Contains(text, ".") && len(text) > 80
}

// metricName is a whole name or, ending in an underscore, the beginning that a package puts before its own.
var metricName = regexp.MustCompile(`^hearth_[a-z0-9]+(_[a-z0-9]+)*_?$`)

func TestMetricNames(t *testing.T) {
	seen := 0
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				name, err := strconv.Unquote(n.Value)
				if n.Kind == token.STRING && err == nil && strings.HasPrefix(name, "hearth_") {
					seen++
					if !metricName.MatchString(name) {
						t.Errorf("%s: metric name %q is not hearth_lower_case", s.at(n.Pos()), name)
					}
				}
			case *ast.CompositeLit:
				checkCounterName(t, s, n)
			}
			return true
		})
	}
	if seen == 0 {
		t.Error("no metric name found: the test looks for the wrong thing")
	}
}

// checkCounterName holds that the names in prometheus.CounterOpts end in _total and those of gauges do not.
func checkCounterName(t *testing.T, s source, lit *ast.CompositeLit) {
	t.Helper()
	sel, ok := lit.Type.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "CounterOpts" && sel.Sel.Name != "GaugeOpts" {
		return
	}
	for _, element := range lit.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok || fmt.Sprint(pair.Key) != "Name" {
			continue
		}
		if value, ok := pair.Value.(*ast.BasicLit); ok {
			total := strings.HasSuffix(strings.Trim(value.Value, "\"`"), "_total")
			if total != (sel.Sel.Name == "CounterOpts") {
				t.Errorf("%s: %s in %s; counters, and only they, end in _total", s.at(lit.Pos()), value.Value, sel.Sel.Name)
			}
		}
	}
}

// metricRow is a row of docs/metrics.md: | `name` or `name{labels}` | kind | …
var metricRow = regexp.MustCompile("(?m)^\\| *`(hearth_[a-z0-9_]+)[^`]*` *\\| *([a-z]+)")

// TestListedCounters holds the same of the page that lists every metric, where the kinds stand in words.
func TestListedCounters(t *testing.T) {
	page, err := os.ReadFile("metrics.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("docs/metrics.md is not written yet")
	}
	for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
		if total := strings.HasSuffix(row[1], "_total"); total != (row[2] == "counter") {
			t.Errorf("docs/metrics.md: %s is a %s; counters, and only they, end in _total", row[1], row[2])
		}
	}
}

// TestNothingLeftOpen holds that no file carries a mark of unfinished work or a path of somebody's machine.
func TestNothingLeftOpen(t *testing.T) {
	marks := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	machine := regexp.MustCompile(`(^|[^A-Za-z0-9._/~$}-])/(wo` + `rk|home/[a-z]+|Users/[a-z]+)/`)
	for _, name := range tracked(t) {
		if within(name, []string{"blocklists/source/starter", "go.sum"}) {
			continue
		}
		for i, line := range strings.Split(string(read(t, name)), "\n") {
			if marks.MatchString(line) {
				t.Errorf("%s:%d: a mark of unfinished work; open an issue instead", name, i+1)
			}
			if machine.MatchString(line) {
				t.Errorf("%s:%d: a path of one machine: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
}

// TestTopLevel holds the top level of the tree to what architecture.md gives.
func TestTopLevel(t *testing.T) {
	want := []string{"cmd", "resolver", "policy", "blocklists", "deploy", "docs", "config.example.yaml",
		"go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
	seen := map[string]bool{}
	for _, name := range tracked(t) {
		top, _, _ := strings.Cut(name, "/")
		seen[top] = true
		if !slices.Contains(want, top) && !strings.HasPrefix(top, ".") {
			t.Errorf("%s does not belong at the top level", top)
		}
	}
	for _, name := range want {
		if !seen[name] {
			t.Errorf("%s is missing at the top level", name)
		}
	}
	mod := string(read(t, "go.mod"))
	if !strings.HasPrefix(mod, "module "+module+"\n") || !regexp.MustCompile(`(?m)^go 1\.\d+\.\d+$`).MatchString(mod) {
		t.Error("go.mod must name the module " + module + " and a whole Go version")
	}
}

// TestProjectFiles holds that each file that a reader looks for says what it is there to say.
func TestProjectFiles(t *testing.T) {
	for name, words := range map[string][]string{
		"LICENSE":              {"Apache License", "Version 2.0", "END OF TERMS AND CONDITIONS"},
		"README.md":            {"make run", "make test", "dig @127.0.0.1 -p 5300", "docs/architecture.md", "LICENSE"},
		"CONTRIBUTING.md":      {"make test", "make lint"},
		"SECURITY.md":          {"report"},
		"CHANGELOG.md":         {"Unreleased"},
		"docs/architecture.md": {"resolver/listen", "blocklists/source", "policy/portal"},
		"docs/deploy.md":       {"deploy/Dockerfile", "deploy/compose.yaml", "hearth.socket", "hearth.json"},
		"docs/operations.md":   {"SIGHUP", "hearth_"},
		".ci/run":              {"make test", "make lint", "make cross"},
	} {
		text := string(read(t, name))
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not speak of %q", name, word)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

// TestLinksLeadSomewhere holds that every relative link in a page leads to a file of the project.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range tracked(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(string(read(t, name)), -1) {
			if strings.Contains(found[1], ":") {
				continue
			}
			target := path.Join(path.Dir(name), found[1])
			if _, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s, which is not there", name, found[1])
			}
		}
	}
}

// TestMakeTargets holds that the targets which the documents name exist, each with its line of help.
func TestMakeTargets(t *testing.T) {
	makefile := string(read(t, "Makefile"))
	for _, target := range []string{"help", "build", "run", "test", "race", "lint", "fuzz", "soak", "bench", "cover", "cross"} {
		if !regexp.MustCompile(`(?m)^` + target + `:.*## \S`).MatchString(makefile) {
			t.Errorf("Makefile: no target %s with a line of help", target)
		}
	}
}

// TestDashboardKnowsItsMetrics holds that each metric in the Grafana dashboard is one that docs/metrics.md
// lists, which is compared with a scrape elsewhere.
func TestDashboardKnowsItsMetrics(t *testing.T) {
	dashboard := read(t, "deploy/grafana/hearth.json")
	if !json.Valid(dashboard) {
		t.Fatal("deploy/grafana/hearth.json is not JSON")
	}
	page, err := os.ReadFile("metrics.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("docs/metrics.md is not written yet")
	}
	listed := map[string]bool{}
	for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
		listed[row[1]] = true
	}
	used := regexp.MustCompile(`hearth_[a-z0-9_]+`).FindAllString(string(dashboard), -1)
	if len(used) == 0 {
		t.Error("the dashboard shows no metric")
	}
	slices.Sort(used)
	for _, name := range slices.Compact(used) {
		if !listed[name] && !listed[strings.TrimSuffix(name, "_bucket")] {
			t.Errorf("the dashboard shows %s, which docs/metrics.md does not list", name)
		}
	}
}

// TestDeployConfigIsRight holds that the configuration which the deploy files use passes the program's own
// check without a warning.
func TestDeployConfigIsRight(t *testing.T) {
	check := exec.Command("go", "run", "./cmd/hearth", "check-config", "deploy/etc/config.yaml")
	check.Dir = root(t)
	out, err := check.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "0 warnings") {
		t.Errorf("hearth check-config deploy/etc/config.yaml: %v\n%s", err, out)
	}
}

// TestServiceIsConfined holds that systemd's own score of what the unit leaves to the service is at most 1.5.
func TestServiceIsConfined(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("no systemd-analyze on this machine")
	}
	score := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=15", "deploy/systemd/hearth.service")
	score.Dir = root(t)
	if out, err := score.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Errorf("%v: %s", err, lines[len(lines)-1])
	}
}
