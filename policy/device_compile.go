package policy

import (
	"fmt"

	"github.com/hearthdns/hearth/blocklists"
)

// recognise enters by what else than addresses and ids the devices of a household are known. A household that has
// opted out knows nobody: the same holds for all of it.
func (b *compiler) recognise(i int, c *HouseholdConfig, h *Household, specs []spec) {
	if !h.Enabled || !c.recognises() {
		return
	}
	r := &recognition{tokens: map[string]int32{}, names: map[string]int32{}}
	h.recognition = r
	b.directory.knowing = true
	guest := b.guest(c, h)
	for j := range c.Devices {
		v, device := &c.Devices[j], h.Devices[j]
		for k, m := range v.MACs {
			r.macs.put(m.number(), device.proved, number6.hash)
			b.anywhere(m, device.proved)
			b.warnOfMAC(m, i, j, k)
		}
		for _, token := range v.Tokens {
			r.tokens[token] = device.proved
		}
		if device.hasMACs = len(v.MACs) > 0; device.hasMACs || len(v.Hostnames) > 0 {
			device.assumed = b.assumed(h, device, guest, b.deviceSpec(c, v, specs))
		}
		for _, name := range v.Hostnames {
			r.names[HostLabel(name)] = device.assumed
		}
	}
	r.rules = b.recogniseRules(c, h, guest)
}

// anywhere enters a MAC for addresses of nobody's network. Two homes may know a device by the same MAC; then the
// stricter one holds.
func (b *compiler) anywhere(m MAC, at int32) {
	d, key := b.directory, m.number()
	if other := d.macs.find(key, key.hash()); other != 0 {
		at = d.stricter(other, at)
	}
	d.macs.put(key, at, number6.hash)
}

// assumed is a device as somebody gets it who only seems to be it: what both it and a guest are allowed.
func (b *compiler) assumed(h *Household, device *Device, guest, own spec) int32 {
	s := join(b.ground.taxonomy, []spec{guest, own})
	c := h.device(device)
	c.Status, c.Profile, c.budget, c.Assumed = Guest, b.profile(&s), b.budget(h, s.quotas), true
	return b.client(c)
}

// recogniseRules compiles the rules for devices that are not known. They get what both the profile and a guest are
// allowed.
func (b *compiler) recogniseRules(c *HouseholdConfig, h *Household, guest spec) []recogniseRule {
	rules := make([]recogniseRule, 0, len(c.Recognise))
	for _, r := range c.Recognise {
		s := join(b.ground.taxonomy, []spec{guest, b.person(c, "", r.Profile, NoBand, MemberConfig{})})
		client := h.guest()
		client.Profile, client.budget = b.profile(&s), b.budget(h, s.quotas)
		rule := recogniseRule{client: b.client(client)}
		rule.prefix, rule.mask, _ = parseMACPrefix(r.MAC) // Validate has said what is wrong
		rule.name, _ = parseNamePattern(r.Hostname)
		rules = append(rules, rule)
	}
	return rules
}

// parseMACPrefix reads the first three to six octets of a MAC; "" is none.
func parseMACPrefix(text string) (prefix, mask number6, good bool) {
	octets, err := parseOctets(text)
	if text == "" || err != nil || len(octets) < 3 || octets[0]&1 != 0 {
		return prefix, mask, text == ""
	}
	var p, m MAC
	copy(p[:], octets)
	for i := range octets {
		m[i] = 0xff
	}
	return p.number(), m.number(), true
}

// warnOfMAC speaks of a MAC that the device made up.
func (b *compiler) warnOfMAC(m MAC, i, j, k int) {
	if m.Local() {
		b.warn(fmt.Sprintf("households[%d].devices[%d].macs[%d]", i, j, k),
			"%s is an address that the device made up (a private or random Wi-Fi address), and may change: the device is a guest from then on. Switch it off for this Wi-Fi in the device's settings", m)
	}
}

// deviceSpec is ownedSpec with what the device is for, and what it has learned.
func (b *compiler) deviceSpec(c *HouseholdConfig, v *DeviceConfig, specs []spec) spec {
	s := b.ownedSpec(c, v, specs)
	if v.Use != "" {
		b.liftVPN(&s)
	}
	if t := b.thing(c.ID, v.Name); t != nil && s.band == Things {
		s.teach(t)
	}
	return s
}

// ownedSpec: the device's own profile, else its member's, else the strictest of all its members', cell by cell.
func (b *compiler) ownedSpec(c *HouseholdConfig, v *DeviceConfig, specs []spec) spec {
	owners := v.owners()
	if v.Profile != "" {
		member := ""
		if len(owners) == 1 {
			member = owners[0]
		}
		s := b.person(c, member, v.Profile, NoBand, MemberConfig{})
		s.quotas = v.share(s.quotas)
		return s
	}
	return joined(b.ground.taxonomy, c, owners, specs)
}

// joined is what the members together are allowed.
func joined(t *blocklists.Taxonomy, c *HouseholdConfig, owners []string, specs []spec) spec {
	parts := make([]spec, 0, len(owners))
	for i, m := range c.Members {
		for _, o := range owners {
			if m.Name == o {
				parts = append(parts, specs[i])
			}
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return join(t, parts)
}
