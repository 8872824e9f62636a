package resolver

import (
	"net/netip"

	"github.com/hearthdns/hearth/resolver/wire"
)

// privateRanges are the addresses that a public name may not have: answering
// with one lets a web page of the internet talk to the router or a printer (DNS
// rebinding). Sources: RFC 6890 and the registries it founded.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved, broadcast
	netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("ff00::/8"),
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	nat64Here = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215, local by definition
	sixToFour = netip.MustParsePrefix("2002::/16")       // RFC 3056
	compat    = netip.MustParsePrefix("::/96")           // RFC 4291 section 2.5.5.1
	siit      = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765 section 2.1
	teredo    = netip.MustParsePrefix("2001::/32")       // RFC 4380, the client's address inverted
)

// exposes reports whether a leads to somebody's own network, though the view's names are not of
// one. What is behind the view's translator is what is embedded in it.
func (v *View) exposes(a netip.Addr) bool {
	if v.Local {
		return false
	}
	return private(translated(a, v.Translator))
}

// translated is the address that a leads to. Behind a translator, that with prefix or one of those with the prefix
// that all know, it is what is embedded in a.
func translated(a netip.Addr, prefix netip.Prefix) netip.Addr {
	for _, p := range [...]netip.Prefix{prefix, nat64} {
		if four, ok := wire.EmbeddedIPv4(p, a); ok {
			return four
		}
	}
	return a
}

// private reports whether a is, maps or embeds an address that belongs to
// somebody's own network.
func private(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range privateRanges {
		if p.Contains(a) {
			return true
		}
	}
	if a.Is4() {
		return false
	}
	b := a.As16()
	switch {
	case nat64Here.Contains(a):
		return true
	case compat.Contains(a), siit.Contains(a):
		return private(netip.AddrFrom4([4]byte(b[12:16])))
	case sixToFour.Contains(a):
		return private(netip.AddrFrom4([4]byte(b[2:6])))
	case teredo.Contains(a):
		return private(netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}))
	}
	return false
}
