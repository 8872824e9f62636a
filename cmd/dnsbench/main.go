// Command dnsbench measures Hearth beside other DNS servers in one run: the same
// workloads, the same upstream on loopback, rounds interleaved, and the server's
// own CPU time as the operating system accounts it. Wall-clock rates on a small
// shared machine say little; CPU time a query, as a ratio within one run, says
// what a server costs.
//
// It starts every server itself, on loopback, with a configuration that it
// writes to a temporary folder, and ends what it started. A server that is not
// installed is left out and named as absent.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// plan is what the flags say.
type plan struct {
	hearth  string
	names   int
	hits    int
	queries int
	misses  int
	rounds  int
	window  int
	json    string
}

func main() {
	var p plan
	flag.StringVar(&p.hearth, "hearth", "bin/hearth", "the hearth binary to measure")
	flag.IntVar(&p.names, "names", 100_000, "names on the block list")
	flag.IntVar(&p.hits, "hits", 10_000, "distinct allowed names of the hit workload")
	flag.IntVar(&p.queries, "queries", 200_000, "queries of the hit and the blocked workload, each round")
	flag.IntVar(&p.misses, "misses", 20_000, "queries of the miss workload, each round")
	flag.IntVar(&p.rounds, "rounds", 5, "interleaved rounds")
	flag.IntVar(&p.window, "window", 200, "queries in flight")
	flag.StringVar(&p.json, "json", "", "also write the figures of every round to this file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute) // a benchmark that hangs says nothing
	defer cancel()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "dnsbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "dnsbench")
	if err != nil {
		return fmt.Errorf("making a folder for the servers: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	authority, err := startAuthority(ctx)
	if err != nil {
		return err
	}
	b := bench{plan: p, dir: dir, authority: authority, lists: newLists(p)}
	if err := b.lists.write(dir); err != nil {
		return err
	}
	results, absent, err := b.measure(ctx)
	if err != nil {
		return err
	}
	report(os.Stdout, p, results, absent)
	if p.json != "" {
		return writeJSON(p.json, p, results, absent)
	}
	return nil
}
