package blocklists

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math"
	"net/netip"
	"slices"
	"time"
)

// Day is a date of UTC as the number of days since 1970-01-01.
type Day uint16

// DayOf returns the date of t.
func DayOf(t time.Time) Day {
	return Day(max(0, min(t.Unix()/(24*60*60), math.MaxUint16)))
}

// Time returns the beginning of d.
func (d Day) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// String returns d as 2006-01-02.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }

// ErrParsedLimit is in the chain of every error that says a list is too much for a parsed file.
var ErrParsedLimit = errors.New("the list is too large")

// ParsedWriter makes the parsed file of one list, in bounded memory. It is for one goroutine and one file.
type ParsedWriter struct {
	sorters [tables]*sorter
	parts   []string
	numbers map[string]uint32 // of parts
	key     []byte            // scratch of Add
}

// NewParsedWriter returns a writer that keeps its temporary files in dir, "" for the system's folder, and sorts in
// buffers of 16 MiB; it needs the files only when the list does not fit.
func NewParsedWriter(dir string) *ParsedWriter { return newParsedWriter(dir, defaultMemory) }

func newParsedWriter(dir string, memory int) *ParsedWriter {
	w := &ParsedWriter{numbers: make(map[string]uint32)}
	for i := range w.sorters {
		w.sorters[i] = newSorter(dir, memory)
	}
	return w
}

// Add takes an entry that stands in a part of the list, such as a directory of UT1 or a file of a folder, on a line. The
// order does not matter. The same entry of the same part counts once, with its first line.
func (w *ParsedWriter) Add(part string, e Entry, line int) error {
	if err := e.check(); err != nil {
		return fmt.Errorf("adding an entry: %w", err)
	}
	w.key = appendReversed(w.key[:0], e.Name)
	return w.add(nameTable, part, e.statement(), line)
}

// AddPattern takes a pattern, as Add does an entry.
func (w *ParsedWriter) AddPattern(part string, p Pattern, line int) error {
	if _, err := p.read(); err != nil {
		return fmt.Errorf("adding a pattern: %w", err)
	}
	p.Types = slices.Compact(slices.Sorted(slices.Values(p.Types)))
	w.key = appendPattern(w.key[:0], p)
	return w.add(patternTable, part, Entry{Exception: p.Exception, Important: p.Important}.statement(), line)
}

// AddPrefix takes a network, as Add does an entry.
func (w *ParsedWriter) AddPrefix(part string, p netip.Prefix, exception bool, line int) error {
	if _, err := soundPrefix(p); err != nil {
		return fmt.Errorf("adding a network: %w", err)
	}
	w.key = appendPrefix(w.key[:0], p.Masked())
	return w.add(prefixTable, part, Entry{Exception: exception}.statement(), line)
}

// add puts what is said of w.key into a table.
func (w *ParsedWriter) add(table int, part string, s statement, line int) error {
	number, known := w.numbers[part]
	if !known {
		if len(w.parts) == maxParts || len(part) > maxPartName {
			return fmt.Errorf("%w: at most %d parts fit, with names of at most %d octets", ErrParsedLimit, maxParts, maxPartName)
		}
		number = uint32(len(w.parts))
		w.parts = append(w.parts, part)
		w.numbers[part] = number
	}
	line = max(0, min(line, math.MaxInt32))
	return w.sorters[table].add(w.key, uint64(number)<<40|uint64(s)<<32|uint64(line))
}

// Close gives up memory and temporary files. A closed writer must not be used.
func (w *ParsedWriter) Close() {
	for _, s := range w.sorters {
		s.close()
	}
}

