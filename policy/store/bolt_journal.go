package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// Append merges records into their partitions, in one step that is on disk when it returns: callers collect for some
// time and append what many people did at once. Records beyond MaxRecords of a partition are dropped and
// counted in dropped; what is there already goes on being merged.
func (b *Bolt) Append(additions ...Addition) (dropped int, err error) {
	for _, a := range additions {
		if err := a.Validate(); err != nil {
			return 0, fmt.Errorf("keeping activity: %w", err)
		}
		for _, r := range a.Records {
			if err := r.validate(); err != nil {
				return 0, fmt.Errorf("keeping activity: %w", err)
			}
		}
	}
	if b.db == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		dropped = 0
		if used := b.used(tx); used > maxJournal {
			return fmt.Errorf("%w: %d octets are in use, and activity may bring them to %d", ErrFull, used, maxJournal)
		}
		for _, a := range additions {
			into, err := a.make(tx.Bucket(bucketJournal))
			if err != nil {
				return err
			}
			for _, r := range a.Records {
				if legal(r.Key) {
					continue // nobody is remembered by that
				}
				ok, err := merge(into, r)
				if err != nil {
					return err
				}
				if !ok {
					dropped++
				}
			}
		}
		return nil
	})
	b.dropped.Add(uint64(dropped))
	return dropped, err
}

// used is the part of the file that holds something, in octets.
func (b *Bolt) used(tx *bbolt.Tx) int64 {
	return tx.Size() - int64(b.db.Stats().FreePageN)*int64(b.db.Info().PageSize)
}

// make gives the bucket of a partition, which it makes if need be.
func (p Partition) make(journal *bbolt.Bucket) (at *bbolt.Bucket, err error) {
	at = journal
	for _, name := range p.path() {
		if at, err = at.CreateBucketIfNotExists([]byte(name)); err != nil {
			return nil, err
		}
	}
	return at, nil
}

// find gives the bucket of a partition, nil where there is none.
func (p Partition) find(journal *bbolt.Bucket) *bbolt.Bucket {
	at := journal
	for _, name := range p.path() {
		if at = at.Bucket([]byte(name)); at == nil {
			return nil
		}
	}
	return at
}

func (p Partition) path() []string { return []string{p.Kind, string(p.Day), p.Household, p.Person} }

// merge adds a record to its partition, or says that there is no room.
func merge(into *bbolt.Bucket, r Record) (ok bool, err error) {
	k := []byte(r.Key)
	if v := into.Get(k); v != nil {
		old, err := parseRecord(k, v)
		if err != nil {
			return false, err
		}
		r = old.plus(r)
	} else {
		n := into.Sequence() + 1
		if n > MaxRecords {
			return false, nil
		}
		if err := into.SetSequence(n); err != nil {
			return false, err
		}
	}
	return true, keep(into, k, r.append(nil))
}

// plus merges what is added.
func (r Record) plus(add Record) Record {
	switch {
	case add.JSON != nil || r.JSON != nil || (add.Bits == nil) != (r.Bits == nil):
		return add
	case add.Bits != nil:
		bits := make([]uint64, max(len(r.Bits), len(add.Bits)))
		copy(bits, r.Bits)
		for i, w := range add.Bits {
			bits[i] |= w
		}
		add.Bits = bits
		return add
	}
	if add.Count += r.Count; add.Count < r.Count {
		add.Count = ^uint64(0)
	}
	return add
}

// Forms of a record, as its first octet.
const (
	formCount = 'n'
	formBits  = 'b'
	formJSON  = 'j'
)

