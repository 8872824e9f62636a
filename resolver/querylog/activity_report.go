package querylog

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Error is why something was not told or done; Unknown: there is nobody of that name.
type Error struct {
	Unknown bool
	Text    string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// guestsWord is how people write the guests of a household.
const guestsWord = "guests"

// find reads HOUSEHOLD, HOUSEHOLD/MEMBER, HOUSEHOLD/DEVICE or HOUSEHOLD/guests. The household may be left out where there is one.
func (a *Activity) find(of string) (policy.ActivityOf, error) {
	id, name, _ := strings.Cut(of, "/")
	dir := a.cfg.Directory()
	h, known := dir.Household(id)
	if all := dir.Households(); !known && len(all) == 1 && name == "" {
		h, known, name = all[0], true, id
	}
	to := policy.ActivityOf{Household: h}
	if !known {
		return to, &Error{Unknown: true, Text: fmt.Sprintf("no household %q: write HOUSEHOLD, HOUSEHOLD/MEMBER or HOUSEHOLD/DEVICE", id)}
	}
	if name == "" {
		return to, nil
	}
	for _, m := range h.Members {
		if m.Name == name {
			to.Member, to.Person = m, m.Name
			return to, nil
		}
	}
	for _, v := range h.Devices {
		if v.Name != strings.TrimPrefix(name, policy.PersonOfDevice("")) {
			continue
		}
		if to.Device, to.Person = v, policy.PersonOfDevice(v.Name); len(v.Members) == 1 {
			return to, &Error{Text: fmt.Sprintf("what %s asks for counts for %s: write %s/%s", v.Name, v.Members[0].Name, h.ID, v.Members[0].Name)}
		}
		return to, nil
	}
	if name == guestsWord || name == policy.PersonGuests {
		to.Person = policy.PersonGuests
		return to, nil
	}
	return to, &Error{Unknown: true, Text: fmt.Sprintf("the household %s has no member and no device %q", h.ID, name)}
}

// Show tells what is remembered, of one day as YYYY-MM-DD, of "today", or with "" of all that are kept.
func (a *Activity) Show(ctx context.Context, of, day string) (policy.ActivityReport, error) {
	to, w, err := a.readable(of)
	if err != nil {
		return policy.ActivityReport{}, err
	}
	if day == "today" {
		day = a.cfg.Now().In(to.Household.Location).Format(time.DateOnly)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
		return policy.ActivityReport{}, &Error{Text: fmt.Sprintf("%q is no day: write it as YYYY-MM-DD, or today", day)}
	}
	_ = a.Flush() // what the store does not take is counted; what it has can be told
	r := policy.ActivityReport{Household: to.Household.ID, Person: to.Person, Days: []policy.ActivityDay{}}
	for _, l := range to.Household.Logs(a.cfg.Now().Unix()) {
		if to.Person == "" || l.Member == to.Person {
			r.Logs = append(r.Logs, l.Report(to.Household.Location))
		}
	}
	parts, err := a.partitions(&w)
	if err != nil {
		return r, err
	}
	for _, p := range parts {
		if _, ours := keptDays[p.Kind]; !ours || day != "" && string(p.Day) != day {
			continue
		}
		if !slices.Contains(r.People, p.Person) && to.Person == "" {
			r.People = append(r.People, p.Person)
		}
		if err := a.add(&r, p); err != nil || ctx.Err() != nil {
			return r, err
		}
	}
	slices.Sort(r.People)
	return r, nil
}

// add adds a partition to the day that it is of.
func (a *Activity) add(r *policy.ActivityReport, p store.Partition) error {
	records, err := a.cfg.Store.Records(p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Days, func(d policy.ActivityDay) bool { return d.Day == string(p.Day) && d.Person == p.Person })
	if i < 0 {
		i = len(r.Days)
		r.Days = append(r.Days, policy.ActivityDay{Person: p.Person, Day: string(p.Day), Sums: []policy.ActivitySum{}})
	}
	d := &r.Days[i]
	for _, x := range records {
		words := strings.SplitN(x.Key, " ", 3)
		switch {
		case x.Key == keyCare:
		case x.Bits == nil && len(words) < 3:
			d.Sums = append(d.Sums, policy.ActivitySum{Verdict: words[0], Cause: strings.Join(words[1:], " "), Count: x.Count})
		case x.Bits != nil && len(words) == 3:
			d.Names = append(d.Names, nameOf(words, x.Bits))
		}
	}
	return nil
}

// nameOf tells a record of a name.
func nameOf(words []string, minutes []uint64) policy.ActivityName {
	n := policy.ActivityName{Verdict: words[0], Cause: strings.TrimPrefix(words[1], "-"), Name: words[2]}
	first, last := -1, 0
	for i, w := range minutes {
		if w == 0 {
			continue
		}
		if first < 0 {
			first = i*64 + bits.TrailingZeros64(w)
		}
		last = i*64 + 63 - bits.LeadingZeros64(w)
		n.Minutes += bits.OnesCount64(w)
	}
	n.First, n.Last = clock(first), clock(last)
	return n
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// Companions lists what pages of an allow-list seem to need.
func (a *Activity) Companions(_ context.Context, of string) ([]policy.Companion, error) {
	to, err := a.find(of)
	if err != nil {
		return nil, err
	}
	if to.Person == "" {
		return nil, &Error{Text: "whose allow-list is meant is missing: write HOUSEHOLD/MEMBER or HOUSEHOLD/DEVICE"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.companions.List(to.Household.ID + "/" + to.Person)
	for i := range found {
		found[i].Last = found[i].Last.In(to.Household.Location)
	}
	return found, nil
}

// Devices lists when the devices of a household asked last, as far as that may be remembered.
func (a *Activity) Devices(_ context.Context, of string) ([]policy.Sighting, error) {
	to, err := a.find(of)
	if err != nil {
		return nil, err
	}
	h := to.Household
	a.mu.Lock()
	found := a.sightings.List(h.ID, a.cfg.Now().Unix())
	a.mu.Unlock()
	found = slices.DeleteFunc(found, func(s policy.Sighting) bool {
		return !slices.ContainsFunc(h.Devices, func(v *policy.Device) bool {
			alone := len(v.Members) == 1 && v.Members[0] == to.Member
			return v.Name == s.Device && (to.Person == "" || v == to.Device || alone)
		})
	})
	for i := range found {
		found[i].Last = found[i].Last.In(h.Location)
		if a.cfg.Here == nil {
			continue
		}
		if here, known := a.cfg.Here(h.ID, found[i].Device); known {
			found[i].Here = &here
		}
	}
	return found, nil
}

// Notices lists the notices of a household or about somebody of it: those that parents may see, or with child all, for the
// page of the child alone.
func (a *Activity) Notices(ctx context.Context, of string, child bool) ([]policy.NoticeReport, error) {
	to, all, err := a.noticesFor(ctx, of, child)
	list := make([]policy.NoticeReport, 0, len(all))
	for _, n := range all {
		list = append(list, n.Report(to.Household.Location))
	}
	return list, err
}

// noticesFor finds those notices.
func (a *Activity) noticesFor(ctx context.Context, of string, child bool) (policy.ActivityOf, []policy.Notice, error) {
	to, err := a.find(of)
	if err != nil {
		return to, nil, err
	}
	if child && to.Member == nil {
		return to, nil, &Error{Text: "whose notices are meant is missing: write HOUSEHOLD/MEMBER"}
	}
	_ = a.Flush() // as in Show
	all, err := a.noticesOf(ctx, to.Household.ID)
	if err != nil {
		return to, nil, err
	}
	now := a.cfg.Now().Unix()
	return to, slices.DeleteFunc(all, func(n policy.Notice) bool {
		about := to.Person == "" || to.Member != nil && n.Member == to.Member.Name || to.Device != nil && n.Device == to.Device.Name
		return n.Over(now) || !about || !child && n.ShownFrom() > now
	}), nil
}

// Seen notes that a child saw the notices about them.
func (a *Activity) Seen(ctx context.Context, of string) error {
	to, all, err := a.noticesFor(ctx, of, true)
	if err != nil {
		return err
	}
	for _, n := range all {
		if n.Seen != 0 {
			continue
		}
		n.Seen = a.cfg.Now().Unix()
		if err := a.put(ctx, store.Key{Household: to.Household.ID, Kind: policy.KindNotice, ID: n.ID}, n); err != nil {
			return err
		}
	}
	return nil
}
