package querylog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Export gives everything that is kept of somebody: all partitions, what of the state names them, and what is in memory.
func (a *Activity) Export(ctx context.Context, of string) (policy.ActivityExport, error) {
	to, err := a.whom(of)
	if err != nil {
		return policy.ActivityExport{}, err
	}
	_ = a.Settle() // as in Show
	h := to.Household.ID
	x := policy.ActivityExport{Household: h, Person: to.Person, Partitions: []policy.ActivityKept{}, State: []policy.ActivityRecord{}}
	parts, err := a.cfg.Store.Partitions(h, to.Person)
	if err != nil {
		return x, err
	}
	for _, p := range parts {
		records, err := a.cfg.Store.Records(p)
		if err != nil {
			return x, err
		}
		text, err := json.Marshal(records)
		if err != nil {
			return x, err
		}
		x.Partitions = append(x.Partitions, policy.ActivityKept{Kind: p.Kind, Day: string(p.Day), Records: text})
	}
	s, err := a.cfg.Store.Snapshot(ctx, h+"/")
	if err != nil {
		return x, err
	}
	for _, e := range s.Entries {
		if e.Key.Kind != store.KindPIN && about(e, to) {
			x.State = append(x.State, policy.ActivityRecord{Key: e.Key.String(), Value: e.Value})
		}
	}
	if x.Memory.Devices, err = a.Devices(ctx, of); err != nil {
		return x, err
	}
	x.Memory.Companions, err = a.Companions(ctx, of)
	return x, err
}

// about says whether a record of the state is about somebody.
func about(e store.Entry, to policy.ActivityOf) bool {
	var whose struct {
		Member  string         `json:"member"`
		Device  string         `json:"device"`
		Subject policy.Subject `json:"subject"`
	}
	_ = json.Unmarshal(e.Value, &whose) // what has another form is about nobody alone
	if to.Member != nil {
		return whose.Member == to.Member.Name || whose.Subject.Member == to.Member.Name
	}
	return to.Device != nil && (whose.Device == to.Device.Name || whose.Subject.Device == to.Device.Name)
}

// Erase forgets all activity of somebody: partitions, notices, what a thing was heard to ask for, and what is in memory.
// What parents decided, such as grants and a confirmed list of a thing, is no activity and stays.
func (a *Activity) Erase(ctx context.Context, of string) (policy.ActivityErased, error) {
	to, err := a.whom(of)
	if err != nil {
		return policy.ActivityErased{}, err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	a.forget(to)
	r := policy.ActivityErased{Household: to.Household.ID, Person: to.Person}
	if r.Partitions, err = a.cfg.Store.Erase(r.Household, r.Person); err != nil {
		return r, err
	}
	s, err := a.cfg.Store.Snapshot(ctx, r.Household+"/")
	if err != nil {
		return r, err
	}
	var gone []store.Write
	for _, e := range s.Entries {
		if (e.Key.Kind == policy.KindNotice || e.Key.Kind == policy.KindHeard) && about(e, to) {
			gone = append(gone, store.Write{Key: e.Key})
		}
	}
	if len(gone) == 0 {
		return r, nil
	}
	r.Records = len(gone)
	_, err = a.cfg.Store.Put(ctx, gone...)
	return r, err
}

// forget forgets what is in memory of somebody.
func (a *Activity) forget(to policy.ActivityOf) {
	h := to.Household
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, records := range a.waiting {
		if p.Household == h.ID && p.Person == to.Person {
			a.records -= len(records)
			delete(a.waiting, p)
		}
	}
	left := a.findings[:0:0]
	for _, f := range a.findings {
		if f.household != h.ID || f.person != to.Person {
			left = append(left, f)
		}
	}
	a.findings = left
	a.companions.Forget(h.ID + "/" + to.Person)
	for _, v := range h.Devices {
		if v == to.Device || len(v.Members) == 1 && v.Members[0] == to.Member {
			delete(a.things, device{h.ID, v.Name})
			a.attempts.Forget(h.ID + "/" + v.Name)
			a.sightings.Forget(h.ID, v.Name)
		}
	}
}

// whom finds somebody; the household as a whole is nobody.
func (a *Activity) whom(of string) (policy.ActivityOf, error) {
	to, err := a.find(of)
	if err == nil && to.Person == "" {
		err = &Error{Text: fmt.Sprintf("who is meant is missing: write %s/MEMBER, %[1]s/DEVICE or %[1]s/guests", to.Household.ID)}
	}
	return to, err
}

// Settle is Flush, and what things asked for too.
func (a *Activity) Settle() error {
	if err := a.Flush(); err != nil {
		return err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	return a.flushHeard(0)
}
