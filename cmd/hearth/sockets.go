package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
)

// sockets are all sockets of the server, opened before anything is served so
// that a start succeeds or fails as a whole.
type sockets struct {
	dns     *listen.Server
	landing []net.Listener
	console []net.Listener
	metrics net.Listener // nil: off
	control net.Listener
}

// openSockets opens them all, the control socket at a path, and reports every failure together. to is what the listeners
// of DNS are made of beside the configuration.
func openSockets(ctx context.Context, c *Config, control string, to listen.Config) (*sockets, error) {
	from, err := takeSockets()
	if err != nil {
		return nil, err
	}
	s := &sockets{}
	var errs []error
	to.Listeners, to.Limits = listeners(c), c.Limits
	to.Packets, to.Streams = slices.Collect(maps.Values(from.packets)), slices.Collect(maps.Values(from.streams))
	s.dns, err = listen.New(to)
	errs = append(errs, err)
	for _, at := range c.Landing.HTTP {
		l, err := from.listen(ctx, "the landing page", at)
		s.landing = append(s.landing, l)
		errs = append(errs, err)
	}
	for _, at := range c.Console.Listen {
		l, err := from.listen(ctx, "the console", at)
		s.console = append(s.console, l)
		errs = append(errs, err)
	}
	if at, err := netip.ParseAddrPort(c.Metrics.Listen); err == nil {
		s.metrics, err = from.listen(ctx, "the metrics", at)
		errs = append(errs, err)
	}
	s.control, err = api.ListenUnix(ctx, control)
	if err = errors.Join(append(errs, err)...); err != nil && s.control != nil {
		_ = s.control.Close() // which removes its file
	}
	return s, err
}

// defaultPath is where DNS over HTTPS is answered unless a listener has a path.
const defaultPath = "/dns-query"

// transportsOf are those of a listener's protocol; without one, or with dns, there are those
// of plain DNS.
var transportsOf = map[string][]listen.Transport{
	"udp": {listen.UDP}, "tcp": {listen.TCP}, "tls": {listen.TLS}, "quic": {listen.QUIC}, "https": {listen.HTTPS},
}

// serverName is the name that clients of the encrypted listeners ask for.
func (c *Config) serverName() string {
	return strings.ToLower(strings.TrimSuffix(cmp.Or(c.TLS.Name, c.Name), "."))
}

// certificates is the section tls with the name that holds.
func (c *Config) certificates() certificate.Config {
	to := c.TLS
	to.Name = c.serverName()
	return to
}

// secured lists the addresses of the listeners that need a certificate.
func (c *Config) secured() []netip.Addr {
	var all []netip.Addr
	for _, l := range listeners(c) {
		if slices.ContainsFunc(l.Protocols, listen.Transport.Encrypted) {
			all = append(all, l.Addr.Addr())
		}
	}
	return all
}

// listeners flattens the configured listeners to one an address. Their order
// is that of admissions.
func listeners(c *Config) []listen.Listener {
	var all []listen.Listener
	for _, l := range c.Listen {
		for _, a := range l.Addresses {
			all = append(all, listen.Listener{
				Addr: a, Protocols: transportsOf[l.Protocol], Name: c.serverName(),
				Path: cmp.Or(l.Path, defaultPath), Proxies: l.Proxies,
			})
		}
	}
	return all
}
