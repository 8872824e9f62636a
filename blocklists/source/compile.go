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
	Problems []Problem // sources that are not, or not wholly, in the index
}

// Problem is a source that Compile could not read as configured.
type Problem struct {
	Source string `json:"source"`
	Why    string `json:"why"`
}

func (l *Library) indexPath() string { return filepath.Join(l.config.Dir, "index.hix") }
func (l *Library) builtPath() string { return filepath.Join(l.config.Dir, "index.json") }

// Compile builds the index of the kept copies, the sources on a path and the starter lists, replaces the file on disk
// by it and opens it. Memory is bounded. No source is compiled in part. One that cannot be read wholly, or holds no
// name, is left out and stands in Summary.Problems while the other lists work on; but where an earlier index holds it,
// that index stays: the error is a *BrokenError. Other errors are what leaves the old file in place too: the end of
// ctx, a full disk, a category that t does not have.
func (l *Library) Compile(ctx context.Context, t *blocklists.Taxonomy) (*blocklists.Index, Summary, error) {
	l.work.Lock()
	defer l.work.Unlock()
	l.readAll()
	leftOut := make(map[string]error)
	for {
		sum, mark, err := l.build(ctx, t, leftOut)
		if broken := (*BrokenError)(nil); errors.As(err, &broken) && !l.holds(t, broken.Source) {
			leftOut[broken.Source] = broken.Why
			continue // once more without it: what was read of it is in the builder
		}
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
		return ix, sum, nil
	}
}

// build writes the index of all lists but those left out, and names what it is made of.
func (l *Library) build(ctx context.Context, t *blocklists.Taxonomy, leftOut map[string]error) (sum Summary, mark string, err error) {
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t, Key: l.key, Built: l.config.Now()})
	if err != nil {
		return sum, "", err
	}
	defer func() { _ = b.Close() }() // only temporary files
	if err := l.addAll(ctx, b, t, leftOut, &sum); err != nil {
		return sum, "", err
	}
	mark, err = l.fingerprint(t) // before the file, so that a list changed meanwhile makes it stale
	if err != nil {
		return sum, "", err
	}
	err = writeFile(l.indexPath(), 0o640, func(w io.Writer) (err error) {
		sum.Summary, err = b.Build(ctx, w)
		return err
	})
	return sum, mark, err
}

// addAll puts every list into b but those left out.
func (l *Library) addAll(ctx context.Context, b *blocklists.Builder, t *blocklists.Taxonomy, leftOut map[string]error, sum *Summary) error {
	if err := addStarter(b, t, l.starters()); err != nil {
		return err
	}
	sum.Lists = len(l.starters())
	for _, s := range l.lists.Sources {
		problem, in := leftOut[s.Name], false
		if problem == nil {
			var err error
			if problem, err = l.addSource(ctx, b, t, s); err != nil {
				return fmt.Errorf("list %s: %w", s.Name, err)
			}
			in = l.recall(s.Name).Names > 0
		}
		if problem != nil {
			sum.Problems = append(sum.Problems, Problem{Source: s.Name, Why: problem.Error()})
			l.blame(s.Name, problem)
		}
		if in {
			sum.Lists++
		}
	}
	return nil
}

// endError is what ended a compilation, as opposed to what is wrong with a list.
type endError struct{ cause error }

func (e *endError) Error() string { return e.cause.Error() }

// addSource puts one source into b and notes what was counted. problem is what is wrong with a source that is in b
// nevertheless, or was never there; a *BrokenError is of one that must not be in b as it is.
func (l *Library) addSource(ctx context.Context, b *blocklists.Builder, t *blocklists.Taxonomy, s Source) (problem, err error) {
	if s.Path == "" && l.recall(s.Name).SHA256 == "" {
		return errors.New("not fetched yet: run hearth lists update"), nil
	}
	path := l.contentPath(s)
	k, err := l.look(s)
	if err != nil {
		return nil, l.broken(s, k, err)
	}
	plan, err := s.plan(path, l.lists)
	if err != nil {
		return nil, l.broken(s, k, err)
	}
	list, err := plan.lists(b, t)
	if err != nil {
		return nil, err
	}
	n := 0
	report, err := ParsePath(path, s.Format, plan.options, func(i Item) error {
		if n++; n&4095 == 0 && ctx.Err() != nil {
			return &endError{ctx.Err()}
		}
		if err := b.Add(list(i), i.Entry); err != nil {
			return &endError{err}
		}
		return nil
	})
	if end := (*endError)(nil); errors.As(err, &end) {
		return nil, end.cause
	}
	if err == nil && report.Names == 0 {
		err = noNames(s, report)
	}
	if err != nil {
		return nil, l.broken(s, k, err)
	}
	k.count(report)
	l.remember(k)
	if len(plan.missing) > 0 {
		problem = fmt.Errorf("the list has no directory %s: look at map", strings.Join(plan.missing, ", "))
	}
	return problem, l.writeKept(k)
}

// look brings the record of a source up to what lies on disk.
func (l *Library) look(s Source) (kept, error) {
	k := l.recall(s.Name)
	now, err := stat(l.contentPath(s))
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("nothing is at %s", l.contentPath(s))
	}
	if err != nil {
		return k, err
	}
	hash, err := digest(l.contentPath(s))
	if err != nil {
		return k, err
	}
	if s.Path != "" {
		if !k.sameOrigin(s) {
			k = kept{Name: s.Name, Path: s.Path, Format: s.Format, Checked: k.Checked}
		}
		k.Fetched, k.Bytes = now.changed.UTC(), now.bytes
		k.Confirmed, k.LastError = l.config.Now().UTC(), ""
	} else if hash != k.SHA256 {
		l.config.Log.Warn("the kept list is not the one that was fetched, it will be fetched anew", "list", s.Name)
		k.ETag, k.LastModified = "", ""
	}
	k.SHA256, k.Stamp = hash, now.stamp
	return k, nil
}
