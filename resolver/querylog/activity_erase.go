package querylog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Export gives everything that is kept of somebody: all partitions, what of the state names them, and what is in memory.
func (a *Activity) Export(ctx context.Context, of string) (policy.ActivityExport, error) {
	to, w, err := a.readable(of)
	if err == nil && to.Person == "" {
		_, err = a.whom(of)
	}
	if err != nil {
		return policy.ActivityExport{}, err
	}
	_ = a.Settle() // as in Show
	h := to.Household.ID
	x := policy.ActivityExport{Household: h, Person: to.Person, Partitions: []policy.ActivityKept{}, State: []policy.ActivityRecord{}}
	parts, err := a.partitions(&w)
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
		if e.Key.Kind != store.KindPIN && w.about(e) {
			x.State = append(x.State, policy.ActivityRecord{Key: e.Key.String(), Value: e.Value})
		}
	}
	if to.Member == nil && to.Device == nil && to.Person != policy.PersonGuests {
		return x, nil // of who is gone nothing in memory is told
	}
	if x.Memory.Devices, err = a.Devices(ctx, of); err != nil {
		return x, err
	}
	x.Memory.Companions, err = a.Companions(ctx, of)
	return x, err
}

// whose is whose activity is to go.
type whose struct {
	household string
	person    string   // what to call it; "": the household as a whole
	people    []string // under which its partitions lie; "" is all
	member    string   // as records name them; "": none
	device    string
	devices   []string // of which something may be in memory; "" is all
	gone      bool     // from the configuration
}

// ofConfigured gives whose activity that of somebody configured is.
func ofConfigured(to policy.ActivityOf) whose {
	w := whose{household: to.Household.ID, person: to.Person, people: []string{to.Person}}
	if to.Member != nil {
		w.member = to.Member.Name
	}
	if to.Device != nil {
		w.device, w.devices = to.Device.Name, []string{to.Device.Name}
	}
	for _, v := range to.Household.Devices {
		if len(v.Members) == 1 && v.Members[0] == to.Member {
			w.devices = append(w.devices, v.Name)
		}
	}
	return w
}

// ofGone gives whose activity that of a name is that its household does not have, or of which there is no household.
func ofGone(household, name string) whose {
	if name == guestsWord || name == policy.PersonGuests {
		return whose{household: household, person: policy.PersonGuests, people: []string{policy.PersonGuests}, gone: true}
	}
	w := whose{household: household, person: name, device: strings.TrimPrefix(name, policy.PersonOfDevice("")), gone: true}
	w.people, w.devices = []string{policy.PersonOfDevice(w.device)}, []string{w.device}
	if w.device == name {
		w.member, w.people = name, append(w.people, name)
	}
	return w
}

// readable finds whose activity is meant: of somebody, of the household, or of a name that the household no longer has
// and under which something is kept yet.
func (a *Activity) readable(of string) (to policy.ActivityOf, w whose, err error) {
	to, err = a.find(of)
	if err == nil {
		return to, ofConfigured(to), nil
	}
	var e *Error
	_, name, _ := strings.Cut(of, "/")
	if !errors.As(err, &e) || !e.Unknown || to.Household == nil || name == "" {
		return to, w, err
	}
	w = ofGone(to.Household.ID, name)
	_ = a.Flush() // as in Show
	parts, failed := a.partitions(&w)
	s, broken := a.cfg.Store.Snapshot(context.Background(), w.household+"/")
	if failed = errors.Join(failed, broken); failed != nil {
		return to, w, failed
	}
	if len(parts) == 0 && !slices.ContainsFunc(s.Entries, w.about) {
		return to, w, err
	}
	to.Person = w.person
	return to, w, nil
}

