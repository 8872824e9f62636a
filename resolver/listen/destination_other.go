//go:build !linux

package listen

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// wantDestination makes the socket tell with each packet where it was sent to, on the
// systems that can.
func wantDestination(conn *net.UDPConn, v6 bool) error {
	if v6 {
		return ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst, true)
	}
	return ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst, true)
}

// destination reads the address of ours that a packet was sent to.
func destination(control []byte) (netip.Addr, bool) {
	if len(control) == 0 {
		return netip.Addr{}, false
	}
	var m4 ipv4.ControlMessage
	if m4.Parse(control) == nil && m4.Dst != nil {
		return addrOf(m4.Dst)
	}
	var m6 ipv6.ControlMessage
	if m6.Parse(control) == nil && m6.Dst != nil {
		return addrOf(m6.Dst)
	}
	return netip.Addr{}, false
}

// sourceControl makes the control message for a reply that leaves from the address
// that the query came to.
func sourceControl(control []byte) []byte {
	from, ok := destination(control)
	switch {
	case !ok:
		return nil
	case from.Is4():
		return (&ipv4.ControlMessage{Src: from.AsSlice()}).Marshal()
	}
	return (&ipv6.ControlMessage{Src: from.AsSlice()}).Marshal()
}

func addrOf(ip net.IP) (netip.Addr, bool) {
	a, ok := netip.AddrFromSlice(ip)
	return a.Unmap(), ok
}
