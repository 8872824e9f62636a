package cache

import (
	"github.com/hearthdns/hearth/resolver/wire"
)

// limits are the bounds of what is believed about lifetimes, in seconds.
type limits struct {
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

// clamp bounds the TTLs of all records.
func (l limits) clamp(r *Reply) {
	for i := range r.records {
		x := &r.records[i]
		if x.ttl >= 1<<31 {
			x.ttl = 0
		}
		x.ttl = min(x.ttl, l.positive)
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
			life, found = min(life, x.ttl, r.minimum(x)), true
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
