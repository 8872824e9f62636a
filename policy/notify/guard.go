package notify

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A household chooses where its webhooks and push subscriptions lead, and the request is made from within the operator's
// network. So every address is judged, first as it is written, and again at the moment of connecting, when a name has been
// resolved: what a name leads to may change in between.

// guard says which addresses may be connected to.
type guard struct {
	private bool         // the operator allows private networks and this machine itself
	nat64   netip.Prefix // of the operator's network, beside the well-known one; the zero Prefix: none
	own     func() []netip.Addr
}

// wellKnown is the prefix of NAT64 behind which public IPv4 lies (RFC 6052 2.1).
var wellKnown = netip.MustParsePrefix("64:ff9b::/96")

// homely are networks that private opens: this machine, RFC 1918, RFC 4193, and those behind a provider's NAT (RFC 6598).
var homely = prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")

// closed are networks that nothing opens: of the special-purpose registries of IANA (RFC 6890) all that is not public, and
// those that carry another address within (6to4, Teredo).
var closed = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	// What clouds tell their machines, with keys, stands elsewhere too: Azure, Alibaba, Amazon, Google.
	"168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::254/128", "fd20:ce::254/128",
)

// global is what is given out of IPv6 for the internet; all else is for something special.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

func within(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

// allows judges an address. Where what is sent is bare, in clear, it must be a private one, which private opens.
func (g *guard) allows(a netip.Addr, bare bool) bool {
	if a.Zone() != "" || !a.IsValid() {
		return false
	}
	a = a.Unmap()
	if inner, ok := g.behindNAT64(a); ok {
		a = inner
	}
	switch {
	case within(closed, a):
		return false
	case within(homely, a), g.own != nil && slices.Contains(g.own(), a):
		return g.private
	}
	return !bare && (a.Is4() || global.Contains(a))
}

// behindNAT64 gives the IPv4 address that NAT64 makes of one (RFC 6052 2.2): a prefix of 32 to 96 bits is followed by
// it, and octet 8 is left out. Of an unusual prefix it is the unspecified address, which is refused.
func (g *guard) behindNAT64(a netip.Addr) (netip.Addr, bool) {
	for _, p := range []netip.Prefix{wellKnown, g.nat64} {
		if !p.IsValid() || !p.Contains(a) || a.Is4() {
			continue
		}
		if p.Bits()%8 != 0 || p.Bits() < 32 || p.Bits() > 96 || p.Bits() == 72 || p.Bits() == 80 || p.Bits() == 88 {
			return netip.IPv4Unspecified(), true
		}
		b, four := a.As16(), [4]byte{}
		for i, at := 0, p.Bits()/8; i < 4; at++ {
			if at != 8 {
				four[i] = b[at]
				i++
			}
		}
		return netip.AddrFrom4(four), true
	}
	return netip.Addr{}, false
}

// ownAddresses lists those of this machine: at a provider they are public, and so are services that listen there.
func ownAddresses() (all []netip.Addr) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, f := range found {
		if n, ok := f.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(n.IP); ok {
				all = append(all, a.Unmap())
			}
		}
	}
	return all
}

// firstFree is the first port that needs no rights. Below it are the services of machines, such as mail, whose protocols
// read what is posted as commands.
const firstFree = 1024

// maxURL bounds the URLs that households give, in octets.
const maxURL = 2048

// hostName is what DNS knows as a host: labels of letters, digits, - and _.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// target reads a URL that a household gave. Its error says what to write instead.
func (g *guard) target(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL || strings.ContainsFunc(text, unprintable) || u.Opaque != "" || u.Host == "":
		return nil, wrong("to", "this is no URL: write one such as https://home.example/hook, of at most %d octets", maxURL)
	case u.User != nil:
		return nil, wrong("to", "a URL with a name and password in it is not used: leave out what stands before the @")
	case u.Fragment != "":
		return nil, wrong("to", "what stands behind # is never sent: leave it out")
	case u.Scheme != "https" && (u.Scheme != "http" || !g.private):
		return nil, wrong("to", "%q is not used here: write https://", u.Scheme+"://")
	}
	if port := u.Port(); port != "" && port != "443" && port != "80" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n < firstFree {
			return nil, wrong("to", "port %s is not used: write 443, 80 or one from %d to 65535", port, firstFree)
		}
	}
	return u, g.host(u.Hostname(), u.Scheme == "http")
}

// host judges a host as it is written.
func (g *guard) host(host string, bare bool) error {
	if a, err := netip.ParseAddr(host); err == nil {
		if !g.allows(a, bare) {
			return forbidden
		}
		return nil
	}
	last := strings.TrimSuffix(host, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	// Some resolvers read 2130706433, 0177.0.0.1 and 127.1 as addresses (the WHATWG URL standard, "ends in a number").
	if n, err := strconv.ParseUint(last, 0, 64); err == nil || n != 0 || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x") {
		return wrong("to", "this host is neither a name nor an address: write a name, four numbers such as 192.0.2.1, or [2001:db8::1]")
	}
	if !hostName.MatchString(host) || len(host) > 254 {
		return wrong("to", "this is no name of a host: write one such as home.example")
	}
	lower := strings.ToLower(strings.TrimSuffix(host, "."))
	if !g.private && (lower == "localhost" || strings.HasSuffix(lower, ".localhost")) {
		return forbidden
	}
	return nil
}
