//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
)

// spreadOut is from how many addresses the growth workloads ask.
const spreadOut = 10_000

// grown is one hearth of the growth workload: with so many names, or households.
type grown struct {
	running *running
	n       int
	of      string
	traffic [2]workload // hit and blocked
}

// growth starts a hearth for each number of names and for each number of
// households, and lets them take turns.
func (b *bench) growth(ctx context.Context) error {
	var all []*grown
	defer func() {
		for _, g := range all {
			g.running.stop()
		}
	}()
	fewest := b.plan.grownNames[0]
	for _, n := range b.plan.grownNames {
		g, err := b.grow(ctx, n, n, 1, "names")
		if err != nil {
			return err
		}
		all = append(all, g)
	}
	for _, n := range b.plan.grownHouseholds {
		g, err := b.grow(ctx, n, fewest, town(n), "households")
		if err != nil {
			return err
		}
		all = append(all, g)
	}
	for round := 1; round <= b.plan.rounds; round++ {
		for kind := range all[0].traffic {
			for i := range all {
				if err := b.compare(ctx, all[(i+round-1)%len(all)], kind, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// grow compiles a list and starts a hearth of a town with it.
func (b *bench) grow(ctx context.Context, n, names int, t town, of string) (*grown, error) {
	s, err := b.newState(names)
	if err != nil {
		return nil, err
	}
	if _, err := b.compile(ctx, s); err != nil {
		return nil, err
	}
	r, f, err := b.open(ctx, s, t)
	if err != nil {
		return nil, err
	}
	f.Workload, f.Round = sized("grown start", n, of), 1
	b.outcome.Figures = append(b.outcome.Figures, f)
	fmt.Fprintf(os.Stderr, "  %d %s: started in %.2f s with %.2f s of CPU, %d MiB\n", n, of, f.Seconds, f.CPUSeconds, f.RSS/1024)
	fast := traffic{count: b.plan.queries, window: inFlight, sockets: clients, from: t.clients(spreadOut)}
	hit, stopped := fast, fast
	hit.queries, stopped.queries = b.hits(), listedAmong(names, b.plan.queries)
	return &grown{r, n, of, [2]workload{
		{name: sized("grown hit", n, of), traffic: hit, warm: len(hit.queries)},
		{name: sized("grown blocked", n, of), traffic: stopped, warm: len(stopped.queries) / 10},
	}}, nil
}

// listedAmong returns queries for random names of a made up list, every second
// one beneath one of them and different from all others.
func listedAmong(names, n int) []query {
	r := rand.New(rand.NewPCG(11, 12))
	all := make([]query, n)
	for i := range all {
		name := madeUp(r.Uint64N(uint64(names)))
		if i%2 == 1 {
			name = fmt.Sprintf("s%d.%s", i, name)
		}
		all[i] = newQuery(name, typeA, blocked)
	}
	return all
}

// compare runs one kind of traffic on one of the hearths.
func (b *bench) compare(ctx context.Context, g *grown, kind, round int) error {
	f, err := b.one(ctx, g.running, g.traffic[kind], round)
	if err != nil {
		return fmt.Errorf("%s: %w", g.traffic[kind].name, err)
	}
	fmt.Fprintf(os.Stderr, "  %-34s %6.2f us, wrong %d, lost %d\n", f.Workload, f.CPU, f.Wrong, f.Lost)
	b.outcome.Figures = append(b.outcome.Figures, f)
	return nil
}
