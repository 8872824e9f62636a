package resolver

import (
	"net/netip"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/local"
	"github.com/hearthdns/hearth/resolver/wire"
)

// homeTTL is how long, in seconds, a client keeps what the home's files say of a name.
const homeTTL = 60

// atHome answers an allowed name that the home's own files know. Names with a meaning of
// their own, and names of help, are not for a file to redirect; the reverse zones of the
// private networks are there for exactly this. What a top-level domain is made of is no machine's
// to say, whatever it calls itself: a validating client needs that. Who asks from elsewhere is not
// told what stands in the house.
func (r *Resolver) atHome(s *Stroke, q *wire.Query, c Client, dst []byte) ([]byte, bool) {
	if r.cfg.Local == nil || !near(c.Addr) || q.Type == wire.TypeANY || s.hashes.N == 1 && infrastructure(q.Type) || s.kind != kindNone && s.kind != kindRoute && s.kind != kindZone {
		return nil, false
	}
	if s.decision.Step == policy.StepNeeded && s.decision.Action != policy.Fixed || s.question.Match.Categories.Intersects(s.world.help) {
		return nil, false
	}
	host := r.cfg.Local.Find(q.Name())
	if host == nil {
		return nil, false
	}
	ttl := min(homeTTL, s.ttl())
	reply := appendHost(wire.Start(dst[:0], q, wire.NoError), q.Type, ttl, host)
	if reply[7] == 0 { // ANCOUNT: it has a name, but nothing of this type
		reply = wire.AppendSOA(reply, q.Name(), ttl, ttl)
	}
	return r.sent(c, actionLocal, 0, wire.NoError, wire.Finish(reply, q, wire.NoError, nil)), true
}

// appendHost appends what a host has of a type.
func appendHost(reply []byte, qtype uint16, ttl uint32, host *local.Host) []byte {
	var addrs []netip.Addr
	switch qtype {
	case wire.TypeA:
		addrs = host.V4
	case wire.TypeAAAA:
		addrs = host.V6
	case wire.TypePTR:
		for _, name := range host.Names {
			reply = wire.AppendRR(reply, wire.Answer, nil, wire.TypePTR, wire.ClassIN, ttl, name)
		}
	}
	for _, a := range addrs {
		reply = wire.AppendAddress(reply, ttl, a)
	}
	return reply
}