// Finish writes the file to out from its first octet to its last, with a label of at most 1 MiB for the caller's own
// use. What previous, the list's last parsed file or nil, has in the same part keeps the day on which it was first seen; all
// else gets today. The Diff tells what is not as in previous. Finish may be called once.
func (w *ParsedWriter) Finish(ctx context.Context, out io.Writer, previous *Parsed, today Day, label []byte) (Diff, error) {
	if len(label) > maxLabel {
		return Diff{}, fmt.Errorf("writing parsed list: %w: label of %d octets, at most %d fit", ErrParsedLimit, len(label), maxLabel)
	}
	sum := crc64.New(checksumTable())
	buffered := bufio.NewWriterSize(io.MultiWriter(out, sum), 64<<10)
	diff, f, err := w.write(ctx, buffered, previous, today, label)
	if err == nil {
		err = buffered.Flush() // brings the checksum up to date
	}
	if err == nil {
		f.checksum = sum.Sum64()
		_, err = out.Write(append(binary.LittleEndian.AppendUint64(nil, f.checksum), parsedEndMagic...))
	}
	if err != nil {
		return Diff{}, fmt.Errorf("writing parsed list: %w", err)
	}
	return diff, nil
}

// write writes all that the checksum covers.
func (w *ParsedWriter) write(ctx context.Context, out io.Writer, previous *Parsed, today Day, label []byte) (Diff, parsedFooter, error) {
	f := parsedFooter{parts: uint32(len(w.parts)), label: uint32(len(label))}
	var diff Diff
	var blocks []byte
	_, err := out.Write(appendParsedHeader(nil))
	for table := range w.sorters {
		if err != nil {
			return diff, f, err
		}
		size, begins, failed := w.writeTable(ctx, out, table, previous, today, &diff)
		f.tables[table], blocks, err = size, append(blocks, begins...), failed
	}
	for _, part := range w.parts {
		blocks = append(append(blocks, byte(len(part))), part...)
		f.partOctets += uint32(1 + len(part))
	}
	_, failed := out.Write(f.appendSummed(append(blocks, label...)))
	return diff, f, errors.Join(err, failed)
}

// writeTable writes one table beside what previous has in it.
func (w *ParsedWriter) writeTable(ctx context.Context, out io.Writer, table int, previous *Parsed, today Day, diff *Diff) (tableSize, []byte, error) {
	to := tableWriter{out: out}
	pairs, err := newPairing(previous, table, w.parts, func(key []byte, before, after []said) error {
		diff.weigh(before, after)
		if changes := diff.of(kindOf(before, after)); changes != nil {
			changes.add(func() string { return spelled(table, key) })
		}
		return to.addSince(key, before, after, today)
	})
	if err == nil {
		err = w.drain(ctx, table, pairs)
	}
	w.sorters[table].close()
	return to.size, to.blocks, err
}

// drain pairs the older file with all that was added to a table.
func (w *ParsedWriter) drain(ctx context.Context, table int, pairs *pairing) error {
	g := group{}
	err := w.sorters[table].each(ctx, func(key []byte, payload uint64) error {
		s := said{part: uint32(payload >> 40), says: statement(payload >> 32 & 0xff), line: uint32(payload)}
		if !bytes.Equal(key, g.key) {
			if err := g.flush(pairs.add); err != nil {
				return err
			}
			g.key = append(g.key[:0], key...)
		}
		if n := len(g.said); n == 0 || !g.said[n-1].same(s) {
			g.said = append(g.said, s)
		}
		return nil
	})
	if err == nil {
		err = g.flush(pairs.add)
	}
	if err != nil {
		return err
	}
	return pairs.finish()
}

// appendPattern appends the key of a pattern, of which the statement has the rest.
func appendPattern(key []byte, p Pattern) []byte {
	except := byte(0)
	if p.Except {
		except = 1
	}
	key = append(key, except, byte(len(p.Types)))
	for _, t := range p.Types {
		key = binary.BigEndian.AppendUint16(key, t)
	}
	return append(key, p.Expr...)
}

// appendPrefix appends the key of a network.
func appendPrefix(key []byte, p netip.Prefix) []byte {
	address := p.Addr().AsSlice()
	return append(append(append(key, byte(len(address))), address...), byte(p.Bits()))
}
