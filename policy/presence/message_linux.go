package presence

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hearthdns/hearth/policy"
)

// neighbour is one message about a neighbour.
type neighbour struct {
	Machine
	valid   bool // the kernel sends packets for the address to that MAC
	pending bool // the kernel looks for it at this moment
}

// zones are the names of interfaces, by number.
type zones map[int]string

func (z zones) name(number int) string {
	name, known := z[number]
	if !known {
		name = strconv.Itoa(number)
		if face, err := net.InterfaceByIndex(number); err == nil {
			name = face.Name
		}
		z[number] = name
	}
	return name
}

// usable are the states in which the kernel sends packets to the MAC that it has.
const usable = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// neighbour reads a message: struct ndmsg with its attributes (rtnetlink(7)). It is false for what is no IP
// neighbour of a machine: of bridges, groups and proxies.
func (z zones) neighbour(b []byte) (n neighbour, ok bool) {
	if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_INET && b[0] != unix.AF_INET6 || b[10]&unix.NTF_PROXY != 0 {
		return n, false
	}
	n.link = int(int32(binary.NativeEndian.Uint32(b[4:]))) //nolint:gosec // an int in C
	state := binary.NativeEndian.Uint16(b[8:])
	attributes, err := netlink.NewAttributeDecoder(b[unix.SizeofNdMsg:])
	if err != nil {
		return n, false
	}
	var mac []byte
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NDA_DST:
			n.Addr, _ = netip.AddrFromSlice(attributes.Bytes())
		case unix.NDA_LLADDR:
			mac = attributes.Bytes()
		}
	}
	if attributes.Err() != nil || !n.Addr.IsValid() || n.Addr.IsMulticast() {
		return n, false
	}
	if n.Addr.Is6() && n.Addr.IsLinkLocalUnicast() {
		n.Addr = n.Addr.WithZone(z.name(n.link))
	}
	if len(mac) == len(n.MAC) {
		n.MAC = policy.MAC(mac)
	}
	n.valid = state&usable != 0 && !n.MAC.IsZero() && mac[0]&1 == 0
	n.pending = state&unix.NUD_INCOMPLETE != 0
	return n, true
}

// encodeNeighbour is the question for one neighbour.
func encodeNeighbour(number int, a netip.Addr) []byte {
	b := make([]byte, unix.SizeofNdMsg)
	b[0] = unix.AF_INET
	if a.Is6() {
		b[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(b[4:], uint32(number)) //nolint:gosec // an int in C
	attributes := netlink.NewAttributeEncoder()
	attributes.Bytes(unix.NDA_DST, a.AsSlice())
	encoded, err := attributes.Encode()
	if err != nil {
		panic("presence: " + err.Error()) // sixteen octets fit
	}
	return append(b, encoded...)
}

// route is one message about a route.
type route struct {
	network netip.Prefix
	link    int
	kind    byte
	via     bool // a router
}

// direct says that the machines of the network are neighbours. The default route is no network.
func (r route) direct() bool { return r.kind == unix.RTN_UNICAST && !r.via && r.network.Bits() > 0 }

// rtaNexthop is RTA_NH_ID of linux/rtnetlink.h: a route by way of an object that has the router.
const rtaNexthop = 30

// parseRoute reads a message: struct rtmsg with its attributes (rtnetlink(7)).
func parseRoute(b []byte) (r route, ok bool) {
	if len(b) < unix.SizeofRtMsg || b[0] != unix.AF_INET && b[0] != unix.AF_INET6 {
		return r, false
	}
	r.kind = b[7]
	attributes, err := netlink.NewAttributeDecoder(b[unix.SizeofRtMsg:])
	if err != nil {
		return r, false
	}
	to := netip.IPv4Unspecified()
	if b[0] == unix.AF_INET6 {
		to = netip.IPv6Unspecified()
	}
	for attributes.Next() {
		switch attributes.Type() {
		case unix.RTA_DST:
			to, _ = netip.AddrFromSlice(attributes.Bytes())
		case unix.RTA_OIF:
			r.link = int(attributes.Uint32())
		case unix.RTA_GATEWAY, unix.RTA_VIA, unix.RTA_MULTIPATH, rtaNexthop:
			r.via = true
		}
	}
	r.network = netip.PrefixFrom(to, int(b[1]))
	return r, attributes.Err() == nil && r.network.IsValid()
}
