//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// bench is one run of the program.
type bench struct {
	plan         plan
	dir          string
	authority    netip.AddrPort
	*credentials // of the servers; nil: no encrypted transport is measured
	names        names
	outcome      outcome
}

// figure is one server's result of one workload in one round.
type figure struct {
	Server     string  `json:"server"`
	Workload   string  `json:"workload"`
	Round      int     `json:"round"`
	CPU        float64 `json:"cpu_us_per_query,omitempty"` // user + system time of the server, microseconds a right answer
	Rate       float64 `json:"queries_per_second,omitempty"`
	Right      int     `json:"right,omitempty"`
	Wrong      int     `json:"wrong"`
	Lost       int     `json:"lost"`
	P50        float64 `json:"p50_us,omitempty"`
	P99        float64 `json:"p99_us,omitempty"`
	Swaps      int     `json:"reloads,omitempty"`
	Seconds    float64 `json:"seconds,omitempty"`     // of loading, from exec to three right answers
	CPUSeconds float64 `json:"cpu_seconds,omitempty"` // of loading
	RSS        int     `json:"rss_kib,omitempty"`     // RssAnon + RssFile afterwards
	IndexNames int     `json:"index_names,omitempty"` // as hearth tells
	IndexBytes int64   `json:"index_bytes,omitempty"`
	Peak       int     `json:"peak_kib,omitempty"`      // VmHWM of compiling
	PeakAnon   int     `json:"peak_anon_kib,omitempty"` // the most RssAnon seen of compiling
	PeakHeap   int     `json:"peak_heap_mib,omitempty"` // the largest heap at a collection while compiling
}

// measure runs everything that is chosen.
func (b *bench) measure(ctx context.Context) error {
	if chosen(b.plan.workloads, growthName) {
		if err := b.growth(ctx); err != nil {
			return fmt.Errorf("measuring growth: %w", err)
		}
	}
	if chosen(b.plan.workloads, sizesName) {
		if err := b.sizes(ctx); err != nil {
			return fmt.Errorf("measuring sizes: %w", err)
		}
	}
	if b.plan.measuresSecure() || slices.ContainsFunc(workloadNames(), b.plan.measures) {
		return b.rounds(ctx)
	}
	return nil
}

// rounds runs the rounds over every server that is there.
func (b *bench) rounds(ctx context.Context) error {
	present := b.present(ctx)
	for round := 1; round <= b.plan.rounds; round++ {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round, b.plan.rounds)
		if err := b.round(ctx, round, present); err != nil {
			return err
		}
		present = slices.DeleteFunc(present, func(s server) bool { return b.outcome.excludes(s.name) })
	}
	return nil
}

// present returns the servers that are installed and chosen, and notes the others.
func (b *bench) present(ctx context.Context) []server {
	b.outcome.Versions = map[string]string{}
	var all []server
	for i, s := range b.servers() {
		if i > 0 && !chosen(b.plan.peers, s.name) {
			continue
		}
		path, err := s.installed()
		if err != nil {
			b.outcome.Absent = append(b.outcome.Absent, note{s.name, err.Error()})
			continue
		}
		if !b.concerns(s) {
			continue
		}
		s.path = path
		b.outcome.Versions[s.name] = version(ctx, s)
		all = append(all, s)
	}
	return all
}

// version returns the first line in which the program tells its version, which
// some of them write among other lines and to standard error.
func version(ctx context.Context, s server) string {
	if s.version == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	text, _ := exec.CommandContext(ctx, s.path, s.version...).CombinedOutput()
	return versionIn(string(text))
}

func versionIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		word = strings.TrimPrefix(strings.TrimPrefix(word, "CoreDNS-"), "v")
		if len(word) > 2 && word[0] >= '0' && word[0] <= '9' && strings.Contains(word, ".") && !strings.Contains(word, ":") {
			return strings.TrimRight(word, ",;")
		}
	}
	return ""
}

// round starts every server anew and runs the workloads, the servers taking
// turns inside each so that the machine's moods hit all alike.
func (b *bench) round(ctx context.Context, round int, present []server) error {
	var all []*running
	defer func() {
		for _, r := range all {
			r.stop()
		}
	}()
	for i := range present {
		r, err := b.enter(ctx, present[(i+round-1)%len(present)], round) // hearth first of all
		if err != nil {
			return err
		}
		if r != nil {
			all = append(all, r)
		}
	}
	if err := b.turns(ctx, all, b.workloads(round), round); err != nil {
		return err
	}
	b.end(all, round)
	return b.turns(ctx, all, b.alone(), round)
}

