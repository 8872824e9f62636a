package source

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// DefaultMaxInflated is the largest decompressed list in bytes where nothing else is configured.
const DefaultMaxInflated = 256 << 20

const (
	maxRatio   = 100      // decompressed to compressed; text lists reach 10
	ratioFloor = 1 << 20  // decompressed bytes below which the ratio is not looked at
	maxLayers  = 2        // a .gz file behind Content-Encoding: gzip
	maxWindow  = 8 << 20  // of zstd, in bytes: what RFC 8878 section 3.1.1.1.2 asks every decoder to take
	maxDict    = 16 << 20 // of xz, in bytes: twice that of its default level
)

// ErrTooLarge means that a list is larger, or decompresses to more, than the limits allow.
var ErrTooLarge = errors.New("the list is larger than its limit")

// errTwice is said of what is packed in three layers and more, and of archives in archives.
var errTwice = errors.New("the list is packed more than twice: unpack it first")

// packing is a way in which lists are packed.
type packing uint8

const (
	unpacked packing = iota
	packedGzip
	packedZstd
	packedXZ
	packedZip
)

// packingOf tells by its first bytes how what follows is packed.
func packingOf(r *bufio.Reader) packing {
	magic, _ := r.Peek(6) // shorter ones are fine
	for _, known := range []struct {
		magic string
		is    packing
	}{
		{"\x1f\x8b", packedGzip},         // RFC 1952
		{"\x28\xb5\x2f\xfd", packedZstd}, // RFC 8878
		{"\xfd7zXZ\x00", packedXZ},       // the .xz file format
		{"PK\x03\x04", packedZip},        // APPNOTE.TXT section 4.3.7
		{"PK\x05\x06", packedZip},        // the same, without members
	} {
		if bytes.HasPrefix(magic, []byte(known.magic)) {
			return known.is
		}
	}
	return unpacked
}

// allowance is what may still be read of a list.
type allowance struct {
	left   *int64   // decompressed bytes, counted down
	packed *counter // the bytes as they came; nil where nothing is packed
	n      int64    // decompressed bytes so far
}

// contents is a list with its outer layers taken off: a plain stream, or the members of a zip archive.
type contents struct {
	plain   *bufio.Reader
	members []*zip.File // regular ones that are not hidden; nil where plain is set
	allowed *allowance
	layers  int // how many were taken off
}

// openContents takes off what r is packed in, which is recognised by its magic numbers: at most two layers, a zip
// archive being one. All that is read is bounded in size and in ratio to the packed bytes. left is what may still be
// read in decompressed bytes, and is counted down.
func openContents(r io.Reader, left *int64) (*contents, error) {
	packed := &counter{r: r}
	c := &contents{plain: bufio.NewReaderSize(packed, readBuffer), allowed: &allowance{left: left, packed: packed}}
	outer := r
	for c.layers < maxLayers {
		if packingOf(c.plain) == packedZip {
			return c, c.openZip(outer)
		}
		inner, err := takeLayer(c.plain)
		if err != nil {
			return nil, fmt.Errorf("decompressing list: %w", packingError(err))
		}
		if inner == nil {
			break
		}
		between := *left // what an inner layer is packed in is bounded like the list, and counts for itself
		inner = &bounded{r: inner, allowance: &allowance{left: &between, packed: packed}}
		c.plain = bufio.NewReaderSize(inner, readBuffer)
		outer = nil
		c.layers++
	}
	switch {
	case c.layers == 0:
		c.allowed.packed = nil
	case packingOf(c.plain) != unpacked:
		return nil, errTwice
	}
	c.plain = bufio.NewReaderSize(&bounded{r: c.plain, allowance: c.allowed}, readBuffer)
	return c, nil
}

// unpack calls use for the plain list in r, and for each member of a zip archive. member is "" where there is but one.
func unpack(r io.Reader, left *int64, use func(member string, plain *bufio.Reader) error) error {
	c, err := openContents(r, left)
	if err != nil {
		return err
	}
	if c.members == nil {
		return use("", c.plain)
	}
	for _, f := range c.members {
		plain, err := c.openMember(f)
		if err != nil {
			return err
		}
		name := printable([]byte(f.Name))
		if len(c.members) == 1 {
			name = ""
		}
		if err := use(name, plain); err != nil {
			return err
		}
	}
	return nil
}

// inflate returns a reader of the plain list in r, the first member of a zip archive.
func inflate(r io.Reader, left *int64) (*bufio.Reader, error) {
	c, err := openContents(r, left)
	if err != nil {
		return nil, err
	}
	if c.members == nil {
		return c.plain, nil
	}
	return c.openMember(c.members[0])
}

// takeLayer returns a reader of what is packed in r; nil where nothing is.
func takeLayer(r *bufio.Reader) (io.Reader, error) {
	switch packingOf(r) {
	case packedGzip:
		return gzip.NewReader(r)
	case packedZstd:
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(4*maxWindow))
	case packedXZ:
		return xz.NewReader(r, maxDict)
	default:
		return nil, nil
	}
}

// packingError words the errors of decoders that refuse to take so much memory.
func packingError(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: it needs a window of more than %d MiB; pack it with zstd -19 or less", ErrTooLarge, maxWindow>>20)
	case errors.Is(err, xz.ErrMemlimit):
		return fmt.Errorf("%w: it needs a dictionary of more than %d MiB; pack it with xz -7 or less", ErrTooLarge, maxDict>>20)
	}
	return err
}

// counter counts what was read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// bounded fails with ErrTooLarge once its allowance is used up.
type bounded struct {
	r io.Reader
	*allowance
}

func (b *bounded) Read(buf []byte) (int, error) {
	n, err := b.r.Read(buf)
	b.n += int64(n)
	*b.left -= int64(n)
	if *b.left < 0 {
		return 0, fmt.Errorf("%w in decompressed bytes", ErrTooLarge)
	}
	if b.packed != nil && b.n > ratioFloor && b.n > maxRatio*b.packed.n {
		return 0, fmt.Errorf("%w: it decompresses more than %d times", ErrTooLarge, maxRatio)
	}
	return n, packingError(err)
}
