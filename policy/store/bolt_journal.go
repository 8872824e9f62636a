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
		if err := a.check(); err != nil {
			return 0, fmt.Errorf("keeping activity: %w", err)
		}
	}
	if b.db.Load() == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		dropped = 0
		if used := b.used(tx); used > maxJournal {
			return fmt.Errorf("%w: %d octets are in use, and activity may bring them to %d", ErrFull, used, maxJournal)
		}
		for _, a := range additions {
			n, err := a.merge(top(tx, bucketJournal))
			if err != nil {
				return err
			}
			dropped += n
		}
		return nil
	})
	b.dropped.Add(uint64(dropped))
	return dropped, err
}

// check says what is wrong with an addition, if anything is.
func (a Addition) check() error {
	if err := a.Validate(); err != nil {
		return err
	}
	for _, r := range a.Records {
		if err := r.validate(); err != nil {
			return err
		}
	}
	return nil
}

// merge adds the records to their partition, and says for how many there was no room.
func (a Addition) merge(journal part) (dropped int, err error) {
	into, err := a.make(journal)
	if err != nil {
		return 0, err
	}
	for _, r := range a.Records {
		if legal(r.Key) {
			continue // nobody is remembered by that
		}
		ok, err := merge(into, r)
		if err != nil {
			return dropped, err
		}
		if !ok {
			dropped++
		}
	}
	return dropped, nil
}

// used is the part of the file that holds something, in octets.
func (b *Bolt) used(tx *bbolt.Tx) int64 {
	return tx.Size() - int64(tx.DB().Stats().FreePageN)*int64(tx.DB().Info().PageSize)
}

// make gives the part of a partition, which it makes if need be.
func (p Partition) make(at part) (_ part, err error) {
	for _, name := range p.path() {
		if at, err = at.make([]byte(name)); err != nil {
			return at, err
		}
	}
	return at, nil
}

// find gives the part of a partition.
func (p Partition) find(at part) part {
	for _, name := range p.path() {
		at = at.sub([]byte(name))
	}
	return at
}

func (p Partition) path() []string { return []string{p.Kind, string(p.Day), p.Household, p.Person} }

// merge adds a record to its partition, or says that there is no room.
func merge(into part, r Record) (ok bool, err error) {
	k := []byte(r.Key)
	if v := into.Get(k); v != nil {
		old, err := parseRecord(into, k, v)
		if err != nil {
			return false, err
		}
		r = old.plus(r)
	} else if into.Sequence() >= MaxRecords {
		return false, nil
	}
	return true, into.keep(k, r.append(nil))
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

// parseRecord reads what append wrote.
func parseRecord(in part, k, v []byte) (Record, error) {
	body, err := in.open(k, v)
	if err != nil {
		return Record{}, err
	}
	r := Record{Key: string(k)}
	if len(body) == 0 {
		return r, damaged("the record %q is empty", k)
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
	return r, damaged("the record %q has no known form", k)
}

// Records gives what a partition holds, in the order of keys.
func (b *Bolt) Records(p Partition) (records []Record, err error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("reading activity: %w", err)
	}
	if b.db.Load() == nil {
		return nil, b.readOnly()
	}
	err = b.view(func(tx *bbolt.Tx) error {
		records, err = recordsOf(p.find(top(tx, bucketJournal)))
		return err
	})
	return records, err
}

// recordsOf reads a partition.
func recordsOf(from part) (records []Record, err error) {
	if from.Bucket == nil {
		return nil, nil
	}
	err = from.ForEach(func(k, v []byte) error {
		r, err := parseRecord(from, k, v)
		records = append(records, r)
		return err
	})
	return records, err
}

// Move puts all that is remembered of a person under another name, merged with what is there, in one step. It takes no
// more room than there was, so that it is done in a full journal as well. Dropped is as of Append.
func (b *Bolt) Move(household, person, to string) (dropped int, err error) {
	if err := errors.Join(validHousehold(household), validID(person), validID(to)); err != nil {
		return 0, fmt.Errorf("moving activity: %w", err)
	}
	if b.db.Load() == nil {
		return 0, b.readOnly()
	}
	if person == to {
		return 0, nil
	}
	err = b.update(func(tx *bbolt.Tx) error {
		dropped = 0
		journal := top(tx, bucketJournal)
		return eachDay(tx, func(kind, day string, at part) error {
			people := at.sub([]byte(household))
			if people.Bucket == nil || people.sub([]byte(person)).Bucket == nil {
				return nil
			}
			records, err := recordsOf(people.sub([]byte(person)))
			if err != nil {
				return err
			}
			if err := people.drop([]byte(person)); err != nil {
				return err
			}
			n, err := Addition{Partition{kind, Day(day), household, to}, records}.merge(journal)
			dropped += n
			return err
		})
	})
	b.dropped.Add(uint64(dropped)) //nolint:gosec // never below 0
	return dropped, err
}

// Partitions lists what is kept of a household and a person, with "" of all of them, in the order of days.
func (b *Bolt) Partitions(household, person string) (found []Partition, err error) {
	if b.db.Load() == nil {
		return nil, b.readOnly()
	}
	err = b.view(func(tx *bbolt.Tx) error {
		return eachDay(tx, func(kind, day string, at part) error {
			return within(at, household, func(home string, people part) error {
				return within(people, person, func(who string, _ part) error {
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
func within(at part, name string, do func(string, part) error) error {
	if name == "" {
		return at.ForEachBucket(func(k []byte) error { return do(string(k), at.sub(k)) })
	}
	if one := at.sub([]byte(name)); one.Bucket != nil {
		return do(name, one)
	}
	return nil
}

// eachDay visits the buckets of days.
func eachDay(tx *bbolt.Tx, do func(kind, day string, at part) error) error {
	return within(top(tx, bucketJournal), "", func(kind string, days part) error {
		return within(days, "", func(day string, at part) error { return do(kind, day, at) })
	})
}

// Drop forgets the partitions of a kind that are older than a day, of all households, and says how many days it was.
func (b *Bolt) Drop(kind string, before Day) (days int, err error) {
	if b.db.Load() == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		days = 0
		at := top(tx, bucketJournal).sub([]byte(kind))
		if at.Bucket == nil {
			return nil
		}
		for k, _ := at.Cursor().First(); k != nil && Day(k) < before; k, _ = at.Cursor().First() {
			if err := at.drop(bytes.Clone(k)); err != nil {
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
	if b.db.Load() == nil {
		return 0, b.readOnly()
	}
	err = b.update(func(tx *bbolt.Tx) error {
		partitions = 0
		return eachDay(tx, func(_, _ string, day part) error {
			people := day.sub([]byte(household))
			switch {
			case people.Bucket == nil:
				return nil
			case person == "":
				partitions += int(people.Sequence())
				return day.drop([]byte(household))
			case people.sub([]byte(person)).Bucket == nil:
				return nil
			}
			partitions++
			return people.drop([]byte(person))
		})
	})
	return partitions, err
}
