package cache

import (
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// AliasTTL is the longest time in seconds that a client keeps an alias that we made.
const AliasTTL = 300

// AppendAlias is AppendReply for a query for another name, which becomes an alias of the
// entry's: a CNAME, then the records of the entry without those of DNSSEC. AD is clear,
// because nobody signed the CNAME. Nothing is appended if the message would be longer than
// compression pointers reach. q must ask for the entry's type and class. It does not
// allocate when dst has room.
func (e *Entry) AppendAlias(dst []byte, q *wire.Query, now int64, maxTTL uint32) []byte {
	b := &e.plain
	dst = wire.Start(dst, q, e.rcode)
	dst = wire.AppendRR(dst, wire.Answer, nil, wire.TypeCNAME, e.class, min(maxTTL, AliasTTL), e.Name())
	at := len(dst)
	dst = append(dst, e.buf[b.at:b.at+b.size]...)
	if len(dst) > maxPointer {
		return dst[:0]
	}
	for i, n := range b.counts {
		field := dst[6+2*i:]
		binary.BigEndian.PutUint16(field, binary.BigEndian.Uint16(field)+n)
	}
	e.move(dst, at, e.age(now), maxTTL)
	return dst
}

// move makes the records that begin at an offset of msg right for their new place: their
// owners point to the entry's name, which stands before them as the alias's target and not
// as the question's name, or to one another. Their TTLs are lowered on the way.
func (e *Entry) move(msg []byte, at int, age, limit uint32) {
	name := at - int(e.nameLen)
	was := wire.HeaderLen + int(e.nameLen) + 4
	for off := at; off < len(msg); {
		if msg[off] >= 0xC0 {
			to := int(binary.BigEndian.Uint16(msg[off:])) & maxPointer
			if to < was {
				to += name - wire.HeaderLen
			} else {
				to += at - was
			}
			binary.BigEndian.PutUint16(msg[off:], 0xC000|uint16(to)) //nolint:gosec // at most maxPointer, as msg is
			off += 2
		} else { // a whole name: render compresses all of an owner or nothing
			for msg[off] != 0 {
				off += 1 + int(msg[off])
			}
			off++
		}
		field := msg[off+4:]
		ttl := binary.BigEndian.Uint32(field)
		binary.BigEndian.PutUint32(field, min(ttl-min(ttl, age), limit))
		off += 10 + int(binary.BigEndian.Uint16(msg[off+8:]))
	}
}

// AppendStaleAlias is AppendAlias for an entry that has run out, with the TTLs of stale
// answers at most.
func (c *Cache) AppendStaleAlias(dst []byte, e *Entry, q *wire.Query, maxTTL uint32) []byte {
	c.stale.Add(1)
	return e.AppendAlias(dst, q, e.stored, min(seconds(c.cfg.Stale.TTL), maxTTL))
}
