package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// reloadResult is what a reload did.
type reloadResult struct {
	Old     string    `json:"old"` // hashes
	New     string    `json:"new"`
	Changes []setting `json:"changes"`
	Restart []string  `json:"restart,omitempty"` // keys that wait for a restart
	Lists   error     `json:"-"`                 // why the lists in use serve on; nil if they are those of the configuration
}

// reload reads the configuration anew and serves it. When it is refused the
// old one serves on, and the log and a gauge say so. why names what asked.
func (s *server) reload(ctx context.Context, why string) (reloadResult, error) {
	s.work.Lock()
	defer s.work.Unlock()
	s.supervisor.reloading()
	defer s.supervisor.ready()
	was := s.config.Load()
	now, err := load(s.file, s.env)
	var lists error
	if err == nil {
		lists, err = s.adopt(ctx, was, now)
	}
	if err != nil {
		s.record.refused(err)
		s.complain(err, why, was.Hash())
		return reloadResult{}, fmt.Errorf("reload refused, the configuration %s serves on: %w", was.Hash(), err)
	}
	mended := s.record.live.Load().refused != ""
	s.record.serving(now.Hash(), time.Now())
	result := reloadResult{Old: was.Hash(), New: now.Hash(), Changes: append([]setting{}, compareSettings(&was.Config, &now.Config)...), Lists: lists}
	result.Restart = restarts(compareSettings(s.boot, &now.Config))
	if result.Old != result.New || mended {
		s.log.Info("configuration reloaded", "by", why, "old", result.Old, "new", result.New,
			"changed", brief(result.Changes), "needs_restart", strings.Join(result.Restart, ", "))
	}
	if lists != nil && ctx.Err() == nil {
		s.log.Error("the lists in use serve on", "by", why, "error", lists)
	}
	return result, nil
}

// complain logs why a reload was refused: each problem with its place.
func (s *server) complain(err error, why, serving string) {
	const message = "reload refused, the last good configuration serves on"
	var found problems
	if !errors.As(err, &found) {
		s.log.Error(message, "by", why, "serving", serving, "error", err)
		return
	}
	first, more := found.shown()
	for _, p := range first {
		s.log.Error(message, "by", why, "serving", serving, "error", p.discreet())
	}
	if more > 0 {
		s.log.Error(message, "by", why, "serving", serving, "error", andMore(more))
	}
}

// adopt serves a configuration: with the index in use, or where its lists or
// categories differ with a new one. lists says why the index is not that of
// the lists as they are.
func (s *server) adopt(ctx context.Context, was, now *loaded) (lists, err error) {
	if !sameLists(&was.Config, &now.Config) {
		return nil, s.adoptLists(ctx, now)
	}
	k, lists := s.shelf.Load().current(ctx, s.stock)
	if err := s.swap(now, k); err != nil {
		return nil, err
	}
	if lists == nil {
		lists = k.shortfall()
	}
	s.level.Set(logLevels()[now.Config.Log.Level])
	return lists, nil
}

// adoptLists serves a configuration with other lists or categories.
func (s *server) adoptLists(ctx context.Context, now *loaded) error {
	next, err := newShelf(&now.Config, s.state, s.log, s.term)
	if err != nil {
		return err
	}
	k, err := next.compile(ctx)
	if err != nil {
		return err
	}
	if err := s.swap(now, k); err != nil {
		return err
	}
	s.level.Set(logLevels()[now.Config.Log.Level])
	s.shelf.Store(next)
	select {
	case s.shelfChanged <- struct{}{}:
	default: // the librarian has a note already
	}
	return nil
}

// files lists everything that the configuration is read from.
func (s *server) files() []string {
	if s.file == "" {
		return nil
	}
	files := []string{s.file}
	if dir := s.config.Load().householdsDir(); dir != "" {
		if more, err := householdFiles(dir); err == nil {
			files = append(files, more...)
		}
	}
	return files
}

// folders lists the folders to watch for changes of files.
func (s *server) folders() []string {
	dirs := foldersOf(s.files())
	if dir := s.config.Load().householdsDir(); dir != "" {
		dirs = append(dirs, dir)
	}
	for _, path := range s.localLists() {
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			dirs = append(dirs, path)
		} else {
			dirs = append(dirs, foldersOf([]string{path})...)
		}
	}
	return dirs
}

// localLists gives the paths of the lists and of the databases of addresses on this machine.
func (s *server) localLists() []string {
	c := &s.config.Load().Config
	paths := c.Geo.Paths()
	for _, l := range c.Lists.Sources {
		if l.Path != "" {
			paths = append(paths, l.Path)
		}
	}
	return paths
}
