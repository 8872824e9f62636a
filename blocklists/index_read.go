package blocklists

import (
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
	version, err := parseHeader(head[:])
	if err != nil {
		return nil, err
	}
	if err := readAt(file, foot[:], size-footerSize); err != nil {
		return nil, err
	}
	f, err := parseFooter(foot[:], version)
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
	version, err := parseHeader(memory)
	if err != nil {
		return nil, err
	}
	f, err := parseFooter(memory[len(memory)-footerSize:], version)
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
