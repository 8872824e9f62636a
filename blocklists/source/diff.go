package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// What can be asked for beside the state of a list that is in force, written behind the list's name.
const (
	heldMark     = "@held"     // the version that waits to be accepted
	previousMark = "@previous" // the state before
)

// Diff compares two lists, or two states of one. Each is the name of a configured list, for its state in force; NAME@held,
// for the version that waits to be accepted; NAME@previous, for the state before; or a path, for what lies there, in
// whatever format. visit, where it is not nil, is called for every change; an error of its ends the comparison.
func (l *Library) Diff(ctx context.Context, from, to string, visit func(blocklists.Change) error) (blocklists.Diff, error) {
	a, closeA, err := l.named(ctx, from)
	if err != nil {
		return blocklists.Diff{}, err
	}
	defer closeA()
	b, closeB, err := l.named(ctx, to)
	if err != nil {
		return blocklists.Diff{}, err
	}
	defer closeB()
	var sum blocklists.Diff
	n := 0
	err = blocklists.Compare(a.Parsed, b.Parsed, func(c blocklists.Change) error {
		if n++; n&4095 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		sum.Count(c)
		if visit == nil {
			return nil
		}
		return visit(c)
	})
	if err != nil {
		return sum, fmt.Errorf("comparing %s with %s: %w", from, to, err)
	}
	return sum, nil
}

// named opens what an argument of Diff means.
func (l *Library) named(ctx context.Context, argument string) (s *state, done func(), err error) {
	name, held := strings.CutSuffix(argument, heldMark)
	name, previous := strings.CutSuffix(name, previousMark)
	i := slices.IndexFunc(l.lists.Sources, func(s Source) bool { return s.Name == name })
	switch {
	case i >= 0 && held:
		s, done, err = l.held(ctx, l.lists.Sources[i])
	case i >= 0 && previous:
		s, done, err = l.before(name)
	case i >= 0:
		s, done, err = l.peek(ctx, l.lists.Sources[i])
	default:
		if _, err := os.Stat(argument); err != nil {
			return nil, nil, fmt.Errorf("%q is neither a list nor a file: the configured lists are %s; behind a name, %s and %s are understood",
				argument, quoted(l.names()), heldMark, previousMark)
		}
		s, done, err = l.glance(ctx, Source{Name: argument, Path: argument, Format: Auto, PublicSuffixes: true}, argument)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", argument, err)
	}
	return s, done, nil
}

// held reads the version of a source that waits to be accepted.
func (l *Library) held(ctx context.Context, s Source) (*state, func(), error) {
	if k := l.recall(s.Name); k.Held == nil {
		return nil, nil, errors.New("no version of it is held back")
	}
	path := s.Path
	if path == "" {
		path = l.candidatePath(s.Name)
	}
	return l.glance(ctx, s, path)
}

// before opens the state of a list before the one in force.
func (l *Library) before(name string) (*state, func(), error) {
	kept := l.states(name)
	if len(kept) < 2 {
		return nil, nil, errors.New("the list has not changed since it was first read")
	}
	s, err := l.open(kept[1])
	if err != nil {
		return nil, nil, err
	}
	return s, s.close, nil
}
