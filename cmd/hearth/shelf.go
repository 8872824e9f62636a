package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/source"
)

// shelf is the list library of one configuration, with the taxonomy that its
// index is compiled for. It is replaced when lists or categories change.
type shelf struct {
	library  *source.Library
	taxonomy *blocklists.Taxonomy
	lists    source.Config
	log      *slog.Logger
}

// newShelf opens the library in the state folder.
func newShelf(c *Config, state string, log *slog.Logger, progress io.Writer) (*shelf, error) {
	t, err := c.taxonomy()
	if err != nil {
		return nil, fmt.Errorf("numbering categories: %w", err)
	}
	families, err := publishers()
	if err != nil {
		return nil, err
	}
	library, err := source.OpenLibrary(source.LibraryConfig{
		Dir: filepath.Join(state, "lists"), Lists: c.Lists, Log: log, Progress: progress, Own: c.Name, Families: families,
	})
	if err != nil {
		return nil, fmt.Errorf("%w; give this user a state folder it may write: `state:` or HEARTH__STATE", err)
	}
	return &shelf{library: library, taxonomy: t, lists: c.Lists, log: log}, nil
}

// stock is an index with what is known of it.
type stock struct {
	index   *blocklists.Index
	popular bool // a popularity list is compiled in
	starter bool // only the embedded lists
	stale   bool // to be compiled anew

	problems []source.Problem // lists that are not in the index as they are; known where it was just compiled
}

// waiting says which lists have a newer version that waits for the operator.
func (k stock) waiting() (all []string) {
	for _, p := range k.problems {
		if p.Held {
			all = append(all, fmt.Sprintf("list %s: %s", p.Source, p.Why))
		}
	}
	return all
}

// shortfall says which lists are not in the index as they are now, and what of them serves; nil if all are. A version
// that waits for the operator is none: waiting tells of it.
func (k stock) shortfall() error {
	var errs []error
	for _, p := range k.problems {
		if p.Serving != source.Whole && !p.Held {
			errs = append(errs, fmt.Errorf("list %s: %s", p.Source, p.Why))
		}
	}
	return errors.Join(errs...)
}

// load gives the compiled index, an older one that is sound, or the embedded
// lists, which serve until a compilation is done.
func (s *shelf) load() (stock, error) {
	ix, err := s.library.Load(s.taxonomy)
	if err == nil {
		return s.stocked(ix), nil
	}
	if !errors.Is(err, source.ErrStale) {
		s.log.Warn("the compiled index is refused and made anew", "error", err)
	}
	if ix != nil {
		k := s.stocked(ix)
		k.stale = true
		return k, nil
	}
	if ix, err = s.library.Starter(s.taxonomy); err != nil {
		return stock{}, fmt.Errorf("building the starter index: %w", err)
	}
	return stock{index: ix, starter: true, stale: true}, nil
}

// current gives the index of the lists as they are now: the one in use, the
// one on disk if another process has compiled it, or one that is compiled
// because a list has changed where it lies. With an error, the one in use
// serves on.
func (s *shelf) current(ctx context.Context, k stock) (stock, error) {
	ix, err := s.library.Load(s.taxonomy)
	switch {
	case err == nil && ix.Same(k.index):
		return k, nil
	case err == nil:
		return s.stocked(ix), nil
	}
	fresh, err := s.compile(ctx)
	if err != nil {
		k.index = s.library.WithLegal(k.index) // legal lists do not wait for others to be mended
		return k, err
	}
	return fresh, nil
}

// fresh gives the index of the lists as they are now, compiled if the one on
// disk is not of them: legal lists are joined to it and need no compilation.
func (s *shelf) fresh(ctx context.Context) (stock, error) {
	if ix, err := s.library.Load(s.taxonomy); err == nil {
		return s.stocked(ix), nil
	}
	return s.compile(ctx)
}

// compile makes the index anew from the kept lists.
func (s *shelf) compile(ctx context.Context) (stock, error) {
	start := time.Now()
	ix, sum, err := s.library.Compile(ctx, s.taxonomy)
	if err != nil {
		return stock{}, err
	}
	for _, p := range sum.Problems {
		s.log.Warn("a list is not in the index as it is", "list", p.Source, "serving", string(p.Serving), "why", p.Why)
	}
	s.log.Info("lists compiled", "names", ix.Names(), "bytes", ix.Bytes(), "index", ix.ID(), "took", time.Since(start).Round(time.Millisecond))
	k := s.stocked(ix)
	k.problems = sum.Problems
	return k, nil
}

func (s *shelf) stocked(ix *blocklists.Index) stock {
	k := stock{index: ix}
	for _, list := range s.lists.Sources {
		if list.Name == s.lists.Popular && list.Path != "" {
			_, err := os.Stat(list.Path)
			k.popular = err == nil
		}
	}
	for _, st := range s.library.Stats() {
		if st.Name == s.lists.Popular && st.Kept && st.Names > 0 {
			k.popular = true
		}
	}
	return k
}
