package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver"
	"github.com/spf13/cobra"
)

// dnrPrograms are those that snippets are made for.
var dnrPrograms = []string{"dnsmasq", "kea-dhcp4", "kea-dhcp6", "radvd"}

// dnrResult is what a DHCP server tells its clients of our encrypted transports (RFC 9463).
type dnrResult struct {
	Name     string            `json:"name"`
	V4       []byte            `json:"-"` // contents of DHCPv4 option 162
	V6       []byte            `json:"-"` // contents of DHCPv6 option 144
	Hex      map[string]string `json:"options"`
	Notes    []string          `json:"notes,omitempty"`
	Snippets map[string]string `json:"snippets"`
	order    []string
}

func (a *app) dnrCommand() *cobra.Command {
	var device, mac string
	cmd := &cobra.Command{
		Use:   "dnr [PROGRAM]",
		Short: "Print what a DHCP server tells of encrypted DNS",
		Long: `Print configuration for a DHCP server or router by which devices find the
encrypted transports of this server (RFC 9463): for dnsmasq, kea-dhcp4,
kea-dhcp6 and radvd, or for PROGRAM alone.

It is for a network as a whole. With --device and --mac it is for one device,
under its own name: the DHCP server tells it by its hardware address. Such a
snippet has the secret of the device in it, and whoever reads along in the
network when the device joins it learns the secret.`,
		Example: `  hearth dnr --config /etc/hearth/config.yaml dnsmasq
  hearth dnr --device kim-tablet --mac 02:00:5e:10:00:20 kea-dhcp4`,
		ValidArgs: dnrPrograms,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !slices.Contains(dnrPrograms, args[0]) {
				return usageError{fmt.Errorf("give one of %s, or none for all", strings.Join(dnrPrograms, ", "))}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.dnr(device, mac, args) },
	}
	cmd.Flags().StringVar(&device, "device", "", "for this `DEVICE`, or HOUSEHOLD/DEVICE, under its own name")
	cmd.Flags().StringVar(&mac, "mac", "", "the device's hardware `ADDRESS` in this network")
	return cmd
}

func (a *app) dnr(device, mac string, programs []string) error {
	hardware, err := hardwareAddress(device, mac)
	if err != nil {
		return usageError{err}
	}
	l, err := a.load()
	if err != nil {
		return err
	}
	id := ""
	if device != "" {
		if id, err = deviceID(&l.Config, device); err != nil {
			return err
		}
	}
	if len(programs) == 0 {
		programs = dnrPrograms
	}
	r, err := newDNR(&l.Config, id, hardware, programs)
	if err != nil {
		return err
	}
	a.print(r, r.describe)
	return nil
}

// hardwareAddress reads --mac, which belongs to --device.
func hardwareAddress(device, mac string) (net.HardwareAddr, error) {
	if (device == "") != (mac == "") {
		return nil, errors.New("--device and --mac belong together: a DHCP server knows a device by its hardware address alone")
	}
	if mac == "" {
		return nil, nil
	}
	hardware, err := net.ParseMAC(mac)
	if err != nil || len(hardware) != 6 {
		return nil, fmt.Errorf("%q is not a hardware address; write one such as 02:00:5e:10:00:20", mac)
	}
	return hardware, nil
}

