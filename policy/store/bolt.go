package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Bolt is a Log and a Journal in one file, for one machine. It is safe for concurrent use.
type Bolt struct {
	path string
	db   *bbolt.DB // nil: read only, serving frozen

	frozen  Snapshot // where the file could not be opened
	refused error    // why
	broken  atomic.Pointer[error]

	mu      sync.Mutex
	changed chan struct{} // closed by the next commit
	closed  bool

	counters
}

// counters are what the metrics tell that the file does not.
type counters struct {
	watchers    atomic.Int64
	writeErrors atomic.Uint64
	dropped     atomic.Uint64 // records of the Journal
}

const (
	// lockWait is how long Open waits for whoever has the file: a process that is being replaced needs some time to end.
	lockWait = 2 * time.Second
	// maxFile bounds the file in octets, maxJournal what the Journal may take of it, so that activity never
	// keeps a parent from writing state.
	maxFile    = 1 << 30
	maxJournal = 3 * maxFile / 4
)

// Buckets of the file. What a key or a record holds is sealed (record.go).
var (
	bucketFormat  = []byte("hearth")  // version of the format, lost deletions
	bucketState   = []byte("state")   // key -> place, value; its sequence is the revision
	bucketOrder   = []byte("order")   // place -> key of every value; its sequence counts them
	bucketGone    = []byte("gone")    // place -> key of the last deletions; its sequence counts them
	bucketJournal = []byte("journal") // kind / day / household / person / key -> record; persons' sequences count records
)

// ErrDamaged says that the file is no store, or a torn one.
var ErrDamaged = errors.New("the file is damaged or is no store of Hearth")

// Open opens the store, or makes it.
func Open(path string) (*Bolt, error) {
	b := &Bolt{path: path, changed: make(chan struct{})}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, MaxSize: maxFile})
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	b.db = db
	if err := b.update(prepare); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return b, nil
}

// prepare makes the buckets of an empty file.
func prepare(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketFormat, bucketState, bucketOrder, bucketGone, bucketJournal} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// Close ends all watches and closes the file.
func (b *Bolt) Close() error {
	b.mu.Lock()
	already := b.closed
	if b.closed = true; !already {
		close(b.changed)
	}
	b.mu.Unlock()
	if already || b.db == nil || b.broken.Load() != nil {
		return nil // a broken engine may hold locks that Close would wait for
	}
	return b.db.Close()
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

func (b *Bolt) view(do func(*bbolt.Tx) error) error { return b.guard(b.db.View, do) }

func (b *Bolt) update(do func(*bbolt.Tx) error) error {
	err := b.guard(b.db.Update, do)
	var conflict *ConflictError
	if err != nil && !errors.As(err, &conflict) {
		b.writeErrors.Add(1)
	}
	return err
}

// guard runs a transaction. A page that cannot be read, because the disk or somebody else took it away, is a
// fault of memory in a mapped file: it becomes ErrDamaged here, and the store refuses everything from then on.
func (b *Bolt) guard(run func(func(*bbolt.Tx) error) error, do func(*bbolt.Tx) error) (err error) {
	if failed := b.broken.Load(); failed != nil {
		return *failed
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("using the store %s: %w (%v)", b.path, ErrDamaged, p)
			b.broken.CompareAndSwap(nil, &err)
		}
	}()
	err = run(do)
	switch {
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, berrors.ErrMaxSizeReached):
		return fmt.Errorf("%w: the file may have %d octets", ErrFull, maxFile)
	}
	return err
}

// Path is the file.
func (b *Bolt) Path() string { return b.path }

// exists says whether there is a file that is not empty.
func exists(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Size() > 0
}
