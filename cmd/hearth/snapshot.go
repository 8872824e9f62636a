package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
)

// snapshotEvery is how often the answers are written, beside the end: a power loss costs
// no more of them.
const snapshotEvery = 15 * time.Minute

// snapshotFile is where they are kept.
func (s *server) snapshotFile() string { return filepath.Join(s.state, "answers.snapshot") }

// restoreAnswers takes back the answers of the last run. Without them the server starts as
// well, only cold, so that no failure is more than a line in the log. Where they are not
// to be kept, those of an earlier configuration are removed.
func (s *server) restoreAnswers() {
	file := s.snapshotFile()
	if !s.boot.Cache.Snapshot {
		for _, each := range []string{file, unfinished(file)} {
			if err := os.Remove(each); err != nil && !errors.Is(err, fs.ErrNotExist) {
				s.log.Error("answers on disk cannot be removed", "error", err)
			}
		}
		return
	}
	records, err := readAnswers(file, int64(s.boot.Cache.Size))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		s.log.Warn("answers on disk are not used", "file", file, "error", err)
	default:
		s.log.Info("answers taken from disk", "answers", s.resolver.Restore(records))
	}
}

// readAnswers reads a snapshot of limit octets at most.
func readAnswers(file string, limit int64) ([]cache.Record, error) {
	f, err := os.Open(file) //nolint:gosec // in the state folder
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("it is larger than the cache, %d bytes", limit)
	}
	return cache.ReadSnapshot(b)
}

// keepAnswers writes the answers now and then, and at the end, if they are to be kept.
func (s *server) keepAnswers(ctx context.Context) error {
	if !s.boot.Cache.Snapshot {
		return nil
	}
	every := time.NewTicker(snapshotEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			s.writeAnswers()
			return nil
		case <-every.C:
			s.writeAnswers()
		}
	}
}

// writeAnswers replaces the snapshot, or leaves it as it is.
func (s *server) writeAnswers() {
	n, err := replaceAnswers(s.snapshotFile(), func(w io.Writer) (int, error) {
		return cache.WriteSnapshot(w, s.resolver.Answers(), int64(s.boot.Cache.Size))
	})
	if err != nil {
		s.log.Error("answers cannot be kept on disk", "error", err)
		return
	}
	s.log.Debug("answers kept on disk", "answers", n)
}

// unfinished is where a snapshot is written before it takes the place of the last one. There is one
// such name, so that what a killed process leaves goes with the next snapshot.
func unfinished(file string) string { return file + ".new" }

// replaceAnswers puts what write writes in place of file as a whole, for the owner's eyes alone.
func replaceAnswers(file string, write func(io.Writer) (int, error)) (n int, err error) {
	_ = os.Remove(unfinished(file)) // of a process that was killed
	temp, err := os.OpenFile(unfinished(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, temp.Close(), os.Remove(temp.Name()))
		}
	}()
	to := bufio.NewWriter(temp)
	if n, err = write(to); err != nil {
		return 0, err
	}
	if err = errors.Join(to.Flush(), temp.Sync()); err != nil {
		return 0, err
	}
	if err = os.Rename(temp.Name(), file); err != nil {
		return 0, err
	}
	return n, temp.Close()
}
