package wire

import "net/netip"

// reservedOctet is the one of an IPv6 address that stays zero where an IPv4 address is embedded
// (RFC 6052 section 2.2).
const reservedOctet = 8

// CanEmbed reports whether IPv4 addresses can be embedded behind prefix: an IPv6 prefix of 32, 40,
// 48, 56, 64 or 96 bits, without others, whose bits 64 to 71 are zero (RFC 6052 section 2.2).
func CanEmbed(prefix netip.Prefix) bool {
	switch prefix.Bits() {
	case 32, 40, 48, 56, 64, 96:
		return prefix.Addr().Is6() && !prefix.Addr().Is4In6() && prefix == prefix.Masked() && prefix.Addr().As16()[reservedOctet] == 0
	}
	return false
}

// EmbedIPv4 returns the IPv6 address that stands for the IPv4 address v4 behind a prefix that
// CanEmbed.
func EmbedIPv4(prefix netip.Prefix, v4 netip.Addr) netip.Addr {
	b := prefix.Addr().As16()
	at := prefix.Bits() / 8
	for _, octet := range v4.As4() {
		if at == reservedOctet {
			at++
		}
		b[at] = octet
		at++
	}
	return netip.AddrFrom16(b)
}

// EmbeddedIPv4 is the reverse of EmbedIPv4. ok is false for an address that is not behind prefix,
// and for every one if prefix is the zero Prefix.
func EmbeddedIPv4(prefix netip.Prefix, a netip.Addr) (v4 netip.Addr, ok bool) {
	if !prefix.Contains(a) {
		return netip.Addr{}, false
	}
	b, four := a.As16(), [4]byte{}
	at := prefix.Bits() / 8
	for i := range four {
		if at == reservedOctet {
			at++
		}
		four[i] = b[at]
		at++
	}
	return netip.AddrFrom4(four), true
}
