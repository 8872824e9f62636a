package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver"
)

// dnrInstance is one set of transports that share a port (RFC 9463 section 3.1).
type dnrInstance struct {
	transports []resolver.Transport
	port       uint16 // 0: that of each transport
	path       string // of HTTPS, with the id
}

// maxDHCP4 is how much one DHCPv4 option holds (RFC 2132).
const maxDHCP4 = 255

// dnrInstances gathers the endpoints on the ports that need not be told into one instance, which clients that read
// no more than one can choose from, and gives each other one its own.
func dnrInstances(endpoints []resolver.Endpoint, id string) []dnrInstance {
	var usual dnrInstance
	var others []dnrInstance
	for _, e := range endpoints {
		path := ""
		if e.Transport == resolver.HTTPS {
			if path = e.Path; id != "" {
				path += "/" + id
			}
		}
		one := dnrInstance{transports: []resolver.Transport{e.Transport}, path: path}
		if e.Port != e.Transport.UsualPort() {
			one.port = e.Port
			if !slices.ContainsFunc(others, func(o dnrInstance) bool { return o.port == e.Port && o.transports[0] == e.Transport && o.path == path }) {
				others = append(others, one)
			}
			continue
		}
		if !slices.Contains(usual.transports, e.Transport) {
			usual.transports = append(usual.transports, e.Transport)
			usual.path += path
		}
	}
	if len(usual.transports) == 0 {
		return others
	}
	return append([]dnrInstance{usual}, others...)
}

// parameters encodes the service parameters. Address hints are not among them (RFC 9463 section 3.1.8).
func (i dnrInstance) parameters() []byte {
	return resolver.ServiceParameters(i.transports, i.port, i.path)
}

// dhcp4Instances encodes as many instances as fit into option 162 (RFC 9463 section 5.1), and says how many. None
// without an IPv4 address.
func dhcp4Instances(name blocklists.Name, addresses []netip.Addr, all []dnrInstance) ([]byte, int) {
	var v4, out []byte
	for _, a := range addresses {
		if a.Is4() {
			v4 = append(v4, a.AsSlice()...)
		}
	}
	if len(v4) == 0 {
		return nil, 0
	}
	for n, i := range all {
		one := binary.BigEndian.AppendUint16(nil, uint16(n+1)) //nolint:gosec // a few listeners
		one = append(append(one, byte(len(name))), name...)    //nolint:gosec // a name has at most 255 octets
		one = append(append(one, byte(len(v4))), v4...)        //nolint:gosec // else all is too long
		one = append(one, i.parameters()...)
		if len(out)+2+len(one) > maxDHCP4 {
			return out, n
		}
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(one))), one...) //nolint:gosec // at most 255
	}
	return out, len(all)
}

// dhcp6Instance encodes an instance as option 144 (RFC 9463 section 4.1). None without an IPv6 address.
func dhcp6Instance(name blocklists.Name, addresses []netip.Addr, i dnrInstance) []byte {
	var v6 []byte
	for _, a := range addresses {
		if a.Is6() {
			v6 = append(v6, a.AsSlice()...)
		}
	}
	if len(v6) == 0 {
		return nil
	}
	b := binary.BigEndian.AppendUint16(nil, 1)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(name))), name...) //nolint:gosec // at most 255
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(v6))), v6...)     //nolint:gosec // a few addresses
	return append(b, i.parameters()...)
}

// snippet writes what a program is configured with.
func (r *dnrResult) snippet(program string, hardware net.HardwareAddr, addresses []netip.Addr) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: encrypted DNS at %s\n", program, r.Name)
	switch program {
	case "dnsmasq":
		r.dnsmasq(&b, hardware)
	case "kea-dhcp4":
		kea(&b, "dhcp4", 162, r.V4, hardware)
	case "kea-dhcp6":
		kea(&b, "dhcp6", 144, r.V6, hardware)
	case "radvd":
		radvd(&b, hardware, addresses)
	}
	return b.String()
}

func (r *dnrResult) dnsmasq(b *strings.Builder, hardware net.HardwareAddr) {
	tag := ""
	if hardware != nil {
		tag = "hearth-" + strings.ReplaceAll(hardware.String(), ":", "")
		fmt.Fprintf(b, "dhcp-host=%s,set:%s\n", hardware, tag)
		tag = "tag:" + tag + ","
	}
	if len(r.V4) > 0 {
		fmt.Fprintf(b, "dhcp-option=%s162,%s\n", tag, colons(r.V4))
	}
	if len(r.V6) > 0 {
		fmt.Fprintf(b, "dhcp-option=%soption6:144,%s\n", tag, colons(r.V6))
	}
}

func colons(b []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":")
}

// kea writes the option for Dhcp4 or Dhcp6, or for one host in a subnet. The option is given by its octets, because
// no version before 2.4 knows it by name.
func kea(b *strings.Builder, space string, code int, data []byte, hardware net.HardwareAddr) {
	if len(data) == 0 {
		return
	}
	option := fmt.Sprintf(`"option-data": [ { "space": %q, "code": %d, "csv-format": false, "data": "%X" } ]`, space, code, data)
	if hardware == nil {
		fmt.Fprintf(b, "# into Dhcp%s, one of its shared-networks or one of its subnets\n%s\n", space[4:], option)
		return
	}
	fmt.Fprintf(b, "# into a subnet of Dhcp%s\n\"reservations\": [ { \"hw-address\": %q, %s } ]\n", space[4:], hardware, option)
}

// radvd has no Encrypted DNS option (RFC 9463 section 6) as of 2.19, so it sends devices to who has it.
func radvd(b *strings.Builder, hardware net.HardwareAddr, addresses []netip.Addr) {
	b.WriteString("# radvd cannot send the Encrypted DNS option of RFC 9463. What works: it names this server, which\n" +
		"# tells of its encrypted transports itself (DDR), and has devices ask a DHCPv6 server for the option.\n")
	if hardware != nil {
		b.WriteString("# Router advertisements are for all devices, so there is nothing for one alone.\n")
	}
	var v6 []string
	for _, a := range addresses {
		if a.Is6() && len(v6) < 3 {
			v6 = append(v6, a.String())
		}
	}
	if len(v6) == 0 {
		return
	}
	fmt.Fprintf(b, "# into the section of the interface\nAdvOtherConfigFlag on;\nRDNSS %s { };\n", strings.Join(v6, " "))
}
