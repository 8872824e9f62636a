package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// Validate says everything that is wrong at once, each with the path of its
// field (an error with a Path method) and what to write. t is the taxonomy with
// the operator's own categories; nil makes one from the built-in and own ones.
func (c Config) Validate(t *blocklists.Taxonomy) error {
	if v := c.validated(t, false); len(v.all) == 0 {
		return nil
	}
	return c.validated(t, true).join()
}

// validated collects what is wrong, with paths if it is to be told: writing them
// for each field of many households is most of the work.
func (c Config) validated(t *blocklists.Taxonomy, telling bool) *validator {
	v := &validator{
		config: c, telling: telling, taxonomy: t, profiles: map[string]ProfileConfig{}, places: places{},
		languages: map[string]bool{"": true}, members: map[string]bool{}, devices: map[string]bool{},
	}
	v.categories()
	if v.taxonomy == nil {
		return v
	}
	for _, p := range c.Profiles {
		v.profiles[p.Name] = p
	}
	for i, p := range c.Profiles {
		v.profile(v.item("profiles", i), i, p)
	}
	if n := len(v.config.UpstreamSets()) - 1; n > maxUpstreamSets {
		v.add("profiles", "%d profiles have upstreams that no other has: write at most %d different sets", n, maxUpstreamSets)
	}
	ids := make(map[string]int, len(c.Households))
	for i, h := range c.Households {
		path := v.item("households", i)
		if first, twice := ids[h.ID]; twice {
			v.add(path+".id", "%q is the id of households[%d] already: give each household an id of its own", h.ID, first)
		}
		ids[h.ID] = i
		v.household(path, h)
	}
	v.networks()
	v.addresses()
	v.ids()
	return v
}

// item is the path of one of many, "" if nothing is told.
func (v *validator) item(path string, i int) string {
	if !v.telling {
		return ""
	}
	return path + "[" + strconv.Itoa(i) + "]"
}

// validator walks a Config.
type validator struct {
	problems
	config    Config
	telling   bool
	taxonomy  *blocklists.Taxonomy
	profiles  map[string]ProfileConfig
	places    places
	languages map[string]bool      // whether a tag is one, for those seen
	owners    map[netip.Prefix]int // networks by household
	lengths   []int                // of them, longest first

	members, devices map[string]bool // names of the present household's
}

// categories checks the operator's own ones, and makes the taxonomy if there is none.
func (v *validator) categories() {
	good := []blocklists.Definition{}
	groups := blocklists.Groups()
	for i, c := range v.config.Categories {
		path := v.item("categories", i)
		switch prefix, _, _ := strings.Cut(c.ID, "."); prefix {
		case "illegal", "ok", "meta", "sec", "service":
			v.add(path+".id", "%q: ids that begin with %s. are the product's own: write an id such as family.%s", c.ID, prefix, c.ID)
			continue
		}
		if !slices.Contains(groups, c.Group) {
			v.add(path+".group", "%q is no group: write %s", c.Group, oneOf(groups...))
			continue
		}
		d := blocklists.Definition{ID: c.ID, Group: c.Group}
		if _, err := blocklists.NewTaxonomy(append(slices.Clone(good), d)...); err != nil {
			v.add(path+".id", "%v", err)
			continue
		}
		good = append(good, d)
	}
	if v.taxonomy == nil {
		t, err := blocklists.NewTaxonomy(good...)
		if err != nil {
			v.add("categories", "%v", err)
		}
		v.taxonomy = t
	}
}

