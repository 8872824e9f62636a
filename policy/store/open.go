package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long Open waits for whoever has the file: a process that is being replaced needs some time to end.
const lockWait = 2 * time.Second

// Errors of Open and Restore.
var (
	// ErrDamaged says that a file is no store, or a torn one.
	ErrDamaged = errors.New("the file is damaged, or no store of Hearth")
	// ErrNewer says that a newer program wrote the store.
	ErrNewer = errors.New("a newer Hearth wrote it")
	// ErrLocked says that another process has the store.
	ErrLocked = errors.New("another process has it")
)

// step brings a file from one version of its format to the next.
type step func(*bbolt.Tx) error

// migrations lead from version 1 to 2, from 2 to 3, and so on. Each has its golden file in testdata.
var migrations []step

// Open opens the store, or makes it. All that the file holds is read and checked first. A file of an older format
// is brought to this program's, after a backup of it was made beside it. Errors are ErrLocked, ErrNewer and ErrDamaged, or
// come from the system; each says what to do. Frozen serves the last snapshot where Open fails.
func Open(path string) (*Bolt, error) { return open(path, migrations) }

// open is Open, with the newest format of so many steps.
func open(path string, steps []step) (*Bolt, error) {
	b, err := opened(path, steps)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	return b, nil
}

func opened(path string, steps []step) (*Bolt, error) {
	newest := uint64(len(steps)) + 1
	if !exists(path) {
		if err := create(path, newest); err != nil {
			return nil, err
		}
	}
	found, err := inspect(path, newest)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	b := &Bolt{path: path, changed: make(chan struct{}), erased: make(chan struct{}, 1)}
	db, err := engine(path, false)
	if err != nil {
		return nil, err
	}
	b.db.Store(db)
	if err := errors.Join(discard(scrubbed(path)), discard(spool(path))); err != nil { // of a process that was killed
		return nil, errors.Join(err, b.Close())
	}
	if err := os.WriteFile(holder(path), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if found < newest {
		if err := b.migrate(found, steps); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	return b, nil
}

// exists says whether there is a file that is not empty.
func exists(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Size() > 0
}

// holder is the file that names the process which has the store.
func holder(path string) string { return path + ".pid" }

// engine opens the file itself, with a lock that others share where it is only read. What the engine panics or faults
// at is an error.
func engine(path string, readOnly bool) (db *bbolt.DB, err error) {
	var file *os.File
	err = calm(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: lockWait, FreelistType: bbolt.FreelistMapType, MaxSize: maxFile, ReadOnly: readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
				file, err = os.OpenFile(name, flag, mode) //nolint:gosec // the engine gives the path that it was given
				return file, err
			},
		})
		return err
	})
	switch {
	case errors.As(err, new(*faultError)):
		file.Close() // which gives up the lock
		return nil, err
	case errors.Is(err, berrors.ErrTimeout):
		return nil, locked(path)
	case err != nil && !errors.As(err, new(*fs.PathError)) && !errors.As(err, new(syscall.Errno)):
		return nil, damaged("%v", err) // the system has nothing against it, the engine does
	}
	return db, err
}

// locked says who has the file.
func locked(path string) error {
	who := "its process id is not known"
	if b, err := os.ReadFile(holder(path)); err == nil { //nolint:gosec // beside the store
		who = "process " + strings.TrimSpace(string(b))
	}
	return fmt.Errorf("%w (%s); stop that one, or give this one another folder as `state:`", ErrLocked, who)
}

// create makes an empty store as a whole: a process that is killed leaves none, or all of it.
func create(path string, format uint64) error {
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := engine(unfinished, false)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return setNumber(tx, keyFormat, format)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	return replace(unfinished, path)
}

// replace puts a file that is on disk in the place of another.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncFolder(to)
}

// syncFolder makes what was renamed in the folder of a file last. Where folders cannot be synced, the system
// does without.
func syncFolder(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// inspect reads all of a file, and says of which format it is, at most newest.
func inspect(path string, newest uint64) (format uint64, err error) {
	if !exists(path) {
		return 0, damaged("it is empty")
	}
	db, err := engine(path, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f, err := os.Open(path) //nolint:gosec // the file that was just opened
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	unsealed, err := checkPages(f, st.Size())
	if err != nil {
		return 0, err
	}
	err = calm(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if format, err = formatOf(tx); err != nil || format > newest {
				return err
			}
			return errors.Join(unsealed, checkBuckets(tx))
		})
	})
	if err == nil && format > newest {
		return format, newer(path, format, newest)
	}
	return format, err
}

// formatOf reads the version of a file's format, which every version keeps in the same place.
func formatOf(tx *bbolt.Tx) (uint64, error) {
	if tx.Bucket(bucketFormat) == nil {
		return 0, damaged("it has no format")
	}
	format, err := number(tx, keyFormat)
	if err == nil && format == 0 {
		err = damaged("it has no format")
	}
	return format, err
}

// checkBuckets says whether a file of a known format has all of its buckets.
func checkBuckets(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if tx.Bucket(name) == nil {
			return damaged("its part %q is missing", name)
		}
	}
	_, err := openLedger(tx)
	return err
}

// newer says how to go on where a newer program wrote the file.
func newer(path string, found, known uint64) error {
	back := "FILE, a backup from before the upgrade"
	for _, name := range besides(path) { // the newest last
		if f, err := inspect(name, known); err == nil && f <= known {
			back = name
		}
	}
	return fmt.Errorf("%w: its format is %d, and this program knows %d; start the newer program again, or stop the server and write: hearth restore %s",
		ErrNewer, found, known, back)
}

// migrate brings the file to the newest format, in one step that is made as a whole. The file as it was is kept beside.
func (b *Bolt) migrate(from uint64, steps []step) error {
	beside, err := b.keepBeside("format-" + strconv.FormatUint(from, 10))
	if err != nil {
		return fmt.Errorf("keeping the store as it was before the upgrade: %w", err)
	}
	err = b.update(func(tx *bbolt.Tx) error {
		for i, to := range steps[from-1:] {
			if err := to(tx); err != nil {
				return fmt.Errorf("bringing it from format %d to %d: %w", from+uint64(i), from+uint64(i)+1, err)
			}
		}
		return setNumber(tx, keyFormat, uint64(len(steps))+1)
	})
	if err != nil {
		return fmt.Errorf("%w; it is as it was, and %s is a copy", err, beside)
	}
	return nil
}
