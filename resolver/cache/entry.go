package cache

import (
	"encoding/binary"
	"math"
	"sync/atomic"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Facts is what is known of the names in an entry, computed with one Index.
// A Facts that was handed to Store or SetFacts is not changed any more.
type Facts struct {
	Match   blocklists.Match  // of the asked name
	Targets blocklists.Match  // OR over the targets of the chain, ok.* cleared
	Chain   []uint64          // suffix hashes of the targets and where addresses lie, for people's own rules
	Names   []byte            // the targets' names, wire form, to compute all this again
	Index   *blocklists.Index // the index that gave Match, Targets and Chain
	EDE     uint16            // RFC 8914 code that goes with the reply, 0 for none
	Atlas   uint32            // edition of the atlas that told where the addresses in Chain lie, 0 if it has none
}

// Lead reports whether the answer leads to something that has a say in who may have it.
func (f *Facts) Lead() bool { return len(f.Chain) > 0 || !f.Targets.Categories.IsZero() }

// Entry is what is known of one question: a reply, or that there was none to be had. It
// is immutable but for its Facts and its failure, which are replaced as a whole, and
// safe for concurrent use.
type Entry struct {
	facts   atomic.Pointer[Facts]
	trouble atomic.Uint64 // the last failure to resolve it anew, see type trouble
	used    atomic.Uint32 // look-ups since the clock hand last passed, up to Cache.enough
	renewed atomic.Uint32 // 1 once Renew has said so

	view         uint32
	qtype, class uint16
	rcode        wire.Rcode
	nameLen      uint8
	cd, ad       bool
	hash         uint64

	stored int64  // unix seconds
	life   uint32 // seconds; 0: not kept
	cost   uint32 // bytes of memory, all overheads included

	full  body   // with the DNSSEC records
	plain body   // without them; equal to full when there are none
	buf   []byte // name, then each body: records, then TTL offsets
}

// body is the part of a message behind the question, as places in Entry.buf.
type body struct {
	at, size uint32    // of the packed records
	ttls     uint32    // number of TTL offsets, two octets each, behind the records
	counts   [3]uint16 // ANCOUNT, NSCOUNT, ARCOUNT
}

// NoCap as maxTTL leaves the TTLs of a reply as they are.
const NoCap = math.MaxUint32

// Name returns the asked name in canonical wire form. It must not be changed.
func (e *Entry) Name() []byte { return e.buf[:e.nameLen] }

// Type returns the asked type.
func (e *Entry) Type() uint16 { return e.qtype }

// Key returns what the entry is found by. Its Name must not be changed.
func (e *Entry) Key() Key {
	return Key{View: e.view, Name: e.Name(), Type: e.qtype, Class: e.class, CD: e.cd}
}

// AppendMessage appends the reply as one message to its own question, with its RCODE, AD and CD and with all
// records and their TTLs as they came, to read what is in it.
func (e *Entry) AppendMessage(dst []byte) []byte {
	flags := wire.QR | wire.Flags(e.rcode&0xF)
	if e.ad {
		flags |= wire.AD
	}
	if e.cd {
		flags |= wire.CD
	}
	dst = binary.BigEndian.AppendUint16(append(dst, 0, 0), uint16(flags))
	dst = append(dst, 0, 1)
	for _, n := range e.full.counts {
		dst = binary.BigEndian.AppendUint16(dst, n)
	}
	dst = append(dst, e.Name()...)
	dst = binary.BigEndian.AppendUint16(dst, e.qtype)
	dst = binary.BigEndian.AppendUint16(dst, e.class)
	return append(dst, e.buf[e.full.at:e.full.at+e.full.size]...)
}

// Stored returns when the reply came, in unix seconds.
func (e *Entry) Stored() int64 { return e.stored }

// Rcode returns the reply's RCODE with the extended bits of RFC 6891.
func (e *Entry) Rcode() wire.Rcode { return e.rcode }

// Kept reports whether the reply may be reused for later questions. A reply
// with TTL 0, a negative one without a SOA, a failure and one that is too large
// may not: it serves this question and those merged with it.
func (e *Entry) Kept() bool { return e.life > 0 }

// Facts returns what is known of the names in the entry. It must not be changed.
func (e *Entry) Facts() *Facts { return e.facts.Load() }

// SetFacts replaces the facts, after an Index was swapped. The last writer wins. What the entry weighs
// stays: facts grow only when the first rule of an address is written, by 24 bytes an address.
func (e *Entry) SetFacts(f *Facts) { e.facts.Store(f) }

// expired reports whether the entry may no longer be used at now.
func (e *Entry) expired(now int64) bool { return now-e.stored >= int64(e.life) }

// age returns how many seconds the entry has been held; a clock that steps back
// does not make it younger than new.
func (e *Entry) age(now int64) uint32 {
	return uint32(min(max(now-e.stored, 0), math.MaxUint32))
}

// AppendReply writes the reply for q into dst[:0]: header and
// question as wire.Start writes them (id, RD, CD and spelling of the client, RA
// set, AA clear), then the records, with those of DNSSEC only for a query
// with DO. AD is set if the reply came with it and the client asked for it by AD or DO
// (RFC 6840 section 5.8). TTLs are lowered by the time the entry was held, and to maxTTL at
// most (NoCap: no limit). There is no OPT record; wire.Finish adds it. q must
// ask the entry's question; nothing is appended when it cannot. It does not
// allocate when dst has room.
func (e *Entry) AppendReply(dst []byte, q *wire.Query, now int64, maxTTL uint32) []byte {
	if q.End != wire.HeaderLen+int(e.nameLen)+4 {
		return dst[:0]
	}
	b := e.body(q)
	dst = wire.Start(dst, q, e.rcode)
	dst = append(dst, e.buf[b.at:b.at+b.size]...)
	for i, n := range b.counts {
		binary.BigEndian.PutUint16(dst[6+2*i:], n)
	}
	if e.ad && (q.AD || q.DO) {
		dst[3] |= byte(wire.AD)
	}
	e.patchTTLs(dst, b, e.age(now), maxTTL)
	return dst
}

// body returns the body that the client is to get.
func (e *Entry) body(q *wire.Query) *body {
	if q.DO {
		return &e.full
	}
	return &e.plain
}

// patchTTLs lowers each TTL of msg by age and to limit at most.
func (e *Entry) patchTTLs(msg []byte, b *body, age, limit uint32) {
	offsets := e.buf[b.at+b.size:][:2*b.ttls]
	for ; len(offsets) >= 2; offsets = offsets[2:] {
		field := msg[binary.BigEndian.Uint16(offsets):]
		ttl := binary.BigEndian.Uint32(field)
		ttl -= min(ttl, age)
		binary.BigEndian.PutUint32(field, min(ttl, limit))
	}
}

// setTTLs makes each TTL of msg ttl.
func (e *Entry) setTTLs(msg []byte, b *body, ttl uint32) {
	offsets := e.buf[b.at+b.size:][:2*b.ttls]
	for ; len(offsets) >= 2; offsets = offsets[2:] {
		binary.BigEndian.PutUint32(msg[binary.BigEndian.Uint16(offsets):], ttl)
	}
}
