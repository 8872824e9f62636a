package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/forward"
	"github.com/hearthdns/hearth/resolver/local"
	"github.com/prometheus/client_golang/prometheus"
)

// resolvConf is where the system names its own resolvers.
const resolvConf = "/etc/resolv.conf"

// switchboard makes views of the configured upstreams and keeps those that a
// reload does not change, with their health and the answers cached for them.
// It is a prometheus.Collector over the forwarders in use.
type switchboard struct {
	log  *slog.Logger
	loop *forward.Loop // of all forwarders, so that one goroutine serves them

	mu    sync.Mutex
	views map[string]*route
	next  uint32
	live  []*forward.Forwarder
}

// route is a view with the forwarder behind it.
type route struct {
	label string // as need has it
	view  *resolver.View
	to    *forward.Forwarder // nil: there is nobody to ask
}

// need is a view that a configuration asks for.
type need struct {
	label     string            // what it is for, in metrics: "" for all, a zone, "home", or "profile NAME"
	zones     []blocklists.Name // none: every other name
	home      bool              // names of a single label are asked there too
	upstreams []string
}

// needs lists the views of a configuration: that for all, those of profiles in the order of
// their routes, then those of zones, then that of the home.
func needs(c *Config) ([]need, error) {
	all := []need{{upstreams: c.Resolve.Upstreams}}
	for _, set := range c.people().UpstreamSets()[1:] {
		all = append(all, need{label: "profile " + c.firstProfile(set), upstreams: set})
	}
	for _, z := range c.Resolve.Zones {
		name, err := parseZone(z.Zone)
		if err != nil {
			return nil, err
		}
		all = append(all, need{label: name.String(), zones: []blocklists.Name{name}, upstreams: z.Upstreams})
	}
	home, err := c.home()
	if err != nil || len(home.zones) == 0 {
		return all, err
	}
	return append(all, home), nil
}

// home is the view of the router: its zones, names of a single label, and the reverse zones of the
// private networks, less those that have upstreams of their own.
func (c *Config) home() (need, error) {
	n := need{label: "home", home: true, upstreams: c.Resolve.Local.Upstreams}
	if len(n.upstreams) == 0 {
		return n, nil
	}
	texts := c.Resolve.Local.Zones
	if c.Resolve.Local.Reverse {
		taken := make(map[string]bool)
		for _, text := range slices.Concat(texts, c.conditional()) {
			taken[strings.ToLower(strings.TrimSuffix(text, "."))] = true
		}
		reverse := slices.DeleteFunc(resolver.PrivateReverseZones(), func(zone string) bool { return taken[zone] })
		texts = slices.Concat(texts, reverse)
	}
	for _, text := range texts {
		zone, err := parseZone(text)
		if err != nil {
			return n, err
		}
		n.zones = append(n.zones, zone)
	}
	return n, nil
}

// homeFiles says which files know the home's machines.
func (c *Config) homeFiles() local.Config {
	to := local.Config{Hosts: c.Resolve.Local.Hosts, Leases: c.Resolve.Local.Leases}
	for _, text := range c.Resolve.Local.Zones {
		if zone, err := parseZone(text); err == nil {
			to.Zones = append(to.Zones, zone)
		}
	}
	return to
}

// conditional lists the zones with upstreams of their own as they are written.
func (c *Config) conditional() []string {
	zones := make([]string, len(c.Resolve.Zones))
	for i, z := range c.Resolve.Zones {
		zones[i] = z.Zone
	}
	return zones
}

// firstProfile names the first profile with a set of upstreams.
func (c *Config) firstProfile(set []string) string {
	i := slices.IndexFunc(c.Profiles, func(p policy.ProfileConfig) bool { return slices.Equal(p.Upstreams, set) })
	return c.Profiles[i].Name
}

func parseZone(text string) (blocklists.Name, error) {
	name, err := blocklists.ParseName(text)
	if err != nil {
		return nil, fmt.Errorf("reading the zone %q: %w", text, err)
	}
	return name, nil
}

// plan is a set of views that is about to be used.
type plan struct {
	views map[string]*route
	live  []*forward.Forwarder
}

// use makes a plan the one in force.
func (s *switchboard) use(p plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, gone := range s.live {
		if !slices.Contains(p.live, gone) {
			gone.Close()
		}
	}
	s.views, s.live = p.views, p.live
}

