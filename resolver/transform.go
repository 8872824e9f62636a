package resolver

import (
	"errors"
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// errTooLong is the failure of a safe host with more records than a message with an alias takes.
var errTooLong = &Error{wire.ServFail, edeInvalidAnswer, errors.New("the safe host has more records than fit behind an alias")}

// errChanged is the failure of a query for which something else is to be asked than was,
// since the profile changed meanwhile. The client asks again.
var errChanged = errors.New("the rules changed while the answer was on its way")

// transformed says what becomes of the answer to an allowed query: nil for nothing. Names
// of our own are what we say they are.
func (s *Stroke) transformed() *policy.Transform {
	if s.kind != kindNone && s.kind != kindRoute {
		return nil
	}
	return s.who.Profile.Transform(&s.question)
}

// alias answers a query for a name that becomes an alias, as the zone would if the alias
// stood in it. For addresses everything goes on about the safe host, under its own name, so
// that what is cached is the same for everybody; the reply is put together on the way out,
// by fromEntry or fromRest. What else there is of the unsafe name never gets out: a service
// binding has addresses and keys in it (RFC 9460 section 7.3), and a CNAME leads to them.
func (r *Resolver) alias(s *Stroke, t *policy.Transform, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	if s.safe = nil; q.Type == wire.TypeA || q.Type == wire.TypeAAAA {
		s.safe = t
		s.view = s.world.Upstreams.view(&t.Hashes, q.Type, s.who.Profile)
		s.key.View, s.key.Name = s.view.ID, t.Target
		r.find(s)
	}
	if s.deniesTarget(r, t) {
		return r.blocked(s, q, c, dst), true
	}
	switch {
	case s.safe != nil:
		return nil, false
	case q.Type == wire.TypeANY:
		return r.minimalANY(s, q, c, dst), true
	case q.Type == wire.TypeCNAME:
		reply := wire.AppendRR(wire.Start(dst[:0], q, wire.NoError), wire.Answer, nil, wire.TypeCNAME, wire.ClassIN, s.aliasTTL(), t.Target)
		return r.sent(c, actionAllowed, 0, wire.NoError, wire.Finish(reply, q, wire.NoError, nil)), true
	case ofZone(q.Type):
		s.alone = true
		return nil, false
	}
	return r.nothing(s, q, c, dst), true
}

// deniesTarget decides once more, over the safe host.
func (s *Stroke) deniesTarget(r *Resolver, t *policy.Transform) bool {
	var m blocklists.Match
	if s.safe != nil && s.facts != nil {
		m = s.facts.Match
	} else {
		m = r.cfg.Catalog.Match(s.world.Index, &t.Hashes)
	}
	s.decision = s.who.DecideChain(s.decision, &s.question, blocklists.Match{Categories: m.Categories}, t.Chain, s.now)
	return s.decision.Blocks()
}

// ofZone reports whether records of a type tell of a zone or its mail. Some
// engines are at the top of theirs.
func ofZone(qtype uint16) bool {
	return infrastructure(qtype) || qtype == wire.TypeMX || qtype == wire.TypeTXT
}

// aliasBehind answers a query whose answer leads to an engine's host, as alias does. It returns
// false for all others.
func (r *Resolver) aliasBehind(s *Stroke, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	t := s.behind()
	switch {
	case t == nil || !s.fresh:
		return nil, false
	case s.chainBlocks():
		return r.blocked(s, q, c, dst), true
	}
	return r.alias(s, t, q, c, dst)
}

// behind says what the name becomes an alias of because what is known of it leads to an engine's host.
func (s *Stroke) behind() *policy.Transform {
	if s.facts == nil || len(s.facts.Chain) == 0 {
		return nil
	}
	return s.who.Profile.Behind(s.facts.Chain)
}

// leaks reports whether the answer leads where no transform has led it. That about an engine's own
// name would be kept by forwarders as what the name is an alias of, for addresses too. That of
// another name leads to an engine's host if it is old, and whatever that may be now cannot be asked.
func (s *Stroke) leaks() bool {
	return s.alone && len(s.facts.Names) > 0 || s.safe == nil && s.behind() != nil
}

// nothing answers that there is no record of this type.
func (r *Resolver) nothing(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	reply := addressOrNothing(q, dst, s.aliasTTL(), netip.Addr{})
	return r.sent(c, actionAllowed, 0, wire.NoError, wire.Finish(reply, q, wire.NoError, nil))
}

func (s *Stroke) aliasTTL() uint32 { return min(s.ttl(), cache.AliasTTL) }
