package wire

import "encoding/binary"

// RR locates one record inside a packed message. Offsets count from the start of
// the message; RDATA is at Data..End.
type RR struct {
	Section     Section
	Type, Class uint16
	TTL         uint32 // as on the wire; of OPT its flags
	Start       int    // of the owner name
	Fixed       int    // of the type, behind the owner name
	Data, End   int
}

// TTLOffset is where the record's TTL stands, four octets.
func (r RR) TTLOffset() int { return r.Fixed + 4 }

// SkipQuestion returns the offset behind the question section of msg, which must be a
// whole header and exactly one question. It is for replies; Parse is for queries.
func SkipQuestion(msg []byte) (end int, err error) {
	if len(msg) < HeaderLen {
		return 0, errCut
	}
	if binary.BigEndian.Uint16(msg[4:]) != 1 {
		return 0, errQuestion
	}
	end, err = SkipName(msg, HeaderLen)
	if err != nil {
		return 0, err
	}
	if end+4 > len(msg) {
		return 0, errCut
	}
	return end + 4, nil
}

// WalkRRs shows visit every record of msg in order, beginning at end, the offset
// behind the question section. It stops early, without an error, when visit
// returns false. It is strict: an owner name that is not well-formed, a record that
// is cut, or octets behind the last one give an error, by then with the sound
// records before it shown. Names inside RDATA are not looked at.
func WalkRRs(msg []byte, end int, visit func(RR) bool) error {
	if len(msg) < HeaderLen || end < HeaderLen {
		return errCut
	}
	off := end
	for s := Answer; s <= Additional; s++ {
		for n := binary.BigEndian.Uint16(msg[6+2*s:]); n > 0; n-- {
			rr, err := readRR(msg, off)
			if err != nil {
				return err
			}
			rr.Section, off = s, rr.End
			if !visit(rr) {
				return nil
			}
		}
	}
	if off != len(msg) {
		return errTrail
	}
	return nil
}

// readRR locates the record that starts at off.
func readRR(msg []byte, off int) (RR, error) {
	fixed, err := SkipName(msg, off)
	if err != nil {
		return RR{}, err
	}
	if fixed+rrFixed > len(msg) {
		return RR{}, errCut
	}
	b := msg[fixed:]
	data := fixed + rrFixed
	end := data + int(binary.BigEndian.Uint16(b[8:]))
	if end > len(msg) {
		return RR{}, errCut
	}
	return RR{
		Type: binary.BigEndian.Uint16(b), Class: binary.BigEndian.Uint16(b[2:]),
		TTL: binary.BigEndian.Uint32(b[4:]), Start: off, Fixed: fixed, Data: data, End: end,
	}, nil
}

// TTLOffsets shows visit the offset of every TTL in msg, OPT's excepted, for a
// cache that lets them decay. end is the offset behind the question section. It is
// as strict as WalkRRs.
func TTLOffsets(msg []byte, end int, visit func(off int)) error {
	return WalkRRs(msg, end, func(rr RR) bool {
		if rr.Type != TypeOPT {
			visit(rr.TTLOffset())
		}
		return true
	})
}
