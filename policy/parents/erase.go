package parents

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Erase goes on where activity was erased: it writes down that, and by whom. Of a name that its household no longer has,
// and of a household that is gone, everything else goes too that is kept, here and by Forget, what was written down of
// them with it: nothing of it holds for anybody any more. It says of which kinds that was. What they did to others stays
// written down, and not that it was them; an operator of the name, and a parent or carer who signs in by it still, is
// somebody else.
func (d *Desk) Erase(ctx context.Context, who Who, r policy.ActivityErased) (policy.ActivityErased, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &place{household: &policy.Household{ID: r.Household}, now: d.Now(), by: by(who), actor: who.Actor}
	if err := p.may(manage); err != nil {
		return r, err
	}
	defer d.Erased(r.Household)
	if !r.Gone {
		return r, d.commit(ctx, p, erased(r), d.requestsOf(r))
	}
	if err := d.isGone(r); err != nil {
		return r, err
	}
	same := strings.EqualFold // as the names of accounts are compared
	if d.stands(r.Household, r.Person) {
		same = func(a, b string) bool { return a == b }
	} else {
		had, err := d.past(ctx, r.Household)
		if err != nil {
			return r, err
		}
		name, _ := had.parted(r.Person)
		if r.State, err = d.Forget(ctx, r.Household, r.Person, had.adults[name]); err != nil {
			return r, fmt.Errorf("erasing %s: %w", r.Of(), err)
		}
	}
	d.codes.forget(r.Household, r.Person)
	signs, err := d.Adult(ctx, r.Household, r.Person)
	if err != nil {
		return r, err
	}
	found, err := d.remains(ctx, &r, same, signs)
	if err != nil {
		return r, err
	}
	if len(r.State) == 0 && r.Partitions+r.Records == 0 {
		return r, unknown("of", "nothing is kept of %s: hearth activity %s lists of whom there is something", r.Of(), r.Household)
	}
	for batch := range slices.Chunk(found, store.MaxBatch) {
		if err := d.put(ctx, r.Household, batch); err != nil {
			return r, err
		}
	}
	if dir := d.Directory(); r.Person != "" {
		_ = dir.Apply(r.Household, d.homes[r.Household].state(d.Now())) // what was in force before and is less now
	}
	return r, d.commit(ctx, p, erased(r), nil)
}

// stands says whether a household has a member whose name differs from one that is gone in case alone.
func (d *Desk) stands(household, name string) bool {
	h, there := d.Directory().Household(household)
	return there && slices.ContainsFunc(h.Members, func(m *policy.Member) bool { return strings.EqualFold(m.Name, name) })
}

// isGone says why somebody is not gone: who has come back meanwhile, what the store has and is not in force yet, and what
// was never a household.
func (d *Desk) isGone(r policy.ActivityErased) error {
	if r.Person == "" && policy.IsReserved(r.Household) {
		return refused("of", "%s is no household: write one that is gone", r.Household)
	}
	if h, there := d.Directory().Household(r.Household); there && (r.Person == "" || h.Has(r.Person)) {
		return &Error{Reason: Conflict, Field: "of", Text: fmt.Sprintf("%s is in the configuration again: only activity was erased", r.Of())}
	}
	if _, at, _ := d.homes[r.Household].definition(); at != "" && r.Person == "" {
		return &Error{Reason: Conflict, Field: "of", Text: fmt.Sprintf("the store has the household %s, and it comes in force with the next configuration that is in order: only activity was erased", r.Household)}
	}
	return nil
}

// remains finds all records of whom or what is gone, which go and are counted, and those that name them as who did
// something, which stay without the name. signs says whether a parent or carer signs in by it.
func (d *Desk) remains(ctx context.Context, r *policy.ActivityErased, same func(a, b string) bool, signs bool) (found []change, err error) {
	s, err := d.Log.Snapshot(ctx, r.Household+"/")
	if err != nil {
		return nil, fmt.Errorf("reading what is kept: %w", err)
	}
	if r.State == nil {
		r.State = map[string]int{}
	}
	for _, e := range s.Entries {
		if r.Person == "" || concerns(e, r.Person, same) {
			found = append(found, change{kind: e.Key.Kind, id: e.Key.ID})
			r.State[e.Key.Kind]++
			continue
		}
		c, names, err := unnamed(e, r.Person, same, signs)
		if err != nil {
			return nil, err
		}
		if names {
			found = append(found, c)
			r.State["named in "+e.Key.Kind]++
		}
	}
	return found, nil
}

