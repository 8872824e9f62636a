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
	AD      bool // whoever sent it has validated it, and is trusted with that
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
	r.Rcode, r.AD, r.records, r.octets = 0, false, r.records[:0], r.octets[:0]
}

// Len returns the number of records.
func (r *Reply) Len() int { return len(r.records) }

// Add takes the record rr of msg apart and keeps it. Sections must be filled in
// their order. It returns false, and keeps nothing, for a record that is not
// well formed or of a type that wire.SoundRR does not know; such a message has to be
// packed anew by a library, without compression, and its records given to Copy.
func (r *Reply) Add(msg []byte, rr wire.RR) bool {
	owned, ok := r.owner(msg, rr)
	if !ok {
		return false
	}
	b, ok := wire.AppendRDATA(owned, msg, rr)
	if ok {
		r.keep(rr, len(owned), b)
	}
	return ok
}

// Copy keeps the record rr of msg with its RDATA as it stands, in which there
// must be no compressed name. It returns false if the owner is not well formed.
func (r *Reply) Copy(msg []byte, rr wire.RR) bool {
	owned, ok := r.owner(msg, rr)
	if ok {
		r.keep(rr, len(owned), append(owned, msg[rr.Data:rr.End]...))
	}
	return ok
}

// owner returns r's octets with the owner of rr behind them.
func (r *Reply) owner(msg []byte, rr wire.RR) ([]byte, bool) {
	b, _, err := wire.AppendSpelled(r.octets, msg, rr.Start)
	return b, err == nil
}

// keep keeps the record whose RDATA b, the new octets of r, has from data on.
func (r *Reply) keep(rr wire.RR, data int, b []byte) {
	r.records = append(r.records, record{
		section: rr.Section, rtype: rr.Type, class: rr.Class, ttl: rr.TTL,
		owner: len(r.octets), data: data, end: len(b),
	})
	r.octets = b
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
