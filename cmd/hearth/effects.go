package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy"
)

// effect is what two configurations mean for one person, device or guest.
type effect struct {
	Household string   `json:"household"`
	Who       string   `json:"who"` // "member Kim", "device tablet", "unknown devices"
	Changes   []string `json:"changes,omitempty"`
	Blocked   []string `json:"newly_blocked,omitempty"`   // categories
	Unblocked []string `json:"newly_unblocked,omitempty"` // categories
}

// String says it on one line.
func (e effect) String() string {
	words := slices.Clone(e.Changes)
	if len(e.Blocked) > 0 {
		words = append(words, "newly blocked: "+strings.Join(e.Blocked, ", "))
	}
	if len(e.Unblocked) > 0 {
		words = append(words, "no longer blocked: "+strings.Join(e.Unblocked, ", "))
	}
	return fmt.Sprintf("household %s, %s: %s", e.Household, e.Who, strings.Join(words, "; "))
}

// judge is a configuration compiled to be asked what it means, with the
// starter lists: which names are on which list is not its matter.
type judge struct {
	config    *Config
	taxonomy  *blocklists.Taxonomy
	directory *policy.Directory
}

func newJudge(c *Config) (*judge, error) {
	t, err := c.taxonomy()
	if err != nil {
		return nil, fmt.Errorf("numbering categories: %w", err)
	}
	ix, err := source.Starter(t)
	if err != nil {
		return nil, fmt.Errorf("building the starter index: %w", err)
	}
	own, err := blocklists.ParseName(c.Name)
	if err != nil {
		return nil, fmt.Errorf("reading the own name: %w", err)
	}
	d, err := policy.Compile(policy.CompileConfig{Config: c.people(), Index: ix, Own: own})
	if err != nil {
		return nil, fmt.Errorf("compiling profiles: %w", err)
	}
	return &judge{config: c, taxonomy: t, directory: d}, nil
}

// person is somebody whose profile can be compared.
type person struct{ household, who string }

// persons lists everybody of a configuration, in its order.
func (j *judge) persons() []person {
	var all []person
	for _, h := range j.config.Households {
		for _, m := range h.Members {
			all = append(all, person{h.ID, "member " + m.Name})
		}
		for _, d := range h.Devices {
			all = append(all, person{h.ID, "device " + d.Name})
		}
		for _, f := range h.Forwarders {
			all = append(all, person{h.ID, "forwarder " + f.Address.String()})
		}
		all = append(all, person{h.ID, "unknown devices"})
	}
	return all
}

// profile finds a person's profile; nil if there is no such person.
func (j *judge) profile(p person) *policy.Profile { return j.client(p).Profile }

// client finds a person as who asks; the zero Client if there is no such person.
func (j *judge) client(p person) (c policy.Client) {
	for _, h := range j.config.Households {
		if h.ID != p.household {
			continue
		}
		kind, name, _ := strings.Cut(p.who, " ")
		switch kind {
		case "member":
			c, _ = j.directory.Locate(h.ID, name)
		case "device":
			c, _ = j.directory.LocateDevice(h.ID + "/" + name)
		case "forwarder":
			if a, err := netip.ParseAddr(name); err == nil && j.directory.Identify(a).Forwarder != nil {
				c = j.directory.Identify(a)
			}
		default:
			if a, ok := unknownAddress(h); ok {
				c = j.directory.Identify(a)
			}
		}
	}
	return c
}

// quotaChanges says which quotas two clients do not have both.
func quotaChanges(was, now policy.Client) []string {
	var changes []string
	before, after := was.Allowances(), now.Allowances()
	for _, q := range after {
		if !slices.Contains(before, q) {
			changes = append(changes, "new quota of "+q)
		}
	}
	for _, q := range before {
		if !slices.Contains(after, q) {
			changes = append(changes, "no longer a quota of "+q)
		}
	}
	return changes
}

