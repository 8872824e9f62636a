package cache

import (
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Reply is a reply taken apart: the records that Store is to keep, with no
// compression left in them. The zero value is ready; Reset readies it for the
// next one with the memory of the last.
type Reply struct {
	Rcode   wire.Rcode
	records []record
	octets  []byte // owners and RDATA of the records
}

// record is one record of a Reply.
type record struct {
	section   wire.Section
	rtype     uint16
	class     uint16
	ttl       uint32
	owner     int // where the owner begins in Reply.octets, as spelled
	data, end int // RDATA
}

// Reset empties r.
func (r *Reply) Reset() {
	r.Rcode, r.records, r.octets = 0, r.records[:0], r.octets[:0]
}

// Len returns the number of records.
func (r *Reply) Len() int { return len(r.records) }

// Add takes the record rr of msg apart and keeps it. Sections must be filled in
// their order. It returns false, and keeps nothing, for a record that is not
// well formed or of a type whose RDATA it does not know; such a message has to be
// packed anew by a library, without compression, and its records given to Copy.
func (r *Reply) Add(msg []byte, rr wire.RR) bool {
	layout, known := layoutOf(rr.Type)
	if !known {
		return false
	}
	return r.add(msg, rr, layout)
}

// Copy keeps the record rr of msg with its RDATA as it stands, in which there
// must be no compressed name. It returns false if the owner is not well formed.
func (r *Reply) Copy(msg []byte, rr wire.RR) bool {
	return r.add(msg, rr, layout{tail: anything})
}

func (r *Reply) add(msg []byte, rr wire.RR, l layout) bool {
	owner := len(r.octets)
	b, _, err := appendSpelled(r.octets, msg, rr.Start)
	if err != nil {
		return false
	}
	data := len(b)
	b, ok := l.append(b, msg, rr.Data, rr.End)
	if !ok {
		return false
	}
	r.octets = b
	r.records = append(r.records, record{
		section: rr.Section, rtype: rr.Type, class: rr.Class, ttl: rr.TTL,
		owner: owner, data: data, end: len(b),
	})
	return true
}

func (r *Reply) ownerOf(x *record) []byte { return r.octets[x.owner:x.data] }
func (r *Reply) dataOf(x *record) []byte  { return r.octets[x.data:x.end] }

// minimum returns the MINIMUM of an SOA.
func (r *Reply) minimum(x *record) uint32 {
	data := r.dataOf(x)
	if len(data) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(data[len(data)-4:])
}

// appendSpelled appends the name at off in msg as wire.AppendName does, but in
// the spelling of the message.
func appendSpelled(dst, msg []byte, off int) ([]byte, int, error) {
	at := len(dst)
	dst, end, err := wire.AppendName(dst, msg, off)
	if err != nil {
		return dst, 0, err
	}
	for at < len(dst) {
		n := int(msg[off])
		if n >= 0xC0 {
			off = (n&0x3F)<<8 | int(msg[off+1])
			continue
		}
		at += copy(dst[at:], msg[off:off+1+n])
		off += 1 + n
	}
	return dst, end, nil
}
