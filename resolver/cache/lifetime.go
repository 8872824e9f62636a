package cache

import (
	"github.com/miekg/dns"
)

// limits are the bounds of what is believed about lifetimes, in seconds.
type limits struct {
	positive uint32 // longest lifetime of an answer
	negative uint32 // longest lifetime of "there is no such name or record"
}

// apply bounds every TTL in m and returns for how many seconds the reply may be
// reused; 0 means not at all. A TTL with the top bit set counts as 0 (RFC 2181
// section 8).
func (l limits) apply(m *dns.Msg, qtype uint16) uint32 {
	l.clamp(m)
	switch {
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return 0 // failures are not kept
	case negative(m, qtype):
		return l.applyNegative(m)
	}
	return shortest(l.positive, m.Answer, m.Ns)
}

// clamp bounds the TTLs of all records.
func (l limits) clamp(m *dns.Msg) {
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			h := rr.Header()
			if h.Rrtype == dns.TypeOPT {
				continue // its TTL field is flags (RFC 6891 section 6.1.3)
			}
			if h.Ttl >= 1<<31 {
				h.Ttl = 0
			}
			h.Ttl = min(h.Ttl, l.positive)
		}
	}
}

// negative reports whether m says that the name or the record does not exist.
// A chain whose end has no record of the asked type is negative as well.
func negative(m *dns.Msg, qtype uint16) bool {
	if m.Rcode == dns.RcodeNameError {
		return true
	}
	if qtype == dns.TypeANY {
		return len(m.Answer) == 0
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype {
			return false
		}
	}
	return true
}

// applyNegative bounds a negative answer by the smaller of the SOA's TTL and its
// MINIMUM (RFC 2308 section 5), writes that into the authority section, so that
// the client's own cache does the same, and returns the lifetime. Without a SOA
// there is none: such an answer is not kept.
func (l limits) applyNegative(m *dns.Msg) uint32 {
	life, found := l.negative, false
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			life, found = min(life, soa.Hdr.Ttl, soa.Minttl), true
		}
	}
	if !found {
		return 0
	}
	for _, rr := range m.Ns {
		h := rr.Header()
		h.Ttl = min(h.Ttl, life)
	}
	return shortest(life, m.Answer, m.Ns)
}

// shortest returns the smallest TTL of the sections, at most limit. Additional
// records do not count: they are hints and may run out before the answer does.
func shortest(limit uint32, sections ...[]dns.RR) uint32 {
	for _, section := range sections {
		for _, rr := range section {
			limit = min(limit, rr.Header().Ttl)
		}
	}
	return limit
}
