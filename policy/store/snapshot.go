package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// The snapshot beside a store is for the day on which the store cannot be opened: after a downgrade, or when the
// card is worn out. It is lines of JSON: a header, then a value each. Programs of all versions read it: fields may be added,
// and none changes its meaning.

// snapshotEvery is the shortest time between two snapshots: changes are on disk at once in the store itself.
const snapshotEvery = 30 * time.Second

// maxLine bounds a line of the snapshot: a key, a value and their names.
const maxLine = MaxValue + 4<<10

// snapshotHeader is the first line.
type snapshotHeader struct {
	Hearth   string `json:"hearth"` // "state"
	Revision uint64 `json:"revision"`
	Entries  int    `json:"entries"`
	CRC32C   uint32 `json:"crc32c"` // of all that follows
}

// SnapshotPath is the snapshot of the store at path.
func SnapshotPath(path string) string { return path + ".snapshot" }

// Run keeps the snapshot on disk up to date and the file without what was deleted, until ctx ends.
func (b *Bolt) Run(ctx context.Context, log *slog.Logger) error {
	if b.db.Load() == nil {
		return nil // the snapshot is all there is
	}
	scrubs := make(chan struct{})
	scrub, stop := context.WithCancel(ctx)
	go func() {
		defer close(scrubs)
		b.scrubbing(scrub, log)
	}()
	b.keepSnapshots(ctx, log)
	stop()
	<-scrubs
	return nil
}

func (b *Bolt) keepSnapshots(ctx context.Context, log *slog.Logger) {
	var written uint64
	for first := true; ; first = false {
		more, err := b.tick()
		if err != nil {
			return // closed
		}
		ended := ctx.Err() != nil // before the state is read, so that nothing that came before the end is missed
		last, err := b.keepSnapshot(written, first)
		switch {
		case err != nil:
			b.snapshotErrors.Add(1)
			log.Error("the snapshot of the state cannot be written", "error", err)
		default:
			written = last
		}
		if ended || b.Refused() != nil {
			return
		}
		select {
		case <-ctx.Done():
			continue // once more, for what has changed since
		case <-time.After(snapshotEvery):
		}
		if err != nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-more:
		}
	}
}

// keepSnapshot writes the snapshot if the store has moved on since a revision, or in any case.
func (b *Bolt) keepSnapshot(written uint64, anyway bool) (uint64, error) {
	s, err := b.Snapshot(context.Background(), "")
	if err != nil || s.Revision == written && !anyway {
		return s.Revision, err
	}
	return s.Revision, writeSnapshot(SnapshotPath(b.path), s)
}

// writeSnapshot replaces the snapshot as a whole.
func writeSnapshot(path string, s Snapshot) (err error) {
	sum := crc32.New(castagnoli)
	if err := writeEntries(sum, s.Entries); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // beside the store
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = json.NewEncoder(w).Encode(snapshotHeader{"state", s.Revision, len(s.Entries), sum.Sum32()})
	err = errors.Join(err, writeEntries(w, s.Entries), w.Flush(), f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return replace(path+".new", path)
}

func writeEntries(w io.Writer, entries []Entry) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, e := range entries {
		if err := lines.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// LoadSnapshot reads the last snapshot of the store at path. Where there is none, the state is empty.
func LoadSnapshot(path string) (Snapshot, error) {
	s, err := readSnapshot(SnapshotPath(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Snapshot{}, nil
	case err != nil:
		return Snapshot{}, fmt.Errorf("reading the snapshot %s: %w", SnapshotPath(path), err)
	}
	return s, nil
}

func readSnapshot(name string) (s Snapshot, err error) {
	f, err := os.Open(name) //nolint:gosec // beside the store
	if err != nil {
		return s, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	var header snapshotHeader
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &header) != nil || header.Hearth != "state" {
		return s, errors.Join(damaged("its first line is no header"), lines.Err())
	}
	sum := crc32.New(castagnoli)
	for lines.Scan() && len(s.Entries) < MaxEntries {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return s, damaged("line %d: %v", len(s.Entries)+2, err)
		}
		_, _ = sum.Write(lines.Bytes())
		_, _ = sum.Write([]byte{'\n'})
		s.Entries = append(s.Entries, e)
	}
	if lines.Err() != nil || len(s.Entries) != header.Entries || sum.Sum32() != header.CRC32C {
		return s, errors.Join(damaged("it is not as it was written"), lines.Err())
	}
	s.Revision = header.Revision
	return s, nil
}

// Frozen gives a store that serves the last snapshot and refuses all else, for when the one at path could not be opened
// for the reason why. Where the snapshot cannot be read either, its state is empty. Refused says both.
func Frozen(path string, why error) *Bolt {
	s, err := LoadSnapshot(path)
	return &Bolt{path: path, frozen: s, refused: errors.Join(why, err), changed: make(chan struct{})}
}