// routes compiles the views of a configuration for the index with that key.
// own are the addresses on which this server answers. The plan is to be used
// once the routes are.
func (s *switchboard) routes(key blocklists.Key, c *Config, own []netip.AddrPort) (*resolver.Routes, plan, error) {
	all, err := needs(c)
	if err != nil {
		return nil, plan{}, err
	}
	if len(all[0].upstreams) == 0 {
		if all[0].upstreams, err = s.systemUpstreams(own); err != nil {
			// Blocks, pages and the operator's own zones work on without.
			s.log.Error("no upstreams: allowed names are answered with SERVFAIL", "error", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := plan{views: make(map[string]*route, len(all))}
	var to resolver.RoutesConfig
	for _, n := range all {
		id := n.id(c)
		r := s.views[id]
		if r == nil {
			if r, err = s.newRoute(n, c, own); err != nil {
				return nil, plan{}, err
			}
		}
		p.views[id] = r
		if r.to != nil {
			p.live = append(p.live, r.to)
		}
		switch {
		case len(n.zones) == 0:
			to.Profiles = append(to.Profiles, r.view)
		case n.home:
			to.Home = r.view
			fallthrough
		default:
			to.Zones = append(to.Zones, r.view)
		}
	}
	routes, err := resolver.NewRoutes(key, to)
	if err != nil {
		return nil, plan{}, fmt.Errorf("routing zones: %w", err)
	}
	return routes, p, nil
}

// id tells views apart: one that a reload leaves as it was keeps what is cached for it.
func (n need) id(c *Config) string {
	r := c.Resolve
	r.Upstreams, r.Zones, r.Local = n.upstreams, nil, LocalConfig{}
	return fmt.Sprintf("%s %q %+v", n.label, n.zones, r)
}

// systemUpstreams reads the system's resolvers, less ourselves.
func (s *switchboard) systemUpstreams(own []netip.AddrPort) ([]string, error) {
	var port53 []netip.Addr
	for _, a := range own {
		if a.Port() == 53 {
			port53 = append(port53, a.Addr())
		}
	}
	return forward.SystemUpstreams(resolvConf, port53)
}

func (s *switchboard) newRoute(n need, c *Config, own []netip.AddrPort) (*route, error) {
	v := &resolver.View{ID: s.next, Name: n.id(c), Zones: n.zones, Local: len(n.zones) > 0, Upstream: deadEnd{}, Peers: make(map[netip.Addr]bool)}
	s.next++
	if len(n.upstreams) == 0 {
		return &route{label: n.label, view: v}, nil
	}
	to := c.upstreamsOf(n.upstreams)
	to.Own, to.Loop, to.Log, to.Name = own, s.loop, s.log, n.label
	f, err := forward.New(to)
	if err != nil {
		return nil, fmt.Errorf("preparing upstreams: %w", err)
	}
	v.Upstream = f
	if p := c.Resolve.DNS64.Prefix; p.IsValid() && len(n.zones) == 0 { // what the home's own machines have is known
		if v.Upstream, err = forward.NewDNS64(p, f); err != nil {
			return nil, fmt.Errorf("preparing DNS64: %w", err)
		}
		v.Translator = p
	}
	for _, at := range f.Addresses() {
		// Every program of this machine asks from loopback, so there the address
		// tells no upstream from a client.
		if !at.IsLoopback() {
			v.Peers[at] = true
		}
	}
	return &route{label: n.label, view: v, to: f}, nil
}

// upstreams lists what is asked, each after the label of what it is for.
func (s *switchboard) upstreams() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{}
	for _, r := range s.views {
		for _, url := range r.urls() {
			if r.label != "" {
				url = r.label + " " + url
			}
			all = append(all, url)
		}
	}
	slices.Sort(all)
	return all
}

func (r *route) urls() []string {
	if r.to == nil {
		return nil
	}
	return r.to.Upstreams()
}

// Describe implements prometheus.Collector: nothing, because the upstreams
// change while the server runs.
func (s *switchboard) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *switchboard) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	live := s.live
	s.mu.Unlock()
	for _, f := range live {
		f.Collect(ch)
	}
}
