package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver"
)

// admissions says for each running listener, an address with a protocol, who may ask
// there. boot is the configuration that the listeners were opened with; a listener that
// the new one no longer has keeps serving its networks until the restart, with the guest
// profile it names if that still exists.
func admissions(boot, now *Config, d *policy.Directory) []resolver.Admission {
	type socket struct {
		at       netip.AddrPort
		protocol string
	}
	current := make(map[socket]ListenConfig)
	for _, l := range now.Listen {
		for _, a := range l.Addresses {
			for _, p := range l.protocols() {
				current[socket{a, p}] = l
			}
		}
	}
	var all []resolver.Admission
	for _, l := range boot.Listen {
		for _, a := range l.Addresses {
			from := l
			for _, p := range slices.Backward(l.protocols()) { // of a listener that was split, the first half's
				if is, kept := current[socket{a, p}]; kept {
					from = is
				}
			}
			admit := resolver.Admission{Allow: from.Allow}
			if from.Guest != "" {
				admit.Guest = d.Profile(from.Guest)
			}
			all = append(all, admit)
		}
	}
	return all
}

// protocols lists what a listener speaks.
func (l ListenConfig) protocols() []string {
	if l.Protocol == "" || l.Protocol == "dns" {
		return []string{"udp", "tcp"}
	}
	return []string{l.Protocol}
}

// landing says where blocked names lead. boot is the configuration whose
// landing listeners are open.
func landing(boot, now *Config) (resolver.Landing, error) {
	l := resolver.Landing{
		V4: now.Landing.IPv4, V6: now.Landing.IPv6,
		TTL:  uint32(now.Landing.TTL.Seconds()),
		Here: make(map[netip.Addr]bool),
	}
	for _, a := range boot.Landing.HTTP {
		switch {
		case a.Port() != 80:
		case a.Addr().IsUnspecified():
			if err := addOwnAddresses(l.Here, a.Addr()); err != nil {
				return l, err
			}
		default:
			l.Here[a.Addr().Unmap()] = true
		}
	}
	return l, nil
}

// addOwnAddresses adds this machine's addresses that a wildcard stands for:
// 0.0.0.0 the IPv4 ones, :: all.
func addOwnAddresses(here map[netip.Addr]bool, wildcard netip.Addr) error {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("listing this machine's addresses: %w; write single addresses in landing.http", err)
	}
	for _, item := range list {
		if p, err := netip.ParsePrefix(item.String()); err == nil && (wildcard.Is6() || p.Addr().Is4()) {
			here[p.Addr().Unmap()] = true
		}
	}
	return nil
}
