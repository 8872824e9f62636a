package source

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
)

// reach says who may be contacted at an address.
type reach uint8

const (
	outside reach = iota // a server on the internet
	inside               // a machine of the house, or this one: only where the operator says that the list is there
	nowhere              // nobody that has lists: cloud metadata, groups, addresses without a machine
)

// journey follows one download over its redirects.
type journey struct {
	private bool        // Source.Private
	secret  bool        // a client certificate is shown
	left    atomic.Bool // an address on the internet was contacted
}

type journeyKey struct{}

func withJourney(ctx context.Context, s Source) context.Context {
	return context.WithValue(ctx, journeyKey{}, &journey{private: s.Private, secret: s.CertFile != ""})
}

func journeyOf(ctx context.Context) *journey {
	if trip, ok := ctx.Value(journeyKey{}).(*journey); ok {
		return trip
	}
	return new(journey) // the strictest
}

// guard looks at the address of a connection, after name resolution and before it is made, at every redirect anew.
// Machines of the house are contacted only for sources that are private, and then only while no server on the
// internet was: a list in the house is the operator's choice, being sent into the house by somebody else is not.
func guard(ctx context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", address, err)
	}
	trip, ip := journeyOf(ctx), to.Addr().WithZone("")
	switch reachOf(ip) {
	case outside:
		trip.left.Store(true)
	case inside:
		if !trip.private {
			return fmt.Errorf("%s is an address of this house or machine: if the list's server really is there, write private: true at the list", ip)
		}
		if trip.left.Load() {
			return fmt.Errorf("a server on the internet sent the download to %s, an address of this house or machine: write the right url", ip)
		}
	case nowhere:
		return fmt.Errorf("%s is no address that lists are fetched from", ip)
	}
	return nil
}

// reachOf classifies an address by the registries of special-purpose addresses (RFC 6890), as they are reached: one
// that stands for an IPv4 address counts as that.
func reachOf(ip netip.Addr) reach {
	ip = ip.Unmap()
	switch {
	case slices.Contains(metadata(), ip), within(ip, emptyBlocks()):
		return nowhere
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified():
		return nowhere
	case ip.IsPrivate(), ip.IsLoopback(), within(ip, localBlocks()), isOwn(ip):
		return inside
	}
	if embedded, ok := translated(ip); ok {
		return reachOf(embedded)
	}
	return outside
}

// metadata lists where clouds tell a machine its secrets, link-local addresses apart.
func metadata() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("fd00:ec2::254"),   // Amazon
		netip.MustParseAddr("fd20:ce::254"),    // Google
		netip.MustParseAddr("100.100.100.200"), // Alibaba
		netip.MustParseAddr("168.63.129.16"),   // Azure
		netip.MustParseAddr("192.0.0.192"),     // Oracle
	}
}

// emptyBlocks are those in which no server is.
func emptyBlocks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),   // this network (RFC 791 section 3.2)
		netip.MustParsePrefix("240.0.0.0/4"), // reserved, broadcast (RFC 1112 section 4, RFC 919)
		netip.MustParsePrefix("100::/64"),    // discarded (RFC 6666)
	}
}

// localBlocks are those of a house, a provider's inside or a machine that Addr.IsPrivate and IsLoopback do not know.
func localBlocks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("100.64.0.0/10"),  // behind a provider's translation (RFC 6598)
		netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments (RFC 6890)
		netip.MustParsePrefix("198.18.0.0/15"),  // measurements (RFC 2544)
		netip.MustParsePrefix("fec0::/10"),      // site-local (RFC 3879)
		netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64 of one's own (RFC 8215): what it stands for is not known
		netip.MustParsePrefix("2001::/32"),      // Teredo (RFC 4380): the same
	}
}

func within(ip netip.Addr, blocks []netip.Prefix) bool {
	return slices.ContainsFunc(blocks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// translated returns the IPv4 address that an IPv6 one leads to: NAT64 (RFC 6052), 6to4 (RFC 3056), and the
// compatible ones (RFC 4291 section 2.5.5.1).
func translated(ip netip.Addr) (netip.Addr, bool) {
	raw := ip.As16()
	switch {
	case !ip.Is6():
		return ip, false
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(raw[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(raw[2:6])), true
	}
	return ip, false
}

// isOwn reports whether an address is one of this machine, where its own services listen.
func isOwn(ip netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		network, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		mine, ok := netip.AddrFromSlice(network.IP)
		return ok && mine.Unmap() == ip
	})
}
