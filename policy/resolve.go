package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// person gives the spec of somebody in a household: the preset of the profile's
// band, else of their own, then the profile's changes, then the household's
// rules. h is nil for a profile that stands alone, member is "" for a guest or
// a device without a person; theirs is what a member has of their own.
func (b *compiler) person(h *HouseholdConfig, member, profile string, own Band, theirs MemberConfig) spec {
	named, isNamed := b.named[profile]
	band := own
	if isNamed && named.Band != "" {
		band, _ = ParseBand(named.Band)
	} else if !isNamed && profile != "" {
		band, _ = ParseBand(profile)
	}
	s := *b.bases[band]
	s.rules, s.where = nil, nil
	if isNamed {
		b.change(&s, named)
	}
	b.switchServices(&s, theirs.Services)
	b.addRules(&s, named.Rules, "", "")
	s.addAddressRules(named.Addresses)
	loc, when := time.UTC, theirs.Schedule
	if when.isZero() {
		when = named.Schedule
	}
	if h != nil {
		s.language = h.Language
		s.observe = s.observe || h.Observe
		b.addRules(&s, h.Rules, s.name, member)
		s.addAddressRules(h.Addresses)
		loc = b.locationOf(h)
		s.quotas = b.quotasOf(ownQuotas(named.Quotas, theirs.Quotas), cmp.Or(member, PersonGuests), &s)
		if member != "" && when.isZero() && band.Minor() {
			when = h.Schedule
		}
	}
	s.list(b.ground.newNames)
	s.rules, s.where = sortRules(s.rules), sortAddressRules(s.where)
	if p := b.plan(h, member, when, band); p != nil {
		s.plans, s.location = []*plan{p}, loc
	}
	return s
}

// change applies a named profile's changes to its preset.
func (b *compiler) change(s *spec, p ProfileConfig) {
	t := b.ground.taxonomy
	s.name = p.Name
	s.mode, _ = parseBlockMode(p.BlockMode)
	s.observe = p.Observe
	s.route = b.routes[upstreamSet(p.Upstreams)]
	if p.Unknown != "" {
		s.unknown, _ = parseUnknown(p.Unknown)
	}
	s.search(t, p)
	for _, change := range p.Categories {
		set, err := t.Select(change.ID)
		if err != nil {
			continue // Validate has said it
		}
		to, _ := parseCell(change.Action)
		for c := range set.All() {
			if changeable(t.ID(c)) {
				s.cells[c] = to
			}
		}
	}
	b.switchServices(s, p.Services)
	for _, id := range p.AlwaysOn {
		if c, ok := lookupAlways(t, id); ok {
			s.alwaysOn.Add(c)
		}
	}
}

func (b *compiler) switchServices(s *spec, changes []ServiceChange) {
	for _, change := range changes {
		c, ok := lookupService(b.ground.taxonomy, change.ID)
		if to, known := parseCell(change.Action); ok && known {
			s.cells[c] = to
		}
	}
}

// ownQuotas are those of a profile, with a person's own in place of those of the same.
func ownQuotas(profile, theirs []QuotaConfig) []QuotaConfig {
	if len(theirs) == 0 {
		return profile
	}
	rest := slices.DeleteFunc(slices.Clone(profile), func(q QuotaConfig) bool {
		return slices.ContainsFunc(theirs, func(o QuotaConfig) bool {
			return strings.TrimPrefix(o.Of, "service.") == strings.TrimPrefix(q.Of, "service.")
		})
	})
	return append(rest, theirs...)
}

// changeable: no household changes the law, security, or what only describes.
func changeable(id string) bool {
	prefix, _, _ := strings.Cut(id, ".")
	switch prefix {
	case "illegal", "ok", "meta", "service":
		return false
	case "sec":
		return id == "sec.nrd"
	}
	return true
}

func lookupService(t *blocklists.Taxonomy, id string) (blocklists.Category, bool) {
	if !strings.HasPrefix(id, "service.") {
		id = "service." + id
	}
	return t.Lookup(id)
}

// chat is the one category beside services that can always be on.
const chat = "social.chat"

// Lifting returns the categories that can make a name allowed which others block: ok.*, services, and what else a
// household may keep on at bedtime.
func Lifting(t *blocklists.Taxonomy) (set blocklists.Categories) {
	for i, row := range t.All() {
		if row.Service || row.ID == chat || strings.HasPrefix(row.ID, "ok.") {
			set.Add(blocklists.Category(i)) //nolint:gosec // at most MaxCategories
		}
	}
	return set
}

func lookupAlways(t *blocklists.Taxonomy, id string) (blocklists.Category, bool) {
	if id == chat {
		return t.Lookup(id)
	}
	return lookupService(t, id)
}

// addRules adds the rules that hold for a profile and a member.
func (b *compiler) addRules(s *spec, rules []RuleConfig, profile, member string) {
	for _, r := range rules {
		if r.Profile != "" && r.Profile != profile || r.Member != "" && r.Member != member {
			continue
		}
		name, err := parseRuleName(r.Name)
		if err != nil {
			continue // Validate has said it
		}
		s.rules = append(s.rules, ownRule{name: name, allow: r.Action == "allow", exact: r.Scope == "exact"})
	}
}

func (b *compiler) locationOf(h *HouseholdConfig) *time.Location {
	loc, err := b.places.find(h.Timezone)
	if err != nil {
		return time.UTC // Validate has said it
	}
	return loc
}
