//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
)

// sampled is how many names of each kind are asked for before a server is measured.
const sampled = 200

// agrees asks the server for a sample of names, the same for all: blocked ones
// and names beneath them as the landing address, allowed ones as the upstream
// says, and all of it once more in capitals, which must change nothing. It
// returns why the server cannot be compared with the others.
func (b *bench) agrees(ctx context.Context, r *running) error {
	if r.bare {
		return nil
	}
	for _, group := range b.sample() {
		t, err := load(ctx, r.addr, traffic{queries: group.queries, count: len(group.queries), window: maxWaiting, sockets: clients})
		if err != nil {
			return err
		}
		if t.right != len(group.queries) {
			return fmt.Errorf("of %d %s it answered %d otherwise than the others, %d not", len(group.queries), group.what, t.wrong, t.lost)
		}
	}
	return nil
}

// sieve asks hearth for every name that the workloads may take as blocked and
// drops those that are not: the help that it carries stays reachable whatever a
// list says. More than one in a thousand is a mistake and stays to be seen.
func (b *bench) sieve(ctx context.Context, r *running) error {
	t := traffic{window: maxWaiting, sockets: clients, count: len(b.names.blocked)}
	for _, name := range b.names.blocked {
		t.queries = append(t.queries, newQuery(name, typeA, blocked))
	}
	through := map[*query]bool{}
	t.amiss = func(q *query) { through[q] = true }
	if _, err := load(ctx, r.addr, t); err != nil {
		return fmt.Errorf("asking for every blocked name: %w", err)
	}
	if len(through) > len(t.queries)/1000 {
		return nil
	}
	kept := b.names.blocked[:0]
	for i, name := range b.names.blocked {
		if !through[&t.queries[i]] {
			kept = append(kept, name)
		}
	}
	b.names.blocked = kept
	return nil
}

// group is a part of the sample.
type group struct {
	what    string
	queries []query
}

func (b *bench) sample() []group {
	r := rand.New(rand.NewPCG(7, 8))
	groups := []group{{what: "blocked names"}, {what: "names beneath blocked ones"}, {what: "allowed names"}, {what: "names in capitals"}}
	add := func(i int, name string, want verdict) {
		groups[i].queries = append(groups[i].queries, newQuery(name, typeA, want))
		groups[3].queries = append(groups[3].queries, newQuery(strings.ToUpper(name), typeA, want))
	}
	for range sampled {
		name := b.names.blocked[r.IntN(len(b.names.blocked))]
		add(0, name, blocked)
		add(1, "a.b."+name, blocked)
		add(2, "agreed."+b.names.allowed[r.IntN(len(b.names.allowed))], allowed)
	}
	return groups
}
