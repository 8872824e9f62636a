package blocklists

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"slices"
	"sort"
)

// mergeBuffer is how much of a parsed file is read at once, and lookBuffer how much to look one name up.
const (
	mergeBuffer = 64 << 10
	lookBuffer  = blockOctets + 1<<10
)

// Parsed is what one list says, in a file: every entry sorted by its name read from the top-level domain on, with the
// part of the list, the line and the day on which the list was first seen to say it; and its patterns and networks. An index
// is merged from such files without reading the lists. It is immutable and safe for concurrent use, and holds only where
// its blocks begin in memory.
type Parsed struct {
	file   io.ReaderAt
	close  func() error
	footer parsedFooter
	begins [tables]int64  // of the tables in the file
	blocks [tables][]byte // as in the file
	parts  []string
	label  []byte
}

// OpenParsed opens the parsed file at path and verifies all of it. Of a file whose checksum is among sound, those of files
// that were verified before, only that it has this checksum is verified, which takes a third of the time. The error has
// ErrVersion or ErrCorrupt in its chain if the file was read but cannot be used. Close it when it is not needed any more.
func OpenParsed(path string, sound ...uint64) (*Parsed, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own state folder
	if err != nil {
		return nil, fmt.Errorf("opening parsed list: %w", err)
	}
	p, err := readParsed(file, sound)
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("reading parsed list %s: %w", path, err)
	}
	return p, nil
}

// ParsedLabel returns the label of the parsed file at path, which is not verified. Errors are those of OpenParsed.
func ParsedLabel(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own state folder
	if err != nil {
		return nil, fmt.Errorf("opening parsed list: %w", err)
	}
	defer file.Close()
	p := &Parsed{file: file}
	size, err := regularSize(file)
	if err == nil {
		err = p.readEnds(size)
	}
	if err != nil {
		return nil, fmt.Errorf("reading parsed list %s: %w", path, err)
	}
	label := make([]byte, p.footer.label)
	return label, readAt(file, label, size-parsedFooterSize-int64(len(label)))
}

// regularSize returns the length of a file.
func regularSize(file *os.File) (int64, error) {
	stat, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if !stat.Mode().IsRegular() {
		return 0, corrupt("it is not a regular file")
	}
	return stat.Size(), nil
}

func readParsed(file *os.File, sound []uint64) (*Parsed, error) {
	size, err := regularSize(file)
	if err != nil {
		return nil, err
	}
	p := &Parsed{file: file, close: file.Close}
	return p, p.read(size, sound)
}

// Close closes the file. Nothing can be read of p afterwards, but for its label.
func (p *Parsed) Close() error { return p.close() }

// Checksum names the content of the file.
func (p *Parsed) Checksum() uint64 { return p.footer.checksum }

// Label returns what Finish was given. It must not be changed.
func (p *Parsed) Label() []byte { return p.label }

// Parts returns the names of the parts. They must not be changed.
func (p *Parsed) Parts() []string { return p.parts }

// Entries returns the number of entries, equal ones of one part counted once.
func (p *Parsed) Entries() int { return int(p.footer.tables[nameTable].records) }

// Patterns returns the number of patterns.
func (p *Parsed) Patterns() int { return int(p.footer.tables[patternTable].records) }

// Prefixes returns the number of networks.
func (p *Parsed) Prefixes() int { return int(p.footer.tables[prefixTable].records) }

// read verifies a file of size octets.
func (p *Parsed) read(size int64, sound []uint64) error {
	if err := p.readEnds(size); err != nil {
		return err
	}
	if err := p.checkSum(size); err != nil {
		return err
	}
	if err := p.readTail(); err != nil {
		return err
	}
	if slices.Contains(sound, p.footer.checksum) {
		return nil
	}
	for table := range tables {
		if err := p.verify(table); err != nil {
			return err
		}
	}
	return nil
}

// readEnds reads header and footer, so that a file that lies about its size costs nothing.
func (p *Parsed) readEnds(size int64) (err error) {
	if size < parsedHeaderSize+parsedFooterSize {
		return corrupt("it has %d octets", size)
	}
	var head [parsedHeaderSize]byte
	var foot [parsedFooterSize]byte
	if err := errors.Join(readAt(p.file, head[:], 0), readAt(p.file, foot[:], size-parsedFooterSize)); err != nil {
		return err
	}
	if err := checkParsedHeader(head[:]); err != nil {
		return err
	}
	if p.footer, err = parseParsedFooter(foot[:]); err != nil {
		return err
	}
	return p.footer.check(size)
}

func (p *Parsed) checkSum(size int64) error {
	sum := crc64.New(checksumTable())
	if _, err := io.CopyBuffer(sum, io.NewSectionReader(p.file, 0, size-summedTail), make([]byte, mergeBuffer)); err != nil {
		return err
	}
	if sum.Sum64() != p.footer.checksum {
		return corrupt("its checksum is %016x, it says %016x", sum.Sum64(), p.footer.checksum)
	}
	return nil
}

