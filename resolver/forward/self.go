package forward

import (
	"net"
	"net/netip"
)

// self knows the addresses on which this server listens.
type self struct {
	exact  map[netip.AddrPort]bool
	four   map[uint16]bool // ports of listeners on every IPv4 address
	six    map[uint16]bool // on every IPv6 address
	locals map[netip.Addr]bool
}

// newSelf takes the listeners' addresses, and asks locals for the machine's own
// ones only if a listener is on all of them.
func newSelf(own []netip.AddrPort, locals func() []netip.Addr) *self {
	s := &self{
		exact: make(map[netip.AddrPort]bool), four: make(map[uint16]bool),
		six: make(map[uint16]bool), locals: make(map[netip.Addr]bool),
	}
	for _, a := range own {
		addr := plain(a.Addr())
		s.exact[netip.AddrPortFrom(addr, a.Port())] = true
		switch {
		case !addr.IsUnspecified():
			continue
		case addr.Is6(): // [::] takes IPv4 as well, unless the system was told otherwise
			s.six[a.Port()] = true
		}
		s.four[a.Port()] = true
	}
	if len(s.four) > 0 {
		for _, a := range locals() {
			s.locals[plain(a)] = true
		}
	}
	return s
}

// is reports whether a packet to a would come back to us.
func (s *self) is(a netip.AddrPort) bool {
	addr := plain(a.Addr())
	if s.exact[netip.AddrPortFrom(addr, a.Port())] {
		return true
	}
	wild := s.six
	if addr.Is4() {
		wild = s.four
	}
	return wild[a.Port()] && (addr.IsLoopback() || s.locals[addr])
}

// plain strips what does not matter for equality: the IPv6 wrapping of an IPv4
// address, and the zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// interfaceAddrs returns the machine's own addresses, as far as it tells.
func interfaceAddrs() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil // then only loopback counts as ours
	}
	var all []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p.Addr())
		}
	}
	return all
}
