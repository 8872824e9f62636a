package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// Summary says what Compile made, and what it could not use.
type Summary struct {
	blocklists.Summary
	Lists    int       // lists that are in the index, starter lists included
	Read     []string  // sources whose content was read, because it, or how it is read, is new
	Problems []Problem // sources that are not in the index as they are configured
}

// Failed reports whether a source is not in the index as it is now.
func (s *Summary) Failed() bool {
	for _, p := range s.Problems {
		if p.Serving != Whole {
			return true
		}
	}
	return false
}

// Serving says what an index has of a source.
type Serving string

// What an index has of a source with a Problem.
const (
	Nothing  Serving = "nothing"   // it is left out: there is no good state of it
	LastGood Serving = "last good" // its last good state, because it cannot be used as it is now
	Whole    Serving = "whole"     // all of it; something in its configuration is of no use
)

// Problem is a source that is not in the index as configured.
type Problem struct {
	Source  string  `json:"source"`
	Why     string  `json:"why"`
	Serving Serving `json:"serving"`
	Held    bool    `json:"held,omitempty"` // a newer version waits for Accept; that is why
}

func (l *Library) indexPath() string { return filepath.Join(l.config.Dir, "index.hix") }
func (l *Library) builtPath() string { return filepath.Join(l.config.Dir, "index.json") }

// Compile builds the index of all sources and the starter lists, replaces the file on disk by it and opens it. A
// source is read only where its content, or how it is read, is not that of its parsed state; all else is merged from
// those states. Memory is bounded.
//
// No source is compiled in part. One that cannot be read wholly, or holds no name, stays in the index as its last good
// state has it, and where there is none it is left out; both stand in Summary.Problems, and the other lists are in as
// they are now. But where there is no such state and an earlier index holds the source, that index stays: the error
// is a *BrokenError. Other errors leave the old file in place too: the end of ctx, a full disk, a category that t
// does not have.
func (l *Library) Compile(ctx context.Context, t *blocklists.Taxonomy) (*blocklists.Index, Summary, error) {
	l.work.Lock()
	defer l.work.Unlock()
	l.readAll()
	var sum Summary
	var err error
	if sum.Read, err = l.renewPaths(ctx); err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	inputs, err := l.gather(ctx, t, &sum)
	defer closeAll(inputs)
	if err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	mark, err := l.build(ctx, t, inputs, &sum)
	if err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	ix, err := blocklists.OpenIndex(l.indexPath())
	if err != nil {
		return nil, sum, fmt.Errorf("reading the compiled index: %w", err)
	}
	if err := writeJSON(l.builtPath(), built{Index: ix.ID(), Fingerprint: mark, Version: parserVersion}); err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	l.forget()
	return l.WithLegal(ix), sum, nil
}

// input is a source that is compiled in, by its parsed state.
type input struct {
	source Source
	state  *state
}

// gather brings the parsed states of all sources up to their contents and opens them.
func (l *Library) gather(ctx context.Context, t *blocklists.Taxonomy, sum *Summary) ([]input, error) {
	var inputs []input
	for _, s := range l.lists.Sources {
		if err := ctx.Err(); err != nil {
			return inputs, context.Cause(ctx)
		}
		state, err := l.ready(ctx, t, s, sum)
		if state != nil {
			inputs = append(inputs, input{s, state})
		}
		if err != nil {
			return inputs, err
		}
	}
	return inputs, nil
}

// build writes the index of all inputs and names what it is made of.
func (l *Library) build(ctx context.Context, t *blocklists.Taxonomy, inputs []input, sum *Summary) (mark string, err error) {
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t, Key: l.key, Built: l.config.Now()})
	if err != nil {
		return "", err
	}
	defer func() { _ = b.Close() }() // only temporary files
	taken, err := excepted(t, inputs)
	if err != nil {
		return "", err
	}
	starters := l.starters()
	if err := addStarter(b, t, starters, taken); err != nil {
		return "", err
	}
	for _, in := range inputs {
		if in.source.Except {
			continue
		}
		plan := in.source.planFor(in.state.Directories, l.lists)
		left, err := plan.merge(b, t, in.state.Parsed, taken)
		if err != nil {
			return "", fmt.Errorf("list %s: %w", in.source.Name, err)
		}
		if left > 0 {
			l.note(sum, in.source, Whole, fmt.Errorf("%d of its expressions and networks are more than fits into an index", left))
		}
		if len(plan.missing) > 0 {
			l.note(sum, in.source, Whole, fmt.Errorf("the list has no directory %s: look at map", strings.Join(plan.missing, ", ")))
		}
	}
	if err := l.except(b, t, inputs, sum); err != nil {
		return "", err
	}
	sum.Lists = len(starters) + len(inputs)
	mark, err = l.fingerprint(t) // before the file, so that a list changed meanwhile makes it stale
	if err != nil {
		return "", err
	}
	err = writeFile(l.indexPath(), 0o640, func(w io.Writer) (err error) {
		sum.Summary, err = b.Build(ctx, w)
		return err
	})
	if sum.Crowded > 0 {
		l.config.Log.Warn("expressions are left out of the index, because their lists have more exceptions than fit beside them: "+
			"use lists with fewer exceptions, or without expressions", "expressions", sum.Crowded)
	}
	return mark, err
}

