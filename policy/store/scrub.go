package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
)

// What is deleted stays in the file, in the list of deletions and in pages that are free, until the file is written anew.

const (
	// scrubEvery bounds for how long: each time all of the file is read and written.
	scrubEvery = 24 * time.Hour
	// scrubAgain is how long it waits where that failed, as on a full card.
	scrubAgain = time.Hour
)

func scrubbed(path string) string { return path + ".scrubbed" }

// Erased says that somebody erased something: Run scrubs the file at once. It does not wait.
func (b *Bolt) Erased() {
	select {
	case b.erased <- struct{}{}:
	default: // it is going to, or nothing is running
	}
}

// Scrub writes the file anew, without anything that was deleted: no key and no value of it is in the file afterwards.
// Others read on meanwhile, and changes wait. Files that were kept beside for long enough go.
func (b *Bolt) Scrub() error {
	if b.db.Load() == nil {
		return b.readOnly()
	}
	return errors.Join(b.rewrite(), forget(b.path, time.Now()))
}

// rewrite does what Scrub does to the file.
func (b *Bolt) rewrite() error {
	b.copying.Lock()
	defer b.copying.Unlock()
	b.writing.Lock()
	defer b.writing.Unlock()
	if _, err := b.tick(); err != nil {
		return err
	}
	if err := b.guard(b.db.Load().Update, forgetDeletions); err != nil {
		return err
	}
	path := scrubbed(b.path)
	next, err := b.copied(path)
	if err != nil {
		return errors.Join(err, discard(path))
	}
	err = next.Update(func(tx *bbolt.Tx) error { return setNumber(tx, keyScrubbed, uint64(time.Now().Unix())) }) //nolint:gosec // after 1970
	switch {
	case err != nil:
		return errors.Join(err, next.Close(), discard(path))
	case renamesOpen:
		return b.exchange(next, path)
	}
	return b.reopen(next, path)
}

// renamesOpen says whether the system renames files that are open. Windows does not.
var renamesOpen = runtime.GOOS != "windows"

// exchange puts next, which is the file at path, in the place of the file. Others read on meanwhile.
func (b *Bolt) exchange(next *bbolt.DB, path string) error {
	if err := os.Rename(path, b.path); err != nil {
		return errors.Join(err, next.Close(), discard(path))
	}
	b.using.Lock()
	last := b.db.Swap(next)
	b.using.Unlock()
	return errors.Join(syncFolder(b.path), last.Close())
}

// reopen is exchange where the system renames no file that is open: whoever reads waits until it is open again. Where it
// cannot be opened, the store refuses everything from then on.
func (b *Bolt) reopen(next *bbolt.DB, path string) error {
	b.using.Lock()
	defer b.using.Unlock()
	if err := next.Close(); err != nil {
		return errors.Join(err, discard(path))
	}
	err := b.db.Load().Close()
	if err == nil {
		err = os.Rename(path, b.path)
	}
	if err != nil {
		err = errors.Join(err, discard(path))
	}
	again, failed := engine(b.path, false)
	if failed != nil {
		failed = fmt.Errorf("opening the store %s again: %w; start the server anew", b.path, failed)
		b.broken.CompareAndSwap(nil, &failed)
		return errors.Join(err, failed)
	}
	b.db.Store(again)
	return errors.Join(err, syncFolder(b.path))
}

// scrubbing scrubs the file each day, and when something was erased, until ctx ends.
func (b *Bolt) scrubbing(ctx context.Context, log *slog.Logger) {
	wait := b.scrubIn(time.Now())
	for {
		select {
		case <-ctx.Done():
			select {
			case <-b.erased:
				b.scrub(log)
			default:
			}
			return
		case <-b.erased:
		case <-time.After(wait):
		}
		wait = b.scrub(log)
	}
}

// scrub says when to do it again.
func (b *Bolt) scrub(log *slog.Logger) time.Duration {
	switch err := b.Scrub(); {
	case err == nil:
		return scrubEvery
	case !errors.Is(err, ErrClosed):
		log.Error("what was deleted cannot be taken out of the file of the state", "error", err)
	}
	return scrubAgain
}

// scrubIn is how long the file may stay as it is.
func (b *Bolt) scrubIn(now time.Time) time.Duration {
	var last uint64
	if err := b.view(func(tx *bbolt.Tx) (err error) {
		last, err = number(tx, keyScrubbed)
		return err
	}); err != nil {
		return scrubAgain
	}
	return min(max(0, time.Unix(int64(last), 0).Add(scrubEvery).Sub(now)), scrubEvery) //nolint:gosec // what Scrub wrote
}
