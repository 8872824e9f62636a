package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"
)

// watchAtOnce is how many changes a watcher gets at once, but for a batch that is larger.
const watchAtOnce = 1000

// Snapshot implements Log.
func (b *Bolt) Snapshot(ctx context.Context, prefix string) (s Snapshot, err error) {
	if err := validPrefix(prefix); err != nil {
		return s, fmt.Errorf("reading the store: %w", err)
	}
	if b.db == nil {
		return b.frozen.under(prefix), nil
	}
	err = b.view(func(tx *bbolt.Tx) error {
		if s.Revision, err = number(tx, keyRevision); err != nil {
			return err
		}
		c := tx.Bucket(bucketState).Cursor()
		for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)) && ctx.Err() == nil; k, v = c.Next() {
			if !covers(prefix, string(k)) {
				continue
			}
			e, err := entry(k, v)
			if err != nil {
				return err
			}
			s.Entries = append(s.Entries, e)
		}
		return ctx.Err()
	})
	return s, err
}

// under gives what has a prefix.
func (s Snapshot) under(prefix string) Snapshot {
	part := Snapshot{Revision: s.Revision}
	for _, e := range s.Entries {
		if covers(prefix, e.Key.String()) {
			part.Entries = append(part.Entries, e)
		}
	}
	return part
}

// entry reads one value of bucketState.
func entry(k, v []byte) (Entry, error) {
	at, value, err := stored(k, v)
	if err != nil {
		return Entry{}, err
	}
	key, err := ParseKey(string(k))
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return Entry{Key: key, Revision: at.revision(), Value: value}, nil
}

// Put implements Log.
func (b *Bolt) Put(ctx context.Context, writes ...Write) (revision uint64, err error) {
	if err := validBatch(writes); err != nil {
		return 0, fmt.Errorf("writing to the store: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if b.db == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		l, err := openLedger(tx)
		if err != nil {
			return err
		}
		l.revision++
		for i, w := range writes {
			if err := l.write(w, placeOf(l.revision, i)); err != nil {
				return err
			}
		}
		revision = l.revision
		return l.close(tx)
	})
	if err != nil {
		return 0, err
	}
	b.tell()
	return revision, nil
}

// Numbers of bucketFormat.
var (
	keyFormat    = []byte("format")
	keyRevision  = []byte("revision")
	keyEntries   = []byte("entries")   // values in bucketState
	keyDeletions = []byte("deletions") // in bucketGone
	keyCompacted = []byte("compacted") // revision of the last deletion that was forgotten
)

// ledger is the Log in one transaction.
type ledger struct {
	state, order, gone *bbolt.Bucket
	sizes
}

// sizes are the numbers of the Log.
type sizes struct{ revision, entries, deletions, compacted uint64 }

