package wire

import "encoding/binary"

// maxMessage is the longest message, in octets: what the two octets before it over TCP
// can say (RFC 1035 4.2.2).
const maxMessage = 65535

// Option returns the contents of the first option with the code that the query carries,
// as they stand in Msg. It allocates nothing. After a fault there are none.
func (q *Query) Option(code uint16) (value []byte, ok bool) {
	for b := q.options; len(b) > 0; {
		at, v := nextOption(b)
		if at == code {
			return v, true
		}
		b = b[optionHead+len(v):]
	}
	return nil, false
}

// optionHead is what stands before an option's contents, in octets: code and length
// (RFC 6891 6.1.2).
const optionHead = 4

// nextOption reads the first option of b, which holds whole options only.
func nextOption(b []byte) (code uint16, value []byte) {
	n := int(binary.BigEndian.Uint16(b[2:]))
	return binary.BigEndian.Uint16(b), b[optionHead : optionHead+n]
}

// AddOption puts an option into the OPT record at the end of reply, the finished reply
// to q. A reply without one is left alone, since its client does not know EDNS, and so
// is one that would grow over 65535 octets.
func AddOption(reply []byte, q *Query, code uint16, value []byte) []byte {
	opt := lastOPT(reply, q)
	if opt == 0 || len(reply)+optionHead+len(value) > maxMessage {
		return reply
	}
	reply = binary.BigEndian.AppendUint16(reply, code)
	reply = binary.BigEndian.AppendUint16(reply, uint16(len(value)))
	return endRR(append(reply, value...), opt+optLen)
}

// Pad fills reply, the finished reply to q, with zeros to a multiple of block octets
// (RFC 7830, RFC 8467), or to 65535 where the multiple is more than that. A reply without
// an OPT record is left alone. It is the last thing to be put into a reply.
func Pad(reply []byte, q *Query, block int) []byte {
	opt := lastOPT(reply, q)
	least := len(reply) + optionHead
	if opt == 0 || least > maxMessage {
		return reply
	}
	fill := min((least+block-1)/block*block, maxMessage) - least
	reply = binary.BigEndian.AppendUint16(reply, OptionPadding)
	reply = binary.BigEndian.AppendUint16(reply, uint16(fill))
	return endRR(append(reply, make([]byte, fill)...), opt+optLen)
}

// Fit makes the finished reply in dst fit in limit octets (at least 512). What does
// not fit loses first the words of its Extended DNS Errors, which no client needs, and
// then every record but the OPT, with TC set, so that the client asks again over TCP
// (RFC 2181 section 9). The other options stay, unless they alone are too long. It works
// in place and allocates nothing.
func Fit(dst []byte, q *Query, limit int) []byte {
	if len(dst) <= limit {
		return dst
	}
	opt := lastOPT(dst, q)
	if opt > 0 {
		dst = dropWords(dst, opt)
		if len(dst) <= limit {
			return dst
		}
	}
	return truncate(dst, q, opt, limit)
}

// Truncate makes the finished reply in dst one that says nothing but that it is cut: TC
// set, and no record but the OPT. It works in place.
func Truncate(dst []byte, q *Query) []byte {
	return truncate(dst, q, lastOPT(dst, q), maxMessage)
}

// truncate drops every record but the OPT at opt, if there is one, and of that the
// options if they do not fit.
func truncate(dst []byte, q *Query, opt, limit int) []byte {
	dst[2] |= byte(TC >> 8)
	clear(dst[6:HeaderLen])
	end := min(q.End, len(dst))
	if opt == 0 {
		return dst[:end]
	}
	dst[HeaderLen-1] = 1
	if end+len(dst)-opt > limit {
		dst = endRR(dst[:opt+optLen], opt+optLen)
	}
	return append(dst[:end], dst[opt:]...)
}

// lastOPT returns the offset of the OPT record that Finish put at the end of dst, or
// 0 if there is none. It goes over the records once.
func lastOPT(dst []byte, q *Query) int {
	found := 0
	if !q.EDNS {
		return found
	}
	_ = WalkRRs(dst, q.End, func(rr RR) bool {
		if rr.Type == TypeOPT && rr.Section == Additional && rr.End == len(dst) {
			found = rr.Start
		}
		return true
	})
	return found
}

// dropWords shortens each Extended DNS Error of the OPT record at opt, the last of dst,
// to its code.
func dropWords(dst []byte, opt int) []byte {
	const codeOnly = 2 // an INFO-CODE
	data := opt + optLen
	kept := dst[:data]
	for b := dst[data:]; len(b) > 0; {
		code, value := nextOption(b)
		b = b[optionHead+len(value):]
		if code == OptionEDE {
			value = value[:codeOnly]
		}
		kept = binary.BigEndian.AppendUint16(kept, code)
		kept = binary.BigEndian.AppendUint16(kept, uint16(len(value)))
		kept = append(kept, value...)
	}
	return endRR(kept, data)
}
