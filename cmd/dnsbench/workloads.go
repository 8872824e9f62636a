//go:build linux

package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
)

const (
	// inFlight and clients are near what dnsperf -q 200 -c 20 does; 200 small packets
	// overflow the receive buffer that Linux gives a socket by default.
	inFlight = 120
	clients  = 20
	// connections are fewer: Hearth serves 16 of one client at once, and those that
	// warmed the cache may not be gone.
	connections = 8
	// maxWaiting is how many misses are in flight at once: servers rightly bound
	// the unanswered questions of one client, Hearth at 100.
	maxWaiting = 64
	// pace is of the workloads whose latency is measured, queries a second.
	pace = 5000
)

// workload is one kind of load and what it is called.
type workload struct {
	name string
	traffic
	group  string   // what -workloads calls it, where that is not its name
	over   protocol // empty: plain DNS
	anew   bool     // a connection for each query
	resume bool     // each of them resumes a session
	warm   int      // queries sent before anything is counted
	bare   bool     // for the bare responders too
	alone  bool     // for hearth alone
	// changes is what hearth takes over meanwhile, again and again; nil: nothing.
	changes func(*running) (change, error)
}

// Workloads of hearth alone that need servers of their own.
const (
	growthName = "growth"
	sizesName  = "sizes"
)

func workloadNames() []string {
	return []string{"mix", "hit", "paced", "tcp", "blocked", "garbage", "miss", "steady", "reload", "recompile"}
}

// workloads returns those of a round that are chosen, in the order in which
// they run: the mix first, on the empty cache of a server just started.
func (b *bench) workloads(round int) []workload {
	p := b.plan
	hits := b.hits()
	fast := traffic{queries: hits, count: p.queries, window: inFlight, sockets: clients}
	paced := traffic{queries: hits, count: p.paced, window: inFlight, sockets: clients, rate: pace}
	spoiled := paced
	spoiled.garbage = 49 // two in a hundred packets
	tcp := fast
	tcp.tcp, tcp.sockets = true, connections
	all := []workload{
		{name: "mix", traffic: traffic{queries: b.mix(p.mix), count: p.mix, window: maxWaiting, sockets: clients}},
		{name: "hit", traffic: fast, warm: len(hits), bare: true},
		{name: "paced", traffic: paced, warm: len(hits), bare: true},
		{name: "tcp", traffic: tcp, warm: len(hits)},
		{name: "blocked", traffic: traffic{queries: b.blocked(p.hits), count: p.queries, window: inFlight, sockets: clients}, warm: p.hits},
		{name: "garbage", traffic: spoiled, warm: len(hits), bare: true},
		{name: "miss", traffic: traffic{queries: b.misses(round), count: p.misses, window: maxWaiting, sockets: clients}},
	}
	return p.chosenOf(append(all, b.secured(hits)...))
}

// alone returns the chosen ones of those that hearth alone runs, after the others.
func (b *bench) alone() []workload {
	steady := traffic{queries: b.steady(ruledName), count: b.plan.steady, window: steadyWindow, sockets: clients, rate: steadyPace}
	relisted := steady
	relisted.queries, relisted.count = b.steady(onOffName), 2*b.plan.steady // compiling takes longer
	warm := len(steady.queries)
	return b.plan.chosenOf([]workload{
		{name: "steady", traffic: steady, warm: warm, alone: true},
		{name: "reload", traffic: steady, warm: warm, alone: true, changes: (*running).changedRule},
		{name: "recompile", traffic: relisted, warm: warm, alone: true, changes: (*running).changedList},
	})
}

func (p plan) chosenOf(all []workload) []workload {
	return slices.DeleteFunc(all, func(w workload) bool { return !chosen(p.workloads, cmp.Or(w.group, w.name)) })
}

func (b *bench) hits() []query {
	all := make([]query, b.plan.hits)
	for i := range all {
		all[i] = newQuery(b.names.allowed[i], typeA, allowed)
	}
	return all
}

// blocked returns random names of the list, every second one beneath a listed one.
func (b *bench) blocked(n int) []query {
	r := rand.New(rand.NewPCG(3, 4))
	all := make([]query, n)
	for i := range all {
		name := b.names.blocked[r.IntN(len(b.names.blocked))]
		if i%2 == 1 {
			name = "sub." + name
		}
		all[i] = newQuery(name, typeA, blocked)
	}
	return all
}

// misses returns names that nobody has asked for before, in no other round either.
func (b *bench) misses(round int) []query {
	all := make([]query, b.plan.misses)
	for i := range all {
		all[i] = newQuery(fmt.Sprintf("m%d-%d.%s", round, i, b.names.allowed[i%len(b.names.allowed)]), typeA, allowed)
	}
	return all
}

// mix returns what a household looks like: names by Zipf's law, 15 % blocked,
// half of these beneath a listed name, A 60, AAAA 25 and HTTPS 15 %.
func (b *bench) mix(n int) []query {
	r := rand.New(rand.NewPCG(5, 6))
	popular := newZipf(universe)
	all := make([]query, n)
	for i := range all {
		kind := []uint16{typeA, typeAAAA, typeHTTPS}[share(r.IntN(100), 60, 85)]
		if r.IntN(100) >= 15 {
			all[i] = newQuery(b.names.allowed[popular.draw(r)], kind, allowed)
			continue
		}
		name := b.names.blocked[r.IntN(len(b.names.blocked))]
		if r.IntN(2) == 1 {
			name = "www." + name
		}
		all[i] = newQuery(name, kind, blocked)
	}
	return all
}

// share returns which of the shares that end at the given bounds v falls into.
func share(v int, bounds ...int) int {
	for i, bound := range bounds {
		if v < bound {
			return i
		}
	}
	return len(bounds)
}

// zipf draws ranks by Zipf's law with exponent 1, which math/rand's does not reach.
type zipf []float64 // sums of 1/rank

func newZipf(n int) zipf {
	z := make(zipf, n)
	sum := 0.0
	for i := range z {
		sum += 1 / float64(i+1)
		z[i] = sum
	}
	return z
}

// draw returns a rank from 0, which is the most popular.
func (z zipf) draw(r *rand.Rand) int {
	return min(sort.SearchFloat64s(z, r.Float64()*z[len(z)-1]), len(z)-1)
}