// turns runs one workload after the other, the servers taking turns inside each.
func (b *bench) turns(ctx context.Context, all []*running, workloads []workload, round int) error {
	for _, w := range workloads {
		for i := range all {
			if err := b.turn(ctx, all[i], w, round); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter starts a server and notes what that took. One that does not start, or
// answers otherwise than it must, is nil: noted and left out.
func (b *bench) enter(ctx context.Context, s server, round int) (*running, error) {
	r, f, err := b.start(ctx, s, round)
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	if err != nil {
		b.outcome.exclude(s.name, fmt.Errorf("starting: %w", err))
		return nil, nil
	}
	if s.name == "hearth" && round == 1 && len(b.names.sources) > 0 {
		err = b.sieve(ctx, r)
	}
	if err == nil {
		err = b.agrees(ctx, r)
	}
	if err != nil {
		r.stop()
		b.outcome.exclude(s.name, fmt.Errorf("not comparable: %w", err))
		return nil, nil
	}
	if !s.bare {
		b.outcome.Figures = append(b.outcome.Figures, f)
	}
	return r, nil
}

// turn runs one workload on one server if it is for it. Only the end of the
// whole run is an error: a server that fails is noted and left out.
func (b *bench) turn(ctx context.Context, r *running, w workload, round int) error {
	if b.outcome.excludes(r.name) || r.bare && !w.bare || w.alone && r.name != "hearth" || slices.Contains(r.without, w.name) || w.over != "" && !slices.Contains(r.secure, w.over) {
		return nil
	}
	f, err := b.one(ctx, r, w, round)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errNoResumption) {
		b.outcome.lack(r.name, fmt.Sprintf("no figure of %s: %v", w.name, err))
		return nil
	}
	if err != nil {
		b.outcome.exclude(r.name, fmt.Errorf("%s: %w", w.name, err))
		return nil
	}
	fmt.Fprintf(os.Stderr, "  %-15s %-14s %6.1f us %8.0f q/s, wrong %d, lost %d\n", w.name, r.name, f.CPU, f.Rate, f.Wrong, f.Lost)
	b.outcome.Figures = append(b.outcome.Figures, f)
	return nil
}

// one runs one workload on one server.
func (b *bench) one(ctx context.Context, r *running, w workload, round int) (figure, error) {
	if w.over != "" {
		return r.secured(ctx, w, round)
	}
	if w.warm > 0 {
		warm := w.traffic
		warm.count, warm.window, warm.rate, warm.garbage = w.warm, maxWaiting, 0, 0
		if _, err := load(ctx, r.addr, warm); err != nil {
			return figure{}, fmt.Errorf("warming: %w", err)
		}
	}
	before, _, err := r.usage()
	if err != nil {
		return figure{}, err
	}
	t, swaps, err := r.under(ctx, w)
	if err != nil {
		return figure{}, err
	}
	after, rss, err := r.usage()
	if err != nil {
		return figure{}, err
	}
	f := newFigure(r.name, w.name, round, t, after-before)
	f.RSS, f.Swaps = rss, swaps
	return f, nil
}

// newFigure says what a load on a server came to, which took so many seconds of its CPU.
func newFigure(server, workload string, round int, t tally, seconds float64) figure {
	slices.Sort(t.latencies)
	return figure{
		Server: server, Workload: workload, Round: round,
		CPU:  seconds * 1e6 / float64(max(1, t.right)),
		Rate: float64(t.right) / t.took.Seconds(), Right: t.right, Wrong: t.wrong, Lost: t.lost,
		P50: percentile(t.latencies, 50), P99: percentile(t.latencies, 99),
	}
}

// under runs the traffic of w, and what else belongs to it.
func (r *running) under(ctx context.Context, w workload) (t tally, reloads int, err error) {
	if w.changes == nil {
		t, err = load(ctx, r.addr, w.traffic)
		return t, 0, err
	}
	c, err := w.changes(r)
	if err != nil {
		return tally{}, 0, err
	}
	return r.whileReloading(ctx, w.traffic, c)
}

// percentile returns the nearest rank of sorted latencies in microseconds.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return float64(sorted[max(rank, 1)-1].Nanoseconds()) / 1e3
}

// end notes the memory at the end of what all servers do in a round.
func (b *bench) end(all []*running, round int) {
	for _, r := range all {
		_, rss, err := r.usage()
		if err != nil || r.bare || b.outcome.excludes(r.name) {
			continue
		}
		b.outcome.Figures = append(b.outcome.Figures, figure{Server: r.name, Workload: "end", Round: round, RSS: rss})
	}
}
