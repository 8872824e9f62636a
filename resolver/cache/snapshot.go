package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Record is an answer as a snapshot holds it.
type Record struct {
	View    [16]byte // mark of the view that gave it, the same after a restart
	Stored  int64    // unix seconds
	Message []byte   // as Entry.AppendMessage writes it
}

// A snapshot is snapshotMagic, its records, and the SHA-256 of all that. A record is the
// length of its message (4 octets), the view (16), the time (8) and the message.
const (
	snapshotKind  = "hearth answers "
	snapshotMagic = snapshotKind + "1\n"
	recordHead    = 4 + 16 + 8
)

// ErrSnapshot is wrapped by the errors of ReadSnapshot.
var ErrSnapshot = errors.New("no snapshot of this version")

// WriteSnapshot writes records as a snapshot of limit octets at most, and returns how
// many fitted.
func WriteSnapshot(w io.Writer, records iter.Seq[Record], limit int64) (written int, err error) {
	sum := sha256.New()
	to := io.MultiWriter(w, sum)
	if _, err := io.WriteString(to, snapshotMagic); err != nil {
		return 0, err
	}
	left := limit - int64(len(snapshotMagic)) - sha256.Size
	var buf []byte
	for rec := range records {
		if left -= int64(recordHead + len(rec.Message)); left < 0 {
			break
		}
		buf = binary.BigEndian.AppendUint32(buf[:0], uint32(len(rec.Message))) //nolint:gosec // a message
		buf = append(buf, rec.View[:]...)
		buf = binary.BigEndian.AppendUint64(buf, uint64(rec.Stored)) //nolint:gosec // since 1970
		if _, err := to.Write(append(buf, rec.Message...)); err != nil {
			return written, err
		}
		written++
	}
	_, err = w.Write(sum.Sum(nil))
	return written, err
}

// ReadSnapshot returns the records of a snapshot that is whole, which refer to b. What they
// hold is not checked: anybody may have written it.
func ReadSnapshot(b []byte) ([]Record, error) {
	if !bytes.HasPrefix(b, []byte(snapshotMagic)) {
		if bytes.HasPrefix(b, []byte(snapshotKind)) {
			return nil, fmt.Errorf("%w: another program wrote it", ErrSnapshot)
		}
		return nil, fmt.Errorf("%w: it does not begin as one", ErrSnapshot)
	}
	end := len(b) - sha256.Size
	if end < len(snapshotMagic) {
		return nil, fmt.Errorf("%w: it breaks off", ErrSnapshot)
	}
	if sum := sha256.Sum256(b[:end]); !bytes.Equal(sum[:], b[end:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", ErrSnapshot)
	}
	var all []Record
	for b = b[len(snapshotMagic):end]; len(b) > 0; {
		if len(b) < recordHead {
			return nil, fmt.Errorf("%w: a record breaks off", ErrSnapshot)
		}
		n := int64(binary.BigEndian.Uint32(b))
		rec := Record{View: [16]byte(b[4:20]), Stored: int64(binary.BigEndian.Uint64(b[20:]))} //nolint:gosec // Restore looks at it
		b = b[recordHead:]
		if n > int64(len(b)) {
			return nil, fmt.Errorf("%w: a message breaks off", ErrSnapshot)
		}
		rec.Message, b = b[:n:n], b[n:]
		all = append(all, rec)
	}
	return all, nil
}