// note adds a problem to the summary, and shows it in the statistics and the log.
func (l *Library) note(sum *Summary, s Source, serving Serving, problem error) {
	var waits *waitingError
	sum.Problems = append(sum.Problems, Problem{Source: s.Name, Why: problem.Error(), Serving: serving, Held: errors.As(problem, &waits)})
	l.blame(s.Name, problem)
}

// endError is what ended a compilation, as opposed to what is wrong with a list.
type endError struct{ cause error }

func (e *endError) Error() string { return e.cause.Error() }

func (e *endError) Unwrap() error { return e.cause }

// ready opens the parsed state of a source that is to be compiled in, nil if there is none, and reads its content for it
// where that is new.
func (l *Library) ready(ctx context.Context, t *blocklists.Taxonomy, s Source, sum *Summary) (*state, error) {
	before := l.current(s.Name)
	was := l.recall(s.Name)
	if s.Path == "" && was.SHA256 == "" {
		return l.lastGood(t, s, before, was, errors.New("not fetched yet: run hearth lists update"), sum)
	}
	k, err := l.look(s, before)
	if err != nil {
		return l.lastGood(t, s, before, k, err, sum)
	}
	now := before
	if before == nil || !before.fits(s, l.lists, k.SHA256) {
		sum.Read = append(sum.Read, s.Name)
		d, err := l.read(ctx, s, l.contentPath(s), k.SHA256, before)
		if err != nil {
			return l.lastGood(t, s, before, k, err, sum)
		}
		defer d.discard()
		before.close()
		if now, err = l.keep(d); err != nil {
			return nil, fmt.Errorf("list %s: %w", s.Name, err)
		}
	}
	k.count(now.Report)
	l.remember(k)
	if k.Confirmed, was.Confirmed = was.Confirmed, k.Confirmed; equalKept(k, was) {
		return now, nil // that it was looked at again is not worth a write
	}
	return now, l.writeKept(l.recall(s.Name))
}

// lastGood returns the last good state of a source that cannot be used as it is now, and notes why. What is no fault
// of the list's is returned.
func (l *Library) lastGood(t *blocklists.Taxonomy, s Source, before *state, k kept, why error, sum *Summary) (*state, error) {
	if end := (*endError)(nil); errors.As(why, &end) {
		before.close()
		return nil, fmt.Errorf("list %s: %w", s.Name, end.cause)
	}
	if before != nil && before.sameOrigin(s) {
		l.note(sum, s, LastGood, fmt.Errorf("%w; its last good state of %s, with %d names, serves on",
			why, before.label.Parsed.Format("2006-01-02 15:04"), before.Report.Names))
		return before, l.damaged(s, k)
	}
	before.close()
	if l.holds(t, s.Name) {
		l.blame(s.Name, why)
		return nil, errors.Join(l.damaged(s, k), &BrokenError{Source: s.Name, Why: why})
	}
	l.note(sum, s, Nothing, why)
	return nil, l.damaged(s, k)
}

// look brings the record of a source up to what lies on disk. The files are read only where they are not those of the
// state that is kept.
func (l *Library) look(s Source, before *state) (kept, error) {
	k := l.recall(s.Name)
	now, err := stat(l.contentPath(s))
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("nothing is at %s", l.contentPath(s))
	}
	if err != nil {
		return k, err
	}
	var hash string
	if before != nil && before.sameOrigin(s) && before.Stamp == now.stamp && now.stamp != "" {
		hash = before.Content
	} else if hash, err = digest(l.contentPath(s)); err != nil {
		return k, err
	}
	switch {
	case hash == k.SHA256 && k.sameOrigin(s):
	case s.Path != "": // it was judged, and not put in force
		return k, k.notInForce(hash)
	case before != nil && before.sameOrigin(s) && before.Content == k.SHA256:
		k.ETag, k.LastModified = "", ""
		return k, errors.New("the kept copy is damaged and will be fetched anew")
	default:
		l.config.Log.Warn("the kept list is not the one that was fetched, it will be fetched anew", "list", s.Name)
		k.ETag, k.LastModified = "", ""
	}
	k.SHA256, k.Stamp = hash, now.stamp
	return k, nil
}
