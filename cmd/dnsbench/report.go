//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// column is one value of a table, over the rounds.
type column struct {
	title    string
	workload string
	format   string
	ratio    bool // with hearth's median divided by the server's
	value    func(figure) float64
}

func (o *outcome) report(w io.Writer, p plan) {
	o.Environment.write(w)
	o.method(w, p)
	fmt.Fprint(w, "\n### Server CPU, microseconds a query\n\nIn brackets hearth's median as a ratio to the server's: below 1 hearth costs less.\n\n")
	o.table(w, cpuColumns(p))
	fmt.Fprintf(w, "\n### Latency in microseconds at %d queries a second, and what went missing\n\n", pace)
	o.table(w, latencyColumns(p))
	fmt.Fprint(w, "\n### Loading the list, and memory (RssAnon + RssFile)\n\n")
	o.table(w, loadColumns(p))
	o.goals(w, p)
	o.missing(w)
	fmt.Fprint(w, `
### What this does not show

The load generator and the upstream run on the same cores as the servers, so rates and latencies say little and the CPU time of a server depends on how often it finds several packets waiting. Loopback is no network card. Encrypted transports, DNSSEC validation,
more cores, lists of other sizes and hours of running are not measured. Differences under a quarter are none where the spreads overlap.
`)
}

func (o *outcome) method(w io.Writer, p plan) {
	fmt.Fprintf(w, `
%d rounds; each starts every server anew on loopback, asks all of them for the same %d names, which they must answer alike, and runs one workload after the other, the servers taking turns inside each. CPU is the user and system time of the server's process divided by its
right answers. Every answer is checked: the question, NOERROR and the record. Figures are the median (lowest-highest) of the rounds.

| workload | what |
|---|---|
| mix | %d queries by Zipf's law over %d allowed names, 15 %% blocked (half as www.NAME), A 60, AAAA 25, HTTPS 15 %%, on an empty cache; %d in flight |
| hit | %d queries for %d allowed names, warm cache, A over UDP, %d sockets, %d in flight |
| paced | the same names, %d queries at %d a second |
| tcp | hit, on %d connections kept open, pipelined |
| blocked | %d queries for random names of the list, half as sub.NAME |
| garbage | paced, with 2 %% malformed packets of %d kinds between the good ones, which alone are counted |
| miss | %d names never asked before, %d in flight |
| load | from exec until three names of the list are answered as blocked; the first load of all compiles Hearth's index, the others find it |
`, p.rounds, 6*sampled, p.mix, universe, maxWaiting, p.queries, p.hits, clients, inFlight, p.paced, pace, connections, p.queries, len(garbage()), p.misses, maxWaiting)
}

func cpuColumns(p plan) []column {
	var all []column
	for _, name := range []string{"hit", "paced", "tcp", "blocked", "mix", "miss", "garbage"} {
		if chosen(p.workloads, name) {
			all = append(all, column{name, name, "%.1f", true, func(f figure) float64 { return f.CPU }})
		}
	}
	return all
}

func latencyColumns(p plan) []column {
	var all []column
	for _, name := range []string{"paced", "garbage"} {
		if chosen(p.workloads, name) {
			all = append(all,
				column{name + " p50", name, "%.0f", false, func(f figure) float64 { return f.P50 }},
				column{name + " p99", name, "%.0f", false, func(f figure) float64 { return f.P99 }},
				column{name + " lost", name, "%.0f", false, func(f figure) float64 { return float64(f.Lost) }})
		}
	}
	return all
}

func loadColumns(p plan) []column {
	all := []column{
		{"first load, s", "first load", "%.2f", false, func(f figure) float64 { return f.Seconds }},
		{"its CPU, s", "first load", "%.2f", false, func(f figure) float64 { return f.CPUSeconds }},
	}
	if p.rounds > 1 {
		all = append(all,
			column{"load, s", "load", "%.2f", false, func(f figure) float64 { return f.Seconds }},
			column{"its CPU, s", "load", "%.2f", false, func(f figure) float64 { return f.CPUSeconds }},
			column{"MiB when loaded", "load", "%.0f", false, mib})
	} else {
		all = append(all, column{"MiB when loaded", "first load", "%.0f", false, mib})
	}
	return append(all, column{"MiB at the end", "end", "%.0f", false, mib})
}

func mib(f figure) float64 { return float64(f.RSS) / 1024 }

// table writes a row for each server that has one of the columns.
func (o *outcome) table(w io.Writer, columns []column) {
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	fmt.Fprintf(w, "| server | %s | wrong | lost |\n|---|%s---|---|\n", strings.Join(titles, " | "), strings.Repeat("---|", len(columns)))
	for _, server := range o.measured() {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = o.cell(server, c)
		}
		if !slices.ContainsFunc(cells, func(c string) bool { return c != "-" }) {
			continue
		}
		wrong, lost := o.amiss(server, columns)
		fmt.Fprintf(w, "| %s | %s | %d | %d |\n", strings.TrimSpace(server+" "+o.Versions[server]), strings.Join(cells, " | "), wrong, lost)
	}
}

func (o *outcome) cell(server string, c column) string {
	s, ok := o.over(server, c.workload, c.value)
	if !ok {
		return "-"
	}
	text := fmt.Sprintf(c.format, s.median)
	if low, high := fmt.Sprintf(c.format, s.lowest), fmt.Sprintf(c.format, s.highest); low != high {
		text += " (" + low + "-" + high + ")"
	}
	ours, ok := o.over("hearth", c.workload, c.value)
	if c.ratio && ok && server != "hearth" && s.median > 0 {
		text += fmt.Sprintf(" [%.2f]", ours.median/s.median)
	}
	return text
}

// amiss returns the wrong and lost answers in all rounds of the columns' workloads.
func (o *outcome) amiss(server string, columns []column) (wrong, lost int) {
	for _, f := range o.Figures {
		if f.Server == server && slices.ContainsFunc(columns, func(c column) bool { return c.workload == f.Workload }) {
			wrong += f.Wrong
			lost += f.Lost
		}
	}
	return wrong, lost
}

// missing names the servers without figures.
func (o *outcome) missing(w io.Writer) {
	if len(o.Absent)+len(o.Excluded) == 0 {
		return
	}
	fmt.Fprint(w, "\n### Not measured\n\n")
	for _, n := range o.Absent {
		fmt.Fprintf(w, "- %s: absent (%s)\n", n.Server, n.Why)
	}
	for _, n := range o.Excluded {
		fmt.Fprintf(w, "- %s: %s\n", n.Server, n.Why)
	}
}
