//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// outcome is everything that a run found.
type outcome struct {
	Environment surroundings      `json:"environment"`
	Plan        map[string]any    `json:"plan"`
	Versions    map[string]string `json:"versions"`
	Absent      []note            `json:"absent"`
	Lacking     []note            `json:"lacking"`
	Excluded    []note            `json:"excluded"`
	Goals       []result          `json:"goals"`
	Figures     []figure          `json:"figures"`
}

// note says why a server has no figures.
type note struct {
	Server string `json:"server"`
	Why    string `json:"why"`
}

func (o *outcome) excludes(server string) bool {
	return slices.ContainsFunc(o.Excluded, func(n note) bool { return n.Server == server })
}

// lack notes once that a server has no figures of something.
func (o *outcome) lack(server, what string) {
	if n := (note{server, what}); !slices.Contains(o.Lacking, n) {
		o.Lacking = append(o.Lacking, n)
	}
}

// exclude takes a server out of the run, with all its figures.
func (o *outcome) exclude(server string, why error) {
	fmt.Fprintf(os.Stderr, "  %s: %v\n", server, why)
	o.Excluded = append(o.Excluded, note{server, why.Error()})
	o.Figures = slices.DeleteFunc(o.Figures, func(f figure) bool { return f.Server == server })
}

// publish writes the tables to standard output and where the flags say.
func (o *outcome) publish(p plan) error {
	o.Plan = map[string]any{
		"names": o.Environment.Names, "hits": p.hits, "queries": p.queries, "paced": p.paced, "mix": p.mix, "misses": p.misses, "steady": p.steady, "encrypted": p.encrypted, "handshakes": p.handshakes,
		"rounds": p.rounds, "window": inFlight, "window_misses": maxWaiting, "sockets": clients, "pace": pace, "steady_pace": steadyPace, "steady_window": steadyWindow,
		"sizes": p.sizes, "grown_names": p.grownNames, "grown_households": p.grownHouseholds,
	}
	for _, g := range goals(p) {
		o.Goals = append(o.Goals, g.judge(o))
	}
	o.report(os.Stdout, p)
	if p.markdown != "" {
		if err := writeFile(p.markdown, func(w io.Writer) error { o.report(w, p); return nil }); err != nil {
			return err
		}
	}
	if p.plot != "" {
		if err := writeFile(p.plot, func(w io.Writer) error { o.plot(w, p); return nil }); err != nil {
			return err
		}
	}
	if p.json == "" {
		return nil
	}
	return writeFile(p.json, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(o)
	})
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("writing the figures: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}

// spread is what the rounds gave.
type spread struct {
	Lowest  float64 `json:"lowest"`
	Median  float64 `json:"median"`
	Highest float64 `json:"highest"`
}

// text is the median with the lowest and the highest, where they look different.
func (s spread) text(format string) string {
	text := fmt.Sprintf(format, s.Median)
	low, high := fmt.Sprintf(format, s.Lowest), fmt.Sprintf(format, s.Highest)
	if low == high {
		return text
	}
	number, _, _ := strings.Cut(low, " ") // the unit stands once
	high, _, _ = strings.Cut(high, " ")
	return text + " (" + number + "-" + high + ")"
}

// over returns the spread of one value over the rounds, false without rounds.
func (o *outcome) over(server, workload string, value func(figure) float64) (spread, bool) {
	var v []float64
	for _, f := range o.Figures {
		if f.Server == server && f.Workload == workload {
			v = append(v, value(f))
		}
	}
	return newSpread(v)
}

func newSpread(v []float64) (spread, bool) {
	if len(v) == 0 {
		return spread{}, false
	}
	slices.Sort(v)
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + middle) / 2
	}
	return spread{v[0], middle, v[len(v)-1]}, true
}

// measured returns the servers that have figures, in the order of servers.
func (o *outcome) measured() []string {
	var all []string
	for _, s := range (&bench{}).servers() {
		if slices.ContainsFunc(o.Figures, func(f figure) bool { return f.Server == s.name }) {
			all = append(all, s.name)
		}
	}
	return all
}
