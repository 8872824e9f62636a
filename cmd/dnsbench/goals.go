//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// goal is a bound on Hearth's CPU a query, as a ratio to others in the same run.
type goal struct {
	workload string
	against  string   // the words for them
	servers  []string // the best of those that were measured counts
	base     string   // their workload; "": the same
	atMost   float64
}

// goalsSet are the project's, with what each workload is measured against.
func goalsSet() []goal {
	peers := slices.DeleteFunc(peerNames(), func(s string) bool { return slices.Contains(bareNames(), s) })
	return []goal{
		{"hit", "the best bare responder", bareNames(), "", 1.25},
		{"hit", "dnsdist (stretch)", []string{"dnsdist"}, "", 0.60},
		{"blocked", "the best bare responder's hit", bareNames(), "hit", 1.25},
		{"blocked", "dnsdist (stretch)", []string{"dnsdist"}, "", 0.60},
		{"tcp", "the best peer", peers, "", 0.80},
		{"mix", "the best peer", peers, "", 0.95},
		{"miss", "unbound", []string{"unbound"}, "", 0.55},
		{"miss", "dnsdist (stretch)", []string{"dnsdist"}, "", 1.00},
		{"garbage", "its own paced, without garbage", []string{"hearth"}, "paced", 1.10},
	}
}

// goals writes a row for each goal whose figures the run has.
func (o *outcome) goals(w io.Writer, p plan) {
	fmt.Fprint(w, "\n### Goals\n\n| workload | against | goal, at most | measured | |\n|---|---|---|---|---|\n")
	for _, g := range goalsSet() {
		if !chosen(p.workloads, g.workload) {
			continue
		}
		ratio, best, ok := o.ratio(g)
		if !ok {
			fmt.Fprintf(w, "| %s | %s | %.2f x | not measured | |\n", g.workload, g.against, g.atMost)
			continue
		}
		verdict := "not met"
		if ratio <= g.atMost {
			verdict = "met"
		}
		against := g.against
		if !strings.Contains(against, best) && best != "hearth" {
			against += " (" + best + ")"
		}
		fmt.Fprintf(w, "| %s | %s | %.2f x | %.2f x | %s |\n", g.workload, against, g.atMost, ratio, verdict)
	}
	if chosen(p.workloads, "garbage") {
		_, lost := o.amiss("hearth", []column{{workload: "garbage"}})
		fmt.Fprintf(w, "| garbage | good queries lost | 0 | %d | %s |\n", lost, map[bool]string{true: "met", false: "not met"}[lost == 0])
	}
}

// ratio returns Hearth's median to the lowest of the goal's servers, and which that is.
func (o *outcome) ratio(g goal) (ratio float64, best string, ok bool) {
	cpu := func(f figure) float64 { return f.CPU }
	ours, ok := o.over("hearth", g.workload, cpu)
	if !ok {
		return 0, "", false
	}
	base := g.workload
	if g.base != "" {
		base = g.base
	}
	lowest := 0.0
	for _, server := range g.servers {
		if s, ok := o.over(server, base, cpu); ok && s.median > 0 && (best == "" || s.median < lowest) {
			lowest, best = s.median, server
		}
	}
	if best == "" {
		return 0, "", false
	}
	return ours.median / lowest, best, true
}
