//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
)

// Sizes of the plot in pixels: a panel for each workload, a row for each server.
const (
	plotWidth  = 760
	plotLabels = 130 // for the servers' names
	plotValues = 120 // for the figures behind the bars
	plotRow    = 18
)

// panel is one workload of the plot with its servers, the cheapest first.
type panel struct {
	workload string
	servers  []string
	spreads  []spread
}

func (o *outcome) panels(p plan) []panel {
	var all []panel
	for _, c := range cpuColumns(p) {
		one := panel{workload: c.workload}
		medians := map[string]spread{}
		for _, server := range o.measured() {
			if s, ok := o.over(server, c.workload, c.value); ok {
				one.servers, medians[server] = append(one.servers, server), s
			}
		}
		slices.SortStableFunc(one.servers, func(a, b string) int { return int(1e3 * (medians[a].Median - medians[b].Median)) })
		for _, server := range one.servers {
			one.spreads = append(one.spreads, medians[server])
		}
		if len(one.servers) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// plot draws the medians as bars and lowest to highest as a line over each. Each
// panel has a scale of its own.
func (o *outcome) plot(w io.Writer, p plan) {
	panels, height := o.panels(p), 10
	for _, one := range panels {
		height += plotRow * (len(one.servers) + 2)
	}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, height)
	fmt.Fprint(w, "<title>Server CPU, microseconds a query: median, lowest and highest of the rounds</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n")
	y := 10
	for _, one := range panels {
		y = one.draw(w, y)
	}
	fmt.Fprint(w, "</svg>\n")
}

// draw draws the panel from y on and returns where it ends.
func (one panel) draw(w io.Writer, y int) int {
	fmt.Fprintf(w, `<text x="4" y="%d" font-weight="bold">%s: server CPU, us a query</text>`+"\n", y+plotRow-5, one.workload)
	y += plotRow
	most := 0.0
	for _, s := range one.spreads {
		most = max(most, s.Highest)
	}
	scale := float64(plotWidth-plotLabels-plotValues) / max(most, 1e-9)
	for i, server := range one.servers {
		s, fill := one.spreads[i], "#9fb4c7"
		switch {
		case server == "hearth":
			fill = "#c2571a"
		case slices.Contains(bareNames(), server):
			fill = "#d5d5d5"
		}
		middle := y + plotRow/2
		fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>`, plotLabels-6, middle+4, server)
		fmt.Fprintf(w, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, plotLabels, y+2, s.Median*scale, plotRow-4, fill)
		fmt.Fprintf(w, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#222"/>`, plotLabels+s.Lowest*scale, plotLabels+s.Highest*scale, middle, middle)
		fmt.Fprintf(w, `<text x="%.1f" y="%d">%.1f (%.1f-%.1f)</text>`+"\n", plotLabels+s.Highest*scale+5, middle+4, s.Median, s.Lowest, s.Highest)
		y += plotRow
	}
	return y + plotRow
}
