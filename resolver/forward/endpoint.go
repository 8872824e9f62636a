package forward

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// The ports where a resolver is when nothing else is written.
const (
	dnsPort   = 53  // RFC 1035 section 4.2
	tlsPort   = 853 // RFC 7858 section 3.1, and RFC 9250 section 4.1.1 for QUIC
	httpsPort = 443
)

// endpoint is where and how an upstream is asked.
type endpoint struct {
	network string         // "udp", "tcp", "tls", "https", "h3" or "quic"
	addr    netip.AddrPort // the zero AddrPort for one with a name
	name    string         // in lower case, no dot at the end; "" for one with an address
	port    uint16
	path    string // of https and h3
}

// String returns the endpoint as a URL, the canonical form of what was configured.
func (e endpoint) String() string { return e.network + "://" + e.authority() + e.path }

// shown is the endpoint as metrics and logs have it: in the path of some resolvers, or in the
// first label of their name, stands whose account asks, which is nobody else's business.
func (e endpoint) shown() string {
	host, path := e, e.path
	if first, rest, ok := strings.Cut(e.name, "."); ok && len(first) >= shortestID {
		host.name = "…." + rest
	}
	if path != "" && path != usualPath {
		path = "/…"
	}
	return e.network + "://" + host.authority() + path
}

// shortestID is the least length of a label that may be an id: 80 bits in base32.
const shortestID = 16

// usualPath is that of RFC 8484's examples and of most resolvers.
const usualPath = "/dns-query"

// authority returns host and port; https and h3 leave theirs out where it is the usual one.
func (e endpoint) authority() string {
	usual := e.port == httpsPort && e.path != ""
	switch {
	case e.name != "" && usual:
		return e.name
	case e.name != "":
		return e.name + ":" + strconv.Itoa(int(e.port))
	case usual && e.addr.Addr().Is6():
		return "[" + e.addr.Addr().String() + "]"
	case usual:
		return e.addr.Addr().String()
	}
	return e.addr.String()
}

// host returns whom a certificate must name.
func (e endpoint) host() string {
	if e.name != "" {
		return e.name
	}
	return e.addr.Addr().WithZone("").String()
}

// resource returns what is asked of an upstream over HTTP. A zone is nobody's business but ours.
func (e endpoint) resource() *url.URL {
	u, err := url.ParseRequestURI(e.path)
	if err != nil { // which parseEndpoint would have refused
		u = new(url.URL)
	}
	e.addr = netip.AddrPortFrom(e.addr.Addr().WithZone(""), e.addr.Port())
	u.Scheme, u.Host = "https", e.authority()
	return u
}

// encrypted reports whether the channel to e hides and proves what is said.
func (e endpoint) encrypted() bool { return e.network != "udp" && e.network != "tcp" }

const schemes = "udp://, tcp://, tls://, https://, h3:// or quic://"

// parseEndpoint reads an upstream as it is written in the configuration.
func parseEndpoint(text string) (endpoint, error) {
	network, rest, hasScheme := strings.Cut(text, "://")
	if !hasScheme {
		network, rest = "udp", text
	}
	e := endpoint{network: network}
	switch network {
	case "udp", "tcp":
		e.port = dnsPort
	case "tls", "quic":
		e.port = tlsPort
	case "https", "h3":
		e.port = httpsPort
		host, path, err := cutPath(network, rest)
		if err != nil {
			return endpoint{}, err
		}
		rest, e.path = host, path
	case "sdns":
		return endpoint{}, fmt.Errorf("stamps (sdns://) are not read; write what yours stands for as %s", schemes)
	default:
		return endpoint{}, fmt.Errorf("%q is no protocol of an upstream; write %s and an address", network, schemes)
	}
	return e, e.parseHost(rest)
}

// cutPath separates the path of a URL and checks it.
func cutPath(network, rest string) (host, path string, err error) {
	host, path, hasPath := strings.Cut(rest, "/")
	if strings.ContainsAny(rest, "?#{@") {
		return "", "", fmt.Errorf("%q has more than a host and a path; write for example %s://dns.example/dns-query", rest, network)
	}
	if !hasPath {
		return "", "", fmt.Errorf("the path is missing; write for example %s://%s/dns-query", network, host)
	}
	path = "/" + path
	if u, err := url.ParseRequestURI(path); err != nil || u.EscapedPath() != path {
		return "", "", fmt.Errorf("%q is no path of a URL; write for example %s://%s/dns-query", path, network, host)
	}
	return host, path, nil
}

// parseHost reads an address or a name, with or without a port.
func (e *endpoint) parseHost(host string) error {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")); err == nil {
		e.addr = netip.AddrPortFrom(a.Unmap(), e.port)
		return checkTarget(e.addr)
	}
	if a, err := netip.ParseAddrPort(host); err == nil {
		e.port, e.addr = a.Port(), netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		return checkTarget(e.addr)
	}
	example := e.network + "://9.9.9.9"
	if e.encrypted() {
		example = e.network + "://dns.example"
	}
	if host == "" {
		return fmt.Errorf("the address is missing; write for example %s", example+e.path)
	}
	if strings.ContainsAny(host, "/@?#") {
		return fmt.Errorf("%q has more than an address and a port; write for example %s:%d", host, example, e.port)
	}
	if !e.encrypted() {
		return fmt.Errorf("%q is no address; over %s nobody proves to have a name, so write the address, for example 9.9.9.9 or [2620:fe::fe]:53", host, e.network)
	}
	return e.parseName(host, example)
}

// parseName reads a name with or without a port.
func (e *endpoint) parseName(host, example string) error {
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is no port; write a number from 1 to 65535 or leave it out", port)
		}
		e.port = uint16(n)
	}
	e.name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !isHostName(e.name) {
		return fmt.Errorf("%q is neither an address nor a host name; write for example %s", host, example+e.path)
	}
	return nil
}

// isHostName reports whether name is one that a server can have: labels of letters, digits and
// hyphens (RFC 1123 section 2.1), the last no number, so that a mistyped address is none.
func isHostName(name string) bool {
	labels := strings.Split(name, ".")
	if _, ok := dns.IsDomainName(name); !ok || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	})
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
