package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// Log is an ordered, resumable change log of current state. A later change of a key takes the place of the
// earlier one, so that whoever follows the log sees each key's last change, in the order of revisions, and may
// miss what lay between. All methods may be called at once.
//
// An engine that is shared by many machines implements the same; cmd/hearth chooses.
type Log interface {
	// Snapshot gives the values whose key begins with prefix, in the order of keys, and the revision at which they
	// all held. A prefix is "" for everything, HOUSEHOLD/, HOUSEHOLD/KIND/ or a whole key.
	Snapshot(ctx context.Context, prefix string) (Snapshot, error)
	// Watch gives the changes under prefix since the revision after, which is that of a Snapshot or of the last
	// change seen or 0 for all that holds, then those to come. Each slice holds whole batches. It ends with an error: that of ctx, ErrClosed, or
	// ErrCompacted, after which the watcher takes a Snapshot again. A slow watcher holds nobody up and costs nothing.
	Watch(ctx context.Context, prefix string, after uint64) iter.Seq2[[]Change, error]
	// Put makes all writes or none, and returns when they are on disk, with the revision that they gave the store.
	// A key that is not as its write expects is a *ConflictError.
	Put(ctx context.Context, writes ...Write) (revision uint64, err error)
}

// Snapshot is the state at one revision.
type Snapshot struct {
	Revision uint64  `json:"revision"`
	Entries  []Entry `json:"entries"`
}

// Entry is a value and the revision that it came with.
type Entry struct {
	Key      Key             `json:"key"`
	Revision uint64          `json:"revision"`
	Value    json.RawMessage `json:"value"`
}

// Change is what a watcher sees: a new value, or none where the key was deleted. Changes of one batch may
// share a revision.
type Change struct{ Entry }

// Deleted says whether the key is gone.
func (c Change) Deleted() bool { return c.Value == nil }

// Write is what a writer asks for.
type Write struct {
	Key Key
	// Value is JSON of at most MaxValue octets; nil deletes the key. Deleting what is not there changes nothing.
	Value json.RawMessage
	// Expect is the revision that the key must have: 0 where it must not exist, nil where anything will do.
	Expect *uint64
}

// Limits of one write, and of what is kept.
const (
	// MaxValue bounds a value in octets: as much as a request to the control API may carry. A household of 20
	// people and 200 devices takes about 40 KiB, and a message of NATS may have 1 MiB.
	MaxValue = 64 << 10
	// MaxBatch bounds the writes of one batch: all that a household is at once when it moves.
	MaxBatch = 1000
	// MaxEntries bounds the values in all. A consumer has them in memory: at 500 octets each, 100 MB.
	MaxEntries = 200_000
	// MaxShare bounds the values of one household, so that none takes the room of the others: 5000 changes that are
	// remembered, and as much again for a home of 200 devices in which 256 acts are in force.
	MaxShare = 10_000
	// MaxGone bounds the deletions that are remembered. A watcher that is further behind takes a snapshot.
	MaxGone = 10_000
)

// Errors of a Log.
var (
	// ErrCompacted says that changes since a watcher's revision are not all remembered.
	ErrCompacted = errors.New("changes since that revision are no longer remembered; take a snapshot again")
	// ErrFull says that there is no room for more.
	ErrFull = errors.New("the store is full")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly says that nothing can be written, because what is served is the last snapshot.
	ErrReadOnly = errors.New("the state cannot be changed now")
)

// ConflictError says that a key was not as a write expected.
type ConflictError struct {
	Expected uint64 // 0: it should not have existed
	Found    Entry  // Revision 0: it does not exist
}

// Error implements error. Values are not told: they may be about people.
func (e *ConflictError) Error() string {
	switch {
	case e.Found.Revision == 0:
		return fmt.Sprintf("%s was expected at revision %d and does not exist; read it again", e.Found.Key, e.Expected)
	case e.Expected == 0:
		return fmt.Sprintf("%s exists already, at revision %d", e.Found.Key, e.Found.Revision)
	}
	return fmt.Sprintf("%s was expected at revision %d and has %d; read it again", e.Found.Key, e.Expected, e.Found.Revision)
}

// validBatch says what is wrong with the writes of one batch.
func validBatch(writes []Write) error {
	if len(writes) > MaxBatch {
		return fmt.Errorf("%d writes at once; at most %d", len(writes), MaxBatch)
	}
	seen := make(map[Key]bool, len(writes))
	for _, w := range writes {
		if err := w.Key.Validate(); err != nil {
			return err
		}
		if seen[w.Key] {
			return fmt.Errorf("%s is written twice in one batch", w.Key)
		}
		seen[w.Key] = true
		if w.Value == nil {
			continue
		}
		if err := validValue(w.Value); err != nil {
			return fmt.Errorf("%s: %w", w.Key, err)
		}
	}
	return nil
}