// unnamed gives a record without the name of who is gone, false for one that does not name them. A definition says who
// agreed, and is the parents' to change.
func unnamed(e store.Entry, name string, same func(a, b string) bool, signs bool) (c change, names bool, err error) {
	if e.Key.Kind == kindDefinition || e.Key.Kind == kindEnrolment {
		return c, false, nil
	}
	var text any
	read := json.NewDecoder(bytes.NewReader(e.Value))
	read.UseNumber()
	if read.Decode(&text) != nil || !unname(text, name, same, signs) && !untold(e.Key.Kind, text, name) { // what cannot be read is left for people to look at
		return c, false, nil
	}
	value, err := json.Marshal(text)
	if err != nil {
		return c, false, fmt.Errorf("erasing a name: %w", err)
	}
	c = change{kind: e.Key.Kind, id: e.Key.ID, value: json.RawMessage(value), expect: &e.Revision}
	if of := readers[c.kind]; of != nil {
		if c.value, err = of(value); err != nil {
			return c, false, fmt.Errorf("erasing a name: %w", err)
		}
	}
	return c, true, nil
}

// unname takes a name out of what says who did something, and drops details, and words of others, that name them.
func unname(value any, name string, same func(a, b string) bool, signs bool) (found bool) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			found = unname(one, name, same, signs) || found
		}
	case map[string]any:
		for key, one := range v {
			text, _ := one.(string)
			if key == "by" && same(text, name) && !another(v["role"], signs) || (key == "detail" || key == "word") && mentions(text, name, same) {
				delete(v, key)
				if key == "by" {
					delete(v, "account")
				}
				found = true
				continue
			}
			found = unname(one, name, same, signs) || found
		}
	}
	return found
}

// another says whether who did something in a role only has the name of who is gone.
func another(role any, signs bool) bool {
	return role == Operator.String() || signs && (role == Parent.String() || role == Carer.String())
}

// untold drops the details of a change that name a device whose grants it ended.
func untold(kind string, value any, name string) bool {
	entry, _ := value.(map[string]any)
	detail, _ := entry["detail"].(string)
	device, alone := strings.CutPrefix(name, policy.PersonOfDevice(""))
	for one := range strings.SplitSeq(detail, "; ") {
		if alone && kind == kindAudit && strings.HasSuffix(one, " to "+device) {
			delete(entry, "detail")
			return true
		}
	}
	return false
}

// mentions says whether a text has a name as a word of its own.
func mentions(text, name string, same func(a, b string) bool) bool {
	letter := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for at := range text {
		end := at + len(name)
		if name == "" || end > len(text) || !same(text[at:end], name) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !letter(before) && !letter(after) {
			return true
		}
	}
	return false
}

// concerns says whether a record is about a member or device.
func concerns(e store.Entry, name string, same func(a, b string) bool) bool {
	device, alone := strings.CutPrefix(name, policy.PersonOfDevice(""))
	var about struct {
		Name    string         `json:"name"`
		Member  string         `json:"member"`
		Members []string       `json:"members"`
		Device  string         `json:"device"`
		Subject policy.Subject `json:"subject"`
		What    string         `json:"what"`
		Detail  string         `json:"detail"`
	}
	_ = json.Unmarshal(e.Value, &about) // what has another form is about nobody alone
	switch {
	case e.Key.Kind == kindDefinition:
		return false
	case alone && about.What == auditRenamed && about.Detail == "to "+device:
		return true
	case about.Device == device || about.Subject.Device == device || e.Key.Kind == kindEnrolment && about.Name == device:
		return true
	}
	return !alone && (same(about.Member, name) || same(about.Subject.Member, name) || slices.ContainsFunc(about.Members, func(m string) bool { return same(m, name) }))
}

// requestsOf are the deletions of what a person or a household has asked for, who may still be there.
func (d *Desk) requestsOf(r policy.ActivityErased) (gone []change) {
	device, alone := strings.CutPrefix(r.Person, policy.PersonOfDevice(""))
	for id, x := range all[Request](d.homes[r.Household], kindRequest) {
		if r.Person == "" || alone && x.Device == device || !alone && x.Member == r.Person {
			gone = append(gone, change{kind: kindRequest, id: id})
		}
	}
	return gone
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
