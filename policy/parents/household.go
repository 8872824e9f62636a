package parents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/policy"
)

// Household is one household as a parent sees it.
type Household struct {
	ID       string `json:"id"`
	Owner    string `json:"owner"` // yaml or store
	Place    string `json:"place,omitempty"`
	Moving   string `json:"moving,omitempty"`   // what it waits for to change its owner
	Revision uint64 `json:"revision,omitempty"` // of its definition in the store

	Timezone string    `json:"timezone,omitempty"`
	Members  []Person  `json:"members"`
	Devices  int       `json:"devices"`
	Acts     []Act     `json:"acts"`
	Now      time.Time `json:"now"` // in its zone
}

// Person is a member of a household.
type Person struct {
	Name    string `json:"name"`
	Band    string `json:"band"`
	Profile string `json:"profile"`
	Waits   string `json:"waits,omitempty"` // the band that a parent is to confirm
	PIN     bool   `json:"pin"`
	// Stopped is what stops all names for the member at present: window, pause or quota; "": nothing does.
	Stopped string `json:"stopped,omitempty"`
	// StoppedUntil is when that ends; zero: nobody knows.
	StoppedUntil time.Time `json:"stopped_until,omitzero"`
	// Quotas are today's minutes. A minute counts in which a name was asked for, so an app that asks by itself
	// counts as well, and one that keeps its connection does not.
	Quotas []policy.QuotaState `json:"quotas,omitempty"`
}

// Owners of households.
const (
	OwnerYAML  = "yaml"
	OwnerStore = "store"
)

// Visible are the ids of the households that the actor may see, in their order in the Directory.
func (d *Desk) Visible(a Actor) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.visible(a, see)
}

func (d *Desk) visible(a Actor, r right) (ids []string) {
	for _, h := range d.Directory().Households() {
		if _, err := d.find(Who{Household: h.ID, Actor: a}, r); err == nil {
			ids = append(ids, h.ID)
		}
	}
	return ids
}

// List tells of those households. One that is gone meanwhile is left out, and one that can record no look of an operator is
// told of to none.
func (d *Desk) List(ctx context.Context, a Actor, households []string) ([]Household, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	there := slices.DeleteFunc(slices.Clone(households), func(id string) bool {
		_, found := d.Directory().Household(id)
		return !found
	})
	places, err := d.lookAtAll(ctx, a, there, see)
	if err != nil && len(places) == 0 {
		return nil, err
	}
	list := make([]Household, 0, len(places))
	for _, p := range places {
		list = append(list, d.show(p))
	}
	return list, nil
}

// Show tells of one household.
func (d *Desk) Show(ctx context.Context, who Who) (Household, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.look(ctx, who)
	if err != nil {
		return Household{}, err
	}
	return d.show(p), nil
}

func (d *Desk) show(p *place) Household {
	h := p.household
	out := Household{
		ID: h.ID, Owner: OwnerYAML, Timezone: h.Location.String(), Members: []Person{}, Devices: len(h.Devices), Acts: p.acts(), Now: p.now,
	}
	_, where := d.Written()
	out.Place = where(h.ID)
	_, at, revision := p.home.definition()
	switch {
	case at == current || at == leaving && out.Place == "":
		out.Owner, out.Revision = OwnerStore, revision
		if at == leaving {
			out.Moving = "it is served from the store until the configuration names it"
		}
	case at == arriving:
		out.Moving = "the store takes it over once " + out.Place + " no longer names it"
	}
	for _, m := range h.Members {
		person := Person{Name: m.Name, Band: m.Band.String(), Profile: m.Profile.Name()}
		for _, w := range p.dir.Waiting() {
			if w.Household == h.ID && w.Member == m.Name {
				person.Waits = w.To.String()
			}
		}
		_, person.PIN = p.home[kindPIN][named(m.Name)]
		if c, err := p.dir.Locate(h.ID, m.Name); err == nil && h.Enabled {
			stop := c.Stopped(p.now)
			person.Quotas, person.Stopped = c.Quotas(p.now), stop.Clock.String()
			if stop.Ends != 0 {
				person.StoppedUntil = p.clock(stop.Ends)
			}
		}
		out.Members = append(out.Members, person)
	}
	return out
}

// Export gives the definition of a household as YAML that the configuration takes, as one file of households_dir. With
// release, one of the store is handed over to YAML: at the moment at which the configuration names it.
func (d *Desk) Export(ctx context.Context, who Who, release bool) (text []byte, revision uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(who, manage)
	if err != nil {
		return nil, 0, err
	}
	c, at, revision, err := d.owned(p)
	if err != nil {
		return nil, 0, err
	}
	if text, err = d.written(c); err != nil {
		return nil, 0, err
	}
	if release && at == current {
		changes := []change{{kind: kindDefinition, id: current, expect: &revision}, {kind: kindDefinition, id: leaving, value: c}}
		err = d.commit(ctx, p, p.entry("household released", "", 0), changes)
	}
	return text, revision, err
}

