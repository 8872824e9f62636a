package blocklists

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// A file of sealed names, little-endian:
//
//	magic, format version, a reserved field
//	marks        of the index's key and of the second one: they say whose file it is and tell neither key
//	count        of names
//	names        9 octets each: hash, what it covers; in ascending order
//	code         HMAC-SHA-256 of all before it under the second key: who does not have that cannot change the file
const (
	sealedMagic   = "HEARTHSL"
	sealedVersion = 1

	sealedHeader = 40
	sealedSize   = 9
)

// WriteTo writes the file of l. It implements io.WriterTo.
func (l *SealedList) WriteTo(w io.Writer) (int64, error) {
	le := binary.LittleEndian
	b := make([]byte, 0, sealedHeader+len(l.names)*sealedSize+sha256.Size)
	b = append(b, sealedMagic...)
	b = le.AppendUint32(b, sealedVersion)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, l.seal.Index.mark())
	b = le.AppendUint64(b, l.seal.Legal.mark())
	b = le.AppendUint64(b, uint64(len(l.names)))
	b = l.appendNames(b)
	n, err := w.Write(append(b, l.seal.code(b)...))
	return int64(n), err
}

// code is what only who has the second key can make.
func (s Seal) code(b []byte) []byte {
	key := binary.LittleEndian.AppendUint64(nil, s.Legal[0])
	mac := hmac.New(sha256.New, binary.LittleEndian.AppendUint64(key, s.Legal[1]))
	mac.Write(b)
	return mac.Sum(nil)
}

// ReadSealedList reads and verifies the file whose content is b. The error has ErrOtherKey, ErrVersion or ErrCorrupt
// in its chain.
func ReadSealedList(b []byte, seal Seal) (*SealedList, error) {
	le := binary.LittleEndian
	if len(b) < sealedHeader+sha256.Size || string(b[:8]) != sealedMagic {
		return nil, fmt.Errorf("reading sealed names: %w", corrupt("it is no file of sealed names, or was cut"))
	}
	if version := le.Uint32(b[8:]); version != sealedVersion {
		return nil, fmt.Errorf("reading sealed names: %w: %d, this program reads %d", ErrVersion, version, sealedVersion)
	}
	if le.Uint64(b[16:]) != seal.Index.mark() || le.Uint64(b[24:]) != seal.Legal.mark() {
		return nil, fmt.Errorf("reading sealed names: %w", ErrOtherKey)
	}
	body, code := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if !hmac.Equal(code, seal.code(body)) {
		return nil, fmt.Errorf("reading sealed names: %w", corrupt("its code is wrong: it was changed or damaged"))
	}
	count, names := le.Uint64(b[32:]), body[sealedHeader:]
	if count > maxSealed || uint64(len(names)) != count*sealedSize {
		return nil, fmt.Errorf("reading sealed names: %w", corrupt("it says %d names", count))
	}
	l := &SealedList{seal: seal, names: make([]sealedName, count)}
	for i := range l.names {
		at := names[i*sealedSize:]
		l.names[i] = sealedName{le.Uint64(at), covers(at[8])}
	}
	return l, nil
}

// Version names the content of l in 16 hexadecimal digits that tell nothing of it to who has not the second key.
func (l *SealedList) Version() string {
	return hex.EncodeToString(l.seal.code(l.appendNames(make([]byte, 0, len(l.names)*sealedSize)))[:8])
}

// appendNames appends the names as the file has them.
func (l *SealedList) appendNames(b []byte) []byte {
	for _, n := range l.names {
		b = append(binary.LittleEndian.AppendUint64(b, n.hash), byte(n.covers))
	}
	return b
}
