package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/policy"
)

// warnings are worth a second look but refuse nothing.
func (c *Config) warnings(at *places) problems {
	r := &report{at: at}
	c.warnListen(r)
	for i, h := range c.Households {
		path := "households[" + strconv.Itoa(i) + "]"
		c.warnGuest(r, path, h)
		c.warnForwarders(r, path, h)
		if h.Enabled != nil && !*h.Enabled {
			r.add(path+".enabled", "household %s has opted out: nothing is filtered there; write enabled: true to filter", h.ID)
		}
	}
	if addr, err := netip.ParseAddrPort(c.Metrics.Listen); err == nil && !addr.Addr().IsLoopback() {
		r.add("metrics.listen", "%s is reachable from other machines and asks for no password; write 127.0.0.1:9353, or keep a firewall before it", addr)
	}
	if c.Landing.IPv4.IsValid() && c.Landing.IPv4.IsLoopback() && c.listensBeyondLoopback() {
		r.add("landing.ipv4", "%s is each client's own machine, so no other device sees the page; write this machine's address in the home network", c.Landing.IPv4)
	}
	c.warnIDs(r)
	c.warnGeo(r)
	return r.found
}

// warnListen finds listeners that the internet may reach.
func (c *Config) warnListen(r *report) {
	for i, l := range c.Listen {
		for j, addr := range l.Addresses {
			if public(addr.Addr()) && len(l.Allow) == 0 {
				r.add(fmt.Sprintf("listen[%d].addresses[%d]", i, j),
					"%s may be reached from the internet; clients outside private ranges and the households' networks are refused there; write allow: with the networks to serve, or the address of one interface", addr)
			}
		}
	}
}

// publishedIDs are those of deploy/examples, which are no secrets.
var publishedIDs = []string{"5qq6yoioa4nzco7a4b3diiql66", "jsexjo3npa3rkzzimjzljwsv7s", "bfg5nksc7bwlytcxct7tatja4c"}

// warnIDs finds ids that everybody can read.
func (c *Config) warnIDs(r *report) {
	if len(c.secured()) == 0 || !c.listensBeyondLoopback() {
		return
	}
	for i, h := range c.Households {
		for j, d := range h.Devices {
			if slices.Contains(publishedIDs, d.ID) {
				r.add(fmt.Sprintf("households[%d].devices[%d].id", i, j), "this id stands in the examples of Hearth, so it is no secret; write one that `hearth enrol --new` makes")
			}
		}
	}
}

// public says whether clients outside the home may reach an address.
func public(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsUnspecified() || (a.IsGlobalUnicast() && !a.IsPrivate())
}

func (c *Config) listensBeyondLoopback() bool {
	for _, a := range c.addresses() {
		if !a.Addr().IsLoopback() {
			return true
		}
	}
	return false
}

// warnGuest finds unknown devices that may do more than a member: a child
// then needs only another device.
func (c *Config) warnGuest(r *report, path string, h policy.HouseholdConfig) {
	guest, ok := c.bandOf(h.Guest)
	if !ok || guest == policy.Things {
		return
	}
	if stricter := c.stricter(h, guest); len(stricter) > 0 && guest > policy.Preteen {
		r.add(path+".guest", "unknown devices get %s, which is looser than %s; write a stricter guest, or leave it empty for the strictest member's", h.Guest, strings.Join(stricter, ", "))
	}
}

// warnForwarders finds those by which a child's device gets more than the child may, as long as its MAC is not told.
func (c *Config) warnForwarders(r *report, path string, h policy.HouseholdConfig) {
	for i, f := range h.Forwarders {
		band, ok := c.bandOf(f.Profile)
		if stricter := c.stricter(h, band); ok && len(f.Options) > 0 && len(stricter) > 0 {
			r.add(fmt.Sprintf("%s.forwarders[%d].profile", path, i),
				"%s is looser than %s: devices have it as long as the forwarder does not know them, and it may keep what it was answered then; leave it empty for what all of them may", f.Profile, strings.Join(stricter, ", "))
		}
	}
}

// stricter lists the members whose band is stricter than a band.
func (c *Config) stricter(h policy.HouseholdConfig, than policy.Band) (found []string) {
	for _, m := range h.Members {
		band, ok := policy.ParseBand(m.Band)
		if own, named := c.bandOf(m.Profile); named {
			band, ok = own, true
		}
		if ok && band < than {
			found = append(found, m.Name+" ("+band.String()+")")
		}
	}
	return found
}

// bandOf gives the band that a profile or band name stands for.
func (c *Config) bandOf(name string) (policy.Band, bool) {
	if b, ok := policy.ParseBand(name); ok {
		return b, true
	}
	for _, p := range c.Profiles {
		if p.Name == name {
			return policy.ParseBand(p.Band)
		}
	}
	return policy.NoBand, false
}
