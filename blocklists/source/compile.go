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
// by it and opens it. Memory is bounded. A source that cannot be read is left out and stands in Summary.Problems; the
// other lists work on. The error is for what leaves the old file in place: the end of ctx, a full disk, a category
// that t does not have.
func (l *Library) Compile(ctx context.Context, t *blocklists.Taxonomy) (*blocklists.Index, Summary, error) {
	l.work.Lock()
	defer l.work.Unlock()
	l.readAll()
	var sum Summary
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t, Key: l.key, Built: l.config.Now()})
	if err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	defer func() { _ = b.Close() }() // only temporary files
	if err := l.addAll(ctx, b, t, &sum); err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	mark, err := l.fingerprint(t) // before the file, so that a list changed meanwhile makes it stale
	if err != nil {
		return nil, sum, fmt.Errorf("compiling lists: %w", err)
	}
	err = writeFile(l.indexPath(), 0o640, func(w io.Writer) (err error) {
		sum.Summary, err = b.Build(ctx, w)
		return err
	})
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

// addAll puts every list into b.
func (l *Library) addAll(ctx context.Context, b *blocklists.Builder, t *blocklists.Taxonomy, sum *Summary) error {
	if err := addStarter(b, t, l.starter); err != nil {
		return err
	}
	sum.Lists = len(l.starter)
	for _, s := range l.lists.Sources {
		problem, err := l.addSource(ctx, b, t, s)
		if err != nil {
			return fmt.Errorf("list %s: %w", s.Name, err)
		}
		if problem != nil {
			sum.Problems = append(sum.Problems, Problem{Source: s.Name, Why: problem.Error()})
			k := l.recall(s.Name)
			k.Name, k.LastError = s.Name, problem.Error()
			l.remember(k)
			l.config.Log.Warn("list not wholly compiled", "list", s.Name, "error", problem)
		}
		if k := l.recall(s.Name); k.Names > 0 {
			sum.Lists++
		}
	}
	return nil
}

// endError is what ended a compilation, as opposed to what is wrong with a list.
type endError struct{ cause error }

func (e *endError) Error() string { return e.cause.Error() }

// addSource puts one source into b and notes what was counted. problem is what is wrong with the source.
func (l *Library) addSource(ctx context.Context, b *blocklists.Builder, t *blocklists.Taxonomy, s Source) (problem, err error) {
	path := l.contentPath(s)
	k, problem := l.look(s)
	if problem != nil {
		return problem, nil
	}
	plan, problem := s.plan(path, l.lists)
	if problem != nil {
		return problem, nil
	}
	list, err := plan.lists(b, t)
	if err != nil {
		return nil, err
	}
	n := 0
	report, problem := ParsePath(path, s.Format, plan.options, func(i Item) error {
		if n++; n&4095 == 0 && ctx.Err() != nil {
			return &endError{ctx.Err()}
		}
		if err := b.Add(list(i), i.Entry); err != nil {
			return &endError{err}
		}
		return nil
	})
	if end := (*endError)(nil); errors.As(problem, &end) {
		return nil, end.cause
	}
	k.count(report)
	l.remember(k)
	if problem == nil && len(plan.missing) > 0 {
		problem = fmt.Errorf("the list has no directory %s: look at map", strings.Join(plan.missing, ", "))
	}
	return problem, l.writeKept(k)
}

// look brings the record of a source up to what lies on disk.
func (l *Library) look(s Source) (kept, error) {
	k := l.recall(s.Name)
	if s.Path == "" && k.SHA256 == "" {
		return k, errors.New("not fetched yet: run hearth lists update")
	}
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
