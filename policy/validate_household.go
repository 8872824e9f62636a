package policy

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

func (v *validator) household(path string, h HouseholdConfig) {
	switch {
	case !validID(h.ID):
		v.add(path+".id", "%q: write 1 to 64 of a-z, 0-9 and -, something that says nothing about the family, such as h-4711", h.ID)
	case IsReserved(h.ID):
		v.add(path+".id", "%q is the name under which the program keeps something of its own: write another id, such as h-4711", h.ID)
	}
	v.consent(path, h)
	v.locale(path, h)
	names, devices := v.members, v.devices
	clear(names)
	clear(devices)
	for i, m := range h.Members {
		at := v.item(path+".members", i)
		v.unique(at+".name", "member", m.Name, names)
		v.member(at, m)
	}
	for i, d := range h.Devices {
		at := v.item(path+".devices", i)
		v.unique(at+".name", "device", d.Name, devices)
		v.device(at, d, names)
	}
	for i, r := range h.Rules {
		at := v.item(path+".rules", i)
		v.rule(at, r)
		v.profileRef(at+".profile", r.Profile, false)
		if r.Member != "" {
			v.memberRef(at+".member", r.Member, names)
		}
	}
	v.recognition(path, &h)
	v.forwarders(path, &h)
	v.addressRules(path+".addresses", h.Addresses)
	v.profileRef(path+".guest", h.Guest, true)
	v.schedule(path+".schedule", h.Schedule)
	v.calendar(path, h, names)
	if !slices.Contains([]string{"", "one", "two"}, h.Answers) {
		v.add(path+".answers", "%q is no number of parents who grant a request: write one or two", h.Answers)
	}
	if !slices.Contains([]string{"", "reason", "names"}, h.Support) {
		v.add(path+".support", "%q is nothing that support sees: write reason or names", h.Support)
	}
}

// reservedIDs stand in the store where ids of households do, for what is no household's: tickets, and the accounts of
// operators.
var reservedIDs = []string{"tickets", "operators"}

// IsReserved says whether an id stands where those of households do, for what is no household's.
func IsReserved(id string) bool { return slices.Contains(reservedIDs, id) }

