package parents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Learn has a thing learn what it talks to for some time, such as 7d; "" is that. What was confirmed stays so.
func (d *Desk) Learn(ctx context.Context, who Who, long string) (Sheet, error) {
	if long == "" {
		long = "7d"
	}
	err := d.teach(ctx, who, func(p *place, l *policy.Learned) (string, error) {
		span, err := days(long)
		if err != nil || span > policy.MaxLearning {
			return "", refused("for", "%q: a thing learns for 1h to %d days: write such as 7d", long, int(policy.MaxLearning.Hours()/24))
		}
		l.Since, l.Until, l.By, l.Ended = p.now.Unix(), p.now.Add(span).Unix(), p.by, false
		return "learning", nil
	})
	if err != nil {
		return Sheet{}, err
	}
	return d.Sheet(ctx, who)
}

// ConfirmThing lets a thing ask for what it learned, without some of the names, and for nothing else from now on.
func (d *Desk) ConfirmThing(ctx context.Context, who Who, without ...string) (Sheet, error) {
	sheet, err := d.Sheet(ctx, who)
	if err != nil {
		return sheet, err
	}
	for _, name := range without {
		if !slices.ContainsFunc(sheet.Names, func(n SheetedName) bool { return n.Name == name }) {
			return sheet, unknown("without", "%s did not ask for %q: hearth device sheet shows what it asked for", sheet.Device, name)
		}
	}
	err = d.teach(ctx, who, func(p *place, l *policy.Learned) (string, error) {
		if l.Since == 0 {
			return "", refused("device", "%s has not learned anything: begin with hearth device learn", p.device.Name)
		}
		names := []string{}
		for _, n := range sheet.Names {
			if !slices.Contains(without, n.Name) {
				names = append(names, n.Name)
			}
		}
		l.Confirmed, l.ConfirmedAt, l.ConfirmedBy, l.Declined = names, p.now.Unix(), p.by, without
		l.Until, l.Ended = min(l.Until, p.now.Unix()), true
		return "confirmed", nil
	})
	if err != nil {
		return sheet, err
	}
	return d.Sheet(ctx, who)
}

// teach changes what is known of a thing, and compiles anew.
func (d *Desk) teach(ctx context.Context, who Who, edit func(*place, *policy.Learned) (string, error)) error {
	return d.define(ctx, who, func(p *place) (Entry, []change, error) {
		if p.device == nil || p.device.Profile.Band() != policy.Things {
			return Entry{}, nil, refused("device", "only things learn: write the HOUSEHOLD/DEVICE of one with profile: things")
		}
		id, l := p.learned()
		what, err := edit(p, &l)
		if err != nil {
			return Entry{}, nil, err
		}
		return p.entry(what, fmt.Sprintf("%d names", len(l.Confirmed)), l.Until), []change{{kind: kindThing, id: id, value: l}}, nil
	})
}

// learned is what is known of the thing, and under which id.
func (p *place) learned() (id string, l policy.Learned) {
	for id, l := range all[policy.Learned](p.home, kindThing) {
		if l.Device == p.device.Name {
			return id, l
		}
	}
	return named(p.device.Name), policy.Learned{Device: p.device.Name}
}

// carryLearned moves what a thing learned to its next name; "" drops it.
func (p *place) carryLearned(next string) (changes []change) {
	id, l := p.learned()
	if _, there := p.home[kindThing][id]; !there || l.Device != p.device.Name {
		return nil
	}
	changes = []change{{kind: kindThing, id: id}}
	if l.Device = next; next != "" {
		changes = append(changes, change{kind: kindThing, id: named(next), value: l})
	}
	return changes
}

// heard is what a thing was heard to ask for, nil if nothing was.
func (d *Desk) heard(ctx context.Context, p *place) (*policy.Heard, error) {
	key := store.Key{Household: p.household.ID, Kind: policy.KindHeard, ID: named(p.device.Name)}
	s, err := d.Log.Snapshot(ctx, key.String())
	if err != nil || len(s.Entries) == 0 {
		return nil, err
	}
	h := new(policy.Heard)
	if err := json.Unmarshal(s.Entries[0].Value, h); err != nil {
		return nil, fmt.Errorf("reading what the thing asked for: %w", err)
	}
	return h, nil
}

// endLearning ends the learning of things whose days are over, and says so to the parents. Nothing that nobody confirmed
// is let through from then on, whether or not it can be written down.
func (d *Desk) endLearning(ctx context.Context) error {
	now, due, failed := d.overdue(ctx)
	if !due {
		return failed
	}
	if err := d.Renew(ctx); err != nil {
		return errors.Join(failed, err)
	}
	d.mu.Lock()
	d.learned = now
	d.mu.Unlock()
	return failed
}

// overdue writes down whose learning is over now, and says whether any of it came after the last time.
func (d *Desk) overdue(ctx context.Context) (now int64, due bool, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now = d.Now().Unix()
	for household, h := range d.homes {
		for id, l := range all[policy.Learned](h, kindThing) {
			if l.Since == 0 || now < l.Until {
				continue
			}
			due = due || l.Until > d.learned
			if l.Ended {
				continue
			}
			l.Ended = true
			n := policy.Notice{ID: newID(), Kind: policy.NoticeLearned, Device: l.Device, At: now}
			if err := d.put(ctx, household, []change{{kind: kindThing, id: id, value: l}, {kind: policy.KindNotice, id: n.ID, value: n}}); err != nil {
				failed = err // the other households are written down all the same
			}
		}
	}
	return now, due, failed
}
