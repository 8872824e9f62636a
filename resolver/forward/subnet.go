package forward

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/hearthdns/hearth/resolver/wire"
)

// The longest prefixes that tell of no single household (RFC 7871 section 11.1).
const (
	maxSubnet4 = 24
	maxSubnet6 = 56
)

// checkSubnet refuses a network that is not written as one, or is so small that it tells
// who asks.
func checkSubnet(p netip.Prefix) error {
	longest := maxSubnet6
	if p.Addr().Is4() {
		longest = maxSubnet4
	}
	switch {
	case p.Addr().Is4In6():
		return fmt.Errorf("%s is an IPv4 network in IPv6 clothes; write it as IPv4", p)
	case p != p.Masked():
		return fmt.Errorf("%s has bits behind the prefix; write %s", p, p.Masked())
	case p.Bits() > longest:
		wide, _ := p.Addr().Prefix(longest)
		return fmt.Errorf("%s tells upstreams which household asks (RFC 7871 section 11.1); write %s or a wider one", p, wide)
	}
	return nil
}

// subnetOption returns the client subnet option of a query for p (RFC 7871 section 6), "" for
// none.
func subnetOption(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	family := uint16(2)
	if p.Addr().Is4() {
		family = 1
	}
	address := p.Masked().Addr().AsSlice()[:(p.Bits()+7)/8]
	b := binary.BigEndian.AppendUint16(nil, wire.OptionSubnet)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(address))) //nolint:gosec // at most 20
	b = binary.BigEndian.AppendUint16(b, family)
	return string(append(append(b, byte(p.Bits()), 0), address...)) //nolint:gosec // at most 128
}

// sameSubnet reports whether the content of a reply's option is about the network asked for;
// the scope, its fourth octet, is the upstream's to choose.
func sameSubnet(got []byte, sent string) bool {
	return len(got) == len(sent) && string(got[:3]) == sent[:3] && string(got[4:]) == sent[4:]
}
