package wire

import "encoding/binary"

// EDE is an Extended DNS Error (RFC 8914).
type EDE struct {
	Code uint16
	Text []byte // the EXTRA-TEXT, UTF-8
}

// maxText bounds an EDE's EXTRA-TEXT in octets, so that no reply is truncated for
// the sake of words (RFC 8914 section 3 warns of it).
const maxText = 512

// Finish completes the reply in dst: it sets the response code and, if the client
// sent an OPT record, appends ours as the last record: payload size MaxUDP,
// version 0, DO as the client had it, the upper bits of rc, and e unless it is nil.
// Without EDNS an extended response code cannot be said and becomes SERVFAIL.
func Finish(dst []byte, q *Query, rc Rcode, e *EDE) []byte {
	if !q.EDNS && rc > 0xF {
		rc = ServFail
	}
	dst[3] = dst[3]&0xF0 | byte(rc&0xF)
	if !q.EDNS {
		return dst
	}
	dst = appendOPT(dst, rc, q.DO)
	if e == nil {
		return dst
	}
	at := len(dst)
	text := trim(e.Text, maxText)
	dst = binary.BigEndian.AppendUint16(dst, OptionEDE)
	dst = binary.BigEndian.AppendUint16(dst, uint16(2+len(text)))
	dst = binary.BigEndian.AppendUint16(dst, e.Code)
	return endRR(append(dst, text...), at)
}

// trim shortens UTF-8 text to at most limit octets without cutting a character.
func trim(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && text[limit]&0xC0 == 0x80 {
		limit--
	}
	return text[:limit]
}

// appendOPT appends an OPT record without options and counts it.
func appendOPT(dst []byte, rc Rcode, do bool) []byte {
	ttl := uint32(rc>>4) << 24
	if do {
		ttl |= 1 << 15
	}
	root := [1]byte{}
	return AppendRR(dst, Additional, root[:], TypeOPT, MaxUDP, ttl, nil)
}
