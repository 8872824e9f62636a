//go:build mutate

package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/goccy/go-yaml"
)

// mutated are the files whose guards are disabled one by one.
var mutated = []string{"decide.go", "walk.go", "chain.go", "standing.go", "hand.go", "quota.go"}

// beside are functions that decide nothing: they prepare, or they tell why.
var beside = []string{"Apply", "stand", "subject", "granted", "named", "service", "category", "quota", "family", "pass", "note", "end", "Explain", "usedUntil",
	"at", "Count", "count", "Quotas", "QuotasOf", "Allowances", "MaxTTL"}

// harmless are mutants that no verdict can tell from the original, with the reason.
var harmless = map[string]string{
	"decide.go: Decide: w.free()":                                   "the short way to the same verdict",
	"decide.go: service: w.names != w.q.Match.Categories":           "what the trace says, and no more",
	"decide.go: unlisted: p.allowList && meet(m, &p.listed)":        "as above",
	"walk.go: offWhy: declined":                                     "as above",
	"hand.go: Decide: st == nil && c.budget == nil":                 "the short way to the same verdict",
	"chain.go: denied: n >= uint64(len(hashes))":                    "a list that is cut off: no scenario can write one, TestChainsOnlyTakeAway does",
	"chain.go: ruled: r == nil":                                     "as above",
	"walk.go: write: w.step == StepDenied || w.step == StepAllowed": "which rule it was is told, not decided",
	"walk.go: hold: w.step == StepAllowed && h.name != nil":         "as above",
}

// mutant is one change of the source.
type mutant struct {
	file, what string
	text       []byte
}

// TestMutants changes the order and the guards of decisions one at a time, and sees a named scenario
// fail each time.
func TestMutants(t *testing.T) {
	var all []mutant
	for _, file := range mutated {
		all = append(all, guards(t, file)...)
	}
	all = append(all, swaps(t)...)
	killed := make([]string, len(all))
	var wait sync.WaitGroup
	next := make(chan int)
	for range runtime.NumCPU() {
		wait.Go(func() {
			for i := range next {
				killed[i] = play(t, all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wait.Wait()
	for i, m := range all {
		name := m.file + ": " + m.what
		switch why, known := harmless[name]; {
		case killed[i] != "":
			t.Logf("killed by %-40s %s", killed[i], name)
		case known:
			t.Logf("harmless, %s: %s", why, name)
		default:
			t.Errorf("no scenario notices: %s", name)
		}
	}
}

// guards disables each condition of a file.
func guards(t *testing.T, file string) (all []mutant) {
	text, parsed, set := source(t, file)
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name == "run" || file != "decide.go" && slices.Contains(beside, f.Name.Name) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			var conditions []ast.Expr
			switch n := n.(type) {
			case *ast.IfStmt:
				conditions = append(conditions, n.Cond)
			case *ast.SwitchStmt:
				if n.Tag == nil {
					for _, c := range n.Body.List {
						conditions = append(conditions, c.(*ast.CaseClause).List...)
					}
				}
			}
			for _, c := range conditions {
				from, to := set.Position(c.Pos()).Offset, set.Position(c.End()).Offset
				all = append(all, mutant{file, f.Name.Name + ": " + string(text[from:to]),
					slices.Concat(text[:from], []byte("false && ("), text[from:to], []byte(")"), text[to:])})
			}
			return true
		})
	}
	return all
}

// swaps exchanges each two neighbours of the order.
func swaps(t *testing.T) (all []mutant) {
	text, parsed, set := source(t, "decide.go")
	var steps []ast.Expr
	ast.Inspect(parsed, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Name.Name == "run"
		}
		if c, ok := n.(*ast.CaseClause); ok && len(c.List) == 1 {
			steps = append(steps, c.List[0])
		}
		return true
	})
	for i := range len(steps) - 1 {
		at := func(e ast.Expr) (int, int) { return set.Position(e.Pos()).Offset, set.Position(e.End()).Offset }
		a, b := at(steps[i])
		c, d := at(steps[i+1])
		all = append(all, mutant{"decide.go", fmt.Sprintf("%s after %s", text[a:b], text[c:d]),
			slices.Concat(text[:a], text[c:d], text[b:c], text[a:b], text[d:])})
	}
	if len(all) < 9 {
		t.Fatalf("%d pairs of neighbours in run, want at least 9", len(all))
	}
	return all
}

