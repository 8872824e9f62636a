package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// lists are the names of the workloads: made up, the same at every run, and
// nobody's.
type lists struct {
	blocked []string
	allowed []string
}

func newLists(p plan) lists {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // names of a benchmark, the same each time on purpose
	l := lists{blocked: make([]string, p.names), allowed: make([]string, p.hits)}
	for i := range l.blocked {
		l.blocked[i] = fmt.Sprintf("%s%d.com", letters(r), i)
	}
	for i := range l.allowed {
		l.allowed[i] = fmt.Sprintf("www.%s%d.net", letters(r), i)
	}
	return l
}

func letters(r *rand.Rand) string {
	b := make([]byte, 4+r.IntN(9))
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

func (l lists) write(dir string) error {
	f, err := os.Create(filepath.Join(dir, "blocked.txt")) //nolint:gosec // our own temporary folder
	if err != nil {
		return fmt.Errorf("writing the block list: %w", err)
	}
	w := bufio.NewWriter(f)
	for _, n := range l.blocked {
		_, _ = fmt.Fprintln(w, n)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the block list: %w", err)
	}
	return f.Close()
}

// maxWaiting is how many misses are in flight at once: servers rightly bound the
// unanswered questions of one client, Hearth at 100.
const maxWaiting = 64

// workload is a stream of names to ask for and what the answers must be.
type workload struct {
	name    string
	queries int
	ask     func(i int) string
	address [4]byte // what every answer must say
	warm    int     // queries sent before anything is counted
	window  int     // queries in flight
}

// workloads returns the three first ones of the bench page: hit, blocked (half
// as a name beneath the listed one) and miss.
func (b *bench) workloads(round int) []workload {
	l, p := b.lists, b.plan
	upstream := [4]byte{192, 0, 2, 1}
	return []workload{
		{"hit", p.queries, func(i int) string { return l.allowed[i%len(l.allowed)] }, upstream, len(l.allowed), p.window},
		{"blocked", p.queries, func(i int) string {
			name := l.blocked[(i*7919)%len(l.blocked)]
			if i%2 == 1 {
				name = "sub." + name
			}
			return name
		}, [4]byte{127, 0, 0, 1}, 1000, p.window},
		{"miss", p.misses, func(i int) string { return fmt.Sprintf("m%d-%d.%s", round, i, l.allowed[i%len(l.allowed)]) }, upstream, 0, min(p.window, maxWaiting)},
	}
}
