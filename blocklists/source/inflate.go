package source

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// DefaultMaxInflated is the largest decompressed list in bytes where nothing else is configured.
const DefaultMaxInflated = 256 << 20

const (
	maxRatio   = 100     // decompressed to compressed; text lists reach 10
	ratioFloor = 1 << 20 // decompressed bytes below which the ratio is not looked at
	maxLayers  = 2       // a .gz file behind Content-Encoding: gzip
)

// ErrTooLarge means that a list is larger, or decompresses to more, than the limits allow.
var ErrTooLarge = errors.New("the list is larger than its limit")

// inflate returns a reader of the plain list: gzip layers are recognised by their magic number and taken off, and what
// is read is bounded in size and in ratio to the compressed bytes.
//
// left is what may still be read in decompressed bytes, and is counted down.
func inflate(r io.Reader, left *int64) (*bufio.Reader, error) {
	compressed := &counter{r: r}
	br := bufio.NewReaderSize(compressed, readBuffer)
	layers := 0
	for ; layers < maxLayers && isGzip(br); layers++ {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("decompressing list: %w", err)
		}
		br = bufio.NewReaderSize(zr, readBuffer)
	}
	if layers == 0 {
		compressed = nil
	}
	return bufio.NewReaderSize(&bounded{r: br, left: left, compressed: compressed}, readBuffer), nil
}

func isGzip(r *bufio.Reader) bool {
	magic, err := r.Peek(2)
	return err == nil && magic[0] == 0x1f && magic[1] == 0x8b
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

// bounded fails with ErrTooLarge once more than *left bytes are read, or where compressed bytes (nil: not compressed)
// grow more than maxRatio times.
type bounded struct {
	r          io.Reader
	left       *int64
	compressed *counter
	n          int64
}

func (b *bounded) Read(buf []byte) (int, error) {
	n, err := b.r.Read(buf)
	b.n += int64(n)
	*b.left -= int64(n)
	if *b.left < 0 {
		return 0, fmt.Errorf("%w in decompressed bytes", ErrTooLarge)
	}
	if b.compressed != nil && b.n > ratioFloor && b.n > maxRatio*b.compressed.n {
		return 0, fmt.Errorf("%w: it decompresses more than %d times", ErrTooLarge, maxRatio)
	}
	return n, err
}
