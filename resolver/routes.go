package resolver

import (
	"fmt"
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Exchanger asks somebody else: a forwarder's upstreams, or authorities. done is
// called once, before the return or later and from any goroutine. It does not wait;
// the reply is lent to it until it returns. The reply is checked to belong to the
// question and complete (truncation was followed over TCP); its content is not
// trusted. An error that knows what to tell the client has a method ExtendedError() uint16
// (RFC 8914) or is an *Error. q.Name is not changed any more; how long it all
// may take is the Exchanger's to bound.
type Exchanger interface {
	Exchange(q wire.Question, done func(raw []byte, err error))
}

// View is an interned set of upstreams with its trust and its zone. Cached facts
// belong to a view: what the router says of its own zone is no fact of the
// public tree.
type View struct {
	ID       uint32
	Zone     blocklists.Name // nil: every name that no other view has
	Local    bool            // a zone of the operator: private addresses are right here
	Upstream Exchanger
	Peers    map[netip.Addr]bool // addresses of the upstreams, for loop detection
}

// Routes finds the view of a name: the conditional zone with the most labels,
// else the default.
type Routes struct {
	def   *View
	zones map[uint64]*View
	depth [129]bool // label counts for which a zone exists
	names []blocklists.Name
}

// NewRoutes compiles the views. The hashes are made with the key of the World's
// index. Two views of one zone are an error.
func NewRoutes(key blocklists.Key, def *View, conditional ...*View) (*Routes, error) {
	r := &Routes{def: def, zones: make(map[uint64]*View, len(conditional))}
	var h blocklists.Hashes
	for _, v := range conditional {
		key.Hash(v.Zone, &h)
		if h.N == 0 {
			return nil, fmt.Errorf("routing zones: the root cannot be a conditional zone; write its servers in resolve.upstreams")
		}
		if r.zones[h.H[h.N-1]] != nil {
			return nil, fmt.Errorf("routing zones: %s is configured twice; keep one", v.Zone)
		}
		r.zones[h.H[h.N-1]] = v
		r.depth[h.N] = true
		r.names = append(r.names, v.Zone)
	}
	return r, nil
}

// Zones returns the names of the conditional zones.
func (r *Routes) Zones() []blocklists.Name { return r.names }

// view returns the view that answers for a name.
func (r *Routes) view(h *blocklists.Hashes) *View {
	if len(r.zones) == 0 {
		return r.def
	}
	for n := h.N; n > 0; n-- {
		if !r.depth[n] {
			continue
		}
		if v := r.zones[h.H[n-1]]; v != nil {
			return v
		}
	}
	return r.def
}
