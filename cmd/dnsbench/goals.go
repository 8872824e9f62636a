//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
)

// goal is a bound that the project set itself, with how it is measured.
type goal struct {
	workload string
	what     string  // is measured
	format   string  // of a value
	atMost   float64 // or none
	stretch  float64 // or none
	// measure returns the values of the rounds, and which server they are a ratio
	// to where the run decides it.
	measure func(*outcome) (values []float64, best string)
}

// none stands for no bound.
const none = -1

// result is a goal with what the run measured.
type result struct {
	Workload string   `json:"workload"`
	What     string   `json:"what"`
	Goal     *float64 `json:"goal,omitempty"`
	Stretch  *float64 `json:"stretch,omitempty"`
	Measured *spread  `json:"measured,omitempty"`
	Verdict  string   `json:"verdict"`
	row      string
}

// goals returns the project's goals, also those that the run does not measure.
func goals(p plan) []goal {
	return slices.Concat(cpuGoals(), reloadGoals(), memoryGoals(), sizeGoals(p), growthGoals(p), secureGoals(p))
}

// cpuGoals are ratios of CPU a query to other servers in the same round.
func cpuGoals() []goal {
	peers := slices.DeleteFunc(peerNames(), func(s string) bool { return slices.Contains(bareNames(), s) })
	const x = "%.2f x"
	to := func(workload, base string, servers ...string) func(*outcome) ([]float64, string) {
		return func(o *outcome) ([]float64, string) { return o.toBest(workload, base, servers) }
	}
	return []goal{
		{"hit", "CPU, to the best bare responder's", x, 1.25, none, to("hit", "hit", bareNames()...)},
		{"hit", "CPU, to dnsdist's", x, none, 0.60, to("hit", "hit", "dnsdist")},
		{"blocked", "CPU, to the best bare responder's of a hit", x, 1.25, none, to("blocked", "hit", bareNames()...)},
		{"blocked", "CPU, to dnsdist's", x, none, 0.60, to("blocked", "blocked", "dnsdist")},
		{"tcp", "CPU, to the best peer's", x, 0.80, 0.60, to("tcp", "tcp", peers...)},
		{"mix", "CPU, to the best peer's", x, 0.95, 0.80, to("mix", "mix", peers...)},
		{"miss", "CPU, to unbound's", x, 0.55, none, to("miss", "miss", "unbound")},
		{"miss", "CPU, to dnsdist's", x, none, 1.00, to("miss", "miss", "dnsdist")},
		{"garbage", "CPU of a good query, to its own of paced", x, 1.10, none, to("garbage", "paced", "hearth")},
		{"garbage", "good queries lost", "%.0f", 0, none, sum("garbage", func(f figure) float64 { return float64(f.Lost) })},
	}
}

func reloadGoals() []goal {
	p99 := func(f figure) float64 { return f.P99 }
	all := []goal{{"steady", "p99 without reloads", "%.0f us", none, none, each("steady", p99)}}
	for _, name := range []string{"reload", "recompile"} {
		all = append(all,
			goal{name, "queries lost", "%.0f", 0, none, sum(name, func(f figure) float64 { return float64(f.Lost) })},
			goal{name, "answers of no World that served", "%.0f", 0, none, sum(name, func(f figure) float64 { return float64(f.Wrong) })},
			goal{name, "p99", "%.0f us", none, none, each(name, p99)})
	}
	return all
}

// memoryGoals are of starts that find the index compiled: the first, which compiles
// it, is none of them.
func memoryGoals() []goal {
	return []goal{
		{"load", "index, bytes a name", "%.2f", 8, none, each("load", perName)},
		{"load", "memory beyond the index", "%.1f MiB", 30, 20, each("load", beyond)},
	}
}

func sizeGoals(p plan) []goal {
	var all []goal
	for i, n := range p.sizes {
		compile, start := sized("compile", n, "names"), sized("start", n, "names")
		most, stretch := float64(none), float64(none)
		if i == len(p.sizes)-1 {
			most, stretch = 0.150, 0.100
		}
		all = append(all,
			goal{sizesName, start + ": CPU until the first answers", "%.3f s", most, stretch, each(start, func(f figure) float64 { return f.CPUSeconds })},
			goal{sizesName, start + ": index, bytes a name", "%.2f", 8, none, each(start, perName)},
			goal{sizesName, start + ": memory beyond the index", "%.1f MiB", 30, 20, each(start, beyond)},
			goal{sizesName, compile + ": CPU a million names", "%.2f s", 1, none, each(compile, perMillion)},
			goal{sizesName, compile + ": peak heap", "%.0f MiB", 64, none, each(compile, func(f figure) float64 { return float64(f.PeakHeap) })})
	}
	return all
}

