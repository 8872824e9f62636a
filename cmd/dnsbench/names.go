//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// names are what the workloads ask for. Unless lists are given they are made
// up, the same at every run, and nobody's.
type names struct {
	listed  []string // the block list of every server
	blocked []string // those of them that are asked for
	allowed []string // not beneath any of the listed ones
	sources []source // of hearth; none: the block list as one
}

// universe is how many allowed names the cold mix draws from, asked how many of
// the list the workloads draw from.
const (
	universe = 200_000
	asked    = 100_000
)

// These names are allowed at first and blocked after each other reload: the one by
// a rule of the household, the other by a list. They are not among the allowed
// names, which begin with www.
const (
	ruledName = "ruled.dnsbench.net"
	onOffName = "listed.dnsbench.net"
)

func newNames(p plan) (names, error) {
	var n names
	if p.lists != "" {
		var err error
		if n, err = readLists(p.lists); err != nil {
			return names{}, err
		}
	} else {
		for i := range p.names {
			n.listed = append(n.listed, madeUp(uint64(i)))
		}
		n.blocked = slices.Clone(n.listed)
	}
	if len(n.blocked) < 3 {
		return names{}, errors.New("the block list has fewer than three names")
	}
	r := rand.New(rand.NewPCG(1, 2)) // the same each time on purpose
	r.Shuffle(len(n.blocked), func(i, j int) { n.blocked[i], n.blocked[j] = n.blocked[j], n.blocked[i] })
	n.blocked = n.blocked[:min(len(n.blocked), asked)]
	n.allowed = allowedNames(r, max(universe, p.hits), n.listed)
	return n, nil
}

// allowedNames makes up n names that the list does not cover.
func allowedNames(r *rand.Rand, n int, listed []string) []string {
	covers := newSet(listed)
	all := make([]string, 0, n)
	for i := 0; len(all) < n; i++ {
		if name := fmt.Sprintf("www.%s%d.net", letters(r), i); !covers.covers(name) {
			all = append(all, name)
		}
	}
	return all
}

func letters(r *rand.Rand) string {
	b := make([]byte, 4+r.IntN(9))
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// madeUp returns the i-th name of a block list of any length: different for
// each i, none beneath another, two to four labels, under ten endings.
func madeUp(i uint64) string {
	ends := [...]string{"com", "com", "com", "com", "org", "info", "ru", "de", "xyz", "online", "top", "shop", "co.uk", "com.br"}
	x := mix64(i)
	b := make([]byte, 0, 48)
	if x%10 < 3 {
		b = append(syllables(b, mix64(x+1)), '.')
	}
	b = syllables(b, mix64(x+2))
	b = append(b, '0') // ends the letters, so that the number tells names apart
	b = strconv.AppendUint(b, i, 36)
	b = append(b, '.')
	return string(append(b, ends[mix64(x+3)%uint64(len(ends))]...))
}

// syllables appends two to five pairs of letters.
func syllables(b []byte, x uint64) []byte {
	for range 2 + x%4 {
		x = mix64(x)
		b = append(b, "bcdfghklmnprstvz"[x>>8%16], "aeiouy"[x>>16%6])
	}
	return b
}

// mix64 is the finaliser of SplitMix64: a permutation whose output looks random.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// set is a set of names that cover themselves and what is beneath them.
type set map[string]bool

func newSet(names ...[]string) set {
	s := set{}
	for _, all := range names {
		for _, n := range all {
			s[n] = true
		}
	}
	return s
}

// covers reports whether name or a name above it is in s.
func (s set) covers(name string) bool {
	for {
		if s[name] {
			return true
		}
		var found bool
		if _, name, found = strings.Cut(name, "."); !found {
			return false
		}
	}
}
