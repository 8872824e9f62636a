package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// cell is one cell of a band's column. The order is strictness: the stricter
// of two cells is the greater one.
type cell int8

const (
	cellAllow cell = iota - 1 // on the allow-list of an allow-list profile; lifts a service's category
	cellNone
	cellTimed
	cellWarn
	cellTimedWarn // of a shared device: one has the first, another the second
	cellBlock
)

// join gives the cell that is as strict as both.
func (c cell) join(o cell) cell {
	if min(c, o) == cellTimed && max(c, o) == cellWarn {
		return cellTimedWarn
	}
	return max(c, o)
}

func parseCell(action string) (cell, bool) {
	switch action {
	case "allow":
		return cellAllow, true
	case "timed":
		return cellTimed, true
	case "warn":
		return cellWarn, true
	case "block":
		return cellBlock, true
	}
	return cellNone, false
}

// unknownRule is what happens to a name on no list, in order of strictness.
type unknownRule uint8

const (
	unknownAllow unknownRule = iota
	unknownPopular
	unknownBlock
)

func parseUnknown(word string) (unknownRule, bool) {
	switch word {
	case "allow":
		return unknownAllow, true
	case "popular":
		return unknownPopular, true
	case "block":
		return unknownBlock, true
	}
	return unknownAllow, false
}

// spec is a profile before it is compiled: a preset, changed and joined. Equal
// specs give one Profile.
type spec struct {
	traits
	rules    []ownRule
	learned  []ownRule // names that a thing may ask for besides its allow-list, and that it may not
	where    []addressRule
	plans    []*plan        // what is off in one of them is off
	location *time.Location // of the plans; nil without any
	quotas   []quota
}

// traits are what makes a stance.
type traits struct {
	name      string
	band      Band
	mode      BlockMode
	language  string
	allowList bool
	unknown   unknownRule
	observe   bool
	route     uint8 // see Profile.Route
	memory    Memory
	alarms    Memory
	cells     [blocklists.MaxCategories]cell // services too
	listed    blocklists.Categories
	alwaysOn  blocklists.Categories

	safeSearch bool
	youtube    youtubeMode
}

type ownRule struct {
	name  string
	allow bool
	exact bool
}

// join gives the spec that is as strict as the strictest of its parts, cell by
// cell: what one of them blocks is blocked, what all of them allow is allowed.
func join(t *blocklists.Taxonomy, specs []spec) spec {
	strictest := slices.MinFunc(specs, func(a, b spec) int { return int(a.band) - int(b.band) })
	out := strictest
	out.rules, out.plans, out.where, out.learned = nil, nil, nil, nil
	for _, s := range specs {
		out.allowList = out.allowList || s.allowList
		out.unknown = max(out.unknown, s.unknown)
		out.observe = out.observe && s.observe
		out.memory, out.alarms = min(out.memory, s.memory), min(out.alarms, s.alarms)
		out.alwaysOn = out.alwaysOn.And(s.alwaysOn)
		out.safeSearch, out.youtube = out.safeSearch || s.safeSearch, max(out.youtube, s.youtube)
		out.plans = append(out.plans, s.plans...)
		out.where = append(out.where, s.where...)
		out.learned = append(out.learned, s.declined()...)
		if s.location != nil {
			out.location = s.location
		}
	}
	for c := range out.cells {
		out.cells[c] = joinCells(t, specs, blocklists.Category(c)) //nolint:gosec // at most 256
	}
	out.listed = joinListed(specs)
	out.rules, out.learned = joinRules(specs), sortRules(out.learned)
	out.where = sortAddressRules(out.where)
	out.plans, out.quotas = sortPlans(out.plans), joinQuotas(specs)
	return out
}

// joinCells keeps the strictest cell of c; none if nobody has one, so that a
// service that nobody switched stays a part of its own category.
func joinCells(t *blocklists.Taxonomy, specs []spec, c blocklists.Category) cell {
	if !slices.ContainsFunc(specs, func(s spec) bool { return s.cells[c] != cellNone }) {
		return cellNone
	}
	strictest := cellAllow
	for _, s := range specs {
		strictest = strictest.join(s.effective(t, c))
	}
	return strictest
}

// effective is a spec's cell of c; a service without a switch has that of its
// own category.
func (s *spec) effective(t *blocklists.Taxonomy, c blocklists.Category) cell {
	if s.cells[c] != cellNone {
		return s.cells[c]
	}
	if d := t.Definition(c); d.Service {
		if parent, ok := t.Lookup(d.Parent); ok {
			return s.cells[parent]
		}
	}
	return cellNone
}

// joinListed keeps what every allow-list among the specs lets through.
func joinListed(specs []spec) blocklists.Categories {
	all := ^uint64(0)
	listed := blocklists.Categories{all, all, all, all}
	for _, s := range specs {
		if s.allowList {
			listed = listed.And(s.listed)
		}
	}
	return listed
}

// joinRules keeps every deny, and the allows that all specs have.
func joinRules(specs []spec) []ownRule {
	var out []ownRule
	for _, s := range specs {
		for _, r := range s.rules {
			shared := func(o spec) bool { return slices.Contains(o.rules, r) }
			if !r.allow || !slices.ContainsFunc(specs, func(o spec) bool { return !shared(o) }) {
				out = append(out, r)
			}
		}
	}
	return sortRules(out)
}

// sortRules brings rules into one order and drops what stands twice, so that
// equal sets compare equal.
func sortRules(rules []ownRule) []ownRule {
	slices.SortFunc(rules, func(a, b ownRule) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return boolCompare(a.allow, b.allow)*2 + boolCompare(a.exact, b.exact)
	})
	return slices.Compact(rules)
}

// list puts what the cells do not block on the allow-list of a spec that has one. That
// newly registered names are not blocked as such allows none of them.
func (s *spec) list(newNames blocklists.Category) {
	if !s.allowList {
		return
	}
	for c, to := range s.cells {
		if to != cellNone && to != cellBlock && blocklists.Category(c) != newNames { //nolint:gosec // at most 256
			s.listed.Add(blocklists.Category(c)) //nolint:gosec // as above
		}
	}
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func sortWindows(windows *[]window) {
	slices.SortFunc(*windows, window.compare)
	*windows = slices.Compact(*windows)
}