// growthGoals are ratios of the largest size to the smallest in the same round.
func growthGoals(p plan) []goal {
	var all []goal
	for _, axis := range []struct {
		of    string
		sizes []int
	}{{"names", p.grownNames}, {"households", p.grownHouseholds}} {
		if len(axis.sizes) < 2 {
			continue
		}
		least, most := axis.sizes[0], axis.sizes[len(axis.sizes)-1]
		for _, what := range []string{"hit", "blocked"} {
			all = append(all, goal{growthName, fmt.Sprintf("CPU of %s with %d %s, to that with %d", what, most, axis.of, least), "%.2f x", 1.3, none,
				func(o *outcome) ([]float64, string) {
					what := "grown " + what
					return ratios(o.byRound("hearth", sized(what, most, axis.of)), o.byRound("hearth", sized(what, least, axis.of))), ""
				}})
		}
	}
	return all
}

func perName(f figure) float64    { return float64(f.IndexBytes) / float64(max(1, f.IndexNames)) }
func beyond(f figure) float64     { return mib(f) - float64(f.IndexBytes)/(1<<20) }
func perMillion(f figure) float64 { return f.CPUSeconds * 1e6 / float64(max(1, f.IndexNames)) }
func peakAnon(f figure) float64   { return float64(f.PeakAnon) / 1024 }
func peak(f figure) float64       { return float64(f.Peak) / 1024 }

// each measures a value of Hearth's in every round.
func each(workload string, value func(figure) float64) func(*outcome) ([]float64, string) {
	return func(o *outcome) (values []float64, _ string) {
		for _, f := range o.Figures {
			if f.Server == "hearth" && f.Workload == workload {
				values = append(values, value(f))
			}
		}
		return values, ""
	}
}

// sum measures a value of Hearth's over all rounds: no round may hide another.
func sum(workload string, value func(figure) float64) func(*outcome) ([]float64, string) {
	return func(o *outcome) ([]float64, string) {
		values, _ := each(workload, value)(o)
		if len(values) == 0 {
			return nil, ""
		}
		total := 0.0
		for _, v := range values {
			total += v
		}
		return []float64{total}, ""
	}
}

// toBest returns Hearth's CPU a query in each round as a ratio to that of the
// server which has the lowest median of those that were measured.
func (o *outcome) toBest(workload, base string, servers []string) (values []float64, best string) {
	lowest := 0.0
	for _, server := range servers {
		if s, ok := o.over(server, base, cpu); ok && s.Median > 0 && (best == "" || s.Median < lowest) {
			lowest, best = s.Median, server
		}
	}
	values = ratios(o.byRound("hearth", workload), o.byRound(best, base))
	if len(servers) == 1 {
		best = "" // it was no choice
	}
	return values, best
}

func cpu(f figure) float64 { return f.CPU }

// byRound returns the CPU a query of each round.
func (o *outcome) byRound(server, workload string) map[int]float64 {
	all := map[int]float64{}
	for _, f := range o.Figures {
		if f.Server == server && f.Workload == workload {
			all[f.Round] = f.CPU
		}
	}
	return all
}

// ratios divides what two sides have in the same round.
func ratios(ours, theirs map[int]float64) []float64 {
	var all []float64
	for round, v := range ours {
		if theirs[round] > 0 {
			all = append(all, v/theirs[round])
		}
	}
	return all
}

// judge compares a goal with the run. The median decides.
func (g goal) judge(o *outcome) result {
	r := result{Workload: g.workload, What: g.what, Goal: bound(g.atMost), Stretch: bound(g.stretch), Verdict: "not measured"}
	values, best := g.measure(o)
	measured := "-"
	if s, ok := newSpread(values); ok {
		measured = s.text(g.format)
		r.Measured, r.Verdict = &s, g.verdict(s.Median)
		if best != "" {
			r.What += " (" + best + ")"
		}
	}
	show := func(b *float64) string {
		if b == nil {
			return "-"
		}
		return fmt.Sprintf(g.format, *b)
	}
	r.row = fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", r.Workload, r.What, show(r.Goal), show(r.Stretch), measured, r.Verdict)
	return r
}

func bound(v float64) *float64 {
	if v == none {
		return nil
	}
	return &v
}

func (g goal) verdict(median float64) string {
	met := map[bool]string{true: "met", false: "not met"}
	switch {
	case g.atMost == none && g.stretch == none:
		return "reported"
	case g.stretch == none:
		return met[median <= g.atMost]
	case g.atMost == none:
		return "stretch " + met[median <= g.stretch]
	}
	return met[median <= g.atMost] + ", stretch " + met[median <= g.stretch]
}

// goals writes a row for each goal.
func (o *outcome) goals(w io.Writer) {
	fmt.Fprint(w, "\n### Goals\n\nEach ratio is taken within a round: the median (lowest-highest) of the rounds. Counts are sums over all rounds.\n\n")
	fmt.Fprint(w, "| workload | measured | goal, at most | stretch | hearth | |\n|---|---|---|---|---|---|\n")
	for _, r := range o.Goals {
		fmt.Fprintln(w, r.row)
	}
}
