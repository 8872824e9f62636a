package main

import (
	"fmt"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/listen"
)

// preference is the order in which clients are told of encrypted transports. HTTPS comes first because its path
// carries a device's id whatever the client takes the server's name for.
var preference = []listen.Transport{listen.HTTPS, listen.QUIC, listen.TLS}

// designation says by which encrypted transports a server of this configuration is reached. It is empty where
// there is none.
func designation(c *Config) (resolver.Designation, error) {
	var d resolver.Designation
	for _, t := range preference {
		for _, l := range listeners(c) {
			if !slices.Contains(l.Protocols, t) || l.Addr.Port() == 0 {
				continue
			}
			e := resolver.Endpoint{Transport: transportOf[t], Port: l.Addr.Port()}
			if t == listen.HTTPS {
				e.Path = l.Path
			}
			if !l.Addr.Addr().IsUnspecified() && len(c.TLS.Addresses) == 0 {
				e.At = plainAddr(l.Addr.Addr())
			}
			if !slices.Contains(d.Endpoints, e) { // of IPv4 and of IPv6, or of several addresses that are all told
				d.Endpoints = append(d.Endpoints, e)
			}
		}
	}
	if len(d.Endpoints) == 0 {
		return d, nil
	}
	name, err := blocklists.ParseName(c.serverName())
	if err != nil {
		return d, fmt.Errorf("reading the name of the encrypted listeners: %w", err)
	}
	d.Name = name
	for _, a := range c.TLS.Addresses {
		d.Addresses = append(d.Addresses, plainAddr(a))
	}
	return d, nil
}
