package main

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// hints writes what to try once the server answers: three commands, one of
// them an allowed name, and the console.
func hints(w io.Writer, c *Config, from string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nHearth answers with %s. Try:\n\n", from)
	if dns, ok := reachable(c.addresses()); ok {
		dig := fmt.Sprintf("dig @%s -p %d", dns.Addr(), dns.Port())
		fmt.Fprintf(&b, "  %s pornhub.com A        # blocked: the landing address, with the reason\n", dig)
		fmt.Fprintf(&b, "  %s wikipedia.org A      # allowed: what your own resolver says\n", dig)
	}
	if page, ok := reachable(c.Landing.HTTP); ok {
		fmt.Fprintf(&b, "  curl -H 'Host: pornhub.com' http://%s/   # the page that says why\n", page)
	}
	if all, _ := c.consoleAddresses(ownAddresses()); len(all) > 0 {
		fmt.Fprintf(&b, "  %s/   # the console of parents, in a browser\n", all[0])
	}
	b.WriteString("\nCtrl-C stops it.\n\n")
	_, _ = io.WriteString(w, b.String()) // a terminal that is gone is no reason to stop
}

// reachable picks an address to show: one that this machine can ask.
func reachable(all []netip.AddrPort) (netip.AddrPort, bool) {
	if len(all) == 0 {
		return netip.AddrPort{}, false
	}
	switch a := all[0]; {
	case !a.Addr().IsUnspecified():
		return a, true
	case a.Addr().Is4():
		return loopback4(a.Port()), true
	default:
		return loopback6(a.Port()), true
	}
}
