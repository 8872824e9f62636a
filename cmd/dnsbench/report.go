package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
)

// report writes the medians as a Markdown table, with what the figures are not.
func report(w io.Writer, p plan, figures []figure, absent []string) {
	fmt.Fprintf(w, "Server CPU, microseconds a query: median (min-max) of %d interleaved rounds; in brackets the ratio to hearth's median.\n", p.rounds)
	fmt.Fprintf(w, "%d names on the block list, %d queries a round (misses %d), %d in flight from one socket, %s/%s, %d CPUs.\n\n",
		p.names, p.queries, p.misses, p.window, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	servers, loads := order(figures)
	fmt.Fprintf(w, "| server | %s | RSS MiB | wrong | lost |\n|---|%s---|---|---|\n", strings.Join(loads, " | "), strings.Repeat("---|", len(loads)))
	for _, s := range servers {
		fmt.Fprintf(w, "| %s |", s)
		for _, l := range loads {
			mine, base := spread(figures, s, l), spread(figures, servers[0], l)
			fmt.Fprintf(w, " %.1f (%.1f-%.1f) [%.2f] |", mine[1], mine[0], mine[2], mine[1]/base[1])
		}
		size, wrong, lost := totals(figures, s)
		fmt.Fprintf(w, " %d | %d | %d |\n", size/1024, wrong, lost)
	}
	for _, a := range absent {
		fmt.Fprintf(w, "| %s | absent from this machine: not measured |\n", a)
	}
	fmt.Fprint(w, "\nNot shown: latency, encrypted transports, other list sizes, more cores. The load generator and the upstream share the machine with the servers.\n")
}

// order returns the servers, hearth first, and the workloads as they came.
func order(figures []figure) (servers, loads []string) {
	for _, f := range figures {
		if !slices.Contains(servers, f.Server) {
			servers = append(servers, f.Server)
		}
		if !slices.Contains(loads, f.Workload) {
			loads = append(loads, f.Workload)
		}
	}
	slices.SortStableFunc(servers, func(a, b string) int {
		return strings.Compare(rank(a), rank(b))
	})
	return servers, loads
}

func rank(server string) string {
	if server == "hearth" {
		return ""
	}
	return server
}

// spread returns minimum, median and maximum.
func spread(figures []figure, server, load string) [3]float64 {
	var v []float64
	for _, f := range figures {
		if f.Server == server && f.Workload == load {
			v = append(v, f.CPU)
		}
	}
	slices.Sort(v)
	if len(v) == 0 {
		return [3]float64{}
	}
	return [3]float64{v[0], v[len(v)/2], v[len(v)-1]}
}

func totals(figures []figure, server string) (size, wrong, lost int) {
	for _, f := range figures {
		if f.Server == server {
			size = max(size, f.RSS)
			wrong += f.Wrong
			lost += f.Lost
		}
	}
	return size, wrong, lost
}

func writeJSON(path string, p plan, figures []figure, absent []string) error {
	b, err := json.MarshalIndent(map[string]any{
		"names": p.names, "queries": p.queries, "misses": p.misses, "window": p.window, "rounds": p.rounds,
		"cpus": runtime.NumCPU(), "absent": absent, "figures": figures,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}
