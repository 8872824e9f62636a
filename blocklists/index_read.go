package blocklists

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"runtime"
	"weak"
)

// OpenIndex reads and verifies the index file at path. The error has ErrVersion or ErrCorrupt in its chain if
// the file was read but cannot be used. The file is not needed afterwards.
func OpenIndex(path string) (*Index, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own state folder
	if err != nil {
		return nil, fmt.Errorf("opening index: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	stat, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening index: %w", err)
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("opening index: %w", corrupt("%s is not a regular file", path))
	}
	ix, err := readIndex(file, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("reading index %s: %w", path, err)
	}
	return ix, nil
}

// ReadIndex copies and verifies the index file whose content is b. Errors are those of OpenIndex.
func ReadIndex(b []byte) (*Index, error) {
	ix, err := readIndex(octets(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	return ix, nil
}

// octets is a file in memory.
type octets []byte

// ReadAt implements io.ReaderAt.
func (b octets) ReadAt(p []byte, off int64) (int, error) {
	if off > int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readIndex brings a file of the given size into memory of its own and verifies it there. The ends
// are looked at first, so that a file that lies about its size costs nothing.
func readIndex(file io.ReaderAt, size int64) (*Index, error) {
	if size < headerSize+footerSize || size > maxIndexSize {
		return nil, corrupt("it has %d octets", size)
	}
	var head [headerSize]byte
	var foot [footerSize]byte
	if err := readAt(file, head[:], 0); err != nil {
		return nil, err
	}
	if err := parseHeader(head[:]); err != nil {
		return nil, err
	}
	if err := readAt(file, foot[:], size-footerSize); err != nil {
		return nil, err
	}
	f, err := parseFooter(foot[:])
	if err != nil {
		return nil, err
	}
	if err := f.check(size); err != nil {
		return nil, err
	}
	return loadIndex(file, int(size))
}

func readAt(file io.ReaderAt, b []byte, off int64) error {
	n, err := file.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return corrupt("it became shorter while it was read")
	}
	return err
}

// loadIndex reads the file into a mapping and builds the Index over it.
func loadIndex(file io.ReaderAt, size int) (*Index, error) {
	memory, err := allocate(size)
	if err != nil {
		return nil, fmt.Errorf("allocating %d octets: %w", size, err)
	}
	ix, err := fillIndex(file, memory)
	if err != nil {
		release(memory)
		return nil, err
	}
	ix.self = weak.Make(ix)
	runtime.AddCleanup(ix, release, memory)
	return ix, nil
}

// fillIndex reads and verifies all of the file. What was looked at before is not trusted: the file
// may have changed since.
func fillIndex(file io.ReaderAt, memory []byte) (*Index, error) {
	if err := readAt(file, memory, 0); err != nil {
		return nil, err
	}
	if err := parseHeader(memory); err != nil {
		return nil, err
	}
	f, err := parseFooter(memory[len(memory)-footerSize:])
	if err != nil {
		return nil, err
	}
	if err := f.check(int64(len(memory))); err != nil {
		return nil, err
	}
	if sum := crc64.Checksum(memory[:len(memory)-summedTail], checksumTable()); sum != f.checksum {
		return nil, corrupt("its checksum is %016x, it says %016x", sum, f.checksum)
	}
	ix, err := newIndex(memory, f)
	if err != nil {
		return nil, err
	}
	if err := protect(memory); err != nil {
		return nil, fmt.Errorf("write-protecting the index: %w", err)
	}
	return ix, nil
}

// newIndex lays an Index over the content of a file whose size fits its footer.
func newIndex(memory []byte, f footer) (*Index, error) {
	offsets := headerSize + int(f.entries)*entrySize //nolint:gosec // limited by footer.check
	values := offsets + int(f.buckets+1)*offsetSize  //nolint:gosec // limited by footer.check
	definitions := values + int(f.values)*valueSize  //nolint:gosec // limited by footer.check
	taxonomy, err := parseDefinitions(memory[definitions : len(memory)-footerSize])
	if err != nil {
		return nil, err
	}
	ix := &Index{
		memory:   memory,
		entries:  memory[headerSize:],
		offsets:  memory[offsets:values],
		buckets:  f.buckets,
		shift:    uint(64 - f.remainder),
		mask:     1<<remainderBits - 1,
		taxonomy: taxonomy,
		footer:   f,
	}
	if ix.values, err = parseValues(memory[values:definitions], taxonomy.Len()); err != nil {
		return nil, err
	}
	return ix, ix.verifyTable()
}

// parseValues reads the pairs of category sets, all of whose categories are below count.
func parseValues(b []byte, count int) ([]value, error) {
	values := make([]value, len(b)/valueSize)
	var known Categories
	for c := range count {
		known.Add(Category(c)) //nolint:gosec // below MaxCategories
	}
	for i := range values {
		v := &values[i]
		for word := range v.exact {
			v.exact[word] = binary.LittleEndian.Uint64(b[i*valueSize+word*8:])
			v.subtree[word] = binary.LittleEndian.Uint64(b[i*valueSize+32+word*8:])
		}
		if !v.exact.Or(v.subtree).AndNot(known).IsZero() {
			return nil, corrupt("value %d has a category beyond the taxonomy", i)
		}
	}
	return values, nil
}

// verifyTable checks in one pass that offsets rise to the number of entries, that the remainders of a
// bucket rise and fit their bits, and that every value exists: all that Match relies on.
func (ix *Index) verifyTable() error {
	count, values := uint32(ix.footer.entries), uint64(len(ix.values)) //nolint:gosec // limited by footer.check
	limit := uint64(1) << ix.footer.remainder
	at := uint32(0)
	if binary.LittleEndian.Uint32(ix.offsets) != 0 {
		return corrupt("the first bucket does not begin at 0")
	}
	for bucket := range ix.buckets {
		end := binary.LittleEndian.Uint32(ix.offsets[(bucket+1)*offsetSize:])
		if end < at || end > count {
			return corrupt("bucket %d ends at %d of %d entries", bucket, end, count)
		}
		least := uint64(0) // the lowest remainder that may come next
		for ; at < end; at++ {
			entry := binary.LittleEndian.Uint64(ix.entries[uint64(at)*entrySize:])
			remainder := entry & ix.mask
			if remainder < least || remainder >= limit || entry>>remainderBits&0xffff >= values {
				return corrupt("entry %d is out of order or range", at)
			}
			least = remainder + 1
		}
	}
	if at != count {
		return corrupt("its buckets hold %d of %d entries", at, count)
	}
	return nil
}
