package main

import (
	"slices"
	"strconv"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/atlas"
)

// GeoConfig names the databases that say where addresses lie.
type GeoConfig = atlas.Config

// validateGeo refuses rules by what no database that is configured can tell.
func (c *Config) validateGeo(r *report) {
	for i, p := range c.Profiles {
		c.validateWhere(r, "profiles["+strconv.Itoa(i)+"]", p.Addresses)
	}
	for i, h := range c.Households {
		c.validateWhere(r, "households["+strconv.Itoa(i)+"]", h.Addresses)
	}
}

func (c *Config) validateWhere(r *report, path string, rules []policy.AddressRuleConfig) {
	for i, rule := range rules {
		at := path + ".addresses[" + strconv.Itoa(i) + "]"
		if _, ok := policy.ParseCountry(rule.Country); ok && c.Geo.Country == "" {
			r.add(at+".country", "nothing says in which country an address lies; write geo: {country: PATH} with the path of a database in MaxMind's format, such as GeoLite2-Country.mmdb")
		}
		if rule.System != 0 && c.Geo.System == "" {
			r.add(at+".system", "nothing says in which autonomous system an address lies; write geo: {system: PATH} with the path of a database in MaxMind's format, such as GeoLite2-ASN.mmdb")
		}
	}
}

// warnGeo finds databases that cannot be read now. That refuses nothing: they may come later, and what else is
// configured serves meanwhile.
func (c *Config) warnGeo(r *report) {
	country, system := c.Geo.Check()
	const then = "until it can be read, the last good one serves, and where there is none rules by it deny nothing"
	if country != nil {
		r.add("geo.country", "%v; %s", country, then)
	}
	if system != nil {
		r.add("geo.system", "%v; %s", system, then)
	}
}

// addressChanges says which rules of addresses are new for somebody, and which are gone.
func addressChanges(was, now []policy.Rule) (changes []string) {
	for _, r := range now {
		if !slices.Contains(was, r) {
			changes = append(changes, "new: "+r.String())
		}
	}
	for _, r := range was {
		if !slices.Contains(now, r) {
			changes = append(changes, "gone: "+r.String())
		}
	}
	return changes
}
