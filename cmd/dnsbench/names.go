//go:build linux

package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
)

// names are what the workloads ask for. Unless a list is given they are made
// up, the same at every run, and nobody's.
type names struct {
	blocked []string
	allowed []string // not beneath any of the blocked ones
}

// universe is how many allowed names the cold mix draws from.
const universe = 200_000

func newNames(p plan) (names, error) {
	r := rand.New(rand.NewPCG(1, 2)) // the same each time on purpose
	n := names{allowed: make([]string, max(universe, p.hits))}
	if p.list != "" {
		var err error
		if n.blocked, err = readList(p.list, p.names); err != nil {
			return names{}, err
		}
	} else {
		for i := range p.names {
			n.blocked = append(n.blocked, fmt.Sprintf("%s%d.com", letters(r), i))
		}
	}
	if len(n.blocked) < 3 {
		return names{}, errors.New("the block list has fewer than three names")
	}
	for i := range n.allowed {
		n.allowed[i] = fmt.Sprintf("www.%s%d.net", letters(r), i)
	}
	return n, nil
}

func letters(r *rand.Rand) string {
	b := make([]byte, 4+r.IntN(9))
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// readList reads at most limit names of a list, all where limit is 0: one a
// line, comments behind "#". What is not a host name of two labels or more is
// left out, for every server alike.
func readList(path string, limit int) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("reading the list: %w", err)
		}
	}
	return scanList(r, limit)
}

func scanList(r io.Reader, limit int) ([]string, error) {
	host := regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
	seen := map[string]bool{}
	var all []string
	lines := bufio.NewScanner(r)
	for lines.Scan() && (limit == 0 || len(all) < limit) {
		text, _, _ := strings.Cut(lines.Text(), "#")
		name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "."))
		if len(name) > 240 || !host.MatchString(name) || seen[name] {
			continue
		}
		seen[name] = true
		all = append(all, name)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	return all, nil
}
