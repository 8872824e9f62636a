package cache

import (
	"github.com/hearthdns/hearth/resolver/wire"
)

// layout is the form of a type's RDATA: fixed octets, then names, then a tail.
type layout struct {
	fixed, names int
	tail         tail
}

// tail is what stands behind the names of an RDATA.
type tail uint8

const (
	nothing  tail = iota
	numbers       // the five of an SOA
	anything      // of any length
	some          // octets, at least one
	texts         // whole character-strings, at least one (RFC 1035 section 3.3)
	bitmap        // of types (RFC 4034 section 4.1.2)
	hashed        // an NSEC3's salt, hash and bitmap (RFC 5155 section 3.2)
)

// layoutOf returns the layout of the types that answers are made of nearly
// always. The names in all of them may come compressed.
func layoutOf(rtype uint16) (l layout, known bool) {
	switch rtype {
	case wire.TypeA:
		return layout{fixed: 4}, true
	case wire.TypeAAAA:
		return layout{fixed: 16}, true
	case wire.TypeCNAME, wire.TypeNS, wire.TypePTR:
		return layout{names: 1}, true
	case wire.TypeMX:
		return layout{fixed: 2, names: 1}, true
	case wire.TypeSOA:
		return layout{names: 2, tail: numbers}, true
	case wire.TypeTXT:
		return layout{tail: texts}, true
	case wire.TypeDS, wire.TypeDNSKEY:
		return layout{fixed: 4, tail: some}, true
	case wire.TypeRRSIG:
		return layout{fixed: 18, names: 1, tail: some}, true
	case wire.TypeNSEC:
		return layout{names: 1, tail: bitmap}, true
	case wire.TypeNSEC3:
		return layout{fixed: 4, tail: hashed}, true
	}
	return layout{}, false
}

// append appends the RDATA at off to end in msg with its names uncompressed. It
// returns false, and dst in an unknown length, if the RDATA is not of the layout.
func (l layout) append(dst, msg []byte, off, end int) ([]byte, bool) {
	if off+l.fixed > end {
		return dst, false
	}
	dst = append(dst, msg[off:off+l.fixed]...)
	off += l.fixed
	for range l.names {
		var err error
		if dst, off, err = appendSpelled(dst, msg, off); err != nil || off > end {
			return dst, false
		}
	}
	rest := msg[off:end]
	return append(dst, rest...), l.tail.is(rest)
}

// is reports whether b is such a tail.
func (t tail) is(b []byte) bool {
	switch t {
	case nothing:
		return len(b) == 0
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
		return true
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
// of 1 to 32 octets.
func isBitmap(b []byte) bool {
	for last := -1; len(b) > 0; {
		if len(b) < 3 {
			return false
		}
		window, n := int(b[0]), int(b[1])
		if window <= last || n == 0 || n > 32 || 2+n > len(b) {
			return false
		}
		last, b = window, b[2+n:]
	}
	return true
}
