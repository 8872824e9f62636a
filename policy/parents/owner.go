package parents

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// A household has one owner, YAML or the store. What the store has of its definition is under one of three ids.
const (
	// current is the definition of a household that the store owns. YAML must not name it.
	current = "current"
	// arriving is a copy of what YAML says. It takes over at the moment at which YAML no longer names the household.
	arriving = "arriving"
	// leaving is what the store says, until YAML names the household; then it is dropped.
	leaving = "leaving"
)

// DoubleError says that YAML names a household that the store owns.
type DoubleError struct{ Household string }

// Error implements error.
func (e *DoubleError) Error() string {
	return fmt.Sprintf("the household %s is owned by the store: delete it here, or give it back with hearth household export %[1]s --release", e.Household)
}

// definition gives what the store has of a household's definition, and under which id.
func (h home) definition() (c policy.HouseholdConfig, id string, revision uint64) {
	for _, id := range []string{current, leaving, arriving} {
		if r, there := h[kindDefinition][id]; there {
			return r.value.(policy.HouseholdConfig), id, r.revision
		}
	}
	return c, "", 0
}

// People gives who there is: what YAML says with the devices that were enrolled, and the households of the store.
func (d *Desk) People(written policy.Config) (policy.Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.merged(written)
}

// merged is People. The caller holds mu.
func (d *Desk) merged(written policy.Config) (policy.Config, error) {
	all := written
	all.Households = make([]policy.HouseholdConfig, 0, len(written.Households)+len(d.homes))
	named := make(map[string]bool, len(written.Households))
	for _, h := range written.Households {
		named[h.ID] = true
		if _, kept := d.homes[h.ID][kindDefinition][current]; kept {
			return all, &DoubleError{h.ID}
		}
		all.Households = append(all.Households, h)
	}
	stored := []string{}
	for id, h := range d.homes {
		if _, at, _ := h.definition(); at != "" && !named[id] {
			stored = append(stored, id)
		}
	}
	slices.Sort(stored)
	for _, id := range stored {
		c, _, _ := d.homes[id].definition()
		all.Households = append(all.Households, c)
	}
	var w *claims // made once it is needed: there may be a million devices
	for i := range all.Households {
		h := &all.Households[i]
		if len(d.homes[h.ID][kindEnrolment]) == 0 {
			continue
		}
		if w == nil {
			w = claimsOf(all)
		}
		d.enrolled(h, w)
	}
	return all, nil
}

// enrolled adds the devices that were enrolled, less those that the definition knows by now or has no room for:
// what somebody writes later must not be refused for them.
func (d *Desk) enrolled(h *policy.HouseholdConfig, w *claims) {
	extra := []policy.DeviceConfig{}
	for _, v := range all[policy.DeviceConfig](d.homes[h.ID], kindEnrolment) {
		if w.fits(h, v) {
			extra = append(extra, v)
		}
	}
	if len(extra) > 0 {
		h.Devices = slices.Concat(h.Devices, extra)
	}
}

// claims are what people wrote that a device which enrolled itself yields to.
type claims struct {
	addresses map[netip.Addr]bool     // of devices and forwarders
	networks  map[netip.Prefix]string // whose they are
	profiles  map[string]bool         // that a device can have
}

func claimsOf(all policy.Config) *claims {
	w := &claims{map[netip.Addr]bool{}, map[netip.Prefix]string{}, map[string]bool{"": true}}
	for _, p := range all.Profiles {
		w.profiles[p.Name] = p.Band != ""
	}
	for _, h := range all.Households {
		for _, n := range h.Networks {
			w.networks[n.Masked()] = h.ID
		}
		for _, f := range h.Forwarders {
			w.addresses[f.Address.Unmap().WithZone("")] = true
		}
		for _, v := range h.Devices {
			for _, a := range v.Addresses {
				w.addresses[a.Unmap().WithZone("")] = true
			}
		}
	}
	return w
}

// free says whether a device of a household can have an address.
func (w *claims) free(household string, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for bits := a.BitLen(); bits > 0; bits-- {
		if n, err := a.Prefix(bits); err == nil && w.networks[n] != "" {
			return w.networks[n] == household && !w.addresses[a]
		}
	}
	return !w.addresses[a]
}

// fits says whether a device that enrolled itself contradicts nothing that is written.
func (w *claims) fits(h *policy.HouseholdConfig, v policy.DeviceConfig) bool {
	taken := slices.ContainsFunc(h.Devices, func(o policy.DeviceConfig) bool {
		return o.Name == v.Name || slices.ContainsFunc(v.MACs, func(m policy.MAC) bool { return slices.Contains(o.MACs, m) })
	})
	gone := slices.ContainsFunc(owners(v), func(name string) bool {
		return !slices.ContainsFunc(h.Members, func(m policy.MemberConfig) bool { return m.Name == name })
	})
	_, preset := policy.ParseBand(v.Profile)
	return !taken && !gone && (preset || w.profiles[v.Profile]) &&
		!slices.ContainsFunc(v.Addresses, func(a netip.Addr) bool { return !w.free(h.ID, a) })
}