// written writes a definition as YAML, and reads it back: what is lost or changed on the way must not leave here.
func (d *Desk) written(c policy.HouseholdConfig) ([]byte, error) {
	text, err := yaml.MarshalWithOptions(c, yaml.OmitEmpty(), yaml.OmitZero(), yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("writing the household %s: %w", c.ID, err)
	}
	back, err := fromYAML[policy.HouseholdConfig](text)
	if err != nil || !same(back.(policy.HouseholdConfig), c) {
		return nil, fmt.Errorf("writing the household %s: what was written does not read back as it was", c.ID)
	}
	return text, nil
}

// Adopted is what became of a household that is to move into the store.
type Adopted struct {
	Household string `json:"household"`
	InForce   bool   `json:"in_force"`
	Place     string `json:"place,omitempty"` // where the configuration names it; it is to be deleted there
	Revision  uint64 `json:"revision,omitempty"`
}

// Adopt moves a household into the store: one that stands in YAML by its id, or with text one that is new. The first
// takes effect when YAML no longer names it, in the same step, so that it is never absent and never there twice.
func (d *Desk) Adopt(ctx context.Context, who Who, text string) (Adopted, error) {
	c, err := d.toAdopt(who.Household, text)
	if err != nil {
		return Adopted{}, err
	}
	_, where := d.Written()
	if at := where(c.ID); at != "" {
		return d.prepare(ctx, who, c, at)
	}
	if err := d.enter(ctx, who, c); err != nil {
		return Adopted{}, err
	}
	if err := d.renew(ctx); err != nil {
		return Adopted{}, err
	}
	h, err := d.Show(ctx, Who{Household: c.ID, Actor: who.Actor})
	return Adopted{Household: c.ID, InForce: err == nil, Revision: h.Revision}, err
}

// toAdopt finds the definition: in the text, else in YAML.
func (d *Desk) toAdopt(id, text string) (c policy.HouseholdConfig, err error) {
	if text != "" {
		return d.readDefinition(text)
	}
	written, _ := d.Written()
	i := slices.IndexFunc(written.Households, func(h policy.HouseholdConfig) bool { return h.ID == id })
	if i < 0 {
		return c, unknown("household", "the configuration has no household %q: write the id of one of its households, or a file", id)
	}
	return written.Households[i], nil
}

func (d *Desk) readDefinition(text string) (c policy.HouseholdConfig, err error) {
	v, err := fromYAML[policy.HouseholdConfig]([]byte(text))
	if err != nil {
		return c, refused("definition", "this is not the definition of a household: %v", yaml.FormatError(err, false, false))
	}
	return v.(policy.HouseholdConfig), nil
}

// prepare notes that a household is to move into the store once YAML no longer names it.
func (d *Desk) prepare(ctx context.Context, who Who, c policy.HouseholdConfig, at string) (Adopted, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	who.Household = c.ID
	p, err := d.find(who, manage)
	if err != nil {
		return Adopted{}, err
	}
	written, _ := d.Written()
	i := slices.IndexFunc(written.Households, func(h policy.HouseholdConfig) bool { return h.ID == c.ID })
	if i < 0 || !same(written.Households[i], c) {
		return Adopted{}, refused("definition", "%s names this household, and says other things of it than what is to be adopted: adopt it by its id, and change it then", at)
	}
	changes := []change{{kind: kindDefinition, id: arriving, value: c}}
	err = d.commit(ctx, p, p.entry("household to be adopted", "", 0), changes)
	return Adopted{Household: c.ID, Place: at}, err
}

// enter writes a household down that nobody knew.
func (d *Desk) enter(ctx context.Context, who Who, c policy.HouseholdConfig) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, at, _ := d.homes[c.ID].definition(); at != "" {
		return &Error{Reason: Conflict, Field: "definition", Text: fmt.Sprintf("the store has a household %s already: hearth household replace changes it", c.ID)}
	}
	none := uint64(0)
	changes := []change{{kind: kindDefinition, id: current, value: c, expect: &none}}
	if err := d.judge(c.ID, d.homes[c.ID].with(changes...)); err != nil {
		return err
	}
	p := &place{household: &policy.Household{ID: c.ID}, now: d.Now(), by: by(who), actor: who.Actor}
	if err := p.may(operate); err != nil {
		return err
	}
	if err := d.namesakes(ctx, p, c.Members); err != nil {
		return err
	}
	return d.commit(ctx, p, p.entry("household adopted", "", 0), changes)
}

// Replace changes the definition of a household of the store, which must have the expected revision.
func (d *Desk) Replace(ctx context.Context, who Who, text string, revision uint64) (Household, error) {
	c, err := d.readDefinition(text)
	if err != nil {
		return Household{}, err
	}
	if who.Household == "" {
		who.Household = c.ID
	}
	err = d.define(ctx, who, func(p *place) (Entry, []change, error) {
		_, at, found, err := d.owned(p)
		switch {
		case err != nil:
			return Entry{}, nil, err
		case c.ID != p.household.ID:
			return Entry{}, nil, refused("definition", "the definition is of %q and not of %q: an id never changes", c.ID, p.household.ID)
		case revision != found:
			return Entry{}, nil, p.outdated(found, revision, "export it again")
		}
		return p.entry("household changed", "", 0), []change{{kind: kindDefinition, id: at, value: c, expect: &revision}}, d.namesakes(ctx, p, c.Members)
	})
	if err != nil {
		return Household{}, err
	}
	return d.Show(ctx, Who{Household: c.ID, Actor: who.Actor})
}
