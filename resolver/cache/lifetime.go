package cache

import (
	"github.com/hearthdns/hearth/resolver/wire"
)

// limits are the bounds of what is believed about lifetimes, in seconds.
type limits struct {
	least    uint32 // shortest lifetime of what may be kept at all
	positive uint32 // longest lifetime of an answer
	negative uint32 // longest lifetime of "there is no such name or record"
}

// apply bounds every TTL in r and returns for how many seconds the reply may be
// reused; 0 means not at all. A TTL with the top bit set counts as 0 (RFC 2181
// section 8).
func (l limits) apply(r *Reply, qtype uint16) uint32 {
	l.clamp(r)
	switch {
	case r.Rcode != wire.NoError && r.Rcode != wire.NXDomain:
		return 0 // failures are not kept
	case negative(r, qtype):
		return l.applyNegative(r)
	}
	return shortest(l.positive, r)
}

// clamp bounds the TTLs of all records. A TTL of 0 stays: what is for one transaction
// alone (RFC 1035 section 3.2.1) is nobody's to keep.
func (l limits) clamp(r *Reply) {
	for i := range r.records {
		x := &r.records[i]
		if x.ttl >= 1<<31 {
			x.ttl = 0
		}
		if x.ttl = min(x.ttl, l.positive); x.ttl > 0 {
			x.ttl = max(x.ttl, l.least)
		}
	}
}

// negative reports whether r says that the name or the record does not exist.
// A chain whose end has no record of the asked type is negative as well.
func negative(r *Reply, qtype uint16) bool {
	if r.Rcode == wire.NXDomain {
		return true
	}
	for i := range r.records {
		x := &r.records[i]
		if x.section == wire.Answer && (x.rtype == qtype || qtype == wire.TypeANY) {
			return false
		}
	}
	return true
}

// applyNegative bounds a negative answer by the smaller of the SOA's TTL and its
// MINIMUM (RFC 2308 section 5), writes that into the authority section, so that
// the client's own cache does the same, and returns the lifetime. Without a SOA
// there is none: such an answer is not kept.
func (l limits) applyNegative(r *Reply) uint32 {
	life, found := l.negative, false
	for i := range r.records {
		if x := &r.records[i]; x.section == wire.Authority && x.rtype == wire.TypeSOA {
			life, found = min(life, x.ttl, l.raised(r.minimum(x))), true
		}
	}
	if !found {
		return 0
	}
	for i := range r.records {
		if x := &r.records[i]; x.section == wire.Authority {
			x.ttl = min(x.ttl, life)
		}
	}
	return shortest(life, r)
}

// raised returns the lifetime that a MINIMUM gives.
func (l limits) raised(minimum uint32) uint32 {
	if minimum == 0 {
		return 0
	}
	return max(minimum, l.least)
}

// shortest returns the smallest TTL, at most limit. Additional records do not
// count: they are hints and may run out before the answer does.
func shortest(limit uint32, r *Reply) uint32 {
	for i := range r.records {
		if x := &r.records[i]; x.section != wire.Additional {
			limit = min(limit, x.ttl)
		}
	}
	return limit
}
