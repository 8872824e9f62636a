package blocklists

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// said is one statement of a list, without what it is about.
type said struct {
	part uint32
	says statement
	seen Day
	line uint32
}

// compare orders what is said of one key.
func (s said) compare(t said) int {
	return cmp.Or(cmp.Compare(s.part, t.part), cmp.Compare(s.says, t.says))
}

// same reports whether both make the same statement in the same part.
func (s said) same(t said) bool { return s.part == t.part && s.says == t.says }

// tableWriter writes one table of a parsed file.
type tableWriter struct {
	out    io.Writer
	size   tableSize
	blocks []byte // where they begin
	begin  uint64 // of the current block
	key    []byte
	last   said
	record []byte // scratch
}

// add writes the next record. Keys rise, and what is said of one key does.
func (w *tableWriter) add(key []byte, s said) error {
	fresh := w.size.records == 0 || w.size.octets-w.begin >= blockOctets && !bytes.Equal(key, w.key)
	tag, shared := byte(s.says), 0
	if fresh {
		w.begin = w.size.octets
		w.blocks = binary.LittleEndian.AppendUint32(w.blocks, uint32(w.begin))
		w.size.blocks++
	} else {
		shared = sharedOctets(key, w.key)
	}
	if fresh || s.part != w.last.part {
		tag |= tagPart
	}
	if fresh || s.seen != w.last.seen {
		tag |= tagDay
	}
	b := append(w.record[:0], tag)
	b = binary.AppendUvarint(b, uint64(shared))
	b = binary.AppendUvarint(b, uint64(len(key)-shared))
	b = append(b, key[shared:]...)
	if tag&tagPart != 0 {
		b = binary.AppendUvarint(b, uint64(s.part))
	}
	if tag&tagDay != 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(s.seen))
	}
	w.record = binary.AppendUvarint(b, uint64(s.line))
	w.key, w.last = append(w.key[:0], key...), s
	w.size.records++
	if w.size.octets += uint64(len(w.record)); w.size.octets > maxTable {
		return fmt.Errorf("%w: at most %d octets of names fit", ErrParsedLimit, int64(maxTable))
	}
	_, err := w.out.Write(w.record)
	return err
}

// addSince writes what is said of a key, each since the day on which it was said before, or else today. Both are in order.
func (w *tableWriter) addSince(key []byte, before, after []said, today Day) error {
	for _, s := range after {
		for len(before) > 0 && before[0].compare(s) < 0 {
			before = before[1:]
		}
		if s.seen = today; len(before) > 0 && before[0].same(s) {
			s.seen = before[0].seen
		}
		if err := w.add(key, s); err != nil {
			return err
		}
	}
	return nil
}

// sharedOctets returns how many octets two keys begin with together.
func sharedOctets(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// tableCursor reads a table, or a rest of one. It relies on nothing that the file says.
type tableCursor struct {
	said
	key    []byte
	file   io.ReaderAt
	rest   int64 // where in the file that begins which is not in buffer yet
	end    int64 // of the table
	buffer []byte
	filled int   // octets of buffer that are from the file; maxRecord more are room for reading beyond
	at     int   // of the next record in buffer
	start  int64 // of the current record in the file
	shared int   // octets of key that the record before had too
	alone  bool  // it stands for itself
}

// newTableCursor returns a cursor for file from begin to end that reads size octets at once.
func newTableCursor(file io.ReaderAt, begin, end int64, size int) *tableCursor {
	size = int(min(int64(max(size, maxRecord)), end-begin))
	c := &tableCursor{file: file, end: end, buffer: make([]byte, size+maxRecord)}
	c.move(begin)
	return c
}

// move makes the record at an offset of the file the next one; it has to stand for itself.
func (c *tableCursor) move(to int64) { c.rest, c.filled, c.at, c.key = to, 0, 0, c.key[:0] }

// advance makes the next record the current one and reports whether there is one.
func (c *tableCursor) advance() (bool, error) {
	if c.filled-c.at < maxRecord && c.rest < c.end {
		if err := c.fill(); err != nil {
			return false, err
		}
	}
	if c.at == c.filled {
		return false, nil
	}
	c.start = c.rest - int64(c.filled-c.at)
	b := c.buffer[c.at : c.at+maxRecord]
	tag := b[0]
	shared, at := varint(b, 1)
	size, at := varint(b, at)
	if shared > uint64(len(c.key)) || size > maxKey-shared {
		return false, corrupt("a key of %d and %d octets", shared, size)
	}
	next := c.said
	next.says = statement(tag & tagStatement)
	suffix := b[at : at+int(size)]
	if at += int(size); tag&tagPart != 0 {
		var part uint64
		part, at = varint(b, at)
		next.part = uint32(part)
	}
	if tag&tagDay != 0 {
		next.seen = Day(binary.LittleEndian.Uint16(b[at:]))
		at += 2
	}
	line, at := varint(b, at)
	next.line = uint32(line)
	if c.at+at > c.filled {
		return false, corrupt("a record is cut")
	}
	if !c.rises(int(shared), suffix, next) {
		return false, corrupt("its records are out of order")
	}
	c.key, c.said = append(c.key[:shared], suffix...), next
	c.shared, c.alone = int(shared), shared == 0 && tag&tagPart != 0 && tag&tagDay != 0
	c.at += at
	return true, nil
}

// rises reports whether a record of the first shared octets of the current key and a suffix may follow.
func (c *tableCursor) rises(shared int, suffix []byte, next said) bool {
	switch {
	case shared == len(c.key) && len(suffix) == 0:
		return len(c.key) > 0 && c.compare(next) < 0
	case shared == len(c.key):
		return true
	case shared == 0: // the first of a block
		return bytes.Compare(suffix, c.key) > 0
	}
	return len(suffix) > 0 && suffix[0] > c.key[shared]
}

// varint reads a varint of at most five octets from b, and returns where it ends.
func varint(b []byte, at int) (value uint64, end int) {
	if b[at] < 0x80 {
		return uint64(b[at]), at + 1
	}
	for shift := 0; shift < 35; shift += 7 {
		value |= uint64(b[at]&0x7f) << shift
		at++
		if b[at-1] < 0x80 {
			break
		}
	}
	return value, at
}

// fill moves the unread rest to the front of the buffer and reads on behind it.
func (c *tableCursor) fill() error {
	kept := copy(c.buffer, c.buffer[c.at:c.filled])
	room := int(min(int64(len(c.buffer)-maxRecord-kept), c.end-c.rest))
	n, err := c.file.ReadAt(c.buffer[kept:kept+room], c.rest)
	if n < room && (err == nil || errors.Is(err, io.EOF)) {
		return corrupt("it became shorter while it was read")
	}
	if n < room {
		return fmt.Errorf("reading parsed list: %w", err)
	}
	c.at, c.filled = 0, kept+room
	clear(c.buffer[c.filled:min(len(c.buffer), c.filled+maxRecord)])
	c.rest += int64(room)
	return nil
}
