package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"

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

// listeners flattens the configured listeners to one an address. Their order
// is that of admissions.
func listeners(c *Config) []listen.Listener {
	var all []listen.Listener
	for _, l := range c.Listen {
		for _, a := range l.Addresses {
			item := listen.Listener{Addr: a}
			switch l.Protocol {
			case "udp":
				item.Protocols = []listen.Transport{listen.UDP}
			case "tcp":
				item.Protocols = []listen.Transport{listen.TCP}
			}
			all = append(all, item)
		}
	}
	return all
}
