package source

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

const (
	// maxHeldZip is how much of an archive is held in memory where it comes as a stream: its directory is at its end.
	maxHeldZip = 16 << 20
	// maxDirectory is how much is read of an archive's directory, in bytes: some ten thousand members.
	maxDirectory = 1 << 20
	// zipEncrypted is the flag of members that need a password (APPNOTE.TXT section 4.4.4).
	zipEncrypted = 1
)

// openZip reads the directory of the archive that c.plain begins with. outer is where that comes from if nothing was
// taken off before; one that can be read anywhere begins with the archive. Nothing is ever written, so the paths in
// an archive are but names.
func (c *contents) openZip(outer io.Reader) error {
	at, size, err := randomAccess(outer)
	if err != nil {
		return err
	}
	if at == nil {
		held, err := io.ReadAll(io.LimitReader(c.plain, maxHeldZip+1))
		if err != nil {
			return fmt.Errorf("decompressing list: %w", err)
		}
		if len(held) > maxHeldZip {
			return fmt.Errorf("%w: a zip archive of more than %d MiB inside other packing", ErrTooLarge, maxHeldZip>>20)
		}
		at, size = bytes.NewReader(held), int64(len(held))
	} else {
		c.allowed.packed = &counter{n: size}
	}
	c.plain, c.layers = nil, c.layers+1
	limited := &directoryReader{at: at, left: maxDirectory}
	archive, err := zip.NewReader(limited, size)
	if limited.left < 0 {
		return fmt.Errorf("%w: the directory of the zip archive is larger than %d bytes", ErrTooLarge, maxDirectory)
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("decompressing list: %w", err)
	}
	limited.opened = true
	for _, f := range archive.File {
		base := path.Base(f.Name)
		if f.Mode().IsRegular() && !strings.HasPrefix(base, ".") && !strings.HasPrefix(f.Name, "__MACOSX/") {
			c.members = append(c.members, f)
		}
	}
	if len(c.members) == 0 {
		return errors.New("the zip archive holds no file")
	}
	return nil
}

// openMember returns a reader of one member, less one more layer of packing.
func (c *contents) openMember(f *zip.File) (*bufio.Reader, error) {
	if f.Flags&zipEncrypted != 0 {
		return nil, fmt.Errorf("%s in the zip archive is encrypted: unpack it first", printable([]byte(f.Name)))
	}
	member, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("decompressing list: %w", err)
	}
	between := *c.allowed.left
	plain := bufio.NewReaderSize(&bounded{r: member, allowance: &allowance{left: &between, packed: c.allowed.packed}}, readBuffer)
	if c.layers < maxLayers {
		inner, err := takeLayer(plain)
		if err != nil {
			return nil, fmt.Errorf("decompressing list: %w", packingError(err))
		}
		if inner != nil {
			plain = bufio.NewReaderSize(inner, readBuffer)
		}
	}
	if packingOf(plain) != unpacked {
		return nil, errTwice
	}
	return bufio.NewReaderSize(&bounded{r: plain, allowance: c.allowed}, readBuffer), nil
}

// randomAccess returns r as what can be read anywhere, and its size; nil where it cannot.
func randomAccess(r io.Reader) (io.ReaderAt, int64, error) {
	switch r := r.(type) {
	case *os.File:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return nil, 0, err
		}
		return r, info.Size(), nil
	case interface {
		io.ReaderAt
		Size() int64
	}:
		return r, r.Size(), nil
	}
	return nil, 0, nil
}

// directoryReader fails once more than left bytes are read of an archive that is not opened yet: a directory is held
// in memory.
type directoryReader struct {
	at     io.ReaderAt
	left   int64
	opened bool
}

func (d *directoryReader) ReadAt(b []byte, offset int64) (int, error) {
	if !d.opened {
		if d.left -= int64(len(b)); d.left < 0 {
			return 0, ErrTooLarge
		}
	}
	return d.at.ReadAt(b, offset)
}
