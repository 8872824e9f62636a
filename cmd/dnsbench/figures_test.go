//go:build linux

package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1)*time.Microsecond)
	}
	for _, c := range []struct {
		sorted []time.Duration
		p      int
		want   float64
	}{{nil, 99, 0}, {hundred[:1], 50, 1}, {hundred[:1], 99, 1}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred[:3], 50, 2}, {hundred[:3], 99, 3}} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("p%d of %d is %v, want %v", c.p, len(c.sorted), got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want spread
	}{{[]float64{3, 1, 2}, spread{1, 2, 3}}, {[]float64{4, 1, 2, 3}, spread{1, 2.5, 4}}, {[]float64{7}, spread{7, 7, 7}}} {
		if got, ok := newSpread(c.v); !ok || got != c.want {
			t.Errorf("spread of %v is %v, want %v", c.v, got, c.want)
		}
	}
	if _, ok := newSpread(nil); ok {
		t.Error("nothing has a spread")
	}
}

func TestAccounting(t *testing.T) {
	const status = "Name:\tx\nVmHWM:\t 999 kB\nRssAnon:\t 100 kB\nRssFile:\t  20 kB\nRssShmem:\t 7 kB\n"
	for key, want := range map[string]int{"RssAnon:": 100, "RssFile:": 20, "VmHWM:": 999, "VmSwap:": 0} {
		if got := kib(status, key); got != want {
			t.Errorf("%s %d KiB, want %d", key, got, want)
		}
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	until := int64((before + 0.02) * 1e9)
	for spent := (unix.Timespec{}); spent.Nano() < until; {
		if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &spent); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := cpuTime(os.Getpid()); err != nil || after < before+0.02 {
		t.Errorf("CPU time of this process went from %v s to %v s (%v), want 20 ms more", before, after, err)
	}
}

func TestEnvironmentNamesNoMachine(t *testing.T) {
	if got := leadingNumber("6.1.0-21-amd64 of somebody"); got != "6.1.0" {
		t.Errorf("kernel %q", got)
	}
	if got := cpuModel("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n"); got != "Some CPU @ 2 GHz" {
		t.Errorf("CPU %q", got)
	}
}

func TestVersionIn(t *testing.T) {
	for text, want := range map[string]string{
		"Version 1.17.1\n\nConfigure line: x":              "1.17.1",
		"Knot Resolver, version 5.6.0":                     "5.6.0",
		"Nov 22 00:10:53 PowerDNS Recursor 4.8.8 (C) 2001": "4.8.8",
		"CoreDNS-1.14.7\nlinux/amd64":                      "1.14.7",
		"AdGuard Home, version v0.107.52":                  "0.107.52",
		"none":                                             "",
	} {
		if got := versionIn(text); got != want {
			t.Errorf("version in %q is %q, want %q", text, got, want)
		}
	}
}

// TestMix holds the shares of the stream: within five standard deviations.
func TestMix(t *testing.T) {
	n, err := newNames(plan{names: 1000, hits: 10})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{names: n}
	const total = 20_000
	kinds, stopped, first := map[uint16]int{}, 0, 0
	for _, q := range b.mix(total) {
		kinds[q.kind()]++
		if q.want == blocked {
			stopped++
		} else if bytes.Contains(q.frame, []byte(strings.Split(n.allowed[0], ".")[1])) {
			first++
		}
	}
	near := func(what string, got, want, within int) {
		if got < want-within || got > want+within {
			t.Errorf("%s: %d, want %d within %d", what, got, want, within)
		}
	}
	near("A", kinds[typeA], 12_000, 350)
	near("AAAA", kinds[typeAAAA], 5_000, 310)
	near("HTTPS", kinds[typeHTTPS], 3_000, 260)
	near("blocked", stopped, 3_000, 260)
	near("the most popular name", first, 17_000*100/1278, 180) // 1/H(200,000) = 1/12.78
}

func TestZipfStaysInside(t *testing.T) {
	z, r := newZipf(3), rand.New(rand.NewPCG(1, 1))
	seen := map[int]bool{}
	for range 1000 {
		seen[z.draw(r)] = true
	}
	if !seen[0] || !seen[1] || !seen[2] || len(seen) != 3 {
		t.Errorf("ranks drawn: %v", seen)
	}
}

// TestConfigurations holds that each server is told where to listen, where to
// ask and what to block, and nothing else of the machine's.
func TestConfigurations(t *testing.T) {
	p := place{addr: netip.MustParseAddrPort("127.0.0.1:5301"), upstream: netip.MustParseAddrPort("127.0.0.1:5302"), spare: 5303, dir: "/d", keep: "/k", list: "/k/list"}
	for _, s := range (&bench{}).servers() {
		files, arguments := s.prepare(p)
		text := strings.Join(arguments, " ")
		for _, f := range files {
			text += f
		}
		for _, want := range []string{"5301", "5302", "/k/list"} {
			if !strings.Contains(text, want) && !s.bare {
				t.Errorf("%s is not told %s:\n%s", s.name, want, text)
			}
		}
		if s.bare == (s.list.line != nil) {
			t.Errorf("%s: bare %v, with a list %v", s.name, s.bare, s.list.line != nil)
		}
		if strings.Contains(text, "0.0.0.0") || strings.Contains(text, "%!") {
			t.Errorf("%s:\n%s", s.name, text)
		}
	}
}

func TestListFormats(t *testing.T) {
	for name, want := range map[string]string{
		"hearth":        "bad.example\n",
		"unbound":       "local-zone: \"bad.example\" redirect\nlocal-data: \"bad.example 10 A 127.0.0.1\"\n",
		"dnsdist":       "bad.example\n",
		"knot-resolver": "bad.example A 127.0.0.1\n*.bad.example A 127.0.0.1\n",
		"pdns-recursor": "bad.example A 127.0.0.1\n*.bad.example A 127.0.0.1\n",
		"dnsmasq":       "address=/bad.example/127.0.0.1\nlocal=/bad.example/\n",
		"coredns":       "bad.example A 127.0.0.1\n*.bad.example A 127.0.0.1\n",
		"adguardhome":   "||bad.example^\n",
		"blocky":        "*.bad.example\n",
	} {
		all := (&bench{}).servers()
		i := slices.IndexFunc(all, func(s server) bool { return s.name == name })
		var b bytes.Buffer
		all[i].list.line(&b, "bad.example")
		if b.String() != want {
			t.Errorf("%s reads %q, want %q", name, b.String(), want)
		}
	}
}

func TestGoals(t *testing.T) {
	o := outcome{Figures: []figure{
		{Server: "hearth", Workload: "hit", Round: 1, CPU: 5}, {Server: "hearth", Workload: "hit", Round: 2, CPU: 6}, {Server: "hearth", Workload: "hit", Round: 3, CPU: 4},
		{Server: "bare-plain", Workload: "hit", Round: 1, CPU: 6}, {Server: "bare-plain", Workload: "hit", Round: 2, CPU: 6}, {Server: "bare-plain", Workload: "hit", Round: 3, CPU: 6},
		{Server: "bare-direct", Workload: "hit", Round: 1, CPU: 4}, {Server: "bare-direct", Workload: "hit", Round: 2, CPU: 8}, {Server: "bare-direct", Workload: "hit", Round: 3, CPU: 2},
		{Server: "dnsdist", Workload: "hit", Round: 1, CPU: 10},
		{Server: "hearth", Workload: "garbage", Round: 1, CPU: 9, Lost: 1}, {Server: "hearth", Workload: "garbage", Round: 2, CPU: 9}, {Server: "hearth", Workload: "garbage", Round: 3, CPU: 9},
		{Server: "hearth", Workload: "paced", Round: 1, CPU: 8}, {Server: "unbound", Workload: "tcp", Round: 1, CPU: 9}, {Server: "hearth", Workload: "tcp", Round: 2, CPU: 9},
		{Server: "hearth", Workload: "reload", Round: 1, P99: 300}, {Server: "hearth", Workload: "reload", Round: 2, P99: 200, Wrong: 2},
		{Server: "hearth", Workload: "load", Round: 2, RSS: 40 << 10, IndexBytes: 15 << 20, IndexNames: 2 << 20},
		{Server: "hearth", Workload: "start, 7 names", Round: 1, CPUSeconds: 0.12},
		{Server: "hearth", Workload: "compile, 7 names", Round: 1, CPUSeconds: 6, IndexNames: 5_000_000, PeakHeap: 65},
		{Server: "hearth", Workload: "grown hit, 9 households", Round: 1, CPU: 6}, {Server: "hearth", Workload: "grown hit, 1 households", Round: 1, CPU: 5},
	}}
	var w bytes.Buffer
	for _, g := range goals(plan{rounds: 3, sizes: []int{5, 7}, grownNames: []int{1}, grownHouseholds: []int{1, 5, 9}}) {
		o.Goals = append(o.Goals, g.judge(&o))
	}
	o.goals(&w)
	for _, row := range []string{
		"| hit | CPU, to the best bare responder's (bare-direct) | 1.25 x | - | 1.25 x (0.75-2.00) | met |",
		"| hit | CPU, to dnsdist's | - | 0.60 x | 0.50 x | stretch met |",
		"| miss | CPU, to unbound's | 0.55 x | - | - | not measured |",
		"| tcp | CPU, to the best peer's | 0.80 x | 0.60 x | - | not measured |", // in no round both
		"| garbage | CPU of a good query, to its own of paced | 1.10 x | - | 1.12 x | not met |",
		"| garbage | good queries lost | 0 | - | 1 | not met |",
		"| reload | queries lost | 0 | - | 0 | met |",
		"| reload | answers of no World that served | 0 | - | 2 | not met |",
		"| reload | p99 | - | - | 250 us (200-300) | reported |",
		"| load | index, bytes a name | 8.00 | - | 7.50 | met |",
		"| load | memory beyond the index | 30.0 MiB | 20.0 MiB | 25.0 MiB | met, stretch not met |",
		"| sizes | start, 5 names: CPU until the first answers | - | - | - | not measured |",
		"| sizes | start, 7 names: CPU until the first answers | 0.150 s | 0.100 s | 0.120 s | met, stretch not met |",
		"| sizes | compile, 7 names: CPU a million names | 1.00 s | - | 1.20 s | not met |",
		"| sizes | compile, 7 names: peak heap | 64 MiB | - | 65 MiB | not met |",
		"| growth | CPU of hit with 9 households, to that with 1 | 1.30 x | - | 1.20 x | met |",
	} {
		if !strings.Contains(w.String(), row+"\n") {
			t.Errorf("no row %s in\n%s", row, &w)
		}
	}
	if strings.Contains(w.String(), "names, to that with 1") {
		t.Errorf("a ratio of one size to itself:\n%s", &w)
	}
}

func TestReportNamesWhatIsMissing(t *testing.T) {
	o := outcome{Absent: []note{{"blocky", "no path given"}}, Figures: []figure{
		{Server: "hearth", Workload: "hit", Round: 1, CPU: 4}, {Server: "hearth", Workload: "hit", Round: 2, CPU: 6, Wrong: 3},
		{Server: "unbound", Workload: "hit", Round: 1, CPU: 10}, {Server: "dnsmasq", Workload: "hit", Round: 1, CPU: 10},
	}}
	o.exclude("dnsmasq", errors.New("not comparable: it blocks less"))
	var w bytes.Buffer
	o.report(&w, plan{workloads: "hit", rounds: 2})
	for _, row := range []string{"| hearth | 5.0 (4.0-6.0) | 3 | 0 |", "| unbound | 10.0 [0.50] | 0 | 0 |", "- blocky: absent (no path given)", "- dnsmasq: not comparable: it blocks less"} {
		if !strings.Contains(w.String(), row+"\n") {
			t.Errorf("no %q in\n%s", row, &w)
		}
	}
	if strings.Contains(w.String(), "| dnsmasq") {
		t.Error("a server that is not comparable has figures")
	}
}

func TestFlagsAreChecked(t *testing.T) {
	good := plan{peers: "unbound,dnsdist", workloads: "all", hits: 1, queries: 1, paced: 1, mix: 1, misses: 1, steady: 1, encrypted: 1, handshakes: 1, rounds: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(*plan){
		func(p *plan) { p.peers = "unbund" }, func(p *plan) { p.workloads = "hits" }, func(p *plan) { p.rounds = 0 },
	} {
		p := good
		spoil(&p)
		if p.check() == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}

func TestPlotIsWellFormed(t *testing.T) {
	o := outcome{Figures: []figure{
		{Server: "unbound", Workload: "hit", CPU: 10}, {Server: "hearth", Workload: "hit", CPU: 4}, {Server: "hearth", Workload: "miss", CPU: 0},
	}}
	var w bytes.Buffer
	o.plot(&w, plan{workloads: "all"})
	var words []string
	for d := xml.NewDecoder(bytes.NewReader(w.Bytes())); ; {
		token, err := d.Token()
		if err == io.EOF { //nolint:errorlint // as the decoder gives it
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, &w)
		}
		if text, ok := token.(xml.CharData); ok && len(bytes.TrimSpace(text)) > 0 {
			words = append(words, string(text))
		}
	}
	want := []string{"hit: server CPU, us a query", "hearth", "4.0 (4.0-4.0)", "unbound", "10.0 (10.0-10.0)", "miss: server CPU, us a query", "hearth", "0.0 (0.0-0.0)"}
	if len(words) < 1 || !slices.Equal(words[1:], want) {
		t.Errorf("says %q, want a title and %q", words, want)
	}
}
