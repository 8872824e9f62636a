package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeFiles writes files, named by path under a new folder, and gives it.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func household(id, network string) string {
	return "id: " + id + "\nconsent: {by: test, at: 2026-01-01}\nnetworks: [" + network + "]\nmembers: [{name: Kim, band: child}]\n"
}

func TestHouseholdFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"config.yaml":        "households_dir: homes\nhouseholds:\n  - id: inline\n    consent: {by: test, at: 2026-01-01}\n    members: [{name: Alex, band: adult}]\n    networks: [10.1.0.0/16]\n",
		"homes/b.yaml":       household("home-b", "10.3.0.0/16"),
		"homes/a.yml":        household("home-a", "10.2.0.0/16"),
		"homes/readme.txt":   "not yaml: [",
		"homes/.hidden.yaml": "nonsense: [",
	})
	l, err := load(filepath.Join(dir, "config.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, h := range l.Config.Households {
		ids = append(ids, h.ID)
	}
	if diff := cmp.Diff([]string{"inline", "home-a", "home-b"}, ids); diff != "" {
		t.Errorf("households (-want +got):\n%s", diff)
	}
}

// TestHouseholdFileMistakes have the place in their own file, also those that
// show only when all files are seen together.
func TestHouseholdFileMistakes(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"config.yaml":  "households_dir: homes\n",
		"homes/a.yaml": "id: home-a\nconsent: {by: test, at: 2026-01-01}\nmembrs: []\n",
		"homes/b.yaml": "id: home-b\nnetworks: [10.0.0.0/33]\n",
	})
	_, err := load(filepath.Join(dir, "config.yaml"), nil)
	want := dir + `/homes/a.yaml:3:1: unknown key "membrs" under households[0]; did you mean "members"?` + "\n" +
		dir + "/homes/b.yaml:1:1: households[1].consent.by: who opted in is missing: write consent: {by: a name, at: YYYY-MM-DD}, or enabled: false\n" +
		dir + "/homes/b.yaml:1:1: households[1].consent.at: when they opted in is missing: write a date as YYYY-MM-DD\n" +
		dir + `/homes/b.yaml:2:12: households[1].networks[0]: "10.0.0.0/33" is not a network; write a network such as 192.168.1.0/24`
	if err == nil || err.Error() != want {
		t.Errorf("problems:\n%v\nwant:\n%s", err, want)
	}
}

func TestOneHouseholdTwice(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"config.yaml":  "households_dir: homes\n",
		"homes/a.yaml": household("home", "10.2.0.0/16"),
		"homes/b.yaml": household("home", "10.3.0.0/16"),
	})
	_, err := load(filepath.Join(dir, "config.yaml"), nil)
	var found problems
	if !asProblems(err, &found) || len(found) != 1 || found[0].File != dir+"/homes/b.yaml" || found[0].Line != 1 {
		t.Errorf("problems = %v, want one at the id in b.yaml", err)
	}
}

// TestReferenceExamples: the examples of docs/configuration.md load.
func TestReferenceExamples(t *testing.T) {
	page, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Error("docs/configuration.md has no example")
	}
	for i, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		dir := writeFiles(t, map[string]string{"config.yaml": "households_dir: homes\n", "homes/h.yaml": text})
		if _, err := load(filepath.Join(dir, "config.yaml"), nil); err != nil {
			t.Errorf("example %d is refused as a household file:\n%v", i+1, err)
		}
	}
}
