package parents

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
)

// Device is a device as a parent sees it. What it is called in encrypted DNS is a secret, and not here.
type Device struct {
	Household string   `json:"household"`
	Name      string   `json:"name"`
	Members   []string `json:"members"`
	Profile   string   `json:"profile"`
	Owner     string   `json:"owner"`              // yaml, store or enrolled
	KnownBy   []string `json:"known_by,omitempty"` // addresses and MACs, of one that was enrolled
	UsedBy    string   `json:"used_by,omitempty"`  // of a shared one, who said so
}

// OwnerEnrolled marks a device that was enrolled while the server ran.
const OwnerEnrolled = "enrolled"

// Devices lists the devices of a household, and what else was seen lately in it that is none of them.
func (d *Desk) Devices(ctx context.Context, who Who) (known []Device, guests []Seen, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.look(ctx, who)
	if err != nil {
		return nil, nil, err
	}
	known, guests = p.devices(), []Seen{}
	if d.Presence == nil {
		return known, guests, nil
	}
	machines := map[policy.MAC]bool{} // one has many addresses
	for _, s := range d.Presence.Seen() {
		if !s.MAC.IsZero() && machines[s.MAC] {
			continue
		}
		machines[s.MAC] = true
		c := p.dir.IdentifyBy(&policy.Facts{Addr: s.Address, MAC: s.MAC, Name: s.Name})
		if c.Status == policy.Guest && c.Household == p.household {
			guests = append(guests, s)
		}
	}
	return known, guests, nil
}

func (p *place) tellDevice(v *policy.Device, owner string) Device {
	out := Device{Household: p.household.ID, Name: v.Name, Members: []string{}, Profile: v.Profile.Name(), Owner: owner}
	for _, m := range v.Members {
		out.Members = append(out.Members, m.Name)
	}
	if _, c, there := p.enrolment(v.Name); there {
		out.Owner = OwnerEnrolled
		for _, a := range c.Addresses {
			out.KnownBy = append(out.KnownBy, a.String())
		}
		for _, m := range c.MACs {
			out.KnownBy = append(out.KnownBy, m.String())
		}
	}
	for _, u := range p.home.state(p.now).Uses {
		if u.Device == v.Name {
			out.UsedBy = u.Member
		}
	}
	return out
}

// enrolment finds the record of a device by its name.
func (p *place) enrolment(name string) (id string, c policy.DeviceConfig, there bool) {
	for id, c := range all[policy.DeviceConfig](p.home, kindEnrolment) {
		if c.Name == name {
			return id, c, true
		}
	}
	return "", c, false
}

// maxName bounds the name of a device in octets.
const maxName = 64

// goodName reads a name that somebody gives a device.
func goodName(p *place, name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '/' || r == 0x7f }) {
		return "", refused("name", "%q is no name of a device: write 1 to %d octets without /", name, maxName)
	}
	if slices.ContainsFunc(p.household.Devices, func(v *policy.Device) bool { return strings.EqualFold(v.Name, name) }) {
		return "", refused("name", "the household has a device %q already: write another name", name)
	}
	return name, nil
}

// enrol adds a device that proved itself, and says what it is called. The code is good again if nothing was written.
func (d *Desk) enrol(ctx context.Context, i invitation, s Seen) (Device, error) {
	name := ""
	err := d.redefine(ctx, Who{Household: i.household, By: i.by}, proven, func(p *place) (Entry, []change, error) {
		c := policy.DeviceConfig{Member: i.member, Members: i.members, Profile: i.profile}
		if c.Name = p.freeName(i, s); !s.MAC.IsZero() {
			c.MACs = []policy.MAC{s.MAC}
		} else {
			c.Addresses = []netip.Addr{s.Address.Unmap().WithZone("")}
		}
		name = c.Name
		p.subject = policy.Subject{Device: name}
		return p.entry(auditEnrolled, "for "+i.whose(), 0), []change{{kind: kindEnrolment, id: newID(), value: c}}, nil
	})
	if err != nil {
		d.codes.add(i)
		return Device{}, err
	}
	if err := d.renew(ctx); err != nil {
		return Device{}, err
	}
	return d.deviceCalled(i.household, name)
}

// freeName names a device: as the parent said, as it calls itself, or after its member.
func (p *place) freeName(i invitation, s Seen) string {
	name := i.name
	if name == "" {
		name = s.Name
	}
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "/\x00") {
		name = strings.ReplaceAll(strings.ToLower(i.whose()), " ", "-") + "-device"
	}
	free := name
	for n := 2; slices.ContainsFunc(p.household.Devices, func(v *policy.Device) bool { return strings.EqualFold(v.Name, free) }); n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	return free
}

func (d *Desk) deviceCalled(household, name string) (Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(Who{Household: household}, proven)
	if err != nil {
		return Device{}, err
	}
	known := p.devices()
	i := slices.IndexFunc(known, func(v Device) bool { return v.Name == name })
	if i < 0 {
		return Device{}, unknown("device", "the device %q is not in force: somebody changed the household meanwhile", name)
	}
	return known[i], nil
}

// devices tells of all devices that are known.
func (p *place) devices() []Device {
	owner, known := OwnerYAML, []Device{}
	if _, at, _ := p.home.definition(); at == current || at == leaving {
		owner = OwnerStore
	}
	for _, v := range p.household.Devices {
		known = append(known, p.tellDevice(v, owner))
	}
	return known
}

