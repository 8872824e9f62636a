package parents

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Erase goes on where activity was erased: it writes down that, and by whom. Of a name that its household no longer has,
// and of a household that is gone, everything else goes too that is kept, what was written down of them with it: nothing
// of it holds for anybody any more. It says of which kinds that was.
func (d *Desk) Erase(ctx context.Context, who Who, r policy.ActivityErased) (policy.ActivityErased, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &place{household: &policy.Household{ID: r.Household}, now: d.Now(), by: by(who), actor: who.Actor}
	if err := p.may(manage); err != nil {
		return r, err
	}
	defer d.Erased()
	if r.Gone {
		gone, err := d.remains(ctx, &r)
		if err != nil {
			return r, err
		}
		if len(gone) == 0 && r.Partitions+r.Records == 0 {
			return r, unknown("of", "nothing is kept of %s: hearth activity %s lists of whom there is something", r.Of(), r.Household)
		}
		for batch := range slices.Chunk(gone, store.MaxBatch) {
			if err := d.put(ctx, r.Household, batch); err != nil {
				return r, err
			}
		}
	}
	return r, d.commit(ctx, p, erased(r), nil)
}

// remains finds all records of whom or what is gone, and counts them. Who has come back meanwhile is not gone.
func (d *Desk) remains(ctx context.Context, r *policy.ActivityErased) (gone []change, err error) {
	if h, there := d.Directory().Household(r.Household); there && (r.Person == "" || h.Has(r.Person)) {
		return nil, &Error{Reason: Conflict, Field: "of", Text: fmt.Sprintf("%s is in the configuration again: only activity was erased", r.Of())}
	}
	if _, at, _ := d.homes[r.Household].definition(); at != "" && r.Person == "" {
		return nil, &Error{Reason: Conflict, Field: "of", Text: fmt.Sprintf("the store has the household %s, and it comes in force with the next configuration that is in order: only activity was erased", r.Household)}
	}
	s, err := d.Log.Snapshot(ctx, r.Household+"/")
	if err != nil {
		return nil, fmt.Errorf("reading what is kept: %w", err)
	}
	r.State = map[string]int{}
	for _, e := range s.Entries {
		if r.Person != "" && !concerns(e, r.Person) {
			continue
		}
		gone = append(gone, change{kind: e.Key.Kind, id: e.Key.ID})
		r.State[e.Key.Kind]++
	}
	return gone, nil
}

// concerns says whether a record is about a member or device.
func concerns(e store.Entry, name string) bool {
	device, alone := strings.CutPrefix(name, policy.PersonOfDevice(""))
	var about struct {
		Name    string         `json:"name"`
		Member  string         `json:"member"`
		Members []string       `json:"members"`
		Device  string         `json:"device"`
		Subject policy.Subject `json:"subject"`
	}
	_ = json.Unmarshal(e.Value, &about) // what has another form is about nobody alone
	switch {
	case e.Key.Kind == kindDefinition:
		return false
	case about.Device == device || about.Subject.Device == device || e.Key.Kind == kindEnrolment && about.Name == device:
		return true
	}
	return !alone && (about.Member == name || about.Subject.Member == name || slices.Contains(about.Members, name))
}

// erased is what is written down of an erasure. It does not name who is gone.
func erased(r policy.ActivityErased) Entry {
	e := Entry{What: "activity erased", Detail: fmt.Sprintf("%d days, %d records", r.Partitions, r.Records)}
	if !r.Gone {
		if device, is := strings.CutPrefix(r.Person, policy.PersonOfDevice("")); is {
			e.Device = device
		} else {
			e.Member = r.Person
		}
		return e
	}
	e.What = "all of a name that is gone erased"
	if r.Person == "" {
		e.What = "all of the household erased"
	}
	for _, kind := range slices.Sorted(maps.Keys(r.State)) {
		e.Detail += fmt.Sprintf(", %s %d", kind, r.State[kind])
	}
	e.Detail = cut(e.Detail, 512)
	return e
}
