package setup

import (
	"fmt"
	"net/netip"
	"strings"
)

// at are the addresses of the server of one family, with commas between.
func (c *check) at(six bool) string {
	var all []string
	for _, s := range c.Servers {
		if a := s.Addr().Unmap(); a.Is4() != six && !a.IsLoopback() {
			all = append(all, a.String())
		}
	}
	return strings.Join(all, ",")
}

// handOut says how a router hands the server out, and nobody else.
func (c *check) handOut() []string {
	four, six := c.at(false), c.at(true)
	lines := []string{"Have the router hand out the server alone, by DHCP and router advertisements."}
	if four != "" {
		lines = append(lines, "dnsmasq:", "  dhcp-option=option:dns-server,"+four,
			"OpenWrt:", "  uci add_list dhcp.lan.dhcp_option='6,"+four+"'; uci commit dhcp; service dnsmasq restart",
			"FRITZ!Box: Home Network > Network > Network Settings > IPv4 Addresses > Local DNS server: "+strings.Split(four, ",")[0])
	}
	if six != "" {
		lines = append(lines, "dnsmasq, IPv6:", "  dhcp-option=option6:dns-server,"+bracketed(six),
			"OpenWrt, IPv6:", "  uci add_list dhcp.lan.dns='"+strings.Split(six, ",")[0]+"'; uci commit dhcp; service odhcpd restart",
			"FRITZ!Box: Home Network > Network > Network Settings > IPv6 Addresses > Local DNSv6 server: "+strings.Split(six, ",")[0])
	}
	return lines
}

// second says what to do with a resolver of the router's own.
func (c *check) second() []string {
	lines := c.handOut()
	server := c.at(false)
	if server == "" {
		server = c.at(true)
	}
	if server == "" {
		return lines
	}
	return append(lines, "Or have it ask the server and nobody else. dnsmasq:", "  no-resolv", "  server="+strings.Split(server, ",")[0],
		"OpenWrt:", fmt.Sprintf("  uci set dhcp.@dnsmasq[0].noresolv='1'; uci add_list dhcp.@dnsmasq[0].server='%s'; uci commit dhcp; service dnsmasq restart", strings.Split(server, ",")[0]))
}

// addMAC says how a router tells its devices apart.
func addMAC() []string {
	return []string{
		"dnsmasq and Pi-hole (misc.dnsmasq_lines):", "  add-mac", "  strip-mac",
		"OpenWrt:", "  uci set dhcp.@dnsmasq[0].addmac='1'; uci set dhcp.@dnsmasq[0].stripmac='1'; uci commit dhcp; service dnsmasq restart",
		"A FRITZ!Box cannot: hand the server out by DHCP instead.",
	}
}

// bracketed writes IPv6 addresses as dnsmasq wants them.
func bracketed(six string) string {
	all := strings.Split(six, ",")
	for i, a := range all {
		if _, err := netip.ParseAddr(a); err == nil {
			all[i] = "[" + a + "]"
		}
	}
	return strings.Join(all, ",")
}
