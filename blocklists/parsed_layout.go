package blocklists

import (
	"encoding/binary"
	"fmt"
)

// A parsed file holds what one list says, little-endian, in the order in which it is written:
//
//	header  magic, format version
//	tables  of the names, the patterns and the networks, each sorted by its keys
//	blocks  4 octets for each block of each table: where in the table it begins
//	parts   the parts of the list, each a length octet and a name
//	label   what the writer wants to know of the file, in a form of its own
//	footer  counts, checksum, magic
//
// A record of a table is a tag, the number of octets that its key shares with the one before, the number of those that
// follow, these octets, the part, the day on which the list was first seen to say it, and the line. The lowest six
// bits of the tag are the statement; one of the other two says that the part follows, one that the day does, which
// otherwise are those of the record before. Day and line are of the first of equal statements. A block begins every
// 4 KiB with a record that stands for itself, so that a name is found with few reads. Numbers but the day, which has
// two octets, are varints (7 bits an octet).
//
// The key of a name is that of appendReversed; of a pattern, its types and its expression; of a network, its family,
// address and length. Keys rise, and so do part and statement where the keys are equal.
const (
	parsedMagic    = "HEARTHPL"
	parsedEndMagic = "LPHTRAEH"
	parsedVersion  = 1

	parsedHeaderSize = 16
	parsedFooterSize = 8 + tables*(8+8+4) + 3*4 + 16

	blockOctets = 4 << 10
	maxParts    = 1<<16 - 1
	maxPartName = 255
	maxLabel    = 1 << 20
	// maxTable keeps where a block begins within 4 octets.
	maxTable = 1<<32 - 1

	tagStatement = 1<<6 - 1
	tagPart      = 1 << 6
	tagDay       = 1 << 7
	// maxRecord is the longest record of a table, with room for numbers written longer than they need to be.
	maxRecord = maxKey + 32
)

// The tables of a parsed file.
const (
	nameTable = iota
	patternTable
	prefixTable
	tables
)

// tableSize says how large a table is.
type tableSize struct {
	octets  uint64
	records uint64
	blocks  uint32
}

// parsedFooter is the end of a parsed file.
type parsedFooter struct {
	tables     [tables]tableSize
	parts      uint32
	partOctets uint32
	label      uint32 // octets
	checksum   uint64
}

// appendSummed appends the part of the footer that the checksum covers.
func (f *parsedFooter) appendSummed(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, 0)
	for _, t := range f.tables {
		b = le.AppendUint64(b, t.octets)
		b = le.AppendUint64(b, t.records)
		b = le.AppendUint32(b, t.blocks)
	}
	b = le.AppendUint32(b, f.parts)
	b = le.AppendUint32(b, f.partOctets)
	return le.AppendUint32(b, f.label)
}

func parseParsedFooter(b []byte) (parsedFooter, error) {
	le := binary.LittleEndian
	var f parsedFooter
	if string(b[parsedFooterSize-8:]) != parsedEndMagic {
		return f, corrupt("it does not end as a parsed list does")
	}
	if le.Uint64(b) != 0 {
		return f, corrupt("a reserved field is set")
	}
	at := 8
	for i := range f.tables {
		f.tables[i] = tableSize{octets: le.Uint64(b[at:]), records: le.Uint64(b[at+8:]), blocks: le.Uint32(b[at+16:])}
		at += 20
	}
	f.parts, f.partOctets, f.label = le.Uint32(b[at:]), le.Uint32(b[at+4:]), le.Uint32(b[at+8:])
	f.checksum = le.Uint64(b[at+12:])
	return f, nil
}

// check reports counts that cannot be, or that do not add up to a file of size octets.
func (f *parsedFooter) check(size int64) error {
	sum := int64(parsedHeaderSize+parsedFooterSize) + int64(f.partOctets) + int64(f.label)
	for i, t := range f.tables {
		if t.octets > maxTable || uint64(t.blocks) > t.octets/blockOctets+1 || t.records > t.octets {
			return corrupt("table %d of %d octets, %d records and %d blocks", i, t.octets, t.records, t.blocks)
		}
		sum += int64(t.octets) + 4*int64(t.blocks)
	}
	switch {
	case f.parts > maxParts || f.partOctets > maxParts*(1+maxPartName):
		return corrupt("%d parts in %d octets", f.parts, f.partOctets)
	case f.label > maxLabel:
		return corrupt("label of %d octets", f.label)
	case sum != size:
		return corrupt("its counts say %d octets, it has %d", sum, size)
	}
	return nil
}

func appendParsedHeader(b []byte) []byte {
	b = append(b, parsedMagic...)
	b = binary.LittleEndian.AppendUint32(b, parsedVersion)
	return binary.LittleEndian.AppendUint32(b, 0)
}

func checkParsedHeader(b []byte) error {
	if string(b[:8]) != parsedMagic {
		return corrupt("it does not begin as a parsed list does")
	}
	if version := binary.LittleEndian.Uint32(b[8:]); version != parsedVersion {
		return fmt.Errorf("%w: %d, this program reads %d", ErrVersion, version, parsedVersion)
	}
	if binary.LittleEndian.Uint32(b[12:]) != 0 {
		return corrupt("a reserved field is set")
	}
	return nil
}
