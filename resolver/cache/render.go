package cache

import (
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// maxPointer is the farthest place that a compression pointer reaches.
const maxPointer = 1<<14 - 1

// target is a name that a later record of the same body may point to.
type target struct {
	name []byte
	at   int // offset from the start of the message
}

// render appends a body of the reply to asked, a question of type qtype, to dst: the
// records of r, without those of DNSSEC unless dnssec is set, and behind them the
// offsets of their TTLs. Owners are compressed where they are the asked name or a
// parent of it, so that they follow the spelling of each client, or the target of
// a CNAME before them.
func render(dst []byte, r *Reply, asked []byte, qtype uint16, dnssec bool) ([]byte, body) {
	b := body{at: uint32(len(dst))}
	zero := len(dst) - wire.HeaderLen - len(asked) - 4 // where the message would begin
	var space [8]target
	targets := space[:0]
	var ttls [32]uint16
	marks := ttls[:0]
	for i := range r.records {
		x := &r.records[i]
		if !dnssec && x.dropped(qtype) {
			continue
		}
		dst = appendOwner(dst, r.ownerOf(x), asked, targets)
		dst = binary.BigEndian.AppendUint16(dst, x.rtype)
		dst = binary.BigEndian.AppendUint16(dst, x.class)
		marks = append(marks, uint16(len(dst)-zero))
		dst = binary.BigEndian.AppendUint32(dst, x.ttl)
		dst = binary.BigEndian.AppendUint16(dst, uint16(x.end-x.data))
		if at := len(dst) - zero; x.rtype == wire.TypeCNAME && at <= maxPointer {
			targets = append(targets, target{r.dataOf(x), at})
		}
		dst = append(dst, r.dataOf(x)...)
		b.counts[x.section]++
	}
	b.size, b.ttls = uint32(len(dst))-b.at, uint32(len(marks))
	for _, off := range marks {
		dst = binary.BigEndian.AppendUint16(dst, off)
	}
	return dst, b
}

// appendOwner appends a record's owner name, as a pointer if it can be one.
func appendOwner(dst, owner, asked []byte, targets []target) []byte {
	skip := len(asked) - len(owner)
	if skip >= 0 && len(owner) > 1 && equalFold(asked[skip:], owner) && begins(asked, skip) {
		return appendPointer(dst, wire.HeaderLen+skip)
	}
	for _, t := range targets {
		if equalFold(t.name, owner) {
			return appendPointer(dst, t.at)
		}
	}
	return append(dst, owner...)
}

func appendPointer(dst []byte, to int) []byte {
	return binary.BigEndian.AppendUint16(dst, 0xC000|uint16(to))
}

// begins reports whether a label of name begins at off.
func begins(name []byte, off int) bool {
	at := 0
	for at < off {
		at += 1 + int(name[at])
	}
	return at == off
}

// equalFold reports whether two names in wire form are the same. A length octet
// is never a letter.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if c != b[i] && fold(c) != fold(b[i]) {
			return false
		}
	}
	return true
}

func fold(c byte) byte {
	if c-'A' < 26 {
		c += 'a' - 'A'
	}
	return c
}

// dropped reports whether the record only authenticates others and goes to nobody
// who did not ask for that; a record of the asked type stays (RFC 4035 section
// 3.2.1). In the answer section DS and DNSKEY are data; elsewhere they come along
// for a validator only.
func (x *record) dropped(qtype uint16) bool {
	if x.rtype == qtype || qtype == wire.TypeANY {
		return false
	}
	switch x.rtype {
	case wire.TypeRRSIG, wire.TypeNSEC, wire.TypeNSEC3:
		return true
	case wire.TypeDS, wire.TypeDNSKEY:
		return x.section != wire.Answer
	}
	return false
}