func (v *validator) profile(path string, at int, p ProfileConfig) {
	v.profileName(path+".name", at, p.Name)
	if p.Band != "" {
		v.band(path+".band", p.Band, Things)
	}
	if _, ok := parseBlockMode(p.BlockMode); !ok {
		v.add(path+".block_mode", "%q is no block mode: write %s", p.BlockMode, oneOf(blockModeNames[:]...))
	}
	v.unknown(path+".unknown", p)
	v.searching(path, p)
	for i, change := range p.Categories {
		v.categoryChange(v.item(path+".categories", i), change)
	}
	for i, change := range p.Services {
		v.serviceChange(v.item(path+".services", i), change)
	}
	for i, id := range p.AlwaysOn {
		if _, ok := lookupAlways(v.taxonomy, id); !ok {
			v.add(v.item(path+".always_on", i), "%q: only a service or social.chat can always be on; did you mean %q?",
				id, v.taxonomy.Nearest("service."+strings.TrimPrefix(id, "service.")))
		}
	}
	for i, r := range p.Rules {
		at := v.item(path+".rules", i)
		v.rule(at, r)
		if r.Profile != "" || r.Member != "" {
			v.add(at, "a profile's rule holds for the profile: write rules for one member under the household")
		}
	}
	v.addressRules(path+".addresses", p.Addresses)
	v.schedule(path+".schedule", p.Schedule)
	v.standing(path+".standing", p.Standing)
	v.quotas(path+".quotas", p.Quotas)
}

func (v *validator) profileName(path string, at int, name string) {
	if name == "" {
		v.add(path, "the name is missing: write one, such as kids")
		return
	}
	if _, reserved := ParseBand(name); reserved {
		v.add(path, "%q is the name of a band's preset: choose another name, and write band: %s", name, name)
	}
	for i, p := range v.config.Profiles[:at] {
		if p.Name == name {
			v.add(path, "%q is the name of profiles[%d] already: choose another", name, i)
			return
		}
	}
}

// band checks the name of a band; last is the last of those that may stand there.
func (v *validator) band(path, name string, last Band) {
	if _, ok := ParseBand(name); !ok {
		v.add(path, "%q is no band: write %s", name, oneOf(bandNames[Little:last+1]...))
	}
}

func (v *validator) unknown(path string, p ProfileConfig) {
	if p.Unknown == "" {
		return
	}
	if _, ok := parseUnknown(p.Unknown); !ok {
		v.add(path, "%q is no rule for unknown names: write allow, block or popular", p.Unknown)
	} else if (p.Band == "little" || p.Band == "things") && p.Unknown != "block" {
		v.add(path, "the band %s is an allow-list, so unknown names stay blocked: leave unknown out, or start from another band", p.Band)
	}
}

func (v *validator) categoryChange(path string, c CategoryChange) {
	v.cell(path+".action", c.Action, "allow", "block", "warn", "timed")
	set, err := v.taxonomy.Select(c.ID)
	if err != nil {
		v.add(path+".id", "%v", err)
		return
	}
	for found := range set.All() {
		if id := v.taxonomy.ID(found); changeable(id) {
			return
		}
	}
	what := "cannot be changed: the law, security and protected help hold for everyone"
	if strings.HasPrefix(c.ID, "service.") {
		what = "is a service: write it under services"
	}
	v.add(path+".id", "%s %s", c.ID, what)
}

func (v *validator) serviceChange(path string, s ServiceChange) {
	v.cell(path+".action", s.Action, "allow", "block", "timed")
	if c, ok := lookupService(v.taxonomy, s.ID); !ok || !v.taxonomy.Definition(c).Service {
		v.add(path+".id", "%q is no service; did you mean %q?", s.ID,
			v.taxonomy.Nearest("service."+strings.TrimPrefix(s.ID, "service.")))
	}
}

func (v *validator) cell(path, action string, choices ...string) {
	if !slices.Contains(choices, action) {
		v.add(path, "%q is no action here: write %s", action, oneOf(choices...))
	}
}

func (v *validator) rule(path string, r RuleConfig) {
	if _, err := parseRuleName(r.Name); err != nil {
		v.add(path+".name", "%v", err)
	}
	v.cell(path+".action", r.Action, "allow", "deny")
	if r.Scope != "" && r.Scope != "subdomains" && r.Scope != "exact" {
		v.add(path+".scope", "%q is no scope: write subdomains (the name and all beneath) or exact", r.Scope)
	}
}

func (v *validator) schedule(path string, s ScheduleConfig) {
	for _, part := range []struct{ key, text string }{
		{".bedtime.school", s.Bedtime.School}, {".bedtime.free", s.Bedtime.Free}, {".homework", s.Homework},
	} {
		v.span(path+part.key, part.text)
	}
	for i, w := range s.Windows {
		_, _, _, err := parseWindow(w)
		v.addErr(v.item(path+".windows", i), err)
	}
}
