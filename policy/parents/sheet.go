package parents

import (
	"context"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Sheet is what a thing talks to. Times are in the zone of the household.
type Sheet struct {
	Household string        `json:"household"`
	Device    string        `json:"device"`
	Learning  bool          `json:"learning"`
	Open      []string      `json:"open"` // categories that its profile lets through without having learned them
	Learned   *Lesson       `json:"learned,omitempty"`
	Names     []SheetedName `json:"names"`          // that it asked for while it learned
	More      bool          `json:"more,omitempty"` // than are kept
}

// Lesson is when a thing learned what it needs, and what a parent let through of that.
type Lesson struct {
	Since       time.Time `json:"since,omitzero"`
	Until       time.Time `json:"until,omitzero"`
	By          string    `json:"by,omitempty"`
	Confirmed   []string  `json:"confirmed,omitempty"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	ConfirmedBy string    `json:"confirmed_by,omitempty"`
}

// SheetedName is a name that a thing asked for.
type SheetedName struct {
	Name       string    `json:"name"`
	State      string    `json:"state"` // confirmed, declined, or waits: no parent has said
	Categories []string  `json:"categories,omitempty"`
	Countries  []string  `json:"countries,omitempty"` // ISO 3166-1 codes of where its addresses lay, with a database of that
	Count      uint64    `json:"count"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

// Sheet tells what a thing talks to.
func (d *Desk) Sheet(ctx context.Context, who Who) (Sheet, error) {
	d.mu.Lock()
	p, err := d.look(ctx, who)
	d.mu.Unlock()
	switch {
	case err != nil:
		return Sheet{}, err
	case p.device == nil:
		return Sheet{}, refused("device", "which thing is meant is missing: write HOUSEHOLD/DEVICE")
	}
	s := Sheet{Household: p.household.ID, Device: p.device.Name, Open: append([]string{}, p.device.Profile.ListedCategories()...), Names: []SheetedName{}}
	_, l := p.learned()
	if l.Since != 0 || l.ConfirmedAt != 0 {
		s.Learning = l.Learning(p.now.Unix())
		s.Learned = &Lesson{Since: p.when(l.Since), Until: p.when(l.Until), By: l.By, Confirmed: l.Confirmed, ConfirmedAt: p.when(l.ConfirmedAt), ConfirmedBy: l.ConfirmedBy}
	}
	heard, err := d.heard(ctx, p)
	if err != nil || heard == nil {
		return s, err
	}
	for _, n := range heard.Names {
		s.Names = append(s.Names, SheetedName{
			Name: n.Name, State: stateOf(&l, n.Name), Categories: n.Categories, Countries: n.Countries, Count: n.Count, First: p.when(n.First), Last: p.when(n.Last),
		})
	}
	s.More = heard.More
	return s, nil
}

// when is a time as people see it, the zero Time for 0.
func (p *place) when(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return p.clock(unix)
}

// stateOf is what parents said of a name.
func stateOf(l *policy.Learned, name string) string {
	switch confirmed, declined := l.Says(name); {
	case confirmed:
		return "confirmed"
	case declined:
		return "declined"
	}
	return "waits"
}