// partitions are those of whom or what is meant.
func (a *Activity) partitions(w *whose) (all []store.Partition, err error) {
	for _, person := range w.people {
		found, err := a.cfg.Store.Partitions(w.household, person)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// erasable finds whose activity is meant: somebody's, with all a household's, and of both what is gone too.
func (a *Activity) erasable(of string, all bool) (whose, error) {
	id, name, _ := strings.Cut(of, "/")
	_, known := a.cfg.Directory().Household(id)
	if err := (store.Partition{Kind: kindDay, Day: store.DayOf(a.cfg.Now()), Household: id, Person: cmp.Or(name, "x")}).Validate(); err != nil {
		return whose{}, &Error{Text: err.Error()}
	}
	switch {
	case all && (name != "" || known):
		return whose{}, &Error{Text: "all is erased of a household that is gone: write its id alone; of one that is configured write HOUSEHOLD/MEMBER"}
	case all:
		return whose{household: id, people: []string{""}, devices: []string{""}, gone: true}, nil
	}
	to, err := a.whom(of)
	var e *Error
	switch {
	case err == nil:
		return ofConfigured(to), nil
	case errors.As(err, &e) && e.Unknown && name != "":
		return ofGone(id, name), nil
	case to.Device != nil: // it is one member's now: what lies under its own name is from before
		if before, failed := a.cfg.Store.Partitions(to.Household.ID, to.Person); failed != nil || len(before) > 0 {
			return whose{household: to.Household.ID, person: to.Person, people: []string{to.Person}}, failed
		}
	}
	return whose{}, err
}

// about says whether a record of the state is about whom or what is meant.
func (w *whose) about(e store.Entry) bool {
	var x struct {
		Member  string         `json:"member"`
		Device  string         `json:"device"`
		Subject policy.Subject `json:"subject"`
	}
	_ = json.Unmarshal(e.Value, &x) // what has another form is about nobody alone
	return w.person == "" || w.member != "" && (x.Member == w.member || x.Subject.Member == w.member) ||
		w.device != "" && (x.Device == w.device || x.Subject.Device == w.device)
}

// has says whether something lies under the name of whom or what is meant.
func (w *whose) has(household, person string) bool {
	return household == w.household && (w.person == "" || slices.Contains(w.people, person))
}

// Erase forgets all activity of somebody: partitions, notices, what a thing was heard to ask for, and what is in memory.
// What parents decided, such as grants and a confirmed list of a thing, is no activity and stays. A name that its
// household no longer has can be erased as well, and with all a household that is gone, by its id.
func (a *Activity) Erase(ctx context.Context, of string, all bool) (policy.ActivityErased, error) {
	w, err := a.erasable(of, all)
	if err != nil {
		return policy.ActivityErased{}, err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	a.forget(&w)
	r := policy.ActivityErased{Household: w.household, Person: w.person, Gone: w.gone}
	for _, person := range w.people {
		n, err := a.cfg.Store.Erase(w.household, person)
		if r.Partitions += n; err != nil {
			return r, err
		}
	}
	s, err := a.cfg.Store.Snapshot(ctx, w.household+"/")
	if err != nil {
		return r, err
	}
	var gone []store.Write
	for _, e := range s.Entries {
		if (e.Key.Kind == policy.KindNotice || e.Key.Kind == policy.KindHeard) && w.about(e) {
			gone = append(gone, store.Write{Key: e.Key})
		}
	}
	for batch := range slices.Chunk(gone, store.MaxBatch) {
		if _, err := a.cfg.Store.Put(ctx, batch...); err != nil {
			return r, err
		}
		r.Records += len(batch)
	}
	return r, nil
}

// forget forgets what is in memory of whom or what is meant.
func (a *Activity) forget(w *whose) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, records := range a.waiting {
		if w.has(p.Household, p.Person) {
			a.records -= len(records)
			delete(a.waiting, p)
		}
	}
	a.findings = slices.DeleteFunc(a.findings, func(f finding) bool {
		return w.has(f.household, f.person) || f.household == w.household && f.notice.Device != "" && f.notice.Device == w.device
	})
	for _, person := range w.people {
		a.companions.Forget(w.household + "/" + person)
	}
	for _, name := range w.devices {
		maps.DeleteFunc(a.things, func(at device, _ *hearing) bool {
			return at.household == w.household && (name == "" || at.name == name)
		})
		a.attempts.Forget(w.household + "/" + name)
		a.sightings.Forget(w.household + "/" + name)
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
