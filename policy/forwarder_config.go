package policy

import (
	"net/netip"
	"slices"
)

// ForwarderConfig is a machine of the home that asks for the devices behind it: its router, or a filter before
// Hearth. Nobody else is believed in what they say of a device.
type ForwarderConfig struct {
	Address netip.Addr `yaml:"address"` // that its queries come from
	// Options are how it says for which device it asks: mac, token, subnet. None: it hides its devices, and one
	// profile holds for all of them.
	Options []string `yaml:"options"`
	// Profile is that of the devices it does not tell apart. Empty: the guests', and where it has Options what all
	// members and guests alike are allowed.
	Profile string `yaml:"profile"`
}

// forwarders compiles the forwarders of a household.
func (b *compiler) forwarders(c *HouseholdConfig, h *Household, specs []spec) {
	for _, v := range c.Forwarders {
		f := &Forwarder{household: h, chosen: v.Profile != "" && h.Enabled}
		for k, name := range tellingNames {
			if slices.Contains(v.Options, name) {
				f.believed |= 1 << k
			}
		}
		own, unknown := h.guest(), h.guest()
		if h.Enabled {
			own.Profile, unknown.Profile = b.forwarded(c, h, v, specs)
			if v.Profile != "" {
				quotas := b.person(c, "", v.Profile, NoBand, MemberConfig{}).quotas
				own.budget, unknown.budget = b.budget(h, quotas), b.budget(h, quotas)
			}
		}
		own.Forwarder = f
		f.own, f.unknown = b.client(own), b.client(unknown)
		b.directory.addresses.addDevice(v.Address, f.own)
	}
}

// forwarded gives the profile of whom a forwarder tells nothing, and that of devices which nobody entered.
func (b *compiler) forwarded(c *HouseholdConfig, h *Household, v ForwarderConfig, specs []spec) (own, unknown *Profile) {
	if v.Profile != "" {
		chosen := b.person(c, "", v.Profile, NoBand, MemberConfig{})
		stricter := join(b.ground.taxonomy, []spec{b.guest(c, h), chosen})
		return b.profile(&chosen), b.profile(&stricter)
	}
	if len(v.Options) == 0 {
		return h.Guest, h.Guest
	}
	parts := append([]spec{b.guest(c, h)}, specs...)
	for j := range c.Devices {
		s := b.deviceSpec(c, &c.Devices[j], specs)
		if s.band != Things { // else no router with a heating behind it could look anything up for itself
			parts = append(parts, s)
		}
	}
	all := join(b.ground.taxonomy, parts)
	return b.profile(&all), h.Guest
}

// forwarders checks what stands in a household about them.
func (v *validator) forwarders(path string, h *HouseholdConfig) {
	for i, f := range h.Forwarders {
		at := v.item(path+".forwarders", i)
		for j, o := range f.Options {
			if !slices.Contains(tellingNames, o) {
				v.add(v.item(at+".options", j), "%q is no way to tell devices apart: write %s", o, oneOf(tellingNames...))
			}
			if slices.Index(f.Options, o) < j {
				v.add(v.item(at+".options", j), "%s stands here twice: leave one out", o)
			}
		}
		v.profileRef(at+".profile", f.Profile, true)
	}
}

// forwarderAddresses checks that no forwarder has the address of a device or of another home. Seen are the
// addresses of devices with their paths.
func (v *validator) forwarderAddresses(seen map[netip.Addr]string) {
	for i, h := range v.config.Households {
		for j, f := range h.Forwarders {
			path := v.item(v.item("households", i)+".forwarders", j)
			a := f.Address.Unmap().WithZone("")
			if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
				v.add(path+".address", "no address of a machine: write that which its queries come from, such as 192.168.1.1")
				continue
			}
			if first, twice := seen[a]; twice {
				v.twoAtOnce(path, first, a, len(f.Options) > 0)
			}
			seen[a] = path
			if owner, ok := v.owner(a); ok && owner != i {
				v.add(path+".address", "%s lies in a network of households[%d] (%s): a forwarder asks for its own household",
					a, owner, v.config.Households[owner].ID)
			}
		}
	}
}

// twoAtOnce says why no device, whoever's it is, can have the address of a forwarder.
func (v *validator) twoAtOnce(path, first string, a netip.Addr, tells bool) {
	if tells {
		v.add(path+".address", "%s is the address at %s already, but a forwarder asks for many devices: know that one by what the forwarder tells, its macs or tokens", a, first)
		return
	}
	v.add(path+".address", "%s is the address at %s already, but a forwarder that tells no devices apart keeps what one child was answered for another, so one profile holds for all behind it: take the address from that device and write profile: here, or leave it to the guests' profile, or have the forwarder tell its devices apart (dnsmasq: add-mac) and write options: [mac] here and macs: there", a, first)
}
