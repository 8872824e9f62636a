package wire

import "encoding/binary"

// layout is the form of a type's RDATA: fixed octets, then names, then a tail.
type layout struct {
	fixed, names int
	tail         tail
}

// tail is what stands behind the names of an RDATA.
type tail uint8

const (
	nothing tail = iota
	numbers      // the five of an SOA
	some         // octets, at least one
	texts        // whole character-strings, at least one (RFC 1035 section 3.3)
	bitmap       // of types (RFC 4034 section 4.1.2)
	hashed       // an NSEC3's salt, hash and bitmap (RFC 5155 section 3.2)
)

// maxHead is the most that stands before a tail, in octets: an SOA's two names.
const maxHead = 2 * MaxName

// layoutOf returns the layout of the types that answers are made of nearly
// always. The names in all of them may come compressed.
func layoutOf(rtype uint16) (l layout, known bool) {
	switch rtype {
	case TypeA:
		return layout{fixed: 4}, true
	case TypeAAAA:
		return layout{fixed: 16}, true
	case TypeCNAME, TypeNS, TypePTR:
		return layout{names: 1}, true
	case TypeMX:
		return layout{fixed: 2, names: 1}, true
	case TypeSOA:
		return layout{names: 2, tail: numbers}, true
	case TypeTXT:
		return layout{tail: texts}, true
	case TypeDS, TypeDNSKEY:
		return layout{fixed: 4, tail: some}, true
	case TypeRRSIG:
		return layout{fixed: 18, names: 1, tail: some}, true
	case TypeNSEC:
		return layout{names: 1, tail: bitmap}, true
	case TypeNSEC3:
		return layout{fixed: 4, tail: hashed}, true
	}
	return layout{}, false
}

// AppendRDATA appends the RDATA of rr in msg to dst with no compression left in
// it; names keep their spelling. It returns false, and dst as it came, for RDATA that is not
// well formed or of a type whose form is not known here: SoundRR says which are.
func AppendRDATA(dst, msg []byte, rr RR) ([]byte, bool) {
	base := len(dst)
	dst, off, ok := appendHead(dst, msg, rr)
	if !ok {
		return dst[:base], false
	}
	return append(dst, msg[off:rr.End]...), true
}

// SoundRR reports whether the owner and the RDATA of rr in msg are well formed. It
// knows the types A, AAAA, CNAME, NS, PTR, MX, SOA, TXT, DS, DNSKEY, RRSIG, NSEC
// and NSEC3; of any other it returns false. The question of msg must have passed
// SkipQuestion. It allocates nothing.
func SoundRR(msg []byte, rr RR) bool {
	const question = 0xC000 | HeaderLen
	var space [maxHead]byte
	if binary.BigEndian.Uint16(msg[rr.Start:]) != question {
		if _, _, err := AppendSpelled(space[:0], msg, rr.Start); err != nil {
			return false
		}
	}
	_, _, ok := appendHead(space[:0], msg, rr)
	return ok
}

// appendHead appends what stands before the tail of an RDATA, at most maxHead
// octets, and returns where in msg the tail begins and whether all of the RDATA is
// well formed.
func appendHead(dst, msg []byte, rr RR) ([]byte, int, bool) {
	l, known := layoutOf(rr.Type)
	off := rr.Data + l.fixed
	if !known || off > rr.End {
		return dst, 0, false
	}
	dst = append(dst, msg[rr.Data:off]...)
	for range l.names {
		var err error
		if dst, off, err = AppendSpelled(dst, msg, off); err != nil || off > rr.End {
			return dst, 0, false
		}
	}
	return dst, off, l.tail.is(msg[off:rr.End])
}

// is reports whether b is such a tail.
func (t tail) is(b []byte) bool {
	switch t {
	case numbers:
		return len(b) == 20
	case some:
		return len(b) > 0
	case texts:
		return areStrings(b)
	case bitmap:
		return isBitmap(b)
	case hashed:
		salted, ok := afterString(b)
		if !ok {
			return false
		}
		rest, ok := afterString(salted)
		return ok && salted[0] > 0 && isBitmap(rest)
	default:
		return len(b) == 0
	}
}

// areStrings reports whether b is one or more whole character-strings.
func areStrings(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		rest, ok := afterString(b)
		if !ok {
			return false
		}
		b = rest
	}
	return true
}

// afterString returns what follows the character-string at the start of b.
func afterString(b []byte) ([]byte, bool) {
	if len(b) == 0 || 1+int(b[0]) > len(b) {
		return nil, false
	}
	return b[1+int(b[0]):], true
}

// isBitmap reports whether b is a bitmap of types: windows in rising order, each
// of 1 to 32 octets, the last of them not zero.
func isBitmap(b []byte) bool {
	for last := -1; len(b) > 0; {
		if len(b) < 3 {
			return false
		}
		window, n := int(b[0]), int(b[1])
		if window <= last || n == 0 || n > 32 || 2+n > len(b) || b[1+n] == 0 {
			return false
		}
		last, b = window, b[2+n:]
	}
	return true
}
