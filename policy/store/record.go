package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// What stands behind a key, in every bucket, is sealed: a CRC-32C of the names of the buckets that lead there, of the key
// and of what follows, then that. The engine itself does not notice when octets of a page change.

const sealSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// inside gives the checksum of the path of a bucket within another; that of the file is 0.
func inside(path uint32, name []byte) uint32 {
	return crc32.Update(crc32.Update(path, castagnoli, name), castagnoli, []byte{'/'})
}

// sealOf is the checksum of what stands behind a key.
func sealOf(path uint32, key, body []byte) uint32 {
	return crc32.Update(inside(path, key), castagnoli, body)
}

// unseal gives what was sealed, as a slice of v.
func unseal(path uint32, key, v []byte) ([]byte, error) {
	switch {
	case len(v) < sealSize:
		return nil, damaged("%q is cut off", key)
	case sealOf(path, key, v[sealSize:]) != binary.BigEndian.Uint32(v):
		return nil, damaged("the checksum of %q is wrong", key)
	}
	return v[sealSize:], nil
}

// part is a bucket that knows its path. One whose bucket is nil holds nothing. Its sequence is the number of its elements,
// so that it shows when some are missing.
type part struct {
	*bbolt.Bucket
	path uint32
}

// top gives a bucket of the file.
func top(tx *bbolt.Tx, name []byte) part { return part{tx.Bucket(name), inside(0, name)} }

// sub gives a bucket within.
func (p part) sub(name []byte) part {
	if p.Bucket == nil {
		return part{}
	}
	return part{p.Bucket.Bucket(name), inside(p.path, name)}
}

// make gives a bucket within, which it makes if need be.
func (p part) make(name []byte) (part, error) {
	if found := p.sub(name); found.Bucket != nil {
		return found, nil
	}
	b, err := p.CreateBucket(name)
	return part{b, inside(p.path, name)}, errors.Join(err, p.count(1))
}

// drop forgets a bucket within, with all that it holds.
func (p part) drop(name []byte) error { return errors.Join(p.DeleteBucket(name), p.count(-1)) }

// count adds to the number of elements.
func (p part) count(n int) error { return p.SetSequence(p.Sequence() + uint64(n)) }

// open unseals what the engine gave for a key.
func (p part) open(key, v []byte) ([]byte, error) { return unseal(p.path, key, v) }

// get gives what stands behind a key, nil where nothing does.
func (p part) get(key []byte) ([]byte, error) {
	v := p.Get(key)
	if v == nil {
		return nil, nil
	}
	return p.open(key, v)
}

// keep seals a value behind a key.
func (p part) keep(key, body []byte) (err error) {
	if p.Get(key) == nil {
		err = p.count(1)
	}
	v := binary.BigEndian.AppendUint32(make([]byte, 0, sealSize+len(body)), sealOf(p.path, key, body))
	return errors.Join(err, p.Put(key, append(v, body...)))
}

// remove deletes a key that is there.
func (p part) remove(key []byte) error { return errors.Join(p.Delete(key), p.count(-1)) }

// number reads a number of bucketFormat, 0 where there is none.
func number(tx *bbolt.Tx, key []byte) (uint64, error) {
	body, err := top(tx, bucketFormat).get(key)
	if err != nil || body == nil {
		return 0, err
	}
	if len(body) != 8 {
		return 0, damaged("the number %q is cut off", key)
	}
	return binary.BigEndian.Uint64(body), nil
}

// setNumber writes a number of bucketFormat.
func setNumber(tx *bbolt.Tx, key []byte, n uint64) error {
	return top(tx, bucketFormat).keep(key, binary.BigEndian.AppendUint64(nil, n))
}

// place is where a change stands in the log: its revision, and its number in the batch.
type place [10]byte

func placeOf(revision uint64, n int) (p place) {
	binary.BigEndian.PutUint64(p[:], revision)
	binary.BigEndian.PutUint16(p[8:], uint16(n))
	return p
}

func (p place) revision() uint64 { return binary.BigEndian.Uint64(p[:]) }

// entry reads a value of bucketState: its place, then the JSON.
func entry(state part, k, v []byte) (e Entry, at place, err error) {
	body, err := state.open(k, v)
	if err != nil {
		return e, at, err
	}
	if len(body) <= len(at) {
		return e, at, damaged("%q is cut off", k)
	}
	copy(at[:], body)
	e.Revision, e.Value = at.revision(), bytes.Clone(body[len(at):])
	if e.Key, err = ParseKey(string(k)); err != nil {
		return e, at, damaged("%v", err)
	}
	return e, at, nil
}
