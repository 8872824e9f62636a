//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// The workloads of encrypted transports.

// handshakesName is the workload in which each query comes on a connection of its own.
const handshakesName = "handshakes"

const (
	// deep is how many queries a kept connection has in flight.
	deep = 8
	// guests is how many make connections at once.
	guests = 6
)

// secureNames is what -workloads calls them.
func secureNames() []string {
	var all []string
	for _, over := range protocols() {
		all = append(all, string(over))
	}
	return append(all, handshakesName)
}

// shaken are the protocols of which handshakes are counted: HTTP/3 shakes hands as
// DNS over QUIC does.
func shaken() []protocol { return []protocol{overTLS, overHTTP2, overQUIC} }

func (p plan) measures(name string) bool { return chosen(p.workloads, name) }

func (p plan) measuresSecure() bool { return slices.ContainsFunc(secureNames(), p.measures) }

// secured returns the workloads of encrypted transports.
func (b *bench) secured(hits []query) []workload {
	var all []workload
	kept := traffic{queries: hits, count: b.plan.encrypted, window: deep * connections, sockets: connections}
	for _, over := range protocols() {
		all = append(all, workload{name: string(over), over: over, traffic: kept, warm: len(hits)})
	}
	shakes := traffic{queries: hits, count: b.plan.handshakes, sockets: guests}
	for _, over := range shaken() {
		for _, resume := range []bool{false, true} {
			all = append(all, workload{name: handshakesOf(over, resume), group: handshakesName, over: over, anew: true, resume: resume, traffic: shakes, warm: 10 * guests})
		}
	}
	return all
}

// handshakesOf names one of the workloads of handshakes.
func handshakesOf(over protocol, resume bool) string {
	if resume {
		return "resumed " + string(over)
	}
	return "new " + string(over)
}

// concerns reports whether s has anything that is measured, and notes which of the
// encrypted transports that are measured it has not.
func (b *bench) concerns(s server) bool {
	if !b.plan.measuresSecure() {
		return true
	}
	var lacking []string
	for _, over := range protocols() {
		if !slices.Contains(s.secure, over) {
			lacking = append(lacking, string(over))
		}
	}
	if len(lacking) > 0 && !s.bare {
		b.outcome.lack(s.name, "has no "+strings.Join(lacking, ", "))
	}
	return len(s.secure) > 0 || slices.ContainsFunc(workloadNames(), b.plan.measures)
}

// secureColumns are the CPU a query on kept connections.
func secureColumns() []column {
	var all []column
	for _, over := range protocols() {
		all = append(all, column{string(over), string(over), "%.1f", true, cpu})
	}
	return all
}

// handshakeColumns are the CPU of a new connection with its query, and how many there
// were a second while the generator took its share of the same cores.
func handshakeColumns() []column {
	var all []column
	for _, over := range shaken() {
		for _, resume := range []bool{false, true} {
			name := handshakesOf(over, resume)
			all = append(all, column{name, name, "%.0f", true, cpu}, column{"a second", name, "%.0f", false, func(f figure) float64 { return f.Rate }})
		}
	}
	return all
}

// secureTables writes what was measured over encrypted transports.
func (o *outcome) secureTables(w io.Writer) {
	o.table(w, "Server CPU over encrypted transports, microseconds a query on kept connections\n\nIn brackets hearth's median as a ratio to the server's: below 1 hearth costs less.", secureColumns())
	o.table(w, "Server CPU of a connection with one query, microseconds, and connections a second\n\nThe generator shares the cores, and computes its half of each handshake on them.", handshakeColumns())
}

// secureGoals are ratios that are reported: no bound was set for them.
func secureGoals(p plan) []goal {
	var all []goal
	add := func(name string, over protocol) {
		for _, s := range (&bench{}).servers()[1:] {
			if slices.Contains(s.secure, over) {
				all = append(all, goal{name, "CPU, to " + s.name + "'s", "%.2f x", none, none, func(o *outcome) ([]float64, string) {
					return o.toBest(name, name, []string{s.name})
				}})
			}
		}
	}
	for _, over := range protocols() {
		if p.measures(string(over)) {
			add(string(over), over)
		}
	}
	for _, over := range shaken() {
		if p.measures(handshakesName) {
			add(handshakesOf(over, false), over)
			add(handshakesOf(over, true), over)
		}
	}
	return all
}

// secureDescriptions says what each of the workloads is.
func secureDescriptions(p plan) [][2]string {
	var all [][2]string
	for over, what := range map[protocol]string{overTLS: "TLS", overHTTP2: "HTTPS (HTTP/2, GET)", overHTTP3: "HTTPS (HTTP/3, GET)", overQUIC: "QUIC"} {
		all = append(all, [2]string{string(over), fmt.Sprintf("%d queries for %d allowed names, warm cache, A over %s, %d connections kept open, %d queries in flight on each", p.encrypted, p.hits, what, connections, deep)})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return append(all, [2]string{handshakesName, fmt.Sprintf("%d connections over each protocol, %d at once, each with one of the same queries and closed then: new ones, and ones that resume a session of TLS 1.3", p.handshakes, guests)})
}
