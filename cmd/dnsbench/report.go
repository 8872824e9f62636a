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
	o.table(w, "Server CPU, microseconds a query\n\nIn brackets hearth's median as a ratio to the server's: below 1 hearth costs less.", cpuColumns(p))
	o.secureTables(w)
	o.table(w, fmt.Sprintf("Latency in microseconds at %d queries a second, and what went missing", pace), latencyColumns("paced", "garbage"))
	o.table(w, fmt.Sprintf("Hearth at %d queries a second, without reloads and with them", steadyPace), reloadColumns())
	o.table(w, "Loading the list, and memory (RssAnon + RssFile)", loadColumns(p))
	o.sized(w, "Compiling a list and starting with it", p.sizes, "names", compileColumns())
	o.sized(w, "Growth of the list", p.grownNames, "names", growthColumns())
	o.sized(w, "Growth of the town", p.grownHouseholds, "households", growthColumns())
	o.goals(w)
	o.missing(w)
	fmt.Fprint(w, `
### What this does not show

The load generator and the upstream run on the same cores as the servers, so rates and latencies say little and the CPU time of a server depends on how often it finds several packets waiting. Loopback is no network card. DNSSEC validation,
more cores and hours of running are not measured. Differences under a quarter are none where the spreads overlap.
`)
}

func (o *outcome) method(w io.Writer, p plan) {
	fmt.Fprintf(w, `
%d rounds; each starts every server anew on loopback, asks all of them for the same %d names, which they must answer alike, and runs one workload after the other, the servers taking turns inside each. CPU is the user and system time of the server's process divided by its
right answers. Every answer is checked: the question, NOERROR and the record. Figures are the median (lowest-highest) of the rounds.

| workload | what |
|---|---|
`, p.rounds, 6*sampled)
	for _, d := range append(descriptions(p), secureDescriptions(p)...) {
		if chosen(p.workloads, d[0]) || d[0] == "load" {
			fmt.Fprintf(w, "| %s | %s |\n", d[0], d[1])
		}
	}
}