// deviceID finds the id of a device by its name, or by household and name.
func deviceID(c *Config, name string) (string, error) {
	var found []policy.DeviceConfig
	for _, h := range c.Households {
		for _, d := range h.Devices {
			if d.Name == name || h.ID+"/"+d.Name == name {
				found = append(found, d)
			}
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("no device %q; write the device or household/device as in the configuration", name)
	case len(found) > 1:
		return "", fmt.Errorf("several devices are called %q; write household/device", name)
	case found[0].ID == "":
		return "", fmt.Errorf("the device %q has no id; `hearth enrol --new` makes one for the configuration", name)
	}
	return found[0].ID, nil
}

// newDNR makes the snippets for those that reach a server of this configuration, by the name of the device with
// that id, "" for all.
func newDNR(c *Config, id string, hardware net.HardwareAddr, programs []string) (*dnrResult, error) {
	d, err := designation(c)
	if err != nil {
		return nil, err
	}
	if len(d.Endpoints) == 0 {
		return nil, errors.New("no encrypted listener is configured; write one with protocol: https, quic or tls under listen")
	}
	addresses, err := dnrAddresses(d)
	if err != nil {
		return nil, err
	}
	name := d.Name
	if id != "" {
		name = append(append(append(name[:0:0], byte(len(id))), id...), d.Name...)
	}
	r := &dnrResult{Name: name.String(), Hex: map[string]string{}, Snippets: map[string]string{}, order: programs}
	r.encode(name, addresses, dnrInstances(d.Endpoints, id))
	for _, p := range programs {
		r.Snippets[p] = r.snippet(p, hardware, addresses)
	}
	return r, nil
}

// encode makes the options, and notes what they leave out.
func (r *dnrResult) encode(name blocklists.Name, addresses []netip.Addr, all []dnrInstance) {
	note := func(text string) { r.Notes = append(r.Notes, text) }
	const others = "; clients find the others by DDR."
	told := 0
	r.V4, told = dhcp4Instances(name, addresses, all)
	switch {
	case len(r.V4) > 0 && told < len(all):
		note("Not all ports fit in one DHCPv4 option of 255 octets" + others)
	case len(r.V4) == 0 && !slices.ContainsFunc(addresses, netip.Addr.Is4):
		note("No IPv4 address is known, so there is nothing for DHCPv4; write it into tls.addresses.")
	case len(r.V4) == 0:
		note("Name and addresses do not fit in one DHCPv4 option of 255 octets; clients find this server by DDR.")
	}
	r.V6 = dhcp6Instance(name, addresses, all[0])
	switch {
	case len(r.V6) > 0 && len(all) > 1:
		note("DHCPv6 servers send the option once, so it tells of the preferred port alone" + others)
	case len(r.V6) == 0:
		note("No IPv6 address is known, so there is nothing for DHCPv6 and router advertisements; write it into tls.addresses.")
	}
	if len(r.V4) > 0 {
		r.Hex["dhcpv4-162"] = fmt.Sprintf("%x", r.V4)
	}
	if len(r.V6) > 0 {
		r.Hex["dhcpv6-144"] = fmt.Sprintf("%x", r.V6)
	}
}

// dnrAddresses are those at which clients of a network reach the listeners.
func dnrAddresses(d resolver.Designation) ([]netip.Addr, error) {
	all := d.Addresses
	if len(all) == 0 {
		for _, e := range d.Endpoints {
			if e.At.IsValid() && !slices.Contains(all, e.At) {
				all = append(all, e.At)
			}
		}
	}
	if len(d.Addresses) == 0 && apart(all) {
		return nil, errors.New("the listeners stand on different addresses, and not each has them all; write those at which all of them are reached into tls.addresses")
	}
	if len(all) == 0 {
		return nil, errors.New("the listeners stand on all addresses of this machine; write those that clients reach into tls.addresses")
	}
	for _, a := range all {
		if a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() {
			return nil, fmt.Errorf("no other machine reaches %s; write the addresses that clients reach into tls.addresses", a)
		}
	}
	return all, nil
}

// apart reports whether there are several addresses of one family, so that clients would look for each
// listener at every one.
func apart(all []netip.Addr) bool {
	four, six := 0, 0
	for _, a := range all {
		if a.Is4() {
			four++
		} else {
			six++
		}
	}
	return four > 1 || six > 1
}

func (r *dnrResult) describe(w io.Writer) {
	for _, note := range r.Notes {
		fmt.Fprintf(w, "# %s\n", note)
	}
	for i, p := range r.order {
		if i > 0 || len(r.Notes) > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, r.Snippets[p])
	}
}
