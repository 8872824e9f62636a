package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// keptBeside is how many files are kept beside a store of those that an upgrade or a restore replaced.
	keptBeside = 3
	// besideFor is how long: who goes back to an older program does so within days, and what was erased since is in them.
	besideFor = 30 * 24 * time.Hour
	// besideTime is how their names say since when they lie there, in UTC.
	besideTime = "20060102T150405.000000"
)

// Backup writes the store, as it is at this moment, in the form that Restore takes. Others write on meanwhile. What was
// erased is not in it. It is spooled beside the store, so that a slow reader holds nobody up.
func (b *Bolt) Backup(w io.Writer) (err error) {
	b.backing.Lock()
	defer b.backing.Unlock()
	spool := spool(b.path)
	defer func() {
		if err != nil {
			err = fmt.Errorf("backing up the store: %w", err)
		}
		err = errors.Join(err, discard(spool))
	}()
	if err := b.copyForgetting(spool); err != nil {
		return err
	}
	f, err := os.Open(spool) //nolint:gosec // written just now
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// copyForgetting is copyTo, without the keys that the list of deletions names.
func (b *Bolt) copyForgetting(path string) error {
	b.copying.Lock()
	defer b.copying.Unlock()
	if b.db.Load() == nil {
		return b.readOnly()
	}
	if err := b.update(forgetDeletions); err != nil {
		return err
	}
	return b.copyTo(path)
}

func spool(path string) string { return path + ".spool" }

// discard removes a file, if it is there.
func discard(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copyTo makes a file of all that the store holds now, and nothing that it held before.
func (b *Bolt) copyTo(path string) error {
	to, err := b.copied(path)
	if err != nil {
		return err
	}
	return to.Close()
}

// copied is copyTo, and leaves the new file open.
func (b *Bolt) copied(path string) (to *bbolt.DB, err error) {
	if err := discard(path); err != nil {
		return nil, err
	}
	if to, err = engine(path, false); err != nil {
		return nil, err
	}
	const atOnce = 1 << 20 // octets in one transaction of the copy
	if err = b.guard(func(func(*bbolt.Tx) error) error { return bbolt.Compact(to, b.db.Load(), atOnce) }, nil); err != nil {
		return nil, errors.Join(err, to.Close())
	}
	return to, nil
}

// keepBeside copies the store to a file beside it, and forgets the oldest such files.
func (b *Bolt) keepBeside(why string) (name string, err error) {
	name = beside(b.path, why)
	if err := b.copyTo(name + ".new"); err != nil {
		return "", err
	}
	if err := replace(name+".new", name); err != nil {
		return "", err
	}
	return name, forget(b.path, time.Now())
}

// beside names a file for what a store was until now.
func beside(path, why string) string {
	return path + "." + time.Now().UTC().Format(besideTime) + "." + why + ".backup"
}

// besides lists what was kept of a store, the newest last.
func besides(path string) []string {
	names, err := filepath.Glob(path + ".*.backup")
	if err != nil {
		return nil // the path is no pattern
	}
	slices.Sort(names)
	return names
}

// forget removes what was kept beside for long enough, and what is more than the newest.
func forget(path string, now time.Time) error {
	var errs []error
	names := besides(path)
	for i, name := range names {
		since, _, _ := strings.Cut(strings.TrimPrefix(name, path+"."), ".backup")
		at, err := time.Parse(besideTime, since[:min(len(since), len(besideTime))])
		if i < len(names)-keptBeside || err == nil && now.Sub(at) > besideFor {
			errs = append(errs, os.Remove(name))
		}
	}
	return errors.Join(errs...)
}

// Restore puts a backup in the place of the store, which no process may have open. The backup is read and checked as a
// whole first, and what was there is kept beside. It returns the name of that file, "" where there was none.
func Restore(backup, path string) (kept string, err error) {
	kept, err = restore(backup, path)
	if err != nil {
		return "", fmt.Errorf("restoring %s: %w; nothing was changed", backup, err)
	}
	return kept, nil
}

func restore(backup, path string) (kept string, err error) {
	unfinished := path + ".restore"
	defer os.Remove(unfinished) //nolint:errcheck // it has been renamed, or is of no use
	if err := copyFile(backup, unfinished); err != nil {
		return "", err
	}
	if _, err := inspect(unfinished, uint64(len(migrations))+1); err != nil {
		return "", err
	}
	if !exists(path) {
		return "", replace(unfinished, path)
	}
	// The lock keeps others out; a file that is damaged is locked by nobody.
	db, err := engine(path, false)
	switch {
	case err == nil:
		defer db.Close() //nolint:errcheck // nothing was written
	case !errors.Is(err, ErrDamaged):
		return "", err
	}
	kept = beside(path, "replaced")
	if err := copyFile(path, kept); err != nil {
		return "", err
	}
	if err := replace(unfinished, path); err != nil {
		return "", err
	}
	return kept, forget(path, time.Now())
}

// copyFile copies a file so that it lasts, for the owner's eyes alone.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // what the operator names
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // beside the store
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
