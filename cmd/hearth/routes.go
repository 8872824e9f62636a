package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/forward"
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
	view *resolver.View
	to   *forward.Forwarder // nil: there is nobody to ask
}

// need is a view that a configuration asks for.
type need struct {
	zone      blocklists.Name // nil for all other names
	text      string
	upstreams []string
}

// needs lists the views of a configuration, the default one first.
func needs(c *Config) ([]need, error) {
	all := []need{{upstreams: c.Resolve.Upstreams}}
	add := func(zone string, upstreams []string) error {
		name, err := blocklists.ParseName(zone)
		if err != nil {
			return fmt.Errorf("reading the zone %q: %w", zone, err)
		}
		all = append(all, need{zone: name, text: name.String(), upstreams: upstreams})
		return nil
	}
	for _, z := range c.Resolve.Zones {
		if err := add(z.Zone, z.Upstreams); err != nil {
			return nil, err
		}
	}
	for _, z := range c.Resolve.Local.Zones {
		if err := add(z, c.Resolve.Local.Upstreams); err != nil {
			return nil, err
		}
	}
	return all, nil
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
	var views []*resolver.View
	for _, n := range all {
		id := fmt.Sprintf("%s %s %s %d", n.text, strings.Join(n.upstreams, " "), c.Resolve.Timeout, c.Resolve.Attempts)
		r := s.views[id]
		if r == nil {
			if r, err = s.newRoute(n, c, own); err != nil {
				return nil, plan{}, err
			}
		}
		p.views[id] = r
		views = append(views, r.view)
		if r.to != nil {
			p.live = append(p.live, r.to)
		}
	}
	routes, err := resolver.NewRoutes(key, views[0], views[1:]...)
	if err != nil {
		return nil, plan{}, fmt.Errorf("routing zones: %w", err)
	}
	return routes, p, nil
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
	v := &resolver.View{ID: s.next, Zone: n.zone, Local: n.zone != nil, Upstream: deadEnd{}, Peers: make(map[netip.Addr]bool)}
	s.next++
	if len(n.upstreams) == 0 {
		return &route{view: v}, nil
	}
	f, err := forward.New(forward.Config{
		Upstreams: n.upstreams, Timeout: c.Resolve.Timeout, Attempts: c.Resolve.Attempts,
		Own: own, Loop: s.loop, Log: s.log, Name: n.text,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing upstreams: %w", err)
	}
	v.Upstream = f
	for _, url := range f.Upstreams() {
		_, address, _ := strings.Cut(url, "://")
		// Every program of this machine asks from loopback, so there the address
		// tells no upstream from a client.
		if at, err := netip.ParseAddrPort(address); err == nil && !at.Addr().IsLoopback() {
			v.Peers[at.Addr().Unmap()] = true
		}
	}
	return &route{view: v, to: f}, nil
}

// upstreams lists what is asked, each zone's after its name.
func (s *switchboard) upstreams() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{}
	for _, r := range s.views {
		for _, url := range r.urls() {
			if r.view.Zone != nil {
				url = r.view.Zone.String() + " " + url
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
