package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"
)

// watchAtOnce is how many changes a watcher gets at once, but for a batch that is larger.
const watchAtOnce = 1000

// keyCompacted leads, in bucketFormat, to the revision of the last deletion that was forgotten.
var keyCompacted = []byte("compacted")

// Snapshot implements Log.
func (b *Bolt) Snapshot(ctx context.Context, prefix string) (s Snapshot, err error) {
	if err := validPrefix(prefix); err != nil {
		return s, fmt.Errorf("reading the store: %w", err)
	}
	if b.db == nil {
		return b.frozen.under(prefix), nil
	}
	err = b.view(func(tx *bbolt.Tx) error {
		state := tx.Bucket(bucketState)
		s.Revision = state.Sequence()
		c := state.Cursor()
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
		l := ledger{tx.Bucket(bucketState), tx.Bucket(bucketOrder), tx.Bucket(bucketGone), tx.Bucket(bucketFormat)}
		revision = l.state.Sequence() + 1
		for i, w := range writes {
			if err := l.write(w, placeOf(revision, i)); err != nil {
				return err
			}
		}
		if err := l.compact(); err != nil {
			return err
		}
		return l.state.SetSequence(revision)
	})
	if err != nil {
		return 0, err
	}
	b.tell()
	return revision, nil
}

// ledger is the buckets of the Log in one transaction.
type ledger struct{ state, order, gone, format *bbolt.Bucket }

// write makes one write, at its place in the log.
func (l ledger) write(w Write, at place) error {
	k := []byte(w.Key.String())
	found := Entry{Key: w.Key}
	var old place
	if kept := l.state.Get(k); kept != nil {
		var err error
		if old, found.Value, err = stored(k, kept); err != nil {
			return err
		}
		found.Revision = old.revision()
	}
	if w.Expect != nil && *w.Expect != found.Revision {
		return &ConflictError{Expected: *w.Expect, Found: found}
	}
	if found.Revision > 0 {
		if err := l.order.Delete(old[:]); err != nil {
			return err
		}
	}
	if w.Value == nil {
		return l.remove(k, at, found.Revision > 0)
	}
	if found.Revision == 0 {
		if err := count(l.order, 1, MaxEntries); err != nil {
			return err
		}
	}
	if err := l.order.Put(at[:], k); err != nil {
		return err
	}
	return l.state.Put(k, seal(k, append(bytes.Clone(at[:]), w.Value...)))
}

// remove deletes a key that may be there.
func (l ledger) remove(k []byte, at place, there bool) error {
	if !there {
		return nil
	}
	if err := count(l.order, -1, MaxEntries); err != nil {
		return err
	}
	if err := l.gone.Put(at[:], k); err != nil {
		return err
	}
	if err := l.gone.SetSequence(l.gone.Sequence() + 1); err != nil {
		return err
	}
	return l.state.Delete(k)
}

// count adds to the number of what is in a bucket, which is its sequence.
func count(b *bbolt.Bucket, n int, most uint64) error {
	now := b.Sequence() + uint64(n)
	if n > 0 && now > most {
		return fmt.Errorf("%w: it holds %d values already", ErrFull, most)
	}
	return b.SetSequence(now)
}

// compact forgets the oldest deletions beyond MaxGone.
func (l ledger) compact() error {
	for l.gone.Sequence() > MaxGone {
		at, _ := l.gone.Cursor().First()
		if len(at) != len(place{}) {
			return fmt.Errorf("%w: its count of deletions is wrong", ErrDamaged)
		}
		if err := l.format.Put(keyCompacted, bytes.Clone(at[:8])); err != nil {
			return err
		}
		if err := l.gone.Delete(bytes.Clone(at)); err != nil {
			return err
		}
		if err := l.gone.SetSequence(l.gone.Sequence() - 1); err != nil {
			return err
		}
	}
	return nil
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
		state := tx.Bucket(bucketState)
		seen = state.Sequence()
		kept := tx.Bucket(bucketFormat).Get(keyCompacted)
		if after > seen || after > 0 && len(kept) == 8 && after < binary.BigEndian.Uint64(kept) {
			return ErrCompacted
		}
		from := placeOf(after+1, 0)
		live, gone := tx.Bucket(bucketOrder).Cursor(), tx.Bucket(bucketGone).Cursor()
		lk, lv := live.Seek(from[:])
		gk, gv := gone.Seek(from[:])
		for looked := 0; lk != nil || gk != nil; looked++ {
			deleted := lk == nil || gk != nil && bytes.Compare(gk, lk) < 0
			at, key := lk, lv
			if deleted {
				at, key = gk, gv
			}
			if revision := binary.BigEndian.Uint64(at); looked >= watchAtOnce && revision > after {
				seen = after
				break
			} else {
				after = revision
			}
			if covers(prefix, string(key)) {
				c, err := change(state, at, key, deleted)
				if err != nil {
					return err
				}
				found = append(found, c)
			}
			if deleted {
				gk, gv = gone.Next()
			} else {
				lk, lv = live.Next()
			}
		}
		return nil
	})
	return slices.Clip(found), seen, err
}

// change gives what stands at one place of the log.
func change(state *bbolt.Bucket, at, key []byte, deleted bool) (Change, error) {
	if deleted {
		k, err := ParseKey(string(key))
		return Change{Entry{Key: k, Revision: binary.BigEndian.Uint64(at)}}, err
	}
	e, err := entry(key, state.Get(key))
	return Change{e}, err
}

// readOnly says why nothing can be written.
func (b *Bolt) readOnly() error { return fmt.Errorf("%w: %w", ErrReadOnly, b.refused) }
