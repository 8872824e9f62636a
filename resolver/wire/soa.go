package wire

import "encoding/binary"

// An authored SOA says what RFC 6303 section 3 proposes for zones that have no
// primary: the zone is its own MNAME, so that nobody sends an update elsewhere, mail
// goes to nobody.invalid, serial 1, and these times in seconds.
const (
	soaRname   = "\x06nobody\x07invalid\x00"
	soaSerial  = 1
	soaRefresh = 3600
	soaRetry   = 1200
	soaExpire  = 604800
)

// AppendSOA appends to the authority section the SOA that makes a negative answer
// cacheable (RFC 2308 3). zone is its owner in wire form, nil meaning the
// question's name; ttl and minimum are in seconds.
func AppendSOA(dst []byte, zone []byte, ttl, minimum uint32) []byte {
	var ref [2]byte
	owner := zone
	if off := suffixOffset(dst, zone); off > 0 {
		binary.BigEndian.PutUint16(ref[:], 0xC000|uint16(off))
		owner = ref[:]
	}
	dst = startRR(dst, Authority, owner, TypeSOA, ClassIN, ttl)
	at := len(dst)
	dst = append(append(dst, owner...), soaRname...)
	for _, v := range [...]uint32{soaSerial, soaRefresh, soaRetry, soaExpire, minimum} {
		dst = binary.BigEndian.AppendUint32(dst, v)
	}
	return endRR(dst, at)
}

// suffixOffset finds where zone stands as the tail of the question's name in msg,
// so that it can be pointed to, or 0. A nil zone is the whole name.
func suffixOffset(msg, zone []byte) int {
	if zone == nil {
		return HeaderLen
	}
	end, err := SkipName(msg, HeaderLen)
	if err != nil {
		return 0
	}
	for off := HeaderLen; msg[off] != 0; off += 1 + int(msg[off]) {
		if end-off == len(zone) && equalFold(msg[off:end], zone) {
			return off
		}
	}
	return 0
}

// equalFold compares a name in any spelling with one in lower case, of the same
// length. Length octets are below 'A', so that folding leaves them alone.
func equalFold(name, canonical []byte) bool {
	for i, c := range name {
		if fold(c) != canonical[i] {
			return false
		}
	}
	return true
}
