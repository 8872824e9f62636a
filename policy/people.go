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
		Location: b.locationOf(c), Enabled: c.enabled(), TwoAnswer: c.Answers == "two", SupportNames: c.Support == "names",
	}
	h.days = b.daysOf(c, h)
	d := b.directory
	d.households[c.ID] = h
	d.order = append(d.order, h)
	specs := b.members(i, c, h)
	if h.Enabled {
		s := b.guest(c, h)
		h.Guest, h.budget = b.profile(&s), b.budget(h, s.quotas)
	} else {
		s := *b.bases[NoBand]
		s.language = h.Language
		h.Guest = b.profile(&s)
	}
	b.devices(i, c, h, specs)
	st, err := d.stand(h, b.config.States[c.ID])
	if err != nil {
		b.warn(fmt.Sprintf("households[%d]", i), "left out of what people changed: %v", err)
	}
	h.standing.Store(st)
	h.keepLogs(b.config.States[c.ID].Logs)
	b.recognise(i, c, h, specs)
	b.forwarders(c, h, specs)
	at := b.client(h.guest())
	for _, p := range c.Networks {
		b.directory.addresses.addNetwork(p, at)
	}
}

// members compiles the people; the result is their specs, good until the next
// household's.
func (b *compiler) members(i int, c *HouseholdConfig, h *Household) []spec {
	b.specs = b.specs[:0]
	people := make([]Member, len(c.Members))
	h.Members = make([]*Member, len(c.Members))
	for j, m := range c.Members {
		s := b.person(c, m.Name, m.Profile, b.band(i, j, h), m)
		people[j] = Member{Name: m.Name, Band: s.band, Profile: b.profile(&s)}
		h.Members[j] = &people[j]
		people[j].budget = b.budget(h, s.quotas)
		b.specs = append(b.specs, s)
	}
	return b.specs
}

// band gives a member's band: the written one, else that of the birth date.
func (b *compiler) band(i, j int, h *Household) Band {
	m := &b.config.Config.Households[i].Members[j]
	if band, ok := ParseBand(m.Band); ok {
		return band
	}
	if m.Born.IsZero() {
		return NoBand // the profile has one
	}
	path := fmt.Sprintf("households[%d].members[%d].born", i, j)
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
	band = b.promoted(h, m, band)
	if d := b.directory; !next.IsZero() && (d.bands.IsZero() || next.Before(d.bands)) {
		d.bands = next
	}
	return band
}

// promoted holds a member in the band that was last confirmed: the next one waits for a parent, who is
// told of it. At 18 the controls end by themselves.
func (b *compiler) promoted(h *Household, m *MemberConfig, band Band) Band {
	for _, p := range b.config.States[h.ID].Promotions {
		held, ok := ParseBand(p.Band)
		if !ok || p.Member != m.Name || p.Born != m.Born || band == Adult || held >= band {
			continue
		}
		b.directory.waiting = append(b.directory.waiting, Waiting{Household: h.ID, Member: m.Name, From: held, To: band})
		return held
	}
	return band
}

// guest gives the profile of unknown devices: the chosen one, else the strictest
// block-list preset among the members, at most the preteen's, so that printers
// and visitors' phones live. Nobody entered yet counts as the strictest.
func (b *compiler) guest(c *HouseholdConfig, h *Household) spec {
	if c.Guest != "" {
		return b.person(c, "", c.Guest, NoBand, MemberConfig{})
	}
	band := Adult
	if len(h.Members) == 0 {
		band = Preteen
	}
	for _, m := range h.Members {
		band = min(band, max(m.Band, Preteen))
	}
	return b.person(c, "", band.String(), NoBand, MemberConfig{})
}

func (b *compiler) devices(i int, c *HouseholdConfig, h *Household, specs []spec) {
	devices := make([]Device, len(c.Devices))
	h.Devices = make([]*Device, len(c.Devices))
	for j := range c.Devices {
		v, device := &c.Devices[j], &devices[j]
		h.Devices[j] = device
		device.Name, device.Use, device.Addresses = v.Name, v.Use, v.Addresses
		owners := v.owners()
		for _, m := range h.Members {
			for _, o := range owners {
				if m.Name == o {
					device.Members = append(device.Members, m)
				}
			}
		}
		device.Profile, device.budget = b.deviceProfile(c, h, v, device, specs)
		if device.Profile.band == Things {
			device.Thing = b.thing(c.ID, v.Name)
		}
		at := b.client(h.device(device))
		device.proved = at
		for k, a := range v.Addresses {
			b.directory.addresses.addDevice(a, at)
			b.warnOfAddress(c, a, i, j, k)
		}
		if v.ID != "" {
			device.ID = v.ID
			b.directory.ids[v.ID] = at
		}
	}
}

func (v DeviceConfig) owners() []string {
	if v.Member != "" {
		return []string{v.Member}
	}
	return v.Members
}

// deviceProfile compiles deviceSpec, unless a member has it compiled already.
func (b *compiler) deviceProfile(c *HouseholdConfig, h *Household, v *DeviceConfig, device *Device, specs []spec) (*Profile, *budget) {
	if v.Profile == "" && v.Use == "" && len(device.Members) == 1 {
		return device.Members[0].Profile, device.Members[0].budget
	}
	s := b.deviceSpec(c, v, specs)
	if v.Profile == "" && len(device.Members) == 1 {
		return b.profile(&s), device.Members[0].budget
	}
	return b.profile(&s), b.budget(h, s.quotas)
}

// client enters a client and gives its place.
func (b *compiler) client(c Client) int32 {
	d := b.directory
	d.clients = append(d.clients, c)
	return int32(len(d.clients) - 1) //nolint:gosec // far fewer than 2^31 devices
}

// warnOfAddress speaks of a device's address outside the household's networks. It
// is legal (a second router, an IPv6 prefix that changes), but worth a word.
func (b *compiler) warnOfAddress(c *HouseholdConfig, a netip.Addr, i, j, k int) {
	a = a.Unmap().WithZone("")
	if len(c.Networks) > 0 && !contains(c.Networks, a) && !a.IsLinkLocalUnicast() {
		path := fmt.Sprintf("households[%d].devices[%d].addresses[%d]", i, j, k)
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
