package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy"
	"github.com/spf13/cobra"
)

// scenarioResult is how one scenario went.
type scenarioResult struct {
	File   string   `json:"file"`
	Rows   int      `json:"rows"`
	Misses []string `json:"misses"`
	Error  string   `json:"error,omitempty"`
}

func (a *app) scenarioCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE...",
		Short: "Test expectations of a configuration",
		Long: `Test scenario files: rows of name, client, at, want. A scenario may bring its
own config.yaml and lists/<category>.txt; what it does not bring is taken from
--config, or the built-in example, and from the built-in lists. A row that
comes out differently is printed, and the exit code is 1.`,
		Example: "  hearth test --config config.yaml family.txtar",
		Args:    atLeastOne("the scenario FILE"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.scenarios(cmd.Context(), args) },
	}
}

func (a *app) scenarios(ctx context.Context, files []string) error {
	base, err := a.scenarioBase()
	if err != nil {
		return err
	}
	results, failed := make([]scenarioResult, 0, len(files)), false
	for _, file := range files {
		r := runScenario(ctx, file, base)
		failed = failed || r.Error != "" || len(r.Misses) > 0
		results = append(results, r)
	}
	a.print(results, func(w io.Writer) {
		for _, r := range results {
			r.describe(w)
		}
	})
	if failed {
		return errReported
	}
	return nil
}

// scenarioBase is what a scenario is judged by where it brings nothing of its
// own.
func (a *app) scenarioBase() (policy.CompileConfig, error) {
	l, err := a.load()
	if err != nil {
		return policy.CompileConfig{}, err
	}
	t, err := l.Config.taxonomy()
	if err != nil {
		return policy.CompileConfig{}, fmt.Errorf("numbering categories: %w", err)
	}
	ix, err := source.Starter(t)
	if err != nil {
		return policy.CompileConfig{}, fmt.Errorf("building the starter index: %w", err)
	}
	return policyConfig(&l.Config, stock{index: ix}, time.Now())
}

func runScenario(ctx context.Context, file string, base policy.CompileConfig) scenarioResult {
	r := scenarioResult{File: file, Misses: []string{}}
	text, err := os.ReadFile(file)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	first := sectionLine(string(text), "expect")
	s, err := policy.ParseScenario(text)
	if err != nil {
		r.Error = inFile(err.Error(), first)
		return r
	}
	r.Rows = len(s.Expect)
	misses, err := s.Run(ctx, base)
	for _, m := range misses {
		r.Misses = append(r.Misses, missed(file, first+m.Line, m))
	}
	if err != nil {
		r.Error = inFile(err.Error(), first)
	}
	return r
}

// inFile counts the lines of rows in a message from the begin of the file;
// first is the line with the name of their section.
func inFile(said string, first int) string {
	return regexp.MustCompile(`\bexpect:( line )?\d+:`).ReplaceAllStringFunc(said, func(place string) string {
		row := strings.Trim(strings.TrimPrefix(place, "expect:"), " line:")
		n, err := strconv.Atoi(row)
		if err != nil {
			return place
		}
		return fmt.Sprintf("expect: line %d of the file:", first+n)
	})
}

// missed words a row that came out differently, with its place in the file.
func missed(file string, line int, m policy.Miss) string {
	at := ""
	if m.At != "" {
		at = " at " + m.At
	}
	return fmt.Sprintf("%s:%d: %s for %s%s: want %s, got %s", file, line, m.Name, m.Client, at, m.Want, m.Got)
}

// sectionLine gives the line of the file on which a section of a txtar
// archive has its name; the section's own lines are counted from there.
func sectionLine(text, name string) int {
	n := 0
	for line := range strings.Lines(text) {
		n++
		inner, begins := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		inner, ends := strings.CutSuffix(inner, " --")
		if begins && ends && strings.TrimSpace(inner) == name && strings.HasPrefix(line, "-- ") {
			return n
		}
	}
	return 0
}

func (r scenarioResult) describe(w io.Writer) {
	for _, m := range r.Misses {
		fmt.Fprintln(w, m)
	}
	switch {
	case r.Error != "":
		fmt.Fprintf(w, "%s: cannot be run: %s\n", r.File, r.Error)
	case len(r.Misses) > 0:
		fmt.Fprintf(w, "%s: %d of %s came out differently; correct the configuration or the expectation\n", r.File, len(r.Misses), count(r.Rows, "row"))
	default:
		fmt.Fprintf(w, "%s: ok, %s\n", r.File, count(r.Rows, "row"))
	}
}
