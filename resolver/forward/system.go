package forward

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// SystemUpstreams returns, as URLs, the name servers that the file at path names
// in the format of resolv.conf(5), without those in own: the addresses on which
// this server itself answers port 53. An unspecified address in own stands for
// every address of the machine. 0.0.0.0 and :: in the file mean this machine, as
// they do for the C library. A file that cannot be read or leaves nothing is an
// error that says what to write.
func SystemUpstreams(path string, own []netip.Addr) ([]string, error) {
	urls, err := systemUpstreams(path, own)
	if err != nil {
		return nil, fmt.Errorf("reading the system's resolvers: %w; write the addresses of your resolvers in resolve.upstreams, for example 9.9.9.9", err)
	}
	return urls, nil
}

func systemUpstreams(path string, own []netip.Addr) ([]string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	listeners := make([]netip.AddrPort, len(own))
	for i, a := range own {
		listeners[i] = netip.AddrPortFrom(a, dnsPort)
	}
	me := newSelf(listeners, interfaceAddrs)
	var urls, skipped []string
	for _, a := range nameservers(text) {
		e := endpoint{network: "udp", addr: netip.AddrPortFrom(a, dnsPort), port: dnsPort}
		switch url := e.String(); {
		case me.is(e.addr):
			skipped = append(skipped, a.String())
		case checkTarget(e.addr) == nil && !slices.Contains(urls, url):
			urls = append(urls, url)
		}
	}
	switch {
	case len(urls) > 0:
		return urls[:min(len(urls), maxUpstreams)], nil
	case len(skipped) > 0:
		return nil, fmt.Errorf("%s names only this server itself (%s)", path, strings.Join(skipped, ", "))
	}
	return nil, fmt.Errorf("%s has no nameserver line with an address", path)
}

// nameservers returns the addresses of the nameserver lines.
func nameservers(text []byte) []netip.Addr {
	var all []netip.Addr
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		a, err := netip.ParseAddr(fields[1])
		if err != nil {
			continue // as the C library does
		}
		switch a = a.Unmap(); a {
		case netip.IPv4Unspecified():
			a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		case netip.IPv6Unspecified():
			a = netip.IPv6Loopback()
		}
		all = append(all, a)
	}
	return all
}
