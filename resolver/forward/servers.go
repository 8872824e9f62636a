package forward

import (
	"errors"
	"fmt"
	"net/netip"
)

// ValidateServers returns all errors of servers, joined; each has a Path that begins with
// "servers". upstreams are those of all Configs that are given these servers; each server must be
// among them, once. The files that servers name are read; nothing is sent.
func ValidateServers(servers []Server, upstreams []string) error {
	var errs faults
	known := make(map[endpoint]bool)
	for _, text := range upstreams {
		if e, err := parseEndpoint(text); err == nil {
			known[e] = true
		}
	}
	seen := make(map[endpoint]int)
	for i, s := range servers {
		path := fmt.Sprintf("servers[%d].", i)
		e, err := parseEndpoint(s.URL)
		if err != nil {
			errs.refuse(path+"url", "%s", err)
			continue
		}
		first, twice := seen[e]
		switch {
		case !known[e]:
			errs.refuse(path+"url", "%s is not among the upstreams; write it as it stands there, or remove this", s.URL)
		case twice:
			errs.refuse(path+"url", "%s is servers[%d] again; write all of it there", s.URL, first)
		}
		seen[e] = i
		errs.server(path, e, s)
	}
	return errors.Join(errs...)
}

// server checks what is said of the upstream at e.
func (f *faults) server(path string, e endpoint, s Server) {
	if len(s.Addresses) > 0 && e.name == "" {
		f.refuse(path+"addresses", "%s has its address already; write addresses for servers with names only", s.URL)
	}
	for i, a := range s.Addresses {
		if err := checkTarget(netip.AddrPortFrom(a.Unmap(), e.port)); err != nil {
			f.refuse(fmt.Sprintf("%saddresses[%d]", path, i), "%s", err)
		}
	}
	if !e.encrypted() {
		const remedy = "over %s nobody proves who answers; write tls://, https://, h3:// or quic://, or remove this"
		if len(s.Pins) > 0 {
			f.refuse(path+"pins", remedy, e.network)
		}
		if s.CAFile != "" {
			f.refuse(path+"ca_file", remedy, e.network)
		}
		if s.Validates {
			f.refuse(path+"validates", remedy, e.network)
		}
		return
	}
	for i, text := range s.Pins {
		if _, err := parsePin(text); err != nil {
			f.refuse(fmt.Sprintf("%spins[%d]", path, i), "%s", err)
		}
	}
	if _, err := newIdentity(e, Server{CAFile: s.CAFile}); err != nil {
		f.refuse(path+"ca_file", "%s", err)
	}
}
