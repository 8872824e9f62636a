package listen

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sizes of the kernel's in_pktinfo (ifindex, spec_dst, addr) and in6_pktinfo (addr,
// ifindex), in octets.
const (
	pktinfo4 = 12
	pktinfo6 = 20
)

// wantDestination makes the socket tell with each packet where it was sent to.
func wantDestination(conn *net.UDPConn, v6 bool) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		if v6 {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	if err != nil {
		return err
	}
	return set
}

// destination reads the address of ours that a packet was sent to.
func destination(control []byte) (netip.Addr, bool) {
	info, v6 := pktinfo(control)
	switch {
	case info == nil:
		return netip.Addr{}, false
	case v6:
		return netip.AddrFrom16([16]byte(info[:16])).Unmap(), true
	}
	return netip.AddrFrom4([4]byte(info[4:8])), true // spec_dst: ours even if addr is a broadcast
}

// sourceControl turns, in place, the control message that came with a query into the
// one that makes the reply leave from the same address. The interface is cleared, so
// that routing chooses it as for any packet; only link-local addresses need it.
func sourceControl(control []byte) []byte {
	info, v6 := pktinfo(control)
	switch {
	case info == nil:
		return nil
	case !v6:
		clear(info[:4])
	case !netip.AddrFrom16([16]byte(info[:16])).IsLinkLocalUnicast():
		clear(info[16:20])
	}
	return control
}

// pktinfo finds the packet information in control, which holds that one message.
func pktinfo(control []byte) (info []byte, v6 bool) {
	if len(control) < unix.SizeofCmsghdr {
		return nil, false
	}
	hdr, body, _, err := unix.ParseOneSocketControlMessage(control)
	switch {
	case err != nil:
	case hdr.Level == unix.IPPROTO_IP && hdr.Type == unix.IP_PKTINFO && len(body) >= pktinfo4:
		return body[:pktinfo4], false
	case hdr.Level == unix.IPPROTO_IPV6 && hdr.Type == unix.IPV6_PKTINFO && len(body) >= pktinfo6:
		return body[:pktinfo6], true
	}
	return nil, false
}