// unknownAddress finds an address of the household that is no device's.
func unknownAddress(h policy.HouseholdConfig) (netip.Addr, bool) {
	known := make(map[netip.Addr]bool)
	for _, d := range h.Devices {
		for _, a := range d.Addresses {
			known[a.Unmap()] = true
		}
	}
	for _, f := range h.Forwarders {
		known[f.Address.Unmap()] = true
	}
	for _, n := range h.Networks {
		for a := n.Masked().Addr(); n.Contains(a); a = a.Next() {
			if !known[a.Unmap()] {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

// verdicts gives what a profile does with a name of each category, at noon of
// a school day, when no usual schedule is on.
func (j *judge) verdicts(p *policy.Profile) map[string]policy.Action {
	noon := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	name, err := blocklists.ParseName("a-name-on-no-list.example")
	if err != nil {
		return nil
	}
	var hashes blocklists.Hashes
	j.directory.Index().Key().Hash(name, &hashes)
	verdicts := make(map[string]policy.Action)
	for i, def := range j.taxonomy.All() {
		var set blocklists.Categories
		set.Add(blocklists.Category(i)) //nolint:gosec // at most blocklists.MaxCategories
		q := policy.Question{Hashes: &hashes, Match: blocklists.Match{Categories: set, Labels: 2}}
		verdicts[def.ID] = p.Decide(&q, noon).Action
	}
	return verdicts
}

// compareEffects says what changes for whom.
func compareEffects(was, now *judge) []effect {
	people := now.persons()
	for _, p := range was.persons() {
		if !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	var effects []effect
	for _, p := range people {
		e := effect{Household: p.household, Who: p.who}
		switch before, after := was.profile(p), now.profile(p); {
		case before == nil && after == nil:
			continue
		case before == nil:
			e.Changes = []string{"new, " + describeProfile(after)}
		case after == nil:
			e.Changes = []string{"removed, was " + describeProfile(before)}
		default:
			e.Changes = append(profileChanges(before, after), quotaChanges(was.client(p), now.client(p))...)
			blocked, unblocked := gainsAndLosses(was.verdicts(before), now.verdicts(after))
			e.Blocked, e.Unblocked = now.withoutServices(blocked), now.withoutServices(unblocked)
		}
		if len(e.Changes)+len(e.Blocked)+len(e.Unblocked) > 0 {
			effects = append(effects, e)
		}
	}
	return effects
}

// describeProfile gives "profile kids (child)".
func describeProfile(p *policy.Profile) string {
	if p.Name() == p.Band().String() {
		return "profile " + p.Name()
	}
	return fmt.Sprintf("profile %s (%s)", p.Name(), p.Band())
}

func profileChanges(was, now *policy.Profile) []string {
	var changes []string
	if a, b := describeProfile(was), describeProfile(now); a != b {
		changes = append(changes, a+" -> "+b)
	}
	if a, b := was.Mode(), now.Mode(); a != b {
		changes = append(changes, fmt.Sprintf("blocks look like %v -> %v", a, b))
	}
	if was.SafeSearch() != now.SafeSearch() {
		changes = append(changes, map[bool]string{true: "safe search is switched on", false: "safe search is switched off"}[now.SafeSearch()])
	}
	if a, b := was.YouTube(), now.YouTube(); a != b {
		changes = append(changes, "YouTube "+a+" -> "+b)
	}
	changes = append(changes, addressChanges(was.AddressRules(), now.AddressRules())...)
	if now.Observe() != was.Observe() {
		if now.Observe() {
			changes = append(changes, "observed only: blocks are counted, not applied")
		} else {
			changes = append(changes, "blocks are applied again")
		}
	}
	return changes
}

// gainsAndLosses compares what is blocked; a warning counts as a block.
func gainsAndLosses(was, now map[string]policy.Action) (blocked, unblocked []string) {
	blocks := func(a policy.Action) bool { return a == policy.Block || a == policy.Warn }
	for id, after := range now {
		if blocks(after) && !blocks(was[id]) {
			blocked = append(blocked, id)
		}
		if before, known := was[id]; known && blocks(before) && !blocks(after) {
			unblocked = append(unblocked, id)
		}
	}
	slices.Sort(blocked)
	slices.Sort(unblocked)
	return blocked, unblocked
}

// withoutServices leaves out services whose own category is in the list too.
func (j *judge) withoutServices(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		c, ok := j.taxonomy.Lookup(id)
		return ok && slices.Contains(ids, j.taxonomy.Definition(c).Parent)
	})
}