func validID(id string) bool {
	return len(id) >= 1 && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// consent: nobody is filtered who has not opted in, and no child is left
// unfiltered because a line was forgotten. So one of the two must be written.
func (v *validator) consent(path string, h HouseholdConfig) {
	if !h.enabled() {
		return
	}
	if h.Consent.By == "" {
		v.add(path+".consent.by", "who opted in is missing: write consent: {by: a name, at: YYYY-MM-DD}, or enabled: false")
	}
	if h.Consent.At.IsZero() {
		v.add(path+".consent.at", "when they opted in is missing: write a date as YYYY-MM-DD")
	}
}

func (v *validator) locale(path string, h HouseholdConfig) {
	if h.Timezone != "" || v.needsZone(h) {
		if _, err := v.places.find(h.Timezone); err != nil || h.Timezone == "" || h.Timezone == "Local" {
			v.add(path+".timezone", "%q is no time zone: write an IANA name such as Europe/Berlin", h.Timezone)
		}
	}
	if !v.speaks(h.Language) {
		v.add(path+".language", "%q is no language tag: write one such as en, de or fr-CA", h.Language)
	}
	if c := h.Country; c != "" && !isCountry(c) {
		v.add(path+".country", "%q is no country code of ISO 3166-1: write two capital letters such as DE or GB", c)
	}
}

// isCountry says whether a code is that of a country or territory by the tables of golang.org/x/text, which have those of ISO
// 3166-1 and a few that it withdrew or reserved. XX is no country's.
func isCountry(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.Canonicalize() == region && region.String() == code
}

// speaks says whether a tag is one of a language; each is read once.
func (v *validator) speaks(tag string) bool {
	good, seen := v.languages[tag]
	if !seen {
		_, err := language.Parse(tag)
		good = err == nil
		v.languages[tag] = good
	}
	return good
}

// needsZone: a schedule or quota anywhere in the household has hours and days of some place.
func (v *validator) needsZone(h HouseholdConfig) bool {
	if !h.Schedule.isZero() || len(h.Exceptions) > 0 {
		return true
	}
	used := []string{h.Guest}
	for _, m := range h.Members {
		if !m.Schedule.isZero() || len(m.Quotas) > 0 {
			return true
		}
		used = append(used, m.Profile)
	}
	for _, d := range h.Devices {
		used = append(used, d.Profile)
	}
	for _, r := range h.Recognise {
		used = append(used, r.Profile)
	}
	return slices.ContainsFunc(used, func(name string) bool {
		p := v.profiles[name]
		return !p.Schedule.isZero() || len(p.Quotas) > 0
	})
}

func (v *validator) unique(path, what, name string, seen map[string]bool) {
	switch {
	case name == "":
		v.add(path, "the %s has no name: write one", what)
	case !nameable(name):
		v.add(path, "%q cannot be the name of a %s: write one of at most %d octets, without / and not beginning with %q or %q", name, what, maxPersonName, personDevice, PersonGuests)
	case seen[name]:
		v.add(path, "this household has a %s %q already: choose another name", what, name)
	}
	seen[name] = true
}

func (v *validator) member(path string, m MemberConfig) {
	if m.Band != "" {
		v.band(path+".band", m.Band, Adult)
	}
	b, isBand := ParseBand(m.Profile)
	if _, known := v.profiles[m.Profile]; m.Profile != "" && !isBand && !known {
		v.noProfile(path+".profile", m.Profile, Adult)
	}
	if m.Band == "things" || b == Things || v.profiles[m.Profile].Band == "things" {
		v.add(path, "things is for devices that nobody sits at: give the person another band, and the device profile: things")
	}
	if m.Band == "" && m.Born.IsZero() && v.profiles[m.Profile].Band == "" && !isBand {
		v.add(path, "nothing says how old %q is: write band (%s) or born as YYYY-MM-DD", m.Name, oneOf(bandNames[Little:Things]...))
	}
	if y := m.Born.Year; !m.Born.IsZero() && y < 1900 {
		v.add(path+".born", "%s: write the full year", m.Born)
	}
	v.schedule(path+".schedule", m.Schedule)
	v.quotas(path+".quotas", m.Quotas)
	for i, change := range m.Services {
		v.serviceChange(v.item(path+".services", i), change)
	}
}

func (v *validator) device(path string, d DeviceConfig, members map[string]bool) {
	if d.Member != "" && len(d.Members) > 0 {
		v.add(path, "write member or members, not both")
	}
	if d.Member != "" {
		v.memberRef(path+".member", d.Member, members)
	}
	for i, m := range d.Members {
		v.memberRef(v.item(path+".members", i), m, members)
	}
	v.profileRef(path+".profile", d.Profile, true)
	if d.Use != "" && d.Use != "school" && d.Use != "work" {
		v.add(path+".use", "%q: write school or work, or leave it out", d.Use)
	}
	if d.Profile == "" && len(d.owners()) == 0 {
		v.add(path, "nobody uses this device: write member, members, or a profile such as things")
	}
	if d.unknowable() {
		v.add(path+".addresses", "the device has neither address nor MAC nor id: write at least one address such as 192.168.1.20, macs, hostnames, or an id that `hearth enrol --new` makes")
	}
	if d.ID != "" {
		if err := CheckDeviceID(d.ID); err != nil {
			v.addErr(path+".id", err)
		}
	}
}

func (v *validator) memberRef(path, name string, members map[string]bool) {
	if !members[name] {
		known := make([]string, 0, len(members))
		for m := range members {
			known = append(known, m)
		}
		slices.Sort(known)
		v.add(path, "the household has no member %q: write %s", name, oneOf(known...))
	}
}

// profileRef checks a reference; alone says that no member's band can help out.
func (v *validator) profileRef(path, name string, alone bool) {
	if name == "" {
		return
	}
	if _, ok := ParseBand(name); ok {
		return
	}
	p, ok := v.profiles[name]
	if !ok {
		v.noProfile(path, name, Things)
		return
	}
	if alone && p.Band == "" {
		v.add(path, "the profile %q has no band, and here no member gives it one: write a band in the profile", name)
	}
}

// noProfile says which profiles there are, those of bands up to the last that may stand there.
func (v *validator) noProfile(path, name string, last Band) {
	known := slices.Clone(bandNames[Little : last+1])
	for _, p := range v.config.Profiles {
		if b, _ := ParseBand(p.Band); b <= last {
			known = append(known, p.Name)
		}
	}
	v.add(path, "there is no profile %q: write %s", name, oneOf(known...))
}

// networks checks that every network is one household's.
func (v *validator) networks() {
	v.owners = make(map[netip.Prefix]int, len(v.config.Households))
	for i, h := range v.config.Households {
		path := v.item("households", i) + ".networks"
		for j, p := range h.Networks {
			v.network(v.item(path, j), i, p)
		}
	}
	slices.Sort(v.lengths)
	slices.Reverse(v.lengths)
}

func (v *validator) network(path string, household int, p netip.Prefix) {
	switch {
	case !p.IsValid():
		v.add(path, "no network: write one such as 192.168.1.0/24")
		return
	case p.Addr().Is4In6():
		v.add(path, "%s: write the IPv4 network itself", p)
		return
	case p.Bits() == 0:
		v.add(path, "%s is the whole internet: write the household's own network", p)
		return
	case p != p.Masked():
		v.add(path, "%s names an address inside a network: write %s", p, p.Masked())
	}
	if other, taken := v.owners[p.Masked()]; taken {
		v.add(path, "%s belongs to households[%d] (%s) already: a network is one household's", p, other, v.config.Households[other].ID)
		return
	}
	v.owners[p.Masked()] = household
	if !slices.Contains(v.lengths, p.Bits()) {
		v.lengths = append(v.lengths, p.Bits())
	}
}

// addresses checks that every address is one device's, and of no other household.
func (v *validator) addresses() {
	seen := make(map[netip.Addr]string, len(v.config.Households))
	for i, h := range v.config.Households {
		for j, d := range h.Devices {
			path := v.item(v.item("households", i)+".devices", j) + ".addresses"
			for k, a := range d.Addresses {
				path := v.item(path, k)
				if !a.IsValid() {
					v.add(path, "no address: write one such as 192.168.1.20")
					continue
				}
				a = a.Unmap().WithZone("")
				if first, twice := seen[a]; twice {
					v.add(path, "%s is the address at %s already: an address is one device's", a, first)
				}
				seen[a] = path
				if owner, ok := v.owner(a); ok && owner != i {
					v.add(path, "%s lies in a network of households[%d] (%s): correct the address, or move the device",
						a, owner, v.config.Households[owner].ID)
				}
			}
		}
	}
	v.forwarderAddresses(seen)
}

// ids checks that every id is one device's. Nothing that is told repeats one.
func (v *validator) ids() {
	seen := map[string]string{}
	for i, h := range v.config.Households {
		for j, d := range h.Devices {
			if d.ID == "" {
				continue
			}
			path := v.item(v.item("households", i)+".devices", j) + ".id"
			if first, twice := seen[d.ID]; twice {
				v.add(path, "this is the id at %s already, and an id is one device's: write another that `hearth enrol --new` makes", first)
			}
			seen[d.ID] = path
		}
	}
}

// owner gives the household with the longest network that holds an address.
func (v *validator) owner(a netip.Addr) (int, bool) {
	for _, bits := range v.lengths {
		if p, err := a.Prefix(bits); err == nil {
			if i, ok := v.owners[p]; ok {
				return i, true
			}
		}
	}
	return 0, false
}
