package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/forward"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
)

// report collects what is wrong with one configuration.
type report struct {
	at    *places
	found problems
}

// add notes a problem at path. The text ends with what to write.
func (r *report) add(path, format string, args ...any) {
	r.found = append(r.found, &problem{place: r.at.of(path), Path: path, Text: fmt.Sprintf(format, args...)})
}

// word refuses a value that is none of the words that may stand there.
func (r *report) word(path, value string, words ...string) {
	for _, w := range words {
		if w == value {
			return
		}
	}
	if near, ok := nearest(value, words); ok {
		r.add(path, "%q is not known; did you mean %q?", value, near)
		return
	}
	r.add(path, "%q is not known; write one of %s", value, strings.Join(words, ", "))
}

// between refuses a duration outside of least to most.
func (r *report) between(path string, d, least, most time.Duration) {
	if d < least || d > most {
		r.add(path, "%s is out of range; write %s to %s", durationText(d), durationText(least), durationText(most))
	}
}

// zone refuses what is not the name of a zone beneath the root.
func (r *report) zone(path, text string) (blocklists.Name, bool) {
	n, err := blocklists.ParseName(text)
	switch {
	case err != nil:
		r.add(path, "%v; write a domain name such as lan or fritz.box", err)
	case n.Labels() == 0:
		r.add(path, "the root is not a zone of its own; write a domain name such as lan or fritz.box")
	default:
		return n, true
	}
	return nil, false
}

// validate judges the whole configuration: the sections of this package
// here, the others by their packages.
func (c *Config) validate(at *places) problems {
	r := &report{at: at}
	c.validateProgram(r)
	c.validateListen(r)
	r.found = append(r.found, problemsOf(c.Limits.Validate(), "limits", r.at)...)
	for _, p := range problemsOf(c.certificates().Validate(), "tls", r.at) {
		if c.TLS.Name != "" || p.Path != "tls.name" { // else it is said of name
			r.found = append(r.found, p)
		}
	}
	c.validateLanding(r)
	c.validateConsole(r)
	c.validateChallenge(r)
	c.validateAnswers(r)
	c.validateResolve(r)
	c.validatePresence(r)
	c.Telemetry.validate(r)
	c.validateParts(r)
	c.validateGeo(r)
	return r.found
}

func (c *Config) validateProgram(r *report) {
	if n, ok := r.zone("name", c.Name); ok && n.Labels() > 100 {
		r.add("name", "%q has too many labels; write a short name such as hearth.home.arpa", c.Name)
	}
	r.word("log.level", c.Log.Level, "debug", "info", "warn", "error")
	r.word("log.format", c.Log.Format, "text", "json")
	if c.Cache.Size < 1<<20 {
		r.add("cache.size", "%d bytes are too few to be of use; write 1MiB or more", c.Cache.Size)
	}
	bounds := c.Cache.bounds()
	bounds.MaxBytes = 0
	r.found = append(r.found, problemsOf(bounds.Validate(), "cache", r.at)...)
	if _, err := netip.ParseAddrPort(c.Metrics.Listen); err != nil && c.Metrics.Listen != "" {
		r.add("metrics.listen", `%q is not an address and port; write 127.0.0.1:9353, or "" to turn it off`, c.Metrics.Listen)
	}
}

func (c *Config) validateListen(r *report) {
	if len(c.Listen) == 0 {
		r.add("listen", "no listener is configured; remove the key for the default, or write one item with addresses")
	}
	seen := make(map[string]string)
	for i, l := range c.Listen {
		path := "listen[" + strconv.Itoa(i) + "]"
		if len(l.Addresses) == 0 {
			r.add(path, "this listener has no addresses; write addresses: [\"127.0.0.1:5300\"]")
		}
		if l.Protocol != "" {
			r.word(path+".protocol", l.Protocol, "dns", "udp", "tcp", "tls", "quic", "https")
		}
		for j, addr := range l.Addresses {
			at := path + ".addresses[" + strconv.Itoa(j) + "]"
			for _, port := range l.ports() {
				id := port + " " + addr.String()
				if first, ok := seen[id]; ok && addr.Port() != 0 {
					r.add(at, "%s is already used by %s; keep one of the two", addr, first)
					break
				}
				seen[id] = at
			}
		}
		l.validateWeb(r, path)
		r.networks(path+".allow", l.Allow)
		r.networks(path+".proxies", l.Proxies)
		if len(l.Allow) > 0 && l.Guest == "" {
			r.add(path+".allow", "these clients belong to no household and no profile is named for them; write guest: with a profile or an age band, such as guest: adult")
		}
	}
}

// ports says of which protocols a listener takes the ports.
func (l ListenConfig) ports() []string {
	switch l.Protocol {
	case "udp", "quic":
		return []string{"udp"}
	case "tcp", "tls":
		return []string{"tcp"}
	default:
		return []string{"udp", "tcp"}
	}
}

