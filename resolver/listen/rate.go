package listen

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// rates holds clients to RateLimits.
type rates struct {
	exempt networks
	sketch *sketch
	slip   uint64
	held   atomic.Uint64 // replies held back

	query, prefix, reply time.Duration // the cost of one, 0: no limit
}

// newRates leaves out the limit of replies where that of queries is met first.
func newRates(l RateLimits, s *sketch) *rates {
	r := &rates{exempt: newNetworks(l.Exempt), sketch: s, slip: uint64(max(l.Slip, 0)), query: each(l.Queries), prefix: each(l.Prefix)}
	if l.Queries == 0 || l.Queries > l.Replies {
		r.reply = each(l.Replies)
	}
	return r
}

// none says that no limit was met.
const none = reason(reasons)

// judge counts a query from an address and says which limit it is over, or none. One whose
// source may be forged is not always dropped where there is a slip: whoever asks in the name of
// a client, however fast, must not keep the client itself from learning to come over TCP.
func (l *rates) judge(a netip.Addr, proved bool) reason {
	if l.query|l.prefix|l.reply == 0 || l.exempt.contains(a) {
		return none
	}
	why := l.count(a, proved)
	if why != none && !proved && l.slip > 0 && l.held.Add(1)%l.slip == 0 {
		return replySlipped
	}
	return why
}

// count is judge without the slip. A query whose source may be forged counts as a reply
// where replies have a limit, which is then below that of queries.
func (l *rates) count(a netip.Addr, proved bool) reason {
	now := l.sketch.now()
	queries, prefix := forgeableQueries, forgeablePrefix
	if proved {
		queries, prefix = provedQueries, provedPrefix
	}
	switch {
	case !proved && l.reply > 0:
		if !l.sketch.take(subjectOf(replies, a, 32, 56), now, l.reply) {
			return replyDropped
		}
	case l.query > 0:
		if !l.sketch.take(subjectOf(queries, clientOf(a), 32, 128), now, l.query) {
			return tooMany
		}
	}
	if l.prefix > 0 && !l.sketch.take(subjectOf(prefix, a, 24, 48), now, l.prefix) {
		return tooManyOfPrefix
	}
	return none
}

// admit holds a query to the rate limits, before anything is computed for it, and looks
// at its cookie. It returns true to go on, or false with r.Reply set to what a query over
// a limit gets: over UDP nothing, or as much as sends a real client to TCP; elsewhere
// REFUSED, which no client takes for a fault of the server.
func (s *Server) admit(t *tally, r *Request) bool {
	r.proof = s.cookies.check(r)
	why := s.rates.judge(r.Client.Addr.Addr(), r.proved())
	if why == none {
		return true
	}
	t.shed[why].Add(1)
	r.Reply = nil
	switch {
	case r.Query.End == 0: // a fault that leaves nothing to reply to
	case why == replySlipped:
		r.Reply = wire.Truncate(wire.Finish(wire.Start(r.Buf(), &r.Query, wire.NoError), &r.Query, wire.NoError, nil), &r.Query)
	case r.Client.Transport != UDP:
		r.Reply = wire.Finish(wire.Start(r.Buf(), &r.Query, wire.Refused), &r.Query, wire.Refused, &overLimit)
	}
	return false
}

// overLimit explains a query that is refused at a limit (RFC 8914 section 4.1).
var overLimit = wire.EDE{Code: 0, Text: []byte("Too many queries a second.")}

// proved reports whether the client is where it says: by a connection, or by a cookie.
func (r *Request) proved() bool { return r.Client.Transport != UDP || r.proof != unproved }
