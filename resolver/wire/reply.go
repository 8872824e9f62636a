package wire

import (
	"encoding/binary"
	"net/netip"
)

// questionPointer is the compression pointer to the name of the first question.
const questionPointer = 0xC000 | HeaderLen

// Section is a part of a message that holds records.
type Section uint8

// The sections, in the order of a message.
const (
	Answer Section = iota
	Authority
	Additional
)

// Start begins a reply to q in dst[:0]: header and the question in the client's
// own spelling. QR and RA are set, RD and CD copied, AA, TC and AD clear. Of rc
// only the lower four bits fit here; Finish adds the rest. q must have a question
// (q.End > 0). dst may be q.Msg's own memory.
func Start(dst []byte, q *Query, rc Rcode) []byte {
	dst = appendHeader(dst[:0], q.ID, replyFlags(q, rc))
	return append(dst, q.Msg[HeaderLen:q.End]...)
}

// replyFlags are the flags of every reply that we author for q.
func replyFlags(q *Query, rc Rcode) Flags {
	flags := QR | RA | Flags(rc&0xF)
	if q.RD {
		flags |= RD
	}
	if q.CD {
		flags |= CD
	}
	return flags
}

// appendHeader appends a header that counts one question and nothing else.
func appendHeader(dst []byte, id uint16, flags Flags) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = binary.BigEndian.AppendUint16(dst, uint16(flags))
	return append(dst, 0, 1, 0, 0, 0, 0, 0, 0)
}

// AppendAddress appends an A record for an IPv4 address (or its IPv6-mapped form)
// or an AAAA record for an IPv6 address to the answer section, owned by the
// question's name. ttl is in seconds. An invalid address appends nothing.
func AppendAddress(dst []byte, ttl uint32, a netip.Addr) []byte {
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		return AppendRR(dst, Answer, nil, TypeA, ClassIN, ttl, b[:])
	case a.Is6():
		b := a.As16()
		return AppendRR(dst, Answer, nil, TypeAAAA, ClassIN, ttl, b[:])
	}
	return dst
}

// maxTXT is the longest text of one TXT record: 255 full strings fit in RDLENGTH.
const maxTXT = 255 * 255

// AppendTXT appends a TXT record of the question's class to the answer section,
// owned by the question's name. Text over 255 octets becomes several strings;
// what is over 65025 octets is left out. ttl is in seconds.
func AppendTXT(dst []byte, ttl uint32, text []byte) []byte {
	text = text[:min(len(text), maxTXT)]
	dst = startRR(dst, Answer, nil, TypeTXT, questionClass(dst), ttl)
	at := len(dst)
	for {
		n := min(len(text), 255)
		dst = append(append(dst, byte(n)), text[:n]...)
		if text = text[n:]; len(text) == 0 {
			return endRR(dst, at)
		}
	}
}

// AppendRR appends one record and counts it in section. Sections must be filled
// in their order. owner is a name in wire form, nil meaning the question's name;
// rdata is at most 65535 octets and is copied as it is. ttl is in seconds.
func AppendRR(dst []byte, section Section, owner []byte, typ, class uint16, ttl uint32, rdata []byte) []byte {
	dst = startRR(dst, section, owner, typ, class, ttl)
	at := len(dst)
	return endRR(append(dst, rdata...), at)
}

// startRR appends a record up to its RDATA, with RDLENGTH 0, and counts it.
func startRR(dst []byte, section Section, owner []byte, typ, class uint16, ttl uint32) []byte {
	count := dst[6+2*section:]
	binary.BigEndian.PutUint16(count, binary.BigEndian.Uint16(count)+1)
	if owner == nil {
		dst = binary.BigEndian.AppendUint16(dst, questionPointer)
	} else {
		dst = append(dst, owner...)
	}
	dst = binary.BigEndian.AppendUint16(dst, typ)
	dst = binary.BigEndian.AppendUint16(dst, class)
	dst = binary.BigEndian.AppendUint32(dst, ttl)
	return append(dst, 0, 0)
}

// endRR sets the RDLENGTH of the record whose RDATA starts at at.
func endRR(dst []byte, at int) []byte {
	binary.BigEndian.PutUint16(dst[at-2:], uint16(len(dst)-at))
	return dst
}

// questionClass reads the class of the question that Start wrote to dst.
func questionClass(dst []byte) uint16 {
	end, err := SkipName(dst, HeaderLen)
	if err != nil || end+4 > len(dst) {
		return ClassIN
	}
	return binary.BigEndian.Uint16(dst[end+2:])
}
