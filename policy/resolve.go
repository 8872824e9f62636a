package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// person gives the spec of somebody in a household: the preset of the profile's
// band, else of their own, then the profile's changes, then the household's
// rules. h is nil for a profile that stands alone, member is "" for a guest or
// a device without a person.
func (b *compiler) person(h *HouseholdConfig, member, profile string, own Band) spec {
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
	b.addRules(&s, named.Rules, "", "")
	s.addAddressRules(named.Addresses)
	loc, when := time.UTC, named.Schedule
	if h != nil {
		s.language = h.Language
		s.observe = s.observe || h.Observe
		b.addRules(&s, h.Rules, s.name, member)
		s.addAddressRules(h.Addresses)
		loc = b.locationOf(h)
		if member != "" && when.isZero() && band.Minor() {
			when = h.Schedule
		}
	}
	s.list(b.ground.newNames)
	s.rules, s.where = sortRules(s.rules), sortAddressRules(s.where)
	if s.windows = b.windows(when, band); len(s.windows) > 0 {
		s.location = loc
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
	for _, change := range p.Services {
		c, ok := lookupService(t, change.ID)
		if to, known := parseCell(change.Action); ok && known {
			s.cells[c] = to
		}
	}
	for _, id := range p.AlwaysOn {
		if c, ok := lookupAlways(t, id); ok {
			s.alwaysOn.Add(c)
		}
	}
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

func (s ScheduleConfig) isZero() bool {
	return !s.Preset && s.Bedtime == NightsConfig{} && s.Homework == "" && len(s.Windows) == 0
}

const off = "off"

// windowsOf gives the windows of a schedule; the preset's only if it asks for them.
func windowsOf(s ScheduleConfig, preset *Preset) []window {
	if s.Preset && preset != nil {
		for _, part := range []struct{ own, proposed *string }{
			{&s.Bedtime.School, &preset.Bedtime.School},
			{&s.Bedtime.Free, &preset.Bedtime.Free},
			{&s.Homework, &preset.Homework},
		} {
			if *part.own == "" {
				*part.own = *part.proposed
			}
		}
	}
	var out []window
	add := func(text string, kind windowKind, days []time.Weekday, night bool) {
		if text == "" || text == off {
			return
		}
		if sp, err := parseSpan(text); err == nil { // Validate has said it
			out = append(out, weekly(kind, days, sp, night)...)
		}
	}
	add(s.Bedtime.School, bedtime, schoolNights, true)
	add(s.Bedtime.Free, bedtime, freeNights, true)
	add(s.Homework, homework, schoolDays, false)
	for _, w := range s.Windows {
		kind, days, sp, err := parseWindow(w)
		if err == nil {
			out = append(out, weekly(kind, days, sp, false)...)
		}
	}
	sortWindows(&out)
	return out
}

func parseWindow(w WindowConfig) (windowKind, []time.Weekday, span, error) {
	kind := bedtime
	switch w.Kind {
	case "bedtime":
	case "homework":
		kind = homework
	default:
		return 0, nil, span{}, &fieldError{".kind", fmt.Sprintf("%q is no kind of window: write bedtime or homework", w.Kind)}
	}
	days, err := parseDays(w.Days)
	if err != nil {
		return 0, nil, span{}, err
	}
	s, err := makeSpan(w.From, w.To)
	return kind, days, s, err
}

func parseDays(words []string) ([]time.Weekday, error) {
	if len(words) == 0 {
		return nil, &fieldError{".days", "the days are missing: write mon, tue, ... or all"}
	}
	var days []time.Weekday
	for i, word := range words {
		if word == "all" {
			return []time.Weekday{0, 1, 2, 3, 4, 5, 6}, nil
		}
		d, ok := parseDay(word)
		if !ok {
			return nil, &fieldError{fmt.Sprintf(".days[%d]", i), fmt.Sprintf("%q is no day: write mon, tue, wed, thu, fri, sat, sun or all", word)}
		}
		days = append(days, d)
	}
	return days, nil
}

func (b *compiler) locationOf(h *HouseholdConfig) *time.Location {
	loc, err := b.places.find(h.Timezone)
	if err != nil {
		return time.UTC // Validate has said it
	}
	return loc
}