func openSizes(tx *bbolt.Tx) (s sizes, err error) {
	for key, n := range s.numbers() {
		if *n, err = number(tx, []byte(key)); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *sizes) numbers() map[string]*uint64 {
	return map[string]*uint64{
		string(keyRevision): &s.revision, string(keyEntries): &s.entries,
		string(keyDeletions): &s.deletions, string(keyCompacted): &s.compacted,
	}
}

func openLedger(tx *bbolt.Tx) (*ledger, error) {
	s, err := openSizes(tx)
	return &ledger{tx.Bucket(bucketState), tx.Bucket(bucketOrder), tx.Bucket(bucketGone), s}, err
}

// close forgets the oldest deletions beyond MaxGone and writes the numbers.
func (l *ledger) close(tx *bbolt.Tx) error {
	for l.deletions > MaxGone {
		at, _ := l.gone.Cursor().First()
		if len(at) != len(place{}) {
			return fmt.Errorf("%w: its number of deletions is wrong", ErrDamaged)
		}
		l.compacted = binary.BigEndian.Uint64(at)
		l.deletions--
		if err := l.gone.Delete(bytes.Clone(at)); err != nil {
			return err
		}
	}
	for key, n := range l.numbers() {
		if err := setNumber(tx, []byte(key), *n); err != nil {
			return err
		}
	}
	return nil
}

// write makes one write, at its place in the log.
func (l *ledger) write(w Write, at place) error {
	k := []byte(w.Key.String())
	found := Entry{Key: w.Key}
	var old place
	if v := l.state.Get(k); v != nil {
		var err error
		if old, found.Value, err = stored(k, v); err != nil {
			return err
		}
		found.Revision = old.revision()
	}
	there := found.Revision > 0
	if w.Expect != nil && *w.Expect != found.Revision {
		return &ConflictError{Expected: *w.Expect, Found: found}
	}
	if there {
		if err := l.order.Delete(old[:]); err != nil {
			return err
		}
	}
	switch {
	case w.Value == nil && !there:
		return nil
	case w.Value == nil:
		l.entries--
		l.deletions++
		if err := keep(l.gone, at[:], k); err != nil {
			return err
		}
		return l.state.Delete(k)
	case !there:
		if l.entries++; l.entries > MaxEntries {
			return fmt.Errorf("%w: it holds %d values already", ErrFull, MaxEntries)
		}
	}
	if err := keep(l.order, at[:], k); err != nil {
		return err
	}
	return keep(l.state, k, append(bytes.Clone(at[:]), w.Value...))
}

// Watch implements Log.
func (b *Bolt) Watch(ctx context.Context, prefix string, after uint64) iter.Seq2[[]Change, error] {
	return func(yield func([]Change, error) bool) {
		if err := validPrefix(prefix); err != nil {
			yield(nil, fmt.Errorf("watching the store: %w", err))
			return
		}
		b.watchers.Add(1)
		defer b.watchers.Add(-1)
		for {
			more, err := b.tick()
			var found []Change
			var seen uint64
			if err == nil && b.db != nil {
				found, seen, err = b.since(prefix, after)
			}
			if err = cmp.Or(ctx.Err(), err); err != nil {
				yield(nil, err)
				return
			}
			if len(found) > 0 && !yield(found, nil) {
				return
			}
			if seen > after {
				after = seen
				continue
			}
			select {
			case <-ctx.Done():
			case <-more:
			}
		}
	}
}

// since gives the next changes after a revision, and the revision up to which it looked.
func (b *Bolt) since(prefix string, after uint64) (found []Change, seen uint64, err error) {
	err = b.view(func(tx *bbolt.Tx) error {
		s, err := openSizes(tx)
		if err != nil {
			return err
		}
		if after > s.revision || after > 0 && after < s.compacted {
			return ErrCompacted
		}
		seen = s.revision
		looked := 0
		for at, row := range changes(tx, after) {
			revision := binary.BigEndian.Uint64(at)
			if looked++; looked > watchAtOnce && revision > after {
				seen = after
				break
			}
			after = revision
			c, err := row.change(tx, at)
			if err != nil {
				return err
			}
			if covers(prefix, c.Key.String()) {
				found = append(found, c)
			}
		}
		return nil
	})
	return found, seen, err
}

// row is a key in the log, as it is sealed.
type row struct {
	sealed  []byte
	deleted bool
}

// changes walks the log after a revision, values and deletions together, by place.
func changes(tx *bbolt.Tx, after uint64) iter.Seq2[[]byte, row] {
	return func(yield func([]byte, row) bool) {
		from := placeOf(after+1, 0)
		live, gone := tx.Bucket(bucketOrder).Cursor(), tx.Bucket(bucketGone).Cursor()
		lk, lv := live.Seek(from[:])
		gk, gv := gone.Seek(from[:])
		for lk != nil || gk != nil {
			if lk == nil || gk != nil && bytes.Compare(gk, lk) < 0 {
				if !yield(gk, row{gv, true}) {
					return
				}
				gk, gv = gone.Next()
				continue
			}
			if !yield(lk, row{lv, false}) {
				return
			}
			lk, lv = live.Next()
		}
	}
}

// change gives what stands at a place of the log.
func (r row) change(tx *bbolt.Tx, at []byte) (Change, error) {
	k, err := unseal(at, r.sealed)
	if err != nil || len(at) != len(place{}) {
		return Change{}, errors.Join(ErrDamaged, err)
	}
	if !r.deleted {
		e, err := entry(k, tx.Bucket(bucketState).Get(k))
		return Change{e}, err
	}
	key, err := ParseKey(string(k))
	return Change{Entry{Key: key, Revision: binary.BigEndian.Uint64(at)}}, err
}

// readOnly says why nothing can be written.
func (b *Bolt) readOnly() error { return fmt.Errorf("%w: %w", ErrReadOnly, b.refused) }