// networks refuses IPv4 that is written as IPv6, which no client is taken for.
func (r *report) networks(path string, list []netip.Prefix) {
	for i, p := range list {
		if p.Addr().Is4In6() {
			r.add(path+"["+strconv.Itoa(i)+"]", "%s is IPv4 written as IPv6, which no client is; write the network as 192.0.2.0/24", p)
		}
	}
}

// validateWeb judges what only some protocols have.
func (l ListenConfig) validateWeb(r *report, path string) {
	if l.Path != "" && l.Protocol != "https" {
		r.add(path+".path", "only https has a path; leave it out")
	}
	if p := l.Path; p != "" && (!strings.HasPrefix(p, "/") || len(p) < 2 || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "?#{}% ")) {
		r.add(path+".path", "%q is not a path that clients can ask for; write one such as /dns-query", p)
	}
	if len(l.Proxies) > 0 && l.Protocol == "quic" {
		r.add(path+".proxies", "there are no proxies for quic; leave it out")
	}
}

// validateChallenge refuses an address for the http challenge that the landing page has.
func (c *Config) validateChallenge(r *report) {
	at := c.TLS.ACME.HTTP
	if c.TLS.Source != certificate.ACME || c.TLS.ACME.Challenge != "http" {
		return
	}
	for _, l := range c.Landing.HTTP {
		if l.Port() == at.Port() && (l.Addr() == at.Addr() || l.Addr().IsUnspecified() || at.Addr().IsUnspecified()) {
			r.add("tls.acme.http", "%s is taken by the landing page (landing.http); write challenge: dns, or give the page another address", at)
			return
		}
	}
}

func (c *Config) validateLanding(r *report) {
	l := c.Landing
	if l.IPv4.IsValid() && (!l.IPv4.Is4() || l.IPv4.IsUnspecified() || l.IPv4.IsMulticast()) {
		r.add("landing.ipv4", `%s cannot be reached as an IPv4 host; write the address of this machine that the clients reach, or ""`, l.IPv4)
	}
	if l.IPv6.IsValid() && (!l.IPv6.Is6() || l.IPv6.Is4In6() || l.IPv6.Zone() != "" || l.IPv6.IsUnspecified() || l.IPv6.IsMulticast()) {
		r.add("landing.ipv6", `%s cannot be reached as an IPv6 host; write the address of this machine that the clients reach, or ""`, l.IPv6)
	}
	r.between("landing.ttl", l.TTL, time.Second, 5*time.Minute)
	if l.TTL%time.Second != 0 {
		r.add("landing.ttl", "%s is not in whole seconds; write 10s", l.TTL)
	}
	seen := make(map[netip.AddrPort]bool)
	for i, addr := range l.HTTP {
		if seen[addr] && addr.Port() != 0 {
			r.add("landing.http["+strconv.Itoa(i)+"]", "%s is listed twice; keep one", addr)
		}
		seen[addr] = true
	}
}

func (c *Config) validateResolve(r *report) {
	c.validateUpstreams(r, "resolve", c.Resolve.Upstreams)
	zones := make(map[string]string)
	once := func(path, text string) {
		if n, ok := r.zone(path, text); ok {
			if first := zones[string(n)]; first != "" {
				r.add(path, "%q already has upstreams at %s; keep one of the two", text, first)
			}
			zones[string(n)] = path
		}
	}
	for i, z := range c.Resolve.Zones {
		path := "resolve.zones[" + strconv.Itoa(i) + "]"
		once(path+".zone", z.Zone)
		if len(z.Upstreams) == 0 {
			r.add(path, "the zone %q has no upstreams; write upstreams: [192.168.1.1]", z.Zone)
		}
		c.validateUpstreams(r, path, z.Upstreams)
	}
	for i, z := range c.Resolve.Local.Zones {
		once("resolve.local.zones["+strconv.Itoa(i)+"]", z)
	}
	c.validateUpstreams(r, "resolve.local", c.Resolve.Local.Upstreams)
	l := c.Resolve.Local
	if len(l.Zones) > 0 && len(l.Upstreams) == 0 && len(l.Hosts) == 0 && len(l.Leases) == 0 {
		r.add("resolve.local", "nobody knows the names of the local zones; write upstreams: with the router's address, such as [192.168.1.1], or hosts: or leases: with a file of them")
	}
	r.found = append(r.found, problemsOf(forward.ValidateServers(c.Resolve.Servers, c.allUpstreams()), "resolve", r.at)...)
	if p := c.Resolve.DNS64.Prefix; p.IsValid() {
		if _, err := forward.NewDNS64(p, nil); err != nil {
			r.add("resolve.dns64.prefix", "%v", err)
		}
	}
	for i, p := range c.Profiles {
		c.validateUpstreams(r, "profiles["+strconv.Itoa(i)+"]", p.Upstreams)
	}
}
