package forward

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// dnsPort is where a resolver is when nothing else is written (RFC 1035 section 4.2).
const dnsPort = 53

// endpoint is where and how an upstream is asked.
type endpoint struct {
	network string // "udp" or "tcp"
	addr    netip.AddrPort
}

// String returns the endpoint as a URL, the canonical form of what was configured.
func (e endpoint) String() string { return e.network + "://" + e.addr.String() }

// parseEndpoint reads an upstream as it is written in the configuration.
func parseEndpoint(text string) (endpoint, error) {
	network, host, hasScheme := strings.Cut(text, "://")
	if !hasScheme {
		network, host = "udp", text
	}
	switch network {
	case "udp", "tcp":
	case "tls", "https", "h3", "quic", "sdns":
		return endpoint{}, fmt.Errorf("%s:// is not spoken by this version, only udp:// and tcp://; write udp:// and the address of the resolver", network)
	default:
		return endpoint{}, fmt.Errorf("%q is no protocol of an upstream; write udp:// or tcp:// and an address", network)
	}
	addr, err := parseHost(host)
	if err != nil {
		return endpoint{}, err
	}
	return endpoint{network, addr}, checkTarget(addr)
}

// parseHost reads an address with or without a port.
func parseHost(host string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), dnsPort), nil
	}
	if a, err := netip.ParseAddrPort(host); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
	}
	if host == "" {
		return netip.AddrPort{}, errors.New("the address is missing; write for example udp://9.9.9.9")
	}
	if strings.ContainsAny(host, "/@?#") {
		return netip.AddrPort{}, fmt.Errorf("%q has more than an address and a port; write for example udp://9.9.9.9:53", host)
	}
	return netip.AddrPort{}, fmt.Errorf("%q is no address; a name would have to be looked up through this very server, so write the address, for example 9.9.9.9 or [2620:fe::fe]:53", host)
}

// checkTarget refuses addresses that no single resolver can have.
func checkTarget(a netip.AddrPort) error {
	switch addr := a.Addr(); {
	case a.Port() == 0:
		return errors.New("port 0 cannot be asked; write 53 or leave the port out")
	case addr.IsUnspecified():
		return fmt.Errorf("%s means every address of this machine; write the one of the resolver", addr)
	case addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%s is the address of a group; write that of one resolver", addr)
	}
	return nil
}
