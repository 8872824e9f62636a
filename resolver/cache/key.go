package cache

import (
	"bytes"
	"hash/maphash"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Key names one question as one view of the DNS sees it. It is what entries are
// found by and what questions in flight are merged by. Class and CD are part of
// it because answers to them differ; no household, member or profile is, because
// an entry holds no verdict.
type Key struct {
	View  uint32 // interned number of the upstream set with its trust and zone
	Name  []byte // QNAME, canonical wire form (lower-case, uncompressed, with the root's zero octet)
	Type  uint16 // QTYPE
	Class uint16 // QCLASS
	CD    bool   // the checking-disabled bit of the query
}

// end returns the offset behind the question section of a message that asks k.
func (k *Key) end() int { return wire.HeaderLen + len(k.Name) + 4 }

// hash returns a keyed 64-bit hash of k. The seed is random for each cache, so
// that nobody can choose names that land in one bucket.
func (k *Key) hash(seed maphash.Seed) uint64 {
	h := maphash.Bytes(seed, k.Name)
	h ^= (uint64(k.View)<<32 | uint64(k.Type)<<16 | uint64(k.Class)) * 0x9e3779b97f4a7c15
	if k.CD {
		h = ^h
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

// holds reports whether e answers exactly k: the full key is compared, because
// two questions may share a hash.
func (e *Entry) holds(k *Key) bool {
	return e.qtype == k.Type && e.class == k.Class && e.view == k.View && e.cd == k.CD &&
		bytes.Equal(e.Name(), k.Name)
}
