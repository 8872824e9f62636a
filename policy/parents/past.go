package parents

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// What the audit says of changes that are read again when somebody is erased.
const (
	auditEnrolled = "device enrolled" // for whom
	auditAssigned = "device assigned" // to whom
	auditRenamed  = "device renamed"  // to what
	auditGone     = "device removed"  // of whom
	auditParted   = "member removed"  // of which band
)

// past is what the audit of a household says of members and devices that it may have no longer.
type past struct {
	owner  map[string]string   // of a device, whose it was last
	names  map[string][]string // of a device, those that it had before
	adults map[string]bool     // who was an adult when they parted
}

// past reads the audit of a household.
func (d *Desk) past(ctx context.Context, household string) (p past, err error) {
	s, err := d.Log.Snapshot(ctx, household+"/"+kindAudit+"/")
	if err != nil {
		return p, fmt.Errorf("reading what was changed: %w", err)
	}
	slices.SortStableFunc(s.Entries, func(a, b store.Entry) int { return cmp.Compare(a.Revision, b.Revision) })
	p = past{owner: map[string]string{}, names: map[string][]string{}, adults: map[string]bool{}}
	for _, e := range s.Entries {
		var entry Entry
		if json.Unmarshal(e.Value, &entry) == nil { // what cannot be read says nothing of anybody
			p.add(entry)
		}
	}
	return p, nil
}

// add takes over one entry that is later than those before.
func (p *past) add(e Entry) {
	_, said, _ := strings.Cut(e.Detail, " ")
	switch e.What {
	case auditParted:
		p.adults[e.Member] = e.Detail == policy.Adult.String()
	case auditEnrolled:
		p.owner[e.Device], p.names[e.Device] = said, nil
	case auditAssigned, auditGone:
		if said != "" {
			p.owner[e.Device] = said
		}
	case auditRenamed:
		p.owner[said], p.names[said] = p.owner[e.Device], append(p.names[e.Device], e.Device)
		delete(p.owner, e.Device)
		delete(p.names, e.Device)
	}
}

// parted gives the name of who has parted as it was, false for somebody who has not.
func (p *past) parted(name string) (string, bool) {
	names := slices.Sorted(maps.Keys(p.adults))
	if i := called(names, name); i >= 0 {
		return names[i], true
	}
	return name, false
}

// goneOf lists the devices that were theirs alone who has parted and that are there no more, under all their names but
// those of other devices.
func (d *Desk) goneOf(p past, who Parted) (names []string) {
	person, parted := p.parted(who.Person)
	if !parted {
		return nil
	}
	for device, owner := range p.owner {
		if owner == person {
			names = append(append(names, device), p.names[device]...)
		}
	}
	h, there := d.Directory().Household(who.Household)
	names = slices.DeleteFunc(names, func(name string) bool {
		owner, known := p.owner[name]
		return known && owner != person || there && h.Has(policy.PersonOfDevice(name))
	})
	slices.Sort(names)
	return slices.Compact(names)
}
