package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/resolver/listen"
)

// sockets are all sockets of the server, opened before anything is served so
// that a start succeeds or fails as a whole.
type sockets struct {
	dns     *listen.Server
	landing []net.Listener
	metrics net.Listener // nil: off
}

// openSockets opens them all and reports every failure together.
func openSockets(ctx context.Context, c *Config, h listen.Handler, beside listen.Beside, log *slog.Logger) (*sockets, error) {
	from, err := takeSockets()
	if err != nil {
		return nil, err
	}
	s := &sockets{}
	var errs []error
	s.dns, err = listen.New(listen.Config{
		Listeners: listeners(c), Handler: h, Beside: beside, Log: log, Limits: c.Limits,
		Packets: slices.Collect(maps.Values(from.packets)), Streams: slices.Collect(maps.Values(from.streams)),
	})
	errs = append(errs, err)
	for _, at := range c.Landing.HTTP {
		l, err := from.listen(ctx, "the landing page", at)
		s.landing = append(s.landing, l)
		errs = append(errs, err)
	}
	if at, err := netip.ParseAddrPort(c.Metrics.Listen); err == nil {
		s.metrics, err = from.listen(ctx, "the metrics", at)
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
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

// encrypts says whether there is a listener that needs a certificate.
func (c *Config) encrypts() bool {
	return slices.ContainsFunc(c.Listen, func(l ListenConfig) bool {
		return slices.ContainsFunc(transportsOf[l.Protocol], listen.Transport.Encrypted)
	})
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
