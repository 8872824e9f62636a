package wire

import "errors"

// maxLabel is the longest label in octets; longer length octets are compression
// pointers (11) or reserved (01, 10) (RFC 1035 4.1.4, RFC 6891 5).
const maxLabel = 63

// maxPointers is how many pointers one name may go through: one behind each of the
// most labels that there can be, 127, but for the last, which needs none. More of them
// only make work for the reader.
const maxPointers = 126

// Errors of a message that is not what it says.
var (
	errCut      = errors.New("message is cut short")
	errName     = errors.New("name is not well-formed")
	errTrail    = errors.New("octets behind the last record")
	errQuestion = errors.New("message does not hold exactly one question")
)

// lower copies src to dst, of the same length, with ASCII capitals made small
// (RFC 4343: only ASCII has case in the DNS).
func lower(dst, src []byte) {
	for i, c := range src {
		dst[i] = fold(c)
	}
}

// fold makes one ASCII capital small.
func fold(c byte) byte {
	if c-'A' < 26 {
		c += 'a' - 'A'
	}
	return c
}

// SkipName returns the offset behind the name that starts at off in msg. A
// pointer ends the name; it must point to an earlier place behind the header
// (RFC 1035 4.1.4: a prior occurrence). The name pointed to is not read.
func SkipName(msg []byte, off int) (int, error) {
	start := off
	for off >= 0 && off < len(msg) {
		n := int(msg[off])
		switch {
		case n == 0:
			return off + 1, nil
		case n <= maxLabel:
			off += 1 + n
			if off-start >= MaxName {
				return 0, errName
			}
		default:
			_, err := pointer(msg, off, start)
			return off + 2, err
		}
	}
	return 0, errCut
}

// pointer reads the compression pointer at off. The target must lie before the
// place where reading of these labels started, which rules out loops.
func pointer(msg []byte, off, start int) (int, error) {
	if msg[off]&0xC0 != 0xC0 {
		return 0, errName
	}
	if off+2 > len(msg) {
		return 0, errCut
	}
	to := int(msg[off]&0x3F)<<8 | int(msg[off+1])
	if to < HeaderLen || to >= start {
		return 0, errName
	}
	return to, nil
}

// AppendName appends the name that starts at off in msg to dst in canonical wire
// form, following compression, and returns dst and the offset behind the name in
// place. On an error dst is returned as it came. It allocates only if dst is
// short of room (at most MaxName octets are appended).
func AppendName(dst, msg []byte, off int) ([]byte, int, error) {
	base := len(dst)
	dst, end, err := AppendSpelled(dst, msg, off)
	lower(dst[base:], dst[base:]) // a length octet is never a letter
	return dst, end, err
}

// AppendSpelled does what AppendName does, but keeps the spelling of msg. What a
// pointer points to must stand whole before the labels that lead there: it is a
// prior occurrence.
func AppendSpelled(dst, msg []byte, off int) ([]byte, int, error) {
	base, start, end, limit := len(dst), off, 0, len(msg)
	for jumps := 0; off >= 0 && off < limit; {
		n := int(msg[off])
		if n > maxLabel {
			to, err := pointer(msg[:limit], off, start)
			if err != nil || jumps == maxPointers {
				return dst[:base], 0, errName
			}
			if jumps == 0 {
				end = off + 2
			}
			off, start, limit, jumps = to, to, start, jumps+1
			continue
		}
		next := off + 1 + n
		if next > limit {
			break
		}
		if len(dst)-base+1+n > MaxName {
			return dst[:base], 0, errName
		}
		dst = append(dst, msg[off:next]...)
		if n == 0 {
			if jumps == 0 {
				end = next
			}
			return dst, end, nil
		}
		off = next
	}
	return dst[:base], 0, errCut
}