// descriptions says of each workload what it is.
func descriptions(p plan) [][2]string {
	return [][2]string{
		{"mix", fmt.Sprintf("%d queries by Zipf's law over %d allowed names, 15 %% blocked (half as www.NAME), A 60, AAAA 25, HTTPS 15 %%, on an empty cache; %d in flight", p.mix, universe, maxWaiting)},
		{"hit", fmt.Sprintf("%d queries for %d allowed names, warm cache, A over UDP, %d sockets, %d in flight", p.queries, p.hits, clients, inFlight)},
		{"paced", fmt.Sprintf("the same names, %d queries at %d a second", p.paced, pace)},
		{"tcp", fmt.Sprintf("hit, on %d connections kept open, pipelined", connections)},
		{"blocked", fmt.Sprintf("%d queries for random names of the list, half as sub.NAME", p.queries)},
		{"garbage", fmt.Sprintf("paced, with 2 %% malformed packets of %d kinds between the good ones, which alone are counted", len(garbage()))},
		{"miss", fmt.Sprintf("%d names never asked before, %d in flight", p.misses, maxWaiting)},
		{"steady", fmt.Sprintf("hearth alone: %d queries at %d a second, half hits, half blocked names, one in %d for a name that a rule of the household allows; at most %d in flight", p.steady, steadyPace, turnEvery, steadyWindow)},
		{"reload", fmt.Sprintf("steady, while that rule is turned round and the configuration reloaded, with %v between; an answer must be that of a World which served between its query and itself", reloadPause)},
		{"recompile", "the same, while a name is put on one of the lists and taken off again, so that the serving process compiles all of them"},
		{"load", "from exec until three names of the list are answered as blocked; the first load of all compiles Hearth's index, the others find it"},
		{sizesName, "hearth alone: made up names compiled with `hearth lists compile`, and from exec with that index until three of them are answered as blocked"},
		{growthName, fmt.Sprintf("hearth alone, one server for each size, taking turns: hit, and %d queries for random names of the list, half beneath one and each different, from %d addresses all over the households", p.queries, spreadOut)},
	}
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

func latencyColumns(workloads ...string) []column {
	var all []column
	for _, name := range workloads {
		all = append(all,
			column{name + " CPU", name, "%.1f", false, cpu},
			column{name + " p50", name, "%.0f", false, func(f figure) float64 { return f.P50 }},
			column{name + " p99", name, "%.0f", false, func(f figure) float64 { return f.P99 }},
			column{name + " lost", name, "%.0f", false, func(f figure) float64 { return float64(f.Lost) }})
	}
	return all
}

func reloadColumns() []column {
	swaps := func(f figure) float64 { return float64(f.Swaps) }
	return append(latencyColumns("steady", "reload", "recompile"),
		column{"reloads", "reload", "%.0f", false, swaps}, column{"recompiles", "recompile", "%.0f", false, swaps})
}

func compileColumns() []column {
	return []column{
		{"compile, CPU s", "compile", "%.2f", false, func(f figure) float64 { return f.CPUSeconds }},
		{"s a million names", "compile", "%.2f", false, perMillion},
		{"peak heap, MiB", "compile", "%.0f", false, func(f figure) float64 { return float64(f.PeakHeap) }},
		{"peak memory, MiB", "compile", "%.0f", false, peak},
		{"of that no file's", "compile", "%.0f", false, peakAnon},
		{"index, bytes a name", "start", "%.2f", false, perName},
		{"start, CPU s", "start", "%.3f", false, func(f figure) float64 { return f.CPUSeconds }},
		{"start, s", "start", "%.3f", false, func(f figure) float64 { return f.Seconds }},
		{"MiB then", "start", "%.1f", false, mib},
		{"beyond the index", "start", "%.1f", false, beyond},
	}
}

func growthColumns() []column {
	return []column{
		{"start, CPU s", "grown start", "%.2f", false, func(f figure) float64 { return f.CPUSeconds }},
		{"MiB then", "grown start", "%.0f", false, mib},
		{"hit, CPU us", "grown hit", "%.2f", false, cpu},
		{"MiB after", "grown hit", "%.0f", false, mib},
		{"blocked, CPU us", "grown blocked", "%.2f", false, cpu},
	}
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

// table writes a row for each server that has one of the columns, and nothing
// where none has.
func (o *outcome) table(w io.Writer, title string, columns []column) {
	var rows []string
	for _, server := range o.measured() {
		cells := o.cells(server, columns)
		if cells == nil {
			continue
		}
		wrong, lost := o.amiss(server, columns)
		rows = append(rows, fmt.Sprintf("| %s | %s | %d | %d |\n", strings.TrimSpace(server+" "+o.Versions[server]), strings.Join(cells, " | "), wrong, lost))
	}
	writeTable(w, title, "server", columns, rows)
}

// sized writes a row for each size that was measured.
func (o *outcome) sized(w io.Writer, title string, sizes []int, of string, columns []column) {
	var rows []string
	for _, n := range sizes {
		here := slices.Clone(columns)
		for i := range here {
			here[i].workload = sized(here[i].workload, n, of)
		}
		if cells := o.cells("hearth", here); cells != nil {
			wrong, lost := o.amiss("hearth", here)
			rows = append(rows, fmt.Sprintf("| %d | %s | %d | %d |\n", n, strings.Join(cells, " | "), wrong, lost))
		}
	}
	writeTable(w, title, of, columns, rows)
}

func writeTable(w io.Writer, title, first string, columns []column, rows []string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### %s\n\n| %s |", title, first)
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c.title)
	}
	fmt.Fprintf(w, " wrong | lost |\n|---|%s---|---|\n%s", strings.Repeat("---|", len(columns)), strings.Join(rows, ""))
}

// cells returns the server's values of the columns, nil where it has none.
func (o *outcome) cells(server string, columns []column) []string {
	cells, some := make([]string, len(columns)), false
	for i, c := range columns {
		cells[i] = o.cell(server, c)
		some = some || cells[i] != "-"
	}
	if !some {
		return nil
	}
	return cells
}

func (o *outcome) cell(server string, c column) string {
	s, ok := o.over(server, c.workload, c.value)
	if !ok {
		return "-"
	}
	text := s.text(c.format)
	ours, ok := o.over("hearth", c.workload, c.value)
	if c.ratio && ok && server != "hearth" && s.Median > 0 {
		text += fmt.Sprintf(" [%.2f]", ours.Median/s.Median)
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
	if len(o.Absent)+len(o.Lacking)+len(o.Excluded) == 0 {
		return
	}
	fmt.Fprint(w, "\n### Not measured\n\n")
	for _, n := range o.Absent {
		fmt.Fprintf(w, "- %s: absent (%s)\n", n.Server, n.Why)
	}
	for _, n := range append(slices.Clone(o.Lacking), o.Excluded...) {
		fmt.Fprintf(w, "- %s: %s\n", n.Server, n.Why)
	}
}
