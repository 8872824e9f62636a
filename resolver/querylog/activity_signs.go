package querylog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

const (
	// hearEvery is how often what a thing asked for is written while it learns.
	hearEvery = time.Minute
	// maxThings bounds the things that learn or report at once, maxNews the new destinations of one in a day.
	maxThings = 1000
	maxNews   = 20
)

// hearing is what a thing asked for that is not written yet, and which destinations were reported.
type hearing struct {
	fresh   map[string]*policy.Destination
	domains map[string]string // of fresh
	written time.Time
	news    map[string]int64
}

// signs looks for what parents should know of.
func (a *Activity) signs(x *heard) {
	if x.name == "" || x.person == policy.PersonGuests {
		return
	}
	a.hear(x)
	a.lack(x)
	h, c := x.Client.Household.ID, &x.Client
	if c.Evades(x.Decision, x.name, x.domain) && a.attempts.Asked(h+"/"+c.Device.Name, x.domain, x.Time) {
		a.found(finding{household: h, person: x.person, notice: policy.Notice{Kind: policy.NoticeBypass, Member: c.Member.Name, Device: c.Device.Name}})
	}
	if c.Grieves(x.Decision, x.Categories, x.name, x.domain) {
		a.mark(x, kindWeek, keyCare)
		a.found(finding{household: h, person: x.person, care: true, notice: policy.Notice{Kind: policy.NoticeSelfHarm, Member: c.Member.Name}})
	}
}

// hear follows a thing: what it asks for while it learns, and what is new after a parent confirmed its list.
func (a *Activity) hear(x *heard) {
	v := x.Client.Device
	if v == nil || v.Thing == nil || x.Memory != policy.Names || x.Client.Assumed {
		return
	}
	at := device{x.Client.Household.ID, v.Name}
	switch {
	case v.Thing.Learning && !x.Decision.Blocks():
		if h := a.hearing(at); h == nil || !h.hear(x) {
			a.lost.Add(1)
		}
	case !v.Thing.Learning && v.Thing.Taught && x.Decision.Blocks() && x.Decision.Step == policy.StepUnknown && !x.Decision.HasCategory:
		if _, declined := v.Thing.Says(x.name); declined { // which a parent has answered
			return
		}
		if h := a.hearing(at); h == nil {
			a.notices.Add(1)
		} else if h.isNews(x) {
			a.found(finding{household: at.household, person: x.person, notice: policy.Notice{
				Kind: policy.NoticeDestination, Device: v.Name, Name: x.name, Categories: x.Client.Profile.Told(x.Categories)}})
		}
	}
}

// hearing gives that of a device, nil where there are maxThings others.
func (a *Activity) hearing(at device) *hearing {
	h := a.things[at]
	if h == nil && len(a.things) < maxThings {
		h = &hearing{fresh: map[string]*policy.Destination{}, domains: map[string]string{}, news: map[string]int64{}}
		a.things[at] = h
	}
	return h
}

// hear notes what a thing asked for, if there is room.
func (h *hearing) hear(x *heard) bool {
	return h.add(policy.Destination{Name: x.name, Categories: x.Client.Profile.Told(x.Categories), Countries: x.Countries, Count: 1, First: x.Time, Last: x.Time}, x.domain)
}

// add merges what was asked for with what waits.
func (h *hearing) add(d policy.Destination, domain string) bool {
	if known := h.fresh[d.Name]; known != nil {
		known.Add(d)
		return true
	}
	if len(h.fresh) >= policy.MaxDestinations {
		return false
	}
	h.fresh[d.Name], h.domains[d.Name] = &d, domain
	return true
}

// isNews says whether a destination was not reported within a day, and there is room for more.
func (h *hearing) isNews(x *heard) bool {
	h.forget(x.Time)
	if _, known := h.news[x.domain]; known || len(h.news) >= maxNews {
		return false
	}
	h.news[x.domain] = x.Time
	return true
}

// forget forgets what was reported a day ago.
func (h *hearing) forget(now int64) {
	maps.DeleteFunc(h.news, func(_ string, at int64) bool { return now-at >= int64(24*time.Hour/time.Second) })
}

// lack follows an allow-list: what it lets through, and what is missing right after.
func (a *Activity) lack(x *heard) {
	p, d := x.Client.Profile, &x.Decision
	if !p.Listed() || x.Client.Assumed {
		return
	}
	who, from := x.Client.Household.ID+"/"+x.person, ""
	if x.Client.Device != nil {
		from = x.Client.Device.Name
	}
	switch {
	case d.Action == policy.Allow && d.Step > policy.StepAlwaysOn:
		a.companions.Allowed(who, from, x.domain, x.Time)
	case d.Blocks() && d.Step == policy.StepUnknown && !d.HasCategory && !p.Stops(x.Categories):
		a.companions.Blocked(who, from, x.name, p.Told(x.Categories), x.Time)
	}
}

// flushHeard writes what things asked for, of each at most every so often. What the store does not take waits for the next
// time. The caller holds writing.
func (a *Activity) flushHeard(every time.Duration) error {
	now := a.cfg.Now()
	heard := map[device]*hearing{}
	a.mu.Lock()
	a.omitThings(now)
	for at, h := range a.things {
		if len(h.fresh) > 0 && now.Sub(h.written) >= every {
			heard[at] = &hearing{fresh: h.fresh, domains: h.domains}
			h.fresh, h.domains, h.written = map[string]*policy.Destination{}, map[string]string{}, now
		}
	}
	a.mu.Unlock()
	var failed error
	for at, h := range heard {
		if err := a.writeHeard(at, h); err != nil {
			failed = errors.Join(failed, err)
			a.hearAgain(at, h)
		}
	}
	return failed
}

// omitThings forgets things that are gone, and those of which nothing waits and nothing was reported within a day.
func (a *Activity) omitThings(now time.Time) {
	dir := a.cfg.Directory()
	maps.DeleteFunc(a.things, func(at device, h *hearing) bool {
		h.forget(now.Unix())
		return !at.within(dir) || len(h.fresh)+len(h.news) == 0 && now.Sub(h.written) >= hearEvery
	})
}

// within says whether the device is configured.
func (at device) within(dir *policy.Directory) bool {
	h, known := dir.Household(at.household)
	return known && slices.ContainsFunc(h.Devices, func(v *policy.Device) bool { return v.Name == at.name })
}

// hearAgain puts back what was not written, as far as there is room.
func (a *Activity) hearAgain(at device, h *hearing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	into := a.hearing(at)
	for name, d := range h.fresh {
		if into == nil || !into.add(*d, h.domains[name]) {
			a.unkept.Add(1)
		}
	}
}

// writeHeard adds what a thing asked for to what is known of it.
func (a *Activity) writeHeard(at device, h *hearing) error {
	ctx := context.Background()
	key := store.Key{Household: at.household, Kind: policy.KindHeard, ID: policy.RecordID(at.name)}
	known := policy.Heard{Device: at.name}
	s, err := a.cfg.Store.Snapshot(ctx, key.String())
	if err != nil {
		return err
	}
	for _, e := range s.Entries {
		if err := json.Unmarshal(e.Value, &known); err != nil {
			return fmt.Errorf("reading what a thing asked for: %w", err)
		}
	}
	for name, d := range h.fresh {
		known.Hear(*d, h.domains[name])
	}
	slices.SortFunc(known.Names, func(a, b policy.Destination) int { return strings.Compare(a.Name, b.Name) })
	return a.put(ctx, key, known)
}

func (a *Activity) put(ctx context.Context, key store.Key, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = a.cfg.Store.Put(ctx, store.Write{Key: key, Value: value})
	return err
}
