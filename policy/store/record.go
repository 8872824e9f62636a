package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// What stands behind a key is sealed: a CRC-32C of the key and of what follows, then that. The engine itself does not
// notice when octets of a page change.

const sealSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal gives body as it is kept behind key.
func seal(key, body []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, sealSize+len(body)), sum), body...)
}

// unseal gives what was sealed, as a slice of kept.
func unseal(key, kept []byte) ([]byte, error) {
	if len(kept) < sealSize {
		return nil, fmt.Errorf("%w: %q is cut off", ErrDamaged, key)
	}
	body := kept[sealSize:]
	if crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body) != binary.BigEndian.Uint32(kept) {
		return nil, fmt.Errorf("%w: the checksum of %q is wrong", ErrDamaged, key)
	}
	return body, nil
}

// place is where a change stands in the log: its revision, and its number in the batch.
type place [10]byte

func placeOf(revision uint64, n int) (p place) {
	binary.BigEndian.PutUint64(p[:], revision)
	binary.BigEndian.PutUint16(p[8:], uint16(n))
	return p
}

func (p place) revision() uint64 { return binary.BigEndian.Uint64(p[:]) }

// stored is a value as it lies under its key: its place, then the JSON.
func stored(key, kept []byte) (at place, value []byte, err error) {
	body, err := unseal(key, kept)
	if err != nil {
		return at, nil, err
	}
	if len(body) < len(at) {
		return at, nil, fmt.Errorf("%w: %q is cut off", ErrDamaged, key)
	}
	copy(at[:], body)
	return at, bytes.Clone(body[len(at):]), nil
}
