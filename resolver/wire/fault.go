package wire

import "encoding/binary"

// AppendFault appends the reply that a faulty packet gets: FORMERR or NOTIMP with
// the ID, opcode, RD and CD of the packet and its question if that could be read
// whole, and an OPT record of version 0 if the packet has one (RFC 6891 6.1.1). It
// is never longer than the packet, so that it amplifies nothing. None and Ignore append nothing. dst may
// be msg[:0] to reply in place.
func AppendFault(dst []byte, msg []byte, f Fault) []byte {
	rc, ok := f.rcode()
	if !ok || len(msg) < HeaderLen {
		return dst
	}
	base := len(dst)
	id, in := binary.BigEndian.Uint16(msg), Flags(binary.BigEndian.Uint16(msg[2:]))
	end, err := SkipQuestion(msg)
	if err != nil {
		end = HeaderLen // cut, compressed or not the only one: not worth repeating
	}
	flags := QR | in&(opcodeMask|RD|CD) | Flags(rc&0xF)
	if in&opcodeMask == 0 {
		flags |= RA // other opcodes may give the bit another meaning
	}
	dst = appendHeader(dst, id, flags)
	dst = append(dst, msg[HeaderLen:end]...)
	reply := dst[base:]
	if end == HeaderLen {
		reply[5] = 0
	}
	if f == FaultBadVers || hasOPT(msg, end) {
		reply = appendOPT(reply, rc, false)
	}
	return append(dst[:base], reply...)
}

// hasOPT reports whether exactly one whole OPT record lies behind the question of
// a packet whose question was read whole.
func hasOPT(msg []byte, end int) bool {
	count := 0
	err := WalkRRs(msg, end, func(rr RR) bool {
		if rr.Type == TypeOPT {
			count++
		}
		return true
	})
	return end > HeaderLen && err == nil && count == 1
}

// rcode is the response code that answers the fault; false if nothing does.
func (f Fault) rcode() (Rcode, bool) {
	switch f {
	case FaultNotImp:
		return NotImp, true
	case FaultFormErr:
		return FormErr, true
	case FaultBadVers:
		return BadVers, true
	case None, Ignore:
	}
	return NoError, false
}
