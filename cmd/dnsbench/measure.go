package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// bench is one run of the program.
type bench struct {
	plan      plan
	dir       string
	authority netip.AddrPort
	lists     lists
}

// figure is one server's result of one workload in one round.
type figure struct {
	Server   string  `json:"server"`
	Workload string  `json:"workload"`
	Round    int     `json:"round"`
	CPU      float64 `json:"cpu_us_per_query"` // user + system time of the server, microseconds a query
	Rate     float64 `json:"queries_per_second"`
	Wrong    int     `json:"wrong"`
	Lost     int     `json:"lost"`
	RSS      int     `json:"rss_kib"` // at the end of the workload
}

// measure starts every server that is installed and runs the rounds, the servers
// taking turns inside each workload so that the machine's moods hit all alike.
func (b *bench) measure(ctx context.Context) (figures []figure, absent []string, err error) {
	var all []*running
	defer func() {
		for _, r := range all {
			r.stop()
		}
	}()
	for i := range b.servers(0) {
		addr, err := freePort()
		if err != nil {
			return nil, nil, err
		}
		s := b.servers(addr.Port())[i]
		if _, err := exec.LookPath(s.command[0]); err != nil {
			absent = append(absent, s.name)
			continue
		}
		fmt.Fprintf(os.Stderr, "starting %s\n", s.name)
		r, err := b.start(ctx, s, addr)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, r)
	}
	for round := 1; round <= b.plan.rounds; round++ {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round, b.plan.rounds)
		for _, w := range b.workloads(round) {
			for i := range all {
				f, err := b.one(ctx, all[(i+round)%len(all)], w, round)
				if err != nil {
					return nil, nil, err
				}
				figures = append(figures, f)
			}
		}
	}
	return figures, absent, nil
}

// one runs one workload on one server.
func (b *bench) one(ctx context.Context, r *running, w workload, round int) (figure, error) {
	if w.warm > 0 {
		if _, err := load(ctx, r.addr, w, w.warm, 50); err != nil {
			return figure{}, fmt.Errorf("warming %s: %w", r.name, err)
		}
	}
	before, err := cpu(r.cmd.Process.Pid)
	if err != nil {
		return figure{}, err
	}
	t, err := load(ctx, r.addr, w, w.queries, w.window)
	if err != nil {
		return figure{}, fmt.Errorf("loading %s: %w", r.name, err)
	}
	after, err := cpu(r.cmd.Process.Pid)
	if err != nil {
		return figure{}, err
	}
	return figure{
		Server: r.name, Workload: w.name, Round: round,
		CPU:  (after - before) * 1e6 / float64(max(1, t.right)),
		Rate: float64(t.right) / t.took.Seconds(), Wrong: t.wrong, Lost: t.lost, RSS: rss(r.cmd.Process.Pid),
	}, nil
}

// cpu returns the user and system time of a process in seconds (Linux). The
// kernel counts it in ticks of a hundredth of a second, far below what a round
// takes.
func cpu(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the server's CPU time (Linux only): %w", err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading the server's CPU time: %q has too few fields", b)
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100, nil
}

func rss(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	return 0
}
