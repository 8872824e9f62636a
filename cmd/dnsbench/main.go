//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// limit bounds a whole run: a benchmark that hangs says nothing.
const limit = 60 * time.Minute

// maxHouseholds leaves each a network of eight addresses of 127.0.0.0/8.
const maxHouseholds = 1 << 21

// plan is what the flags say.
type plan struct {
	hearth                      string
	paths                       map[string]string // of peers that are not Debian's
	peers                       string
	workloads                   string
	lists                       string
	names                       int
	hits                        int
	queries                     int
	paced                       int
	mix                         int
	misses                      int
	steady                      int
	encrypted                   int
	handshakes                  int
	sizes                       []int
	grownNames, grownHouseholds []int
	rounds                      int
	json                        string
	markdown                    string
	plot                        string

	bare string // the program is one of the bare responders
	at   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if len(os.Args) > 1 && os.Args[1] == "ask" {
		end(askOne(ctx, os.Args[2:], os.Stdout))
		return
	}
	p := flags()
	work := run
	if p.bare != "" {
		work = respond
	}
	end(work(ctx, p))
}

// end says what went wrong, if anything did.
func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "dnsbench:", err)
		os.Exit(1)
	}
}

func flags() plan {
	p := plan{paths: map[string]string{}}
	flag.StringVar(&p.hearth, "hearth", "bin/hearth", "the hearth binary to measure")
	for _, name := range []string{"coredns", "adguardhome", "blocky"} {
		flag.Func(name, "the "+name+" binary to measure beside it (default: none)", func(s string) error {
			p.paths[name] = s
			return nil
		})
	}
	flag.StringVar(&p.peers, "peers", "all", "what to measure beside hearth, with commas, or all, or none: "+strings.Join(peerNames(), ","))
	flag.StringVar(&p.workloads, "workloads", "all", "what to measure, with commas: "+strings.Join(everyWorkload(), ",")+", or all, which is all but growth and the encrypted ones ("+strings.Join(secureNames(), ",")+"); loading is always measured with other servers")
	flag.StringVar(&p.lists, "lists", "", "folder of lists to block, each file a category with a name a line, gzip where it ends in .gz (default: made up names)")
	flag.IntVar(&p.names, "names", 100_000, "made up names to block where there are no lists")
	flag.IntVar(&p.hits, "hits", 10_000, "distinct names of the hit and of the blocked workload")
	flag.IntVar(&p.queries, "queries", 100_000, "queries of the unlimited hit, tcp and blocked workloads, each round")
	flag.IntVar(&p.paced, "paced", 10_000, "queries of the paced workloads, at 5,000 a second, each round")
	flag.IntVar(&p.mix, "mixed", 60_000, "queries of the cold mix, each round")
	flag.IntVar(&p.misses, "misses", 15_000, "queries of the miss workload, each round")
	flag.IntVar(&p.steady, "steady", 40_000, "queries of the steady and of the reload workload, half of those of recompile, at 20,000 a second, each round")
	flag.IntVar(&p.encrypted, "encrypted", 40_000, "queries of the dot, doh, doh3 and doq workloads, each round")
	flag.IntVar(&p.handshakes, "handshakes", 1_000, "connections of the handshakes workload over each protocol, each round")
	numbers(&p.sizes, "sizes", "names on the lists that the sizes workload compiles and starts with", 1_000_000, 5_000_000)
	numbers(&p.grownNames, "grown-names", "names on the lists of the growth workload", 10_000, 100_000, 1_000_000, 5_000_000)
	numbers(&p.grownHouseholds, "grown-households", "households of the growth workload", 1, 100, 10_000, 100_000)
	flag.IntVar(&p.rounds, "rounds", 5, "interleaved rounds; the servers are started anew in each")
	flag.StringVar(&p.json, "json", "", "also write every figure of every round to this file")
	flag.StringVar(&p.markdown, "markdown", "", "also write the tables to this file")
	flag.StringVar(&p.plot, "plot", "", "also draw the CPU a query to this file, as SVG")
	flag.StringVar(&p.bare, "bare", "", "be a bare responder instead: "+strings.Join(bareNames(), ", "))
	flag.StringVar(&p.at, "at", "", "where the bare responder listens")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "dnsbench measures hearth beside other DNS servers; `dnsbench ask` asks one question over an encrypted transport. With its defaults, five rounds of ten servers take about a quarter of an hour on two cores, and longer with a longer list, which most servers parse anew in each round.")
		flag.PrintDefaults()
	}
	flag.Parse()
	return p
}

// numbers is a flag of numbers with commas.
func numbers(to *[]int, name, usage string, standard ...int) {
	*to = standard
	flag.Func(name, fmt.Sprintf("%s, with commas (default %s)", usage, strings.Trim(strings.ReplaceAll(fmt.Sprint(standard), " ", ","), "[]")), func(text string) error {
		all, err := parseNumbers(text)
		*to = all
		return err
	})
}

// parseNumbers reads numbers with commas.
func parseNumbers(text string) ([]int, error) {
	var all []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		if n < 1 || n > 1<<26 {
			return nil, fmt.Errorf("%d is not between 1 and %d", n, 1<<26)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// everyWorkload names what -workloads takes.
func everyWorkload() []string {
	return slices.Concat(workloadNames(), secureNames(), []string{sizesName, growthName})
}

// chosen reports whether name is among the names of a flag, where "all" is
// everything but growth, which takes long, and what is encrypted.
func chosen(list, name string) bool {
	return list == "all" && name != growthName && !slices.Contains(secureNames(), name) || slices.Contains(strings.Split(list, ","), name)
}

// check refuses a name that a flag gives and nothing has.
func (p plan) check() error {
	for _, f := range []struct {
		list  string
		known []string
	}{{p.peers, peerNames()}, {p.workloads, everyWorkload()}} {
		for name := range strings.SplitSeq(f.list, ",") {
			if name != "all" && name != "none" && !slices.Contains(f.known, name) {
				return fmt.Errorf("%q is none of %s", name, strings.Join(f.known, ", "))
			}
		}
	}
	if min(p.hits, p.queries, p.paced, p.mix, p.misses, p.steady, p.encrypted, p.handshakes, p.rounds) < 1 {
		return fmt.Errorf("counts of queries and rounds start at 1")
	}
	if most := slices.Max(append([]int{0}, p.grownHouseholds...)); most > maxHouseholds {
		return fmt.Errorf("%d households are too many for the addresses of loopback: write at most %d", most, maxHouseholds)
	}
	return nil
}

func run(ctx context.Context, p plan) error {
	if err := p.check(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dnsbench")
	if err != nil {
		return fmt.Errorf("making a folder for the servers: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	authority, err := startAuthority(ctx)
	if err != nil {
		return err
	}
	l, err := newNames(p)
	if err != nil {
		return err
	}
	if p.hearth, err = filepath.Abs(p.hearth); err != nil {
		return fmt.Errorf("finding hearth: %w", err)
	}
	if err := onOff(dir).put(0); err != nil {
		return err
	}
	b := &bench{plan: p, dir: dir, authority: authority, names: l}
	if p.measuresSecure() {
		if b.credentials, err = newCredentials(dir); err != nil {
			return err
		}
	}
	b.outcome.Environment = environment(len(l.listed))
	err = b.measure(ctx)
	return errors.Join(err, b.outcome.publish(p)) // what was measured before an error counts
}
