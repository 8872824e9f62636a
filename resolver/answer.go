package resolver

import (
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// typeMeta is the first of the query and meta types (RFC 6895 section 3.1).
const typeMeta = 128

const (
	ownTTL     = 60   // seconds: names under our own name
	specialTTL = 3600 // seconds: special-use names, which do not change
	anyTTL     = 3600 // seconds: the HINFO of RFC 8482
)

// unusual answers what is well-formed but nothing that a family resolver does.
func (r *Resolver) unusual(q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	switch {
	case q.Class != wire.ClassIN:
		return r.bare(q, c, dst, actionRefused, wire.Refused, edeNotSupported), true
	case q.Type == 0 || q.Type == wire.TypeOPT: // reserved, or no question
		return r.bare(q, c, dst, actionRefused, wire.FormErr, edeNone), true
	case q.Type >= typeMeta && q.Type < wire.TypeANY: // transfers, TKEY, TSIG, MAILA, …
		return r.bare(q, c, dst, actionRefused, wire.NotImp, edeNotSupported), true
	}
	return nil, false
}

// infrastructure reports whether qtype asks about a zone itself, which a
// validating client needs of top-level domains too.
func infrastructure(qtype uint16) bool {
	return qtype == wire.TypeNS || qtype == wire.TypeSOA || qtype == wire.TypeDS || qtype == wire.TypeDNSKEY
}

// bare authors a reply that is an RCODE and at most a reason.
func (r *Resolver) bare(q *wire.Query, c Client, dst []byte, a action, rc wire.Rcode, ede uint16) []byte {
	reply := wire.Start(dst[:0], q, rc)
	var e *wire.EDE
	if ede != edeNone {
		e = &wire.EDE{Code: ede}
	}
	return r.sent(c, a, 0, rc, wire.Finish(reply, q, rc, e))
}

func (r *Resolver) refused(q *wire.Query, c Client, dst []byte) []byte {
	return r.bare(q, c, dst, actionRefused, wire.Refused, edeProhibited)
}

// blocked authors the answer to a name that the decision blocks, in the profile's
// mode, and tells the Observer.
func (r *Resolver) blocked(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	ttl := s.world.Landing.TTL
	switch {
	case s.relayed():
		ttl = 0
	case !s.decision.Silent: // those do not end with the clock
		ttl = capped(ttl, s.decision.Until, s.now)
	}
	mode, asData := s.who.Profile.Mode(), s.world.structured.wanted(q)
	if asData {
		mode = negative(mode)
	}
	rc, reply := r.blockBody(s, q, c, dst, ttl, mode)
	reason := s.reason()
	if asData {
		reason = s.structuredReason(room(c, q, reply))
	}
	reply = wire.Finish(reply, q, rc, &reason)
	if s.decision.Step == policy.StepLaw {
		r.lawful(s, c)
	} else {
		r.tellBlocked(s, q.Name(), c)
	}
	return r.sent(c, actionBlocked, groupOf(s), rc, reply)
}

func (r *Resolver) blockBody(s *Stroke, q *wire.Query, c Client, dst []byte, ttl uint32, mode policy.BlockMode) (wire.Rcode, []byte) {
	if mode == policy.Landing && s.world.Landing.none(c.Local) {
		mode = policy.Null
	}
	switch mode {
	case policy.NXDOMAIN:
		if !s.blocksBeneath() {
			return wire.NoError, addressOrNothing(q, dst, ttl, netip.Addr{})
		}
		return wire.NXDomain, wire.AppendSOA(wire.Start(dst[:0], q, wire.NXDomain), q.Name(), ttl, ttl)
	case policy.Refused:
		return wire.Refused, wire.Start(dst[:0], q, wire.Refused)
	case policy.Null:
		return wire.NoError, addressOrNothing(q, dst, ttl, nullAddress(q.Type))
	default:
		return wire.NoError, addressOrNothing(q, dst, ttl, s.world.Landing.forType(q.Type, c.Local))
	}
}

// blocksBeneath reports whether every name beneath the blocked one is blocked too,
// so that it may be said not to exist: RFC 8020 lets a cache deny all that lies
// beneath such a name. What the index knows of the listed names beneath is in
// Match.Open; what an unlisted one gets is asked here. Of what the clock, an own
// rule or an unknown name blocks, nobody can tell.
func (s *Stroke) blocksBeneath() bool {
	content := s.decision.Step == policy.StepService || s.decision.Step == policy.StepCategory
	if !content && !s.decision.Silent || s.withheld {
		return false
	}
	h, asked := &s.hashes, s.question.Match
	if asked.Open || s.world.lifting || h.N == len(h.H) || s.who.Profile.AllowsBeneath(&s.question) {
		return false
	}
	h.H[h.N] = ^h.H[h.N-1] // some name beneath that nobody listed
	h.N++
	s.question.Match = s.world.Index.Match(h)
	d := s.who.Decide(&s.question, s.now)
	h.N--
	s.question.Match = asked
	return d.Blocks()
}

// forType returns the landing address that answers qtype, or the zero Addr.
func (l *Landing) forType(qtype uint16, local netip.Addr) netip.Addr {
	if qtype != wire.TypeA && qtype != wire.TypeAAAA {
		return netip.Addr{}
	}
	return l.address(qtype == wire.TypeAAAA, local)
}

func nullAddress(qtype uint16) netip.Addr {
	switch qtype {
	case wire.TypeA:
		return netip.IPv4Unspecified()
	case wire.TypeAAAA:
		return netip.IPv6Unspecified()
	}
	return netip.Addr{}
}

// addressOrNothing answers with a, or with NODATA and the SOA that lets it be
// cached (RFC 2308) if a is the zero Addr.
func addressOrNothing(q *wire.Query, dst []byte, ttl uint32, a netip.Addr) []byte {
	reply := wire.Start(dst[:0], q, wire.NoError)
	if !a.IsValid() {
		return wire.AppendSOA(reply, q.Name(), ttl, ttl)
	}
	return wire.AppendAddress(reply, ttl, a)
}

// sent counts a finished reply.
func (r *Resolver) sent(c Client, a action, group uint8, rc wire.Rcode, reply []byte) []byte {
	r.counts.count(c, a, group, rc)
	return reply
}

// alone answers a name of a single label, which no public server should hear of,
// with NODATA: it may be a top-level domain, and a cache that took it for absent
// would deny all names beneath it (RFC 8020).
func (r *Resolver) alone(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	ttl := min(specialTTL, s.ttl())
	reply := wire.AppendSOA(wire.Start(dst[:0], q, wire.NoError), q.Name(), ttl, ttl)
	return r.sent(c, actionLocal, 0, wire.NoError, wire.Finish(reply, q, wire.NoError, nil))
}

// minimalANY answers ANY with the HINFO record of RFC 8482 section 4.2.
func (r *Resolver) minimalANY(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	reply := wire.Start(dst[:0], q, wire.NoError)
	reply = wire.AppendRR(reply, wire.Answer, nil, wire.TypeHINFO, wire.ClassIN, min(anyTTL, s.ttl()), hinfo)
	return r.sent(c, actionLocal, 0, wire.NoError, wire.Finish(reply, q, wire.NoError, nil))
}

var hinfo = []byte("\x07RFC8482\x00")

// special answers a name with a meaning of its own.
func (r *Resolver) special(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	zone := suffix(q.Name(), s.depth)
	apex, ttl := s.depth == s.hashes.N, min(ttlOf(s.kind), s.ttl())
	rc, reply := wire.NoError, wire.Start(dst[:0], q, wire.NoError)
	begin := len(reply)
	reply, known := s.discover(q, c, reply, ttl)
	switch a := r.specialAddress(s, q.Type, c, apex); {
	case len(reply) > begin:
	case !known && a.IsValid():
		reply = wire.AppendAddress(reply, ttl, a)
		if s.kind == kindNAT64 {
			reply = wire.AppendAddress(reply, ttl, s.wellKnown(q.Type, 171))
		}
	case s.kind == kindLoopback && apex && q.Type == wire.TypePTR:
		reply = wire.AppendRR(reply, wire.Answer, nil, wire.TypePTR, wire.ClassIN, ttl, localhost)
	default:
		if !known && missing(s.kind, apex) && !r.selfTest(s) {
			rc = wire.NXDomain
			reply = wire.Start(dst[:0], q, rc)
		}
		reply = wire.AppendSOA(reply, zone, ttl, ttl)
	}
	return r.sent(c, actionLocal, 0, rc, wire.Finish(reply, q, rc, nil))
}

var localhost = []byte("\x09localhost\x00")

// specialAddress returns the address of a special name, or the zero Addr.
func (r *Resolver) specialAddress(s *Stroke, qtype uint16, c Client, apex bool) netip.Addr {
	switch {
	case s.kind == kindHost && qtype == wire.TypeA:
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case s.kind == kindHost && qtype == wire.TypeAAAA:
		return netip.IPv6Loopback()
	case s.kind == kindNAT64 && apex:
		return s.wellKnown(qtype, 170)
	case s.kind == kindOwn && (apex || r.selfTest(s)), s.kind == kindCheck && !apex:
		return s.world.Landing.forType(qtype, c.Local)
	}
	return netip.Addr{}
}

// wellKnown is an address of ipv4only.arpa, by its last octet: for AAAA behind the translator's prefix, which
// clients learn from it (RFC 7050, RFC 8880), and the zero Addr where there is none.
func (s *Stroke) wellKnown(qtype uint16, last byte) netip.Addr {
	a := netip.AddrFrom4([4]byte{192, 0, 0, last})
	switch prefix := s.view.Translator; {
	case qtype == wire.TypeA:
		return a
	case qtype == wire.TypeAAAA && prefix.IsValid():
		return wire.EmbedIPv4(prefix, a)
	}
	return netip.Addr{}
}

// selfTest reports whether the name is an allowed test-<category>: it then
// answers as our own name does, so that the page says "allowed".
func (r *Resolver) selfTest(s *Stroke) bool {
	return s.kind == kindOwn && s.question.Match.Labels > 0
}

// missing reports whether a special name does not exist at all.
func missing(k kind, apex bool) bool {
	return k == kindAbsent || !apex && (k == kindZone || k == kindOwn || k == kindDesignated || k == kindLoopback || k == kindNAT64)
}

func ttlOf(k kind) uint32 {
	if k == kindOwn || k == kindCheck || k == kindWhoami || k == kindWhy || k == kindResolver || k == kindDesignated {
		return ownTTL
	}
	return specialTTL
}

// suffix returns the last n labels of a canonical name.
func suffix(name blocklists.Name, n int) []byte {
	for extra := name.Labels() - n; extra > 0; extra-- {
		name = name[name[0]+1:]
	}
	return name
}