func source(t *testing.T, file string) ([]byte, *ast.File, *token.FileSet) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return text, parsed, set
}

var failed = regexp.MustCompile(`--- FAIL: TestScenarios/(\S+)`)

// play runs the scenarios over a mutant, and names one that failed.
func play(t *testing.T, m mutant) string {
	dir := t.TempDir()
	path, err := filepath.Abs(m.file)
	if err != nil {
		t.Error(err)
		return ""
	}
	changed, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
	table, _ := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err := os.WriteFile(changed, m.text, 0o600); err == nil {
		err = os.WriteFile(overlay, table, 0o600)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "test", "-vet=off", "-overlay="+overlay, "-run=^TestScenarios$", "-timeout=60s", ".").CombinedOutput()
	switch found := failed.FindSubmatch(out); {
	case err == nil:
		return ""
	case found != nil:
		return string(found[1])
	case bytes.Contains(out, []byte("build failed")):
		t.Errorf("%s: %s is no program:\n%s", m.file, m.what, out)
	}
	return "an end of the program"
}

// TestFlippedCells flips each cell of each preset, and sees a named scenario fail.
func TestFlippedCells(t *testing.T) {
	whole := presetFiles
	t.Cleanup(func() { presetFiles = whole })
	stories := allStories(t)
	for _, band := range Bands() {
		for what, flipped := range flips(t, band) {
			presetFiles = flipped
			by := noticed(t, stories, "band-"+band.String()+".txtar")
			if presetFiles = whole; by == "" {
				t.Errorf("no scenario notices in %s: %s", band, what)
			} else {
				t.Logf("killed by %-40s %s: %s", by, band, what)
			}
		}
	}
}

// flips gives a preset with each of its cells another one.
func flips(t *testing.T, band Band) map[string]fs.FS {
	t.Helper()
	all := map[string]fs.FS{}
	original, err := LoadPreset(band)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(what string, change func(*Preset)) {
		p, err := LoadPreset(band)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		text, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		one := fstest.MapFS{}
		for _, b := range Bands() {
			name := "presets/" + b.String() + ".yaml"
			same, err := fs.ReadFile(embedded, name)
			if err != nil {
				t.Fatal(err)
			}
			one[name] = &fstest.MapFile{Data: same}
		}
		one["presets/"+band.String()+".yaml"] = &fstest.MapFile{Data: text}
		all[what] = one
	}
	listed := func(p *Preset) []*[]string { return []*[]string{&p.Block, &p.Warn, &p.Timed, &p.Allow} }
	for _, row := range strings.Split(strings.TrimSpace(cellTable+notInTable), "\n") {
		if row == "" {
			continue
		}
		id := strings.Fields(row)[0]
		if strings.HasPrefix(id, "ok.") || strings.HasPrefix(id, "illegal.") {
			continue // no preset has a say in those
		}
		stopped := slices.Contains(original.Block, id)
		flip(id, func(p *Preset) {
			if id == "search.other" { // the row of safe search says it
				p.OtherSearch = map[bool]string{true: "allow", false: "block"}[original.OtherSearch == "block"]
				return
			}
			for _, list := range listed(p) {
				*list = slices.DeleteFunc(*list, func(c string) bool { return c == id })
			}
			if !stopped {
				p.Block = append(p.Block, id)
			}
		})
	}
	flip("unknown names", func(p *Preset) {
		if p.Filter == "allow-list" {
			p.Filter, p.Unknown = "block-list", "allow"
		} else {
			p.Unknown = "block"
		}
	})
	flip("always_on", func(p *Preset) { p.Always = nil })
	return all
}

// allStories reads every scenario.
func allStories(t *testing.T) map[string]*Scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*Scenario{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if all[filepath.Base(file)], err = ParseScenario(text); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// noticed names a scenario that fails; first is tried first.
func noticed(t *testing.T, stories map[string]*Scenario, first string) string {
	t.Helper()
	names := []string{first}
	for name := range stories {
		names = append(names, name)
	}
	slices.Sort(names[1:])
	for _, name := range names {
		s := stories[name]
		if s == nil {
			continue
		}
		if misses, err := s.Run(t.Context(), CompileConfig{}); err != nil || len(misses) > 0 {
			return name
		}
	}
	return ""
}
