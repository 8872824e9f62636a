package policy

import (
	"fmt"
	"net/netip"
)

// household compiles one household and enters its addresses.
func (b *compiler) household(i int) {
	c := &b.config.Config.Households[i]
	h := &Household{
		ID: c.ID, Tenant: c.Tenant, Language: c.Language, Country: c.Country,
		Location: b.locationOf(c), Enabled: c.enabled(),
	}
	d := b.directory
	d.households[c.ID] = h
	d.order = append(d.order, h)
	specs := b.members(i, c, h)
	if h.Enabled {
		h.Guest = b.profile(b.guest(c, h))
	} else {
		s := *b.bases[NoBand]
		s.language = h.Language
		h.Guest = b.profile(s)
	}
	b.devices(i, c, h, specs)
	at := b.client(h.guest())
	for _, p := range c.Networks {
		b.directory.addresses.addNetwork(p, at)
	}
}

// members compiles the people; the result is their specs, by name.
func (b *compiler) members(i int, c *HouseholdConfig, h *Household) map[string]spec {
	specs := make(map[string]spec, len(c.Members))
	for j, m := range c.Members {
		band := b.band(fmt.Sprintf("households[%d].members[%d].born", i, j), m, h)
		s := b.person(c, m.Name, m.Profile, band)
		specs[m.Name] = s
		h.Members = append(h.Members, &Member{Name: m.Name, Band: s.band, Profile: b.profile(s)})
	}
	return specs
}

// band gives a member's band: the written one, else that of the birth date.
func (b *compiler) band(path string, m MemberConfig, h *Household) Band {
	if band, ok := ParseBand(m.Band); ok {
		return band
	}
	if m.Born.IsZero() {
		return NoBand // the profile has one
	}
	if b.config.Now.IsZero() {
		b.problems.add(path, "a birth date needs the present day to give a band: set Now")
		return Little
	}
	today := DateOf(b.config.Now.In(h.Location))
	if today.Before(m.Born) {
		b.problems.add(path, "%s lies in the future: write the day of birth", m.Born)
		return Little
	}
	band, next := BandAt(m.Born, today)
	if d := b.directory; !next.IsZero() && (d.bands.IsZero() || next.Before(d.bands)) {
		d.bands = next
	}
	return band
}

// guest gives the profile of unknown devices: the chosen one, else the strictest
// block-list preset among the members, at most the preteen's, so that printers
// and visitors' phones live. Nobody entered yet counts as the strictest.
func (b *compiler) guest(c *HouseholdConfig, h *Household) spec {
	if c.Guest != "" {
		return b.person(c, "", c.Guest, NoBand)
	}
	band := Adult
	if len(h.Members) == 0 {
		band = Preteen
	}
	for _, m := range h.Members {
		band = min(band, max(m.Band, Preteen))
	}
	return b.person(c, "", band.String(), NoBand)
}

func (b *compiler) devices(i int, c *HouseholdConfig, h *Household, specs map[string]spec) {
	for j, v := range c.Devices {
		device := &Device{Name: v.Name}
		owners := v.owners()
		for _, m := range h.Members {
			for _, o := range owners {
				if m.Name == o {
					device.Members = append(device.Members, m)
				}
			}
		}
		device.Profile = b.profile(b.deviceSpec(c, v, owners, specs))
		h.Devices = append(h.Devices, device)
		at := b.client(h.device(device))
		for k, a := range v.Addresses {
			b.address(fmt.Sprintf("households[%d].devices[%d].addresses[%d]", i, j, k), c, a, at)
		}
	}
}

func (v DeviceConfig) owners() []string {
	if v.Member != "" {
		return []string{v.Member}
	}
	return v.Members
}

// deviceSpec: its own profile, else its member's, else the strictest of all its
// members', cell by cell.
func (b *compiler) deviceSpec(c *HouseholdConfig, v DeviceConfig, owners []string, specs map[string]spec) spec {
	if v.Profile != "" {
		member := ""
		if len(owners) == 1 {
			member = owners[0]
		}
		return b.person(c, member, v.Profile, NoBand)
	}
	parts := make([]spec, 0, len(owners))
	for _, o := range owners {
		parts = append(parts, specs[o])
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return join(b.ground.taxonomy, parts)
}

// client enters a client and gives its place.
func (b *compiler) client(c Client) int32 {
	d := b.directory
	d.clients = append(d.clients, c)
	return int32(len(d.clients) - 1) //nolint:gosec // far fewer than 2^31 devices
}

// address enters a device's address. One outside the household's networks is
// legal (a second router, an IPv6 prefix that changes), but worth a word.
func (b *compiler) address(path string, c *HouseholdConfig, a netip.Addr, at int32) {
	a = a.Unmap().WithZone("")
	b.directory.addresses.addDevice(a, at)
	if len(c.Networks) > 0 && !contains(c.Networks, a) && !a.IsLinkLocalUnicast() {
		b.warn(path, "%s lies in none of the household's networks: it still counts as this device", a)
	}
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	for _, p := range networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (c *HouseholdConfig) enabled() bool { return c.Enabled == nil || *c.Enabled }