// readTail reads what lies behind the tables: where blocks begin, the parts, the label.
func (p *Parsed) readTail() error {
	at, blocks := int64(parsedHeaderSize), 0
	for i, t := range p.footer.tables {
		p.begins[i] = at
		at += int64(t.octets)
		blocks += 4 * int(t.blocks)
	}
	tail := make([]byte, blocks+int(p.footer.partOctets)+int(p.footer.label))
	if err := readAt(p.file, tail, at); err != nil {
		return err
	}
	for i, t := range p.footer.tables {
		p.blocks[i], tail = tail[:4*t.blocks], tail[4*t.blocks:]
	}
	parts, label := tail[:p.footer.partOctets], tail[p.footer.partOctets:]
	for len(parts) > 0 {
		size := 1 + int(parts[0])
		if size > len(parts) {
			return corrupt("a part is cut")
		}
		p.parts, parts = append(p.parts, string(parts[1:size])), parts[size:]
	}
	p.label = label
	if len(p.parts) != int(p.footer.parts) {
		return corrupt("%d parts, it says %d", len(p.parts), p.footer.parts)
	}
	return nil
}

// verify reads a whole table: its records rise, are about what can be listed and belong to a part; its blocks begin where
// they are said to.
func (p *Parsed) verify(table int) error {
	c := p.cursor(table, mergeBuffer)
	block, records := uint32(0), uint64(0)
	for {
		more, err := c.advance()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		records++
		if int(c.part) >= len(p.parts) {
			return corrupt("part %d of %d", c.part, len(p.parts))
		}
		if block < p.footer.tables[table].blocks && c.start == p.begin(table, int(block)) {
			if !c.alone {
				return corrupt("block %d does not stand for itself", block)
			}
			block++
		}
		if err := c.check(table); err != nil {
			return err
		}
	}
	if t := p.footer.tables[table]; records != t.records || block != t.blocks || (records > 0) != (block > 0) {
		return corrupt("table %d has %d records and %d blocks, it says %d and %d", table, records, block, t.records, t.blocks)
	}
	return nil
}

// begin returns where in the file a block begins.
func (p *Parsed) begin(table, block int) int64 {
	return p.begins[table] + int64(binary.LittleEndian.Uint32(p.blocks[table][4*block:]))
}

// cursor reads a whole table.
func (p *Parsed) cursor(table, size int) *tableCursor {
	return newTableCursor(p.file, p.begins[table], p.begins[table]+int64(p.footer.tables[table].octets), size)
}

// Each visits every record: entries by their names as read from the top-level domain on, then patterns, then networks. It
// stops at the first error of visit.
func (p *Parsed) Each(visit func(Record) error) error {
	for table := range tables {
		if err := p.eachOf(table, visit); err != nil {
			return err
		}
	}
	return nil
}

// EachPattern visits every pattern, as Each does.
func (p *Parsed) EachPattern(visit func(Record) error) error { return p.eachOf(patternTable, visit) }

func (p *Parsed) eachOf(table int, visit func(Record) error) error {
	c := p.cursor(table, mergeBuffer)
	for {
		more, err := c.advance()
		if !more || err != nil {
			return err
		}
		if err := p.show(table, c, visit); err != nil {
			return err
		}
	}
}

// show visits the current record of a cursor.
func (p *Parsed) show(table int, c *tableCursor, visit func(Record) error) error {
	about, err := recordAbout(table, c.key)
	if err != nil {
		return err
	}
	return visit(about.with(c.said, p.parts[c.part]))
}

// Find visits every entry for name or a name above it, from the top-level domain down.
func (p *Parsed) Find(name Name, visit func(Record) error) error {
	if err := name.check(); err != nil {
		return fmt.Errorf("searching a list: %w", err)
	}
	key, c := appendReversed(nil, name), p.cursor(nameTable, lookBuffer)
	for end := 0; end < len(key); {
		end += 1 + int(key[end])
		if err := p.find(c, string(key[:end]), visit); err != nil {
			return err
		}
	}
	return nil
}

// find visits the records of one key.
func (p *Parsed) find(c *tableCursor, key string, visit func(Record) error) error {
	var failed error
	move := func(block int) bool {
		c.move(p.begin(nameTable, block))
		more, err := c.advance()
		failed = errors.Join(failed, err)
		return more && err == nil
	}
	// The last block that begins at the key or before it has the key's first record, if there is one.
	block := sort.Search(int(p.footer.tables[nameTable].blocks), func(block int) bool {
		return !move(block) || string(c.key) > key
	}) - 1
	if block < 0 || failed != nil || !move(block) {
		return failed
	}
	for more := true; more && string(c.key) <= key; {
		if string(c.key) == key {
			if err := p.show(nameTable, c, visit); err != nil {
				return err
			}
		}
		var err error
		if more, err = c.advance(); err != nil {
			return err
		}
	}
	return nil
}
