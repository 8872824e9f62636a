package resolver

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Exchanger asks somebody else: a forwarder's upstreams, or authorities. done is
// called once, before the return or later and from any goroutine. It does not wait;
// the reply is lent to it until it returns. The reply is checked to belong to the
// question and complete (truncation was followed over TCP); its content is not
// trusted. An error that knows what to tell the client has a method ExtendedError() uint16
// (RFC 8914) or is an *Error; one that says nothing of the name has a method Busy() bool that
// returns true, and is not remembered. q.Name is not changed any more; how long it all
// may take is the Exchanger's to bound.
type Exchanger interface {
	Exchange(q wire.Question, done func(raw []byte, err error))
}

// View is an interned set of upstreams with its trust and its zones. Cached facts
// belong to a view: what the router says of its own zone is no fact of the
// public tree.
type View struct {
	ID       uint32
	Name     string            // what the view is made of, the same after a restart; "": it is not known then
	Zones    []blocklists.Name // none: every name that no other view has
	Local    bool              // zones of the operator: private addresses are right here
	Upstream Exchanger
	Peers    map[netip.Addr]bool // addresses of the upstreams, for loop detection

	// Translator is the prefix of the DNS64 in Upstream (RFC 6147); the zero Prefix: there is none.
	Translator netip.Prefix
}

// Routes finds the view of a name: the conditional zone with the most labels, else the
// view of whose profile asks.
type Routes struct {
	profiles []*View // by policy.Profile.Route
	home     *View   // of names of a single label; nil: nobody knows those
	zones    map[uint64]*View
	depth    [129]bool // label counts for which a zone exists
	names    []blocklists.Name
}

// RoutesConfig is what Routes are made of.
type RoutesConfig struct {
	Profiles []*View // by policy.Profile.Route; at least the first, which is for all
	Zones    []*View // each with its zones
	Home     *View   // one of Zones that is also asked for names of a single label, or nil
}

// NewRoutes compiles the views. The hashes are made with the key of the World's
// index. Two views of one zone are an error.
func NewRoutes(key blocklists.Key, cfg RoutesConfig) (*Routes, error) {
	if len(cfg.Profiles) == 0 {
		return nil, errors.New("routing zones: there is no view for all names")
	}
	r := &Routes{profiles: cfg.Profiles, home: cfg.Home, zones: make(map[uint64]*View)}
	var h blocklists.Hashes
	for _, v := range cfg.Zones {
		for _, zone := range v.Zones {
			key.Hash(zone, &h)
			if h.N == 0 {
				return nil, errors.New("routing zones: the root cannot be a conditional zone; write its servers in resolve.upstreams")
			}
			if r.zones[h.H[h.N-1]] != nil {
				return nil, fmt.Errorf("routing zones: %s is configured twice; keep one", zone)
			}
			r.zones[h.H[h.N-1]] = v
			r.depth[h.N] = true
			r.names = append(r.names, zone)
		}
	}
	return r, nil
}

// Zones returns the names of the conditional zones.
func (r *Routes) Zones() []blocklists.Name { return r.names }

// translator is the prefix of the DNS64 of the view with an ID, which zones do not have.
func (r *Routes) translator(id uint32) netip.Prefix {
	for _, v := range r.profiles {
		if v.ID == id {
			return v.Translator
		}
	}
	return netip.Prefix{}
}

// view returns the view that answers a question for a profile. What a zone is made of, its
// servers and keys, is asked where all ask: a validating client needs that of top-level
// domains.
func (r *Routes) view(h *blocklists.Hashes, qtype uint16, profile *policy.Profile) *View {
	if len(r.zones) > 0 {
		for n := h.N; n > 0; n-- {
			if !r.depth[n] {
				continue
			}
			if v := r.zones[h.H[n-1]]; v != nil {
				return v
			}
		}
		if r.home != nil && h.N == 1 && !infrastructure(qtype) {
			return r.home
		}
	}
	if route := profile.Route(); int(route) < len(r.profiles) {
		return r.profiles[route]
	}
	return r.profiles[0]
}
