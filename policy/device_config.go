package policy

// RecogniseConfig gives a profile to devices of the household that are not known. Both MAC and Hostname must fit
// where both are written. A device can set either itself: so it gets what both the profile and a guest are allowed.
type RecogniseConfig struct {
	MAC      string `yaml:"mac"`      // first three to six octets, such as "a4:cf:12", which say who made it
	Hostname string `yaml:"hostname"` // name that it gives itself, with at most one *
	Profile  string `yaml:"profile"`
}

// recognises says that devices are known by more than addresses and ids.
func (c *HouseholdConfig) recognises() bool {
	if len(c.Recognise) > 0 {
		return true
	}
	for i := range c.Devices {
		if v := &c.Devices[i]; len(v.MACs)+len(v.Hostnames)+len(v.Tokens) > 0 {
			return true
		}
	}
	return false
}

// unknowable says that nothing tells of the device.
func (v *DeviceConfig) unknowable() bool {
	return v.ID == "" && len(v.Addresses)+len(v.MACs)+len(v.Hostnames)+len(v.Tokens) == 0
}

// maxRecognise bounds the rules of a household: each query of a guest walks over them (2 ns each).
const maxRecognise = 256

// recognition checks by what else than addresses and ids a household knows its devices.
func (v *validator) recognition(path string, h *HouseholdConfig) {
	if !h.recognises() {
		return
	}
	macs, names, tokens := map[MAC]string{}, map[string]string{}, map[string]string{}
	for i, d := range h.Devices {
		at := v.item(path+".devices", i)
		for j, m := range d.MACs {
			at := v.item(at+".macs", j)
			if m.IsZero() {
				v.add(at, "the hardware address is missing: write one such as %s", sampleMAC)
			}
			once(v, at, "MAC", m.String(), m, macs)
		}
		for j, name := range d.Hostnames {
			at := v.item(at+".hostnames", j)
			label := HostLabel(name)
			if label == "" {
				v.add(at, "%q is no name that a device gives itself: write one label of letters, digits and -, such as kims-ipad", name)
			}
			once(v, at, "name", label, label, names)
		}
		for j, token := range d.Tokens {
			at := v.item(at+".tokens", j)
			if token == "" {
				v.add(at, "the token is empty: write what the forwarder sends for this device")
			}
			once(v, at, "token", token, token, tokens)
		}
	}
	v.recogniseRules(path+".recognise", h.Recognise)
}

// once refuses what two devices of a household are said to be known by.
func once[K comparable](v *validator, path, what, text string, key K, seen map[K]string) {
	if first, twice := seen[key]; twice {
		v.add(path, "%s is the %s at %s already: it is one device's", text, what, first)
	}
	seen[key] = path
}

func (v *validator) recogniseRules(path string, rules []RecogniseConfig) {
	if len(rules) > maxRecognise {
		v.add(path, "%d rules are too many: write at most %d", len(rules), maxRecognise)
	}
	for i, r := range rules {
		at := v.item(path, i)
		if _, _, good := parseMACPrefix(r.MAC); !good {
			v.add(at+".mac", "%q is not the beginning of a MAC: write its first three to six octets, such as a4:cf:12", r.MAC)
		}
		if _, good := parseNamePattern(r.Hostname); !good {
			v.add(at+".hostname", "%q is no name with at most one *: write one such as chromecast*", r.Hostname)
		}
		if r.MAC == "" && r.Hostname == "" {
			v.add(at, "nothing says which devices are meant: write mac, hostname or both")
		}
		if r.Profile == "" {
			v.add(at+".profile", "the profile is missing: write one, such as things")
		}
		v.profileRef(at+".profile", r.Profile, true)
	}
}
