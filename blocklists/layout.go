package blocklists

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"math"
	"time"
)

// An index file, little-endian, in the order in which it is written:
//
//	header       magic, format version
//	entries      7 octets each: 40 bits of remainder, 16 bits of value; in the order of the hashes
//	offsets      4 octets for each bucket and one more: the number of entries before it
//	values       64 octets each: the categories of the name itself, those of all beneath it
//	definitions  the taxonomy whose numbers the values use
//	section      patterns and networks, if there are any; from format version 2 on
//	footer       key, build time, counts, checksum, magic
//
// The counts stand at the end because the last of them is known only when all is written; so the
// file needs no seek, and a torn one has no end to it.
//
// A name's place comes from the 128-bit product of its hash and the number of buckets: the high half is
// the bucket, the next bits are the remainder. So hash order is the order of places.
//
// The checksum is CRC-64: it finds every flipped bit and every tear, and takes 27 ms for 37 MB in plain
// instructions. SHA-256 takes as long only where the processor has instructions for it, which small ARM
// boards may lack. It keeps nobody from forging a file; that is why every bound is checked as well.
const (
	indexMagic    = "HEARTHIX"
	indexEndMagic = "XIHTRAEH"
	indexVersion  = 2
	oldestVersion = 1

	headerSize = 16
	entrySize  = 7
	offsetSize = 4
	valueSize  = 64
	footerSize = 72
	// summedTail is what the checksum leaves out: itself and the end magic.
	summedTail = 16

	remainderBits    = 40
	minRemainderBits = 8
	valueBits        = 16
	maxValues        = 1<<valueBits - 1
	entriesPerBucket = 8
	// maxIndexSize keeps offsets within an int of 32 bits and a lying file from claiming all memory.
	maxIndexSize = math.MaxInt32
	// maxEntries leaves room for offsets, values and definitions below maxIndexSize.
	maxEntries = 270_000_000
)

var (
	// ErrCorrupt is in the chain of every error that says an index is torn, damaged or forged.
	ErrCorrupt = errors.New("index is corrupt")
	// ErrVersion is in the chain of the error that says an index has a format this program does not know.
	ErrVersion = errors.New("index has an unknown format version")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func checksumTable() *crc64.Table { return crc64.MakeTable(crc64.ECMA) }

// footer is the end of an index file.
type footer struct {
	key         Key
	built       time.Time
	entries     uint64
	buckets     uint64
	values      uint32
	definitions uint32 // octets
	remainder   uint32 // bits
	section     uint32 // octets
	checksum    uint64
}

// appendSummed appends the part of the footer that the checksum covers.
func (f *footer) appendSummed(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, f.key[0])
	b = le.AppendUint64(b, f.key[1])
	b = le.AppendUint64(b, uint64(f.built.Unix()))
	b = le.AppendUint64(b, f.entries)
	b = le.AppendUint64(b, f.buckets)
	b = le.AppendUint32(b, f.values)
	b = le.AppendUint32(b, f.definitions)
	b = le.AppendUint32(b, f.remainder)
	return le.AppendUint32(b, f.section)
}

// bucketsFor returns how many buckets a table of so many entries has.
func bucketsFor(entries uint64) uint64 { return max(1, (entries+entriesPerBucket-1)/entriesPerBucket) }

// size returns the length of the file that f ends. The counts have to be within their limits.
func (f *footer) size() int64 {
	return int64(headerSize + f.entries*entrySize + (f.buckets+1)*offsetSize +
		uint64(f.values)*valueSize + uint64(f.definitions) + uint64(f.section) + footerSize)
}

// id returns a short name of the content.
func (f *footer) id() string { return fmt.Sprintf("%08x", f.checksum>>32) }

// check reports counts that cannot be, or that do not add up to a file of size octets.
func (f *footer) check(size int64) error {
	switch {
	case f.entries > maxEntries:
		return corrupt("%d entries", f.entries)
	case f.buckets == 0 || f.buckets > bucketsFor(maxEntries):
		return corrupt("%d buckets", f.buckets)
	case f.values > maxValues:
		return corrupt("%d values", f.values)
	case f.remainder < minRemainderBits || f.remainder > remainderBits:
		return corrupt("remainder of %d bits", f.remainder)
	case f.size() != size:
		return corrupt("its counts say %d octets, it has %d", f.size(), size)
	}
	return nil
}

// parseFooter reads the last footerSize octets of a file of the given format version.
func parseFooter(b []byte, version uint32) (footer, error) {
	le := binary.LittleEndian
	if string(b[footerSize-8:]) != indexEndMagic {
		return footer{}, corrupt("it does not end as an index does")
	}
	if version == oldestVersion && le.Uint32(b[52:]) != 0 {
		return footer{}, corrupt("a reserved field is set")
	}
	return footer{
		key:         Key{le.Uint64(b), le.Uint64(b[8:])},
		built:       time.Unix(int64(le.Uint64(b[16:])), 0),
		entries:     le.Uint64(b[24:]),
		buckets:     le.Uint64(b[32:]),
		values:      le.Uint32(b[40:]),
		definitions: le.Uint32(b[44:]),
		remainder:   le.Uint32(b[48:]),
		section:     le.Uint32(b[52:]),
		checksum:    le.Uint64(b[56:]),
	}, nil
}

func appendHeader(b []byte) []byte {
	b = append(b, indexMagic...)
	b = binary.LittleEndian.AppendUint32(b, indexVersion)
	return binary.LittleEndian.AppendUint32(b, 0)
}

// parseHeader checks the first headerSize octets of a file and returns its format version.
func parseHeader(b []byte) (version uint32, err error) {
	if string(b[:8]) != indexMagic {
		return 0, corrupt("it does not begin as an index does")
	}
	version = binary.LittleEndian.Uint32(b[8:])
	if version < oldestVersion || version > indexVersion {
		return 0, fmt.Errorf("%w: %d, this program reads %d to %d", ErrVersion, version, oldestVersion, indexVersion)
	}
	if binary.LittleEndian.Uint32(b[12:]) != 0 {
		return 0, corrupt("a reserved field is set")
	}
	return version, nil
}