// change rewrites one device where it stands: among the enrolled, or in the definition of a household of the store.
// nil from edit removes it.
func (d *Desk) change(p *place, edit func(policy.DeviceConfig) *policy.DeviceConfig) ([]change, error) {
	if p.device == nil {
		return nil, refused("device", "which device is meant is missing: write its name")
	}
	if id, c, there := p.enrolment(p.device.Name); there {
		next := change{kind: kindEnrolment, id: id}
		if v := edit(c); v != nil {
			next.value = *v
		}
		return []change{next}, nil
	}
	c, at, revision, err := d.owned(p)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.Devices, func(v policy.DeviceConfig) bool { return v.Name == p.device.Name })
	if i < 0 {
		return nil, unknown("device", "the device %q is gone meanwhile", p.device.Name)
	}
	c.Devices = slices.Clone(c.Devices)
	if v := edit(c.Devices[i]); v != nil {
		c.Devices[i] = *v
	} else {
		c.Devices = slices.Delete(c.Devices, i, i+1)
	}
	return []change{{kind: kindDefinition, id: at, value: c, expect: &revision}}, nil
}

// Rename gives a device another name. What holds for it goes on holding.
func (d *Desk) Rename(ctx context.Context, who Who, name string) (Device, error) {
	id, was := "", ""
	err := d.redefine(ctx, who, manage, func(p *place) (Entry, []change, error) {
		next, err := goodName(p, name)
		if err != nil {
			return Entry{}, nil, err
		}
		changes, err := d.change(p, func(v policy.DeviceConfig) *policy.DeviceConfig { v.Name = next; return &v })
		if err != nil {
			return Entry{}, nil, err
		}
		name, id, was = next, p.household.ID, p.device.Name
		more, err := d.carry(ctx, p, next)
		return p.entry(auditRenamed, "to "+next, 0), append(changes, more...), err
	})
	if err != nil {
		return Device{}, err
	}
	err = d.renew(ctx)
	d.Renamed(id, was, name) // it is written down, whenever it comes in force
	if err != nil {
		return Device{}, err
	}
	return d.deviceCalled(id, name)
}

// carry rewrites what holds for a device, and what a thing learned, to its next name; "" drops it.
func (d *Desk) carry(ctx context.Context, p *place, next string) ([]change, error) {
	changes := append(p.carryActs(next), p.carryLearned(next)...)
	heard, err := d.heard(ctx, p)
	if err != nil || heard == nil {
		return changes, err
	}
	changes = append(changes, change{kind: policy.KindHeard, id: named(p.device.Name)})
	if heard.Device = next; next != "" {
		changes = append(changes, change{kind: policy.KindHeard, id: named(next), value: *heard})
	}
	return changes, nil
}

// carryActs rewrites what people did about a device.
func (p *place) carryActs(next string) (changes []change) {
	was := p.device.Name
	note := func(kind, id, device string, value any) {
		switch {
		case device != was:
		case next == "":
			changes = append(changes, change{kind: kind, id: id})
		default:
			changes = append(changes, change{kind: kind, id: id, value: value})
		}
	}
	for id, x := range all[policy.Grant](p.home, kindGrant) {
		at := x.Subject.Device
		x.Subject.Device = next
		note(kindGrant, id, at, x)
	}
	for id, x := range all[policy.Pause](p.home, kindPause) {
		at := x.Subject.Device
		x.Subject.Device = next
		note(kindPause, id, at, x)
	}
	for id, x := range all[policy.FilterOff](p.home, kindOff) {
		at := x.Subject.Device
		x.Subject.Device = next
		note(kindOff, id, at, x)
	}
	for id, x := range all[policy.Use](p.home, kindUse) {
		at := x.Device
		x.Device = next
		note(kindUse, id, at, x)
	}
	for id, x := range all[Request](p.home, kindRequest) {
		at := x.Device
		x.Device = next
		note(kindRequest, id, at, x)
	}
	return changes
}

// Remove takes a device out of the household, with all that holds for it. It counts as unknown from then on.
func (d *Desk) Remove(ctx context.Context, who Who) error {
	return d.define(ctx, who, func(p *place) (Entry, []change, error) {
		whose := ""
		changes, err := d.change(p, func(v policy.DeviceConfig) *policy.DeviceConfig {
			if of := owners(v); len(of) > 0 {
				whose = "of " + strings.Join(of, " and ")
			}
			return nil
		})
		if err != nil {
			return Entry{}, nil, err
		}
		more, err := d.carry(ctx, p, "")
		return p.entry(auditGone, whose, 0), append(changes, more...), err
	})
}

// Assignment says whose a device is: one member's, several members', or nobody's with a profile of its own.
type Assignment struct {
	Members []string `json:"members,omitempty"`
	Profile string   `json:"profile,omitempty"`
}

// Assign gives a device to other people, or to nobody.
func (d *Desk) Assign(ctx context.Context, who Who, to Assignment) (Device, error) {
	id, name := "", ""
	err := d.define(ctx, who, func(p *place) (Entry, []change, error) {
		i, err := p.invitation(to, "")
		if err != nil {
			return Entry{}, nil, err
		}
		changes, err := d.change(p, func(v policy.DeviceConfig) *policy.DeviceConfig {
			v.Member, v.Members, v.Profile = i.member, i.members, i.profile
			return &v
		})
		if err != nil {
			return Entry{}, nil, err
		}
		id, name = p.household.ID, p.device.Name
		return p.entry(auditAssigned, "to "+i.whose(), 0), changes, nil
	})
	if err != nil {
		return Device{}, err
	}
	return d.deviceCalled(id, name)
}
