package wire

import "encoding/binary"

// rrFixed is what stands between a record's owner and its RDATA, in octets: type,
// class, TTL and RDLENGTH (RFC 1035 4.1.3).
const rrFixed = 10

// optLen is the length of an OPT record without options, in octets.
const optLen = 1 + rrFixed

// parseAdditional walks the additional section. Records other than OPT (TSIG,
// SIG(0)) are valid and passed over; the walk must end with the packet.
func (q *Query) parseAdditional() bool {
	msg, off := q.Msg, q.End
	for n := binary.BigEndian.Uint16(msg[10:]); n > 0; n-- {
		end, err := SkipName(msg, off)
		if err != nil || end+rrFixed > len(msg) {
			return false
		}
		next := end + rrFixed + int(binary.BigEndian.Uint16(msg[end+8:]))
		if next > len(msg) {
			return false
		}
		if binary.BigEndian.Uint16(msg[end:]) == TypeOPT {
			if q.EDNS || msg[off] != 0 || !q.parseOPT(msg[end:next]) {
				return false
			}
		}
		off = next
	}
	return off == len(msg)
}

// parseOPT reads an OPT record behind its owner (RFC 6891 6.1.3). The options of
// a version that we do not know are left alone: their form is not ours to judge.
func (q *Query) parseOPT(rr []byte) bool {
	q.EDNS = true
	q.Size = max(binary.BigEndian.Uint16(rr[2:]), MinUDP)
	q.Version = rr[5]
	q.DO = rr[6]&0x80 != 0
	q.options = rr[rrFixed:]
	return q.Version != 0 || wholeOptions(rr[rrFixed:])
}

// wholeOptions says whether the options fill the RDATA exactly and those whose
// standards ask for FORMERR are well-formed.
func wholeOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) || !wholeOption(binary.BigEndian.Uint16(b), b[4:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

// wholeOption judges one option's contents. Unknown options pass (RFC 6891 6.1.2).
func wholeOption(code uint16, v []byte) bool {
	switch code {
	case OptionCookie: // RFC 7873 5.2.2
		return len(v) == 8 || len(v) >= 16 && len(v) <= 40
	case OptionSubnet:
		return wholeSubnet(v)
	}
	return true
}

// wholeSubnet judges a client subnet option: the address must have just the
// octets that the prefix needs, its spare bits zero, and no scope in a query
// (RFC 7871). Unknown families pass.
func wholeSubnet(v []byte) bool {
	if len(v) < 4 {
		return false
	}
	family, bits, addr := binary.BigEndian.Uint16(v), int(v[2]), v[4:]
	widest := addressBits(family)
	if widest == 0 {
		return true
	}
	if v[3] != 0 || bits > widest || len(addr) != (bits+7)/8 {
		return false
	}
	return bits%8 == 0 || addr[len(addr)-1]<<(bits%8) == 0
}

// addressBits returns the bits of an address of the family, 0 for a family that is
// neither IPv4 nor IPv6.
func addressBits(family uint16) int {
	switch family {
	case 1:
		return 32
	case 2:
		return 128
	}
	return 0
}
