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
	if b.db.Load() == nil {
		return b.frozen.under(prefix), nil
	}
	err = b.view(func(tx *bbolt.Tx) error {
		if s.Revision, err = number(tx, keyRevision); err != nil {
			return err
		}
		values := top(tx, bucketState)
		c := values.Cursor()
		for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)) && ctx.Err() == nil; k, v = c.Next() {
			if !covers(prefix, string(k)) {
				continue
			}
			e, _, err := entry(values, k, v)
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

// Put implements Log.
func (b *Bolt) Put(ctx context.Context, writes ...Write) (revision uint64, err error) {
	if err := validBatch(writes); err != nil {
		return 0, fmt.Errorf("writing to the store: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if b.db.Load() == nil {
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
	keyCompacted = []byte("compacted") // revision of the last deletion that was forgotten
	keyScrubbed  = []byte("scrubbed")  // when Scrub was last done, in unix seconds
)

// ledger is the Log in one transaction.
type ledger struct {
	state, order, gone  part
	revision, compacted uint64
	shares              map[string]int // values of the households that a batch adds to
}

func openLedger(tx *bbolt.Tx) (l ledger, err error) {
	l.state, l.order, l.gone = top(tx, bucketState), top(tx, bucketOrder), top(tx, bucketGone)
	if l.revision, err = number(tx, keyRevision); err != nil {
		return l, err
	}
	l.compacted, err = number(tx, keyCompacted)
	return l, err
}

// close forgets the oldest deletions beyond MaxGone and writes the numbers.
func (l *ledger) close(tx *bbolt.Tx) error { return l.forget(tx, MaxGone) }

// forgetDeletions forgets all deletions, and with them the keys that they name. A watcher that has not seen them takes
// a snapshot.
func forgetDeletions(tx *bbolt.Tx) error {
	l, err := openLedger(tx)
	if err != nil {
		return err
	}
	return l.forget(tx, 0)
}

// forget forgets the oldest deletions beyond so many and writes the numbers.
func (l *ledger) forget(tx *bbolt.Tx, most uint64) error {
	for l.gone.Sequence() > most {
		at, _ := l.gone.Cursor().First()
		if len(at) != len(place{}) {
			return damaged("its number of deletions is wrong")
		}
		l.compacted = binary.BigEndian.Uint64(at)
		if err := l.gone.remove(bytes.Clone(at)); err != nil {
			return err
		}
	}
	return errors.Join(setNumber(tx, keyRevision, l.revision), setNumber(tx, keyCompacted, l.compacted))
}

// write makes one write, at its place in the log.
func (l *ledger) write(w Write, at place) error {
	k := []byte(w.Key.String())
	found := Entry{Key: w.Key}
	var old place
	if v := l.state.Get(k); v != nil {
		var err error
		if found, old, err = entry(l.state, k, v); err != nil {
			return err
		}
	}
	there := found.Revision > 0
	if w.Expect != nil && *w.Expect != found.Revision {
		return &ConflictError{Expected: *w.Expect, Found: found}
	}
	if there {
		if err := l.order.remove(old[:]); err != nil {
			return err
		}
	}
	switch {
	case w.Value == nil && !there:
		return nil
	case w.Value == nil:
		if n, counted := l.shares[w.Key.Household]; counted {
			l.shares[w.Key.Household] = n - 1
		}
		return errors.Join(l.gone.keep(at[:], k), l.state.remove(k))
	case !there:
		if err := l.room(w.Key.Household); err != nil {
			return err
		}
	}
	return errors.Join(l.order.keep(at[:], k), l.state.keep(k, append(bytes.Clone(at[:]), w.Value...)))
}

// room says whether a household may have one value more.
func (l *ledger) room(household string) error {
	if l.state.Sequence() >= MaxEntries {
		return fmt.Errorf("%w: it holds %d values already", ErrFull, MaxEntries)
	}
	n, counted := l.shares[household]
	if !counted {
		c, prefix := l.state.Cursor(), []byte(household+"/")
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			n++
		}
	}
	if n >= MaxShare {
		return fmt.Errorf("%w: of the household %s it holds %d values already; delete some of its devices, grants and the like", ErrFull, household, MaxShare)
	}
	if l.shares == nil {
		l.shares = map[string]int{}
	}
	l.shares[household] = n + 1
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
			more, found, seen, err := b.next(prefix, after)
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

// next gives the next changes after a revision, the revision up to which it looked, and what is closed when there may
// be more.
func (b *Bolt) next(prefix string, after uint64) (more <-chan struct{}, found []Change, seen uint64, err error) {
	if more, err = b.tick(); err != nil || b.db.Load() == nil {
		return more, nil, after, err
	}
	found, seen, err = b.since(prefix, after)
	return more, found, seen, err
}

// since gives the next changes after a revision, and the revision up to which it looked.
func (b *Bolt) since(prefix string, after uint64) (found []Change, seen uint64, err error) {
	err = b.view(func(tx *bbolt.Tx) error {
		l, err := openLedger(tx)
		if err != nil {
			return err
		}
		if after > l.revision || after > 0 && after < l.compacted {
			return ErrCompacted
		}
		seen = l.revision
		looked := 0
		for at, row := range l.changes(after) {
			revision := binary.BigEndian.Uint64(at)
			if looked++; looked > watchAtOnce && revision > after {
				seen = after
				break
			}
			after = revision
			c, err := row.change(l.state, at)
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

// row is a line of the log: a key of bucketOrder or of bucketGone.
type row struct {
	in      part
	sealed  []byte
	deleted bool
}

// changes walks the log after a revision, values and deletions together, by place.
func (l *ledger) changes(after uint64) iter.Seq2[[]byte, row] {
	return func(yield func([]byte, row) bool) {
		from := placeOf(after+1, 0)
		live, dead := l.order.Cursor(), l.gone.Cursor()
		lk, lv := live.Seek(from[:])
		dk, dv := dead.Seek(from[:])
		for lk != nil || dk != nil {
			if lk == nil || dk != nil && bytes.Compare(dk, lk) < 0 {
				if !yield(dk, row{l.gone, dv, true}) {
					return
				}
				dk, dv = dead.Next()
				continue
			}
			if !yield(lk, row{l.order, lv, false}) {
				return
			}
			lk, lv = live.Next()
		}
	}
}

// change gives what stands at a place of the log.
func (r row) change(state part, at []byte) (Change, error) {
	k, err := r.in.open(at, r.sealed)
	if err != nil {
		return Change{}, err
	}
	if len(at) != len(place{}) {
		return Change{}, damaged("a place of %d octets", len(at))
	}
	if !r.deleted {
		e, _, err := entry(state, k, state.Get(k))
		return Change{e}, err
	}
	key, err := ParseKey(string(k))
	return Change{Entry{Key: key, Revision: binary.BigEndian.Uint64(at)}}, err
}

// readOnly says why nothing can be written.
func (b *Bolt) readOnly() error { return fmt.Errorf("%w: %w", ErrReadOnly, b.refused) }
