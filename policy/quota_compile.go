package policy

import (
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// quotasOf gives the quotas of a profile for somebody with these traits. One of a category counts the services that
// belong to it and have no switch of their own.
func (b *compiler) quotasOf(configs []QuotaConfig, person string, s *spec) []quota {
	var out []quota
	for _, c := range configs {
		of, names, ok := quotaNames(b.ground.taxonomy, c.Of)
		if !ok || c.Minutes == nil {
			continue // Validate has said it
		}
		q := quota{of: of, person: person, all: of == quotaTotal, names: names, minutes: [2]int{*c.Minutes, *c.Minutes}, service: strings.HasPrefix(of, "service.")}
		if c.Free != nil {
			q.minutes[0] = *c.Free
		}
		if !q.service {
			b.addServices(&q, s)
		}
		out = append(out, q)
	}
	return out
}

func (b *compiler) addServices(q *quota, s *spec) {
	for i, row := range b.ground.taxonomy.All() {
		c := blocklists.Category(i) //nolint:gosec // at most MaxCategories
		if row.Service && has(&q.names, b.ground.shown[c]) && s.cells[c] == cellNone {
			q.names.Add(c)
		}
	}
}

// quotaNames reads what a quota is of.
func quotaNames(t *blocklists.Taxonomy, of string) (id string, set blocklists.Categories, ok bool) {
	if of == quotaTotal {
		return of, set, true
	}
	if c, found := t.Lookup(of); found && changeable(of) {
		set.Add(c)
		return of, set, true
	}
	c, found := lookupService(t, of)
	if !found || !t.Definition(c).Service {
		return "", set, false
	}
	set.Add(c)
	return t.ID(c), set, true
}

// joinQuotas puts together what quotas several people have. Of two that one of them has of the same the stricter
// holds.
func joinQuotas(specs []spec) []quota {
	var out []quota
	for _, s := range specs {
		for _, q := range s.quotas {
			i := slices.IndexFunc(out, func(o quota) bool { return o.of == q.of && o.person == q.person })
			if i < 0 {
				out = append(out, q)
				continue
			}
			same := &out[i]
			same.names = same.names.Or(q.names)
			for day := range same.minutes {
				same.minutes[day] = min(same.minutes[day], q.minutes[day])
			}
		}
	}
	return out
}

// budget gives the meters to quotas; nil if there are none.
func (b *compiler) budget(h *Household, quotas []quota) *budget {
	if len(quotas) == 0 || !h.Enabled {
		return nil
	}
	out := &budget{days: h.days, list: make([]allowance, len(quotas))}
	for i, q := range quotas {
		a := allowance{quota: q, meter: b.config.Usage.Meter(MeterKey{h.ID, q.person, q.of})}
		for _, m := range h.Members {
			if m != nil && m.Name == q.person { // those behind are not made yet
				a.member = m
			}
		}
		out.list[i] = a
		out.total = out.total || q.all
		out.names = out.names.Or(q.names)
	}
	return out
}

// daysOf gives the days of a household; those of the same place with the same calendar are one.
func (b *compiler) daysOf(c *HouseholdConfig, h *Household) *days {
	key := daysKey{h.Location.String(), b.calendarOf(c)}
	found := b.parts.days[key]
	if found == nil {
		found = &days{location: h.Location, calendar: key.calendar}
		b.parts.days[key] = found
	}
	return found
}

type daysKey struct {
	location string
	calendar *calendar
}

// share gives the quotas of a device's own profile to whose the device is: to each of its members, else to the device.
func (v *DeviceConfig) share(quotas []quota) (out []quota) {
	owners := v.owners()
	if len(owners) == 0 {
		owners = []string{PersonOfDevice(v.Name)}
	}
	for _, person := range owners {
		for _, q := range quotas {
			q.person = person
			out = append(out, q)
		}
	}
	return out
}
