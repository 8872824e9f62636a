package parents

import (
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Who says whom something concerns, and who asks for it: a member or a device of a household, or with neither the
// house. Household may be empty where there is but one.
type Who struct {
	Household string `json:"household,omitempty"`
	Member    string `json:"member,omitempty"`
	Device    string `json:"device,omitempty"`
	By        string `json:"by,omitempty"` // who asks, for the record; of whom the machine knows no name
	Actor     Actor  `json:"-"`            // who asks, and what they may do
}

// As says who asks. What comes over a wire never does.
func (w *Who) As(a Actor) { w.Actor = a }

// ByNobody is who asks where no name of a person is known.
const ByNobody = "control socket"

// maxBy bounds the words by which somebody is remembered.
const maxBy = 64

// place is a household as one use-case finds it.
type place struct {
	dir       *policy.Directory
	household *policy.Household
	home      home
	subject   policy.Subject
	member    *policy.Member // of the subject, nil if it is none
	device    *policy.Device
	now       time.Time // in the household's zone
	by        string
	actor     Actor
}

// find looks up whom something concerns, for who has a right there. The caller holds mu.
func (d *Desk) find(who Who, r right) (*place, error) {
	at, err := who.Actor.at(who.Household, r)
	if err != nil {
		return nil, err
	}
	dir := d.Directory()
	h, err := one(dir, at)
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir, household: h, home: d.homes[h.ID], now: d.Now().In(h.Location), by: by(who), actor: who.Actor}
	if err := p.may(r); err != nil { // before anything of the household is told
		return nil, err
	}
	if who.Member != "" && who.Device != "" {
		return nil, refused("device", "write member or device, not both")
	}
	if who.Member != "" {
		if p.member, err = memberOf(h, who.Member); err != nil {
			return nil, err
		}
		p.subject.Member = p.member.Name
	}
	if who.Device != "" {
		if p.device, err = deviceOf(h, who.Device); err != nil {
			return nil, err
		}
		p.subject.Device = p.device.Name
	}
	if who.Actor.Role == Child && r != proven && (p.member == nil || p.member.Name != who.Actor.Name) {
		return nil, forbidden("a child does this for itself: ask a parent of the household")
	}
	return p, nil
}

// by is the name that is written down of who asks.
func by(who Who) string {
	if who.Actor.Name != "" {
		who.By = who.Actor.Name
	}
	return cut(strings.ToValidUTF8(who.By, ""), maxBy)
}

// one gives the household that is meant.
func one(dir *policy.Directory, id string) (*policy.Household, error) {
	if h, there := dir.Household(id); there {
		return h, nil
	}
	all := dir.Households()
	if id == "" && len(all) == 1 {
		return all[0], nil
	}
	ids := []string{}
	for _, h := range all[:min(len(all), 5)] {
		ids = append(ids, h.ID)
	}
	switch {
	case len(all) == 0:
		return nil, unknown("household", "there is no household: write one into the configuration, or take one over with hearth household adopt FILE")
	case id == "":
		return nil, refused("household", "there are several households: write which one is meant, such as %s", strings.Join(ids, ", "))
	}
	return nil, unknown("household", "no household %q: write one of %s", id, strings.Join(ids, ", "))
}

func memberOf(h *policy.Household, name string) (*policy.Member, error) {
	names := make([]string, len(h.Members))
	for i, m := range h.Members {
		names[i] = m.Name
	}
	if i := called(names, name); i >= 0 {
		return h.Members[i], nil
	}
	return nil, unknown("member", "the household %s has no member %q: write one of %s", h.ID, name, strings.Join(names, ", "))
}

func deviceOf(h *policy.Household, name string) (*policy.Device, error) {
	names := make([]string, len(h.Devices))
	for i, v := range h.Devices {
		names[i] = v.Name
	}
	if i := called(names, name); i >= 0 {
		return h.Devices[i], nil
	}
	return nil, unknown("device", "the household %s has no device %q: hearth device list shows them", h.ID, name)
}

// called finds a name as people write it: exactly, or in other case where that is clear.
func called(names []string, name string) int {
	if i := slices.Index(names, name); i >= 0 {
		return i
	}
	found := -1
	for i, n := range names {
		if strings.EqualFold(n, name) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// profiles are those of whom a subject concerns, for when their day ends.
func (p *place) profiles() (list []*policy.Profile) {
	switch {
	case p.member != nil:
		return []*policy.Profile{p.member.Profile}
	case p.device != nil:
		return []*policy.Profile{p.device.Profile}
	}
	for _, m := range p.household.Members {
		list = append(list, m.Profile)
	}
	return append(list, p.household.Guest)
}

// today is when the present day ends for all whom it concerns.
func (p *place) today() time.Time {
	var end time.Time
	for _, profile := range p.profiles() {
		if at := profile.Today(p.now, p.household.Location); end.IsZero() || at.Before(end) {
			end = at
		}
	}
	return end
}