func owners(v policy.DeviceConfig) []string {
	if v.Member != "" {
		return []string{v.Member}
	}
	return v.Members
}

// settle finishes what moves between YAML and the store, now that a configuration is in force: what has arrived is
// owned, what has left is dropped, and a copy of what YAML says stays true. The caller holds mu.
func (d *Desk) settle(ctx context.Context, written policy.Config) error {
	var moving []string
	for id, h := range d.homes {
		if _, at, _ := h.definition(); at == arriving || at == leaving {
			moving = append(moving, id)
		}
	}
	for _, id := range moving {
		kept, at, _ := d.homes[id].definition()
		i := slices.IndexFunc(written.Households, func(h policy.HouseholdConfig) bool { return h.ID == id })
		var changes []change
		switch {
		case at == leaving && i >= 0:
			changes = []change{{kind: kindDefinition, id: leaving}}
		case at == arriving && i < 0:
			changes = []change{{kind: kindDefinition, id: arriving}, {kind: kindDefinition, id: current, value: kept}}
		case at == arriving && !same(kept, written.Households[i]):
			changes = []change{{kind: kindDefinition, id: arriving, value: written.Households[i]}}
		default:
			continue
		}
		if err := d.put(ctx, id, changes); err != nil {
			return err
		}
	}
	return nil
}

// same compares definitions as they are kept.
func same(a, b policy.HouseholdConfig) bool {
	one, err := encode(a)
	two, failed := encode(b)
	return err == nil && failed == nil && string(one) == string(two)
}

// inFile is the error for a change of what YAML owns.
func (d *Desk) inFile(household string) error {
	_, where := d.Written()
	at := where(household)
	return &Error{Reason: InFile, Place: at, Text: fmt.Sprintf(
		"the household %s stands in %s and is changed there; hearth household adopt %[1]s moves it into the store, where it can be changed here", household, strings.TrimSpace(at))}
}

// owned gives the definition of a household of the store, or the error that it is YAML's.
func (d *Desk) owned(p *place) (policy.HouseholdConfig, string, uint64, error) {
	c, at, revision := p.home.definition()
	if at == "" || at == arriving {
		return c, at, revision, d.inFile(p.household.ID)
	}
	return c, at, revision, nil
}

// always makes a name's grant a rule where the store owns the household; done is false where it does not.
func (d *Desk) always(ctx context.Context, who Who, ask Ask) (act Act, done bool, err error) {
	name, err := readSite(ask.Value)
	if err != nil {
		return act, false, err
	}
	d.mu.Lock()
	p, err := d.find(who, grant)
	if err != nil {
		d.mu.Unlock()
		return act, false, err
	}
	_, at, _ := p.home.definition()
	asked := policy.Grant{Kind: policy.GrantName, Value: name}
	before := p.meet(asked)
	d.mu.Unlock()
	if at != current {
		return act, false, nil
	}
	err = d.redefine(ctx, who, manage, func(p *place) (Entry, []change, error) {
		rule, err := d.allow(p, name)
		return p.entry("rule", "allow "+name, 0), []change{rule}, err
	})
	act = p.told("rule", "", p.subject, p.now.Unix(), 0, p.by)
	act.Kind, act.Value = string(policy.GrantName), name
	if err == nil {
		act.Note, err = d.ruled(ctx, who, asked, before)
	}
	return act, true, err
}

// allow writes a rule into the definition of a household of the store that allows its subject a name.
func (d *Desk) allow(p *place, name string) (change, error) {
	c, at, revision, err := d.owned(p)
	rule := policy.RuleConfig{Name: name, Action: "allow", Member: p.subject.Member}
	if !slices.Contains(c.Rules, rule) {
		c.Rules = append(slices.Clone(c.Rules), rule)
	}
	return change{kind: kindDefinition, id: at, value: c, expect: &revision}, err
}

// ruled puts a rule in force that allows what was asked, and says what it changes; before is what meet gave.
func (d *Desk) ruled(ctx context.Context, who Who, asked policy.Grant, before []policy.Decision) (string, error) {
	note := "It is a rule of the household now. " + lifts[policy.GrantName]
	if err := d.renew(ctx); err != nil {
		return note, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, err := d.find(who, grant); err == nil {
		note += p.effect(asked, before, p.meet(asked))
	}
	return note, nil
}

// Owns says whether a value of the store makes the store the owner of a household, so that YAML must not name it.
func Owns(e store.Entry) bool { return e.Key.Kind == kindDefinition && e.Key.ID == current }
