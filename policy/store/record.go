package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// What stands behind a key, in every bucket, is sealed: a CRC-32C of the key and of what follows, then that. The
// engine itself does not notice when octets of a page change.

const sealSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal gives body as it is kept behind key.
func seal(key, body []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, sealSize+len(body)), sum), body...)
}

// unseal gives what was sealed, as a slice of v.
func unseal(key, v []byte) ([]byte, error) {
	if len(v) < sealSize {
		return nil, fmt.Errorf("%w: %q is cut off", ErrDamaged, key)
	}
	body := v[sealSize:]
	if crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body) != binary.BigEndian.Uint32(v) {
		return nil, fmt.Errorf("%w: the checksum of %q is wrong", ErrDamaged, key)
	}
	return body, nil
}

// kept reads what is sealed behind a key of a bucket: nil where nothing is.
func kept(b *bbolt.Bucket, key []byte) ([]byte, error) {
	v := b.Get(key)
	if v == nil {
		return nil, nil
	}
	return unseal(key, v)
}

// keep seals a value behind a key.
func keep(b *bbolt.Bucket, key, body []byte) error { return b.Put(key, seal(key, body)) }

// number reads a number of bucketFormat, 0 where there is none.
func number(tx *bbolt.Tx, key []byte) (uint64, error) {
	body, err := kept(tx.Bucket(bucketFormat), key)
	if err != nil || body == nil {
		return 0, err
	}
	if len(body) != 8 {
		return 0, fmt.Errorf("%w: the number %q is cut off", ErrDamaged, key)
	}
	return binary.BigEndian.Uint64(body), nil
}

// setNumber writes a number of bucketFormat.
func setNumber(tx *bbolt.Tx, key []byte, n uint64) error {
	return keep(tx.Bucket(bucketFormat), key, binary.BigEndian.AppendUint64(nil, n))
}

// place is where a change stands in the log: its revision, and its number in the batch.
type place [10]byte

func placeOf(revision uint64, n int) (p place) {
	binary.BigEndian.PutUint64(p[:], revision)
	binary.BigEndian.PutUint16(p[8:], uint16(n))
	return p
}

func (p place) revision() uint64 { return binary.BigEndian.Uint64(p[:]) }

// stored reads a value as it lies under its key: its place, then the JSON.
func stored(key, v []byte) (at place, value []byte, err error) {
	body, err := unseal(key, v)
	if err != nil {
		return at, nil, err
	}
	if len(body) < len(at) {
		return at, nil, fmt.Errorf("%w: %q is cut off", ErrDamaged, key)
	}
	copy(at[:], body)
	return at, bytes.Clone(body[len(at):]), nil
}
