package main

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/presence"
	"github.com/hearthdns/hearth/resolver/local"
)

// PresenceConfig is by what devices are recognised beside what they send: who has which address now.
type PresenceConfig struct {
	Neighbours bool     `yaml:"neighbours"` // the kernel's neighbour table
	Leases     []string `yaml:"leases"`     // of DHCP servers; none: those of resolve.local
	MDNS       bool     `yaml:"mdns"`       // ask devices for their names by multicast DNS
	Reverse    bool     `yaml:"reverse"`    // ask the router of resolve.local for them
}

// whereabouts joins the table of who has which address to the files and servers that know of it.
type whereabouts struct {
	*presence.Table
	own   *local.Names // of lease files that give no names to others; nil: those of resolve.local serve both
	names *local.Names
	files func() []string
	log   *slog.Logger
}

// whereabouts makes the table, with all that is known already.
func (s *server) newWhereabouts(c *Config) *whereabouts {
	w := &whereabouts{
		names: s.local, log: s.log,
		files: func() []string { return s.config.Load().Config.leaseFiles() },
	}
	if len(c.Presence.Leases) > 0 {
		w.own = local.New(s.log)
		w.own.Configure(local.Config{Leases: c.Presence.Leases})
		w.names = w.own
	}
	w.Table = presence.New(presence.Config{
		Neighbours: c.Presence.Neighbours, Leases: w.names, MDNS: c.Presence.MDNS, Reverse: c.namesServers(), Log: s.log,
	})
	w.names.OnLeases(func(all []local.Lease) { w.SetLeases(leasesOf(all)) })
	return w
}

// leaseFiles are the files that say who has which address.
func (c *Config) leaseFiles() []string {
	if len(c.Presence.Leases) > 0 {
		return c.Presence.Leases
	}
	return c.Resolve.Local.Leases
}

// namesServers are those servers of resolve.local that are asked for names in clear.
func (c *Config) namesServers() (to []netip.AddrPort) {
	if !c.Presence.Reverse {
		return nil
	}
	for _, text := range c.Resolve.Local.Upstreams {
		if at, ok := plainUpstream(text); ok {
			to = append(to, at)
		}
	}
	return to
}

// leasesOf reads the marks by which DHCP servers know their clients: what is no MAC is none.
func leasesOf(all []local.Lease) []presence.Lease {
	out := make([]presence.Lease, 0, len(all))
	for _, l := range all {
		m, _ := policy.ParseMAC(l.MAC) // the zero MAC if it is something else
		out = append(out, presence.Lease{Addr: l.Addr, MAC: m, Name: policy.HostLabel(l.Name), Until: l.Until})
	}
	return out
}

// Run follows the kernel and the lease files until ctx ends.
func (w *whereabouts) Run(ctx context.Context) error {
	if w.own != nil {
		go func() { _ = w.own.Run(ctx) }()
	}
	go w.followLeases(ctx)
	return w.Table.Run(ctx)
}

// followLeases has lease files read when they change, also when nobody asks. Where the system does not tell, they are
// looked at every two seconds.
func (w *whereabouts) followLeases(ctx context.Context) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("lease files are not watched; a new lease is found within two seconds", "error", err)
		return
	}
	defer notify.Close()
	again := time.NewTicker(time.Minute) // files that a reload named, folders that were made
	defer again.Stop()
	for {
		for _, dir := range foldersOf(w.files()) {
			if !slices.Contains(notify.WatchList(), dir) && notify.Add(dir) == nil { // else the look every two seconds finds them
				w.names.Refresh() // of what was written before
			}
		}
		select {
		case <-ctx.Done():
			return
		case e := <-notify.Events:
			if slices.Contains(w.files(), e.Name) {
				w.names.Refresh()
			}
		case err := <-notify.Errors:
			w.log.Debug("watching lease files", "error", err)
			w.names.Refresh()
		case <-again.C:
		}
	}
}

// plainUpstream reads an upstream that is asked over UDP.
func plainUpstream(text string) (netip.AddrPort, bool) {
	text = strings.TrimPrefix(text, "udp://")
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(a, 53), true
	}
	at, err := netip.ParseAddrPort(text)
	return at, err == nil
}

// validatePresence refuses what could tell nothing.
func (c *Config) validatePresence(r *report) {
	p := c.Presence
	if p.Reverse && len(c.namesServers()) == 0 {
		r.add("presence.reverse", "no router is known that could be asked for names over UDP; write its address under resolve.local.upstreams, such as [192.168.1.1], or reverse: false")
	}
	if (p.MDNS || p.Reverse) && !p.Neighbours {
		r.add("presence.neighbours", "names are asked for as neighbours come; write neighbours: true, or leave mdns and reverse out")
	}
}