// append encodes all of a record but its key.
func (r Record) append(b []byte) []byte {
	switch {
	case r.JSON != nil:
		return append(append(b, formJSON), r.JSON...)
	case r.Bits != nil:
		b = append(b, formBits)
		for _, w := range r.Bits {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
	return binary.AppendUvarint(append(b, formCount), r.Count)
}

// parseRecord reads what append wrote and seal sealed.
func parseRecord(k, v []byte) (Record, error) {
	body, err := unseal(k, v)
	if err != nil {
		return Record{}, err
	}
	r := Record{Key: string(k)}
	if len(body) == 0 {
		return r, fmt.Errorf("%w: the record %q is empty", ErrDamaged, k)
	}
	form, body := body[0], body[1:]
	switch {
	case form == formJSON:
		r.JSON = bytes.Clone(body)
		return r, nil
	case form == formBits && len(body)%8 == 0:
		r.Bits = make([]uint64, 0, len(body)/8)
		for ; len(body) > 0; body = body[8:] {
			r.Bits = append(r.Bits, binary.LittleEndian.Uint64(body))
		}
		return r, nil
	case form == formCount:
		if n, used := binary.Uvarint(body); used == len(body) && used > 0 {
			r.Count = n
			return r, nil
		}
	}
	return r, fmt.Errorf("%w: the record %q has no known form", ErrDamaged, k)
}

// Records gives what a partition holds, in the order of keys.
func (b *Bolt) Records(p Partition) (records []Record, err error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("reading activity: %w", err)
	}
	if b.db == nil {
		return nil, b.readOnly()
	}
	err = b.view(func(tx *bbolt.Tx) error {
		from := p.find(tx.Bucket(bucketJournal))
		if from == nil {
			return nil
		}
		return from.ForEach(func(k, v []byte) error {
			r, err := parseRecord(k, v)
			records = append(records, r)
			return err
		})
	})
	return records, err
}

// Partitions lists what is kept of a household and a person, with "" of all of them, in the order of days.
func (b *Bolt) Partitions(household, person string) (found []Partition, err error) {
	if b.db == nil {
		return nil, b.readOnly()
	}
	err = b.view(func(tx *bbolt.Tx) error {
		return eachDay(tx, func(kind, day string, at *bbolt.Bucket) error {
			return within(at, household, func(home string, people *bbolt.Bucket) error {
				return within(people, person, func(who string, _ *bbolt.Bucket) error {
					found = append(found, Partition{kind, Day(day), home, who})
					return nil
				})
			})
		})
	})
	slices.SortStableFunc(found, func(a, b Partition) int { return cmp.Compare(a.Day, b.Day) })
	return found, err
}

// within visits the bucket of a name, with "" all buckets.
func within(at *bbolt.Bucket, name string, do func(string, *bbolt.Bucket) error) error {
	if name == "" {
		return at.ForEachBucket(func(k []byte) error { return do(string(k), at.Bucket(k)) })
	}
	if one := at.Bucket([]byte(name)); one != nil {
		return do(name, one)
	}
	return nil
}

// eachDay visits the buckets of days.
func eachDay(tx *bbolt.Tx, do func(kind, day string, at *bbolt.Bucket) error) error {
	journal := tx.Bucket(bucketJournal)
	return journal.ForEachBucket(func(kind []byte) error {
		days := journal.Bucket(kind)
		return days.ForEachBucket(func(day []byte) error {
			return do(string(kind), string(day), days.Bucket(day))
		})
	})
}

// Drop forgets the partitions of a kind that are older than a day, of all households.
func (b *Bolt) Drop(kind string, before Day) (days int, err error) {
	if b.db == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		days = 0
		at := tx.Bucket(bucketJournal).Bucket([]byte(kind))
		if at == nil {
			return nil
		}
		for k, _ := at.Cursor().First(); k != nil && Day(k) < before; k, _ = at.Cursor().First() {
			if err := at.DeleteBucket(bytes.Clone(k)); err != nil {
				return err
			}
			days++
		}
		return nil
	})
	return days, err
}

// Erase forgets all that is remembered of a person, or with "" of a household, and says how many partitions it was.
func (b *Bolt) Erase(household, person string) (partitions int, err error) {
	if err := validHousehold(household); err != nil {
		return 0, fmt.Errorf("erasing activity: %w", err)
	}
	if b.db == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		partitions = 0
		return eachDay(tx, func(_, _ string, day *bbolt.Bucket) error {
			people := day.Bucket([]byte(household))
			switch {
			case people == nil:
				return nil
			case person == "":
				err := within(people, "", func(string, *bbolt.Bucket) error { partitions++; return nil })
				return errors.Join(err, day.DeleteBucket([]byte(household)))
			case people.Bucket([]byte(person)) == nil:
				return nil
			}
			partitions++
			return people.DeleteBucket([]byte(person))
		})
	})
	return partitions, err
}
