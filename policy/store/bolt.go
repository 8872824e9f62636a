package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Bolt is a Log and a Journal in one file, for one machine. It is safe for concurrent use.
type Bolt struct {
	path string
	db   atomic.Pointer[bbolt.DB] // nil: read only, serving frozen

	frozen  Snapshot // where the file could not be opened
	refused error    // why
	broken  atomic.Pointer[error]

	mu      sync.Mutex
	changed chan struct{} // closed by the next commit
	closed  bool

	backing sync.Mutex    // one Backup at a time
	copying sync.Mutex    // one copy of the file at a time, and none during Scrub
	writing sync.Mutex    // one change at a time, and none during Scrub
	using   sync.RWMutex  // whoever reads, and whoever puts another file in the place of db
	erased  chan struct{} // there is something to scrub at once

	counters
}

// counters are what the metrics tell that the file does not.
type counters struct {
	watchers       atomic.Int64
	writeErrors    atomic.Uint64
	dropped        atomic.Uint64 // records of the Journal
	snapshotErrors atomic.Uint64
}

const (
	// maxFile bounds the file in octets, maxJournal what the Journal may take of it, so that activity never
	// keeps a parent from writing state.
	maxFile    = 1 << 30
	maxJournal = 3 * maxFile / 4
)

// Buckets of the file. What they hold is sealed, and each knows how many elements it has (record.go).
var (
	bucketFormat  = []byte("hearth")  // version of the format, and numbers
	bucketState   = []byte("state")   // key -> place, value
	bucketOrder   = []byte("order")   // place -> key of every value
	bucketGone    = []byte("gone")    // place -> key of the last deletions
	bucketJournal = []byte("journal") // kind / day / household / person / key -> record
)

func buckets() [][]byte {
	return [][]byte{bucketFormat, bucketState, bucketOrder, bucketGone, bucketJournal}
}

// Close ends all watches and closes the file.
func (b *Bolt) Close() error {
	b.mu.Lock()
	already := b.closed
	if b.closed = true; !already {
		close(b.changed)
	}
	b.mu.Unlock()
	if already || b.db.Load() == nil || b.broken.Load() != nil {
		return nil // a broken engine may hold locks that Close would wait for
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	return errors.Join(os.Remove(holder(b.path)), b.db.Load().Close())
}

// tick gives what is closed at the next commit.
func (b *Bolt) tick() (<-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	return b.changed, nil
}

// tell wakes whoever watches.
func (b *Bolt) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

func (b *Bolt) view(do func(*bbolt.Tx) error) error {
	b.using.RLock()
	defer b.using.RUnlock()
	return b.guard(b.db.Load().View, do)
}

func (b *Bolt) update(do func(*bbolt.Tx) error) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	err := b.guard(b.db.Load().Update, do)
	var conflict *ConflictError
	if err != nil && !errors.As(err, &conflict) {
		b.writeErrors.Add(1)
	}
	return err
}

// guard runs a transaction. After a panic or a fault the store refuses everything: the engine may hold locks.
func (b *Bolt) guard(run func(func(*bbolt.Tx) error) error, do func(*bbolt.Tx) error) error {
	if failed := b.broken.Load(); failed != nil {
		return *failed
	}
	err := calm(func() error { return run(do) })
	switch {
	case errors.As(err, new(*faultError)):
		err = fmt.Errorf("using the store %s: %w; stop the server and restore a backup: hearth restore FILE", b.path, err)
		b.broken.CompareAndSwap(nil, &err)
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, berrors.ErrMaxSizeReached):
		return fmt.Errorf("%w: the file may have %d octets", ErrFull, maxFile)
	}
	return err
}

// faultError is a panic of the engine.
type faultError struct{ reason any }

func (e *faultError) Error() string { return fmt.Sprint(ErrDamaged, ": ", e.reason) }
func (e *faultError) Unwrap() error { return ErrDamaged }

// calm makes errors of panics, and of faults: a page of the mapped file that the disk or somebody else took away.
func calm(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &faultError{p}
		}
	}()
	return do()
}

// Path is the file.
func (b *Bolt) Path() string { return b.path }

// Refused says why nothing can be written: the file could not be opened, or broke since. nil: all is well.
func (b *Bolt) Refused() error {
	if failed := b.broken.Load(); failed != nil {
		return *failed
	}
	return b.refused
}
