package tickets

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/store"
)

// Household is the id under which all of this is kept. No household can have it.
const Household = "tickets"

// Kinds of records.
const (
	kindTicket   = "ticket"
	kindProposal = "proposal"
	kindTotal    = "total"
)

// sweepEvery is how often what has run out is looked for.
const sweepEvery = time.Hour

// Config is what a Desk stands on.
type Config struct {
	Log    store.Log
	Folder string // for the keys and the signed list; made if absent
	// Settings gives those in force; nil means Default.
	Settings func() Settings
	// Look tells what the lists and the law say of a name.
	Look func(ctx context.Context, name blocklists.Name) (Standing, error)
	// Taxonomy gives the categories in force.
	Taxonomy func() *blocklists.Taxonomy
	// Maintainer tells who makes a list, false if nobody knows; nil: nobody does.
	Maintainer func(list string) (Maintainer, bool)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Problems gets what could not be done in the background; nil discards. It never gets a name.
	Problems *slog.Logger
}

// Desk is where tickets are made and decided. It is safe for concurrent use.
type Desk struct {
	Config
	secret []byte
	looks  chan struct{} // one for each that is under way
	asks   admission
	counts counters

	hotlines admission // reports of which nothing is kept

	mu        sync.Mutex
	revision  uint64 // up to which the changes of others are known
	tickets   map[string]*kept
	numbers   map[string]string  // any number -> that of the ticket
	open      map[subject]string // -> number of the ticket
	voters    int                // kept hashes, in all
	proposals map[string]Proposal
	today     day
}

// kept is a ticket and its revision in the store. It is replaced as a whole.
type kept struct {
	*record
	revision uint64
}

// New reads the log.
func New(ctx context.Context, c Config) (*Desk, error) {
	d := &Desk{Config: c, looks: make(chan struct{}, maxLooks)}
	if d.Settings == nil {
		d.Settings = Default
	}
	if d.Maintainer == nil {
		d.Maintainer = func(string) (Maintainer, bool) { return Maintainer{}, false }
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	d.Problems = cmp.Or(d.Problems, slog.New(slog.DiscardHandler))
	if err := os.MkdirAll(d.Folder, 0o750); err != nil {
		return nil, fmt.Errorf("preparing tickets: %w", err)
	}
	var err error
	if d.secret, err = readSecret(d.Folder); err != nil {
		return nil, fmt.Errorf("preparing tickets: %w", err)
	}
	if err := d.read(ctx); err != nil {
		return nil, fmt.Errorf("reading tickets: %w", err)
	}
	return d, nil
}

// read fills the memory from a snapshot of the log. The caller holds mu, or nobody else knows the desk.
func (d *Desk) read(ctx context.Context) error {
	s, err := d.Log.Snapshot(ctx, Household+"/")
	if err != nil {
		return err
	}
	d.tickets, d.numbers, d.open = map[string]*kept{}, map[string]string{}, map[subject]string{}
	d.proposals, d.today, d.voters, d.revision = map[string]Proposal{}, day{}, 0, s.Revision
	for _, e := range s.Entries {
		d.take(e)
	}
	return nil
}

// take takes one value over. What cannot be read is left out, and said.
func (d *Desk) take(e store.Entry) {
	var err error
	switch {
	case e.Key.Kind == kindTotal && e.Key.ID == d.today.date:
		d.today = day{} // it is read again when it is needed
	case e.Key.Kind == kindProposal && e.Value == nil:
		delete(d.proposals, e.Key.ID)
	case e.Key.Kind == kindProposal:
		var p Proposal
		if err = json.Unmarshal(e.Value, &p); err == nil {
			d.proposals[e.Key.ID] = p
		}
	case e.Key.Kind == kindTicket && e.Value == nil:
		d.drop(e.Key.ID)
	case e.Key.Kind == kindTicket:
		r := new(record)
		if err = json.Unmarshal(e.Value, r); err == nil && r.Number != e.Key.ID {
			err = errors.New("it is another's")
		}
		if err == nil {
			d.keep(r, e.Revision)
		}
	}
	if err != nil {
		d.Problems.Error("a record of the store is left out: it cannot be read", "household", Household, "kind", e.Key.Kind)
	}
}

// keep puts a ticket into the memory, in the place of what was there.
func (d *Desk) keep(r *record, revision uint64) {
	d.drop(r.Number)
	d.tickets[r.Number] = &kept{r, revision}
	d.voters += len(r.Voters)
	for _, n := range r.Numbers {
		d.numbers[n] = r.Number
	}
	if r.Outcome == Open {
		d.open[r.subject()] = r.Number
	}
}

// drop takes a ticket out of the memory.
func (d *Desk) drop(number string) {
	was, there := d.tickets[number]
	if !there {
		return
	}
	delete(d.tickets, number)
	d.voters -= len(was.Voters)
	for _, n := range was.Numbers {
		delete(d.numbers, n)
	}
	if d.open[was.subject()] == number {
		delete(d.open, was.subject())
	}
}

// change is what one act writes: tickets, each new or in the place of what is kept, deletions, proposals, and what is
// counted of it.
type change struct {
	tickets   []*record
	gone      []string
	proposals []Proposal
	withdrawn []string
	counted   []row
}

// put writes a change in one step, and takes it over. A conflict says that the memory is behind; it is read anew then.
// The caller holds mu.
func (d *Desk) put(ctx context.Context, c change) error {
	writes, total, err := d.writes(ctx, c)
	if err != nil {
		return err
	}
	revision, err := d.Log.Put(ctx, writes...)
	if isConflict(err) {
		return errors.Join(err, d.read(ctx))
	}
	if err != nil {
		return err
	}
	for _, r := range c.tickets {
		d.keep(r, revision)
	}
	for _, number := range c.gone {
		d.drop(number)
	}
	for _, p := range c.proposals {
		d.proposals[p.id()] = p
	}
	for _, id := range c.withdrawn {
		delete(d.proposals, id)
	}
	if len(c.counted) > 0 {
		total.revision = revision
		d.today = total
	}
	return nil
}

func (d *Desk) writes(ctx context.Context, c change) (writes []store.Write, total day, err error) {
	add := func(kind, id string, value any, expect *uint64) {
		w := store.Write{Key: store.Key{Household: Household, Kind: kind, ID: id}, Expect: expect}
		if value != nil {
			var failed error
			w.Value, failed = json.Marshal(value)
			err = errors.Join(err, failed)
		}
		writes = append(writes, w)
	}
	for _, r := range c.tickets {
		add(kindTicket, r.Number, r, d.revisionOf(r.Number))
	}
	for _, number := range c.gone {
		add(kindTicket, number, nil, nil)
	}
	for _, p := range c.proposals {
		add(kindProposal, p.id(), p, nil)
	}
	for _, id := range c.withdrawn {
		add(kindProposal, id, nil, nil)
	}
	if len(c.counted) > 0 {
		var failed error
		if total, failed = d.total(ctx); failed != nil {
			return nil, total, failed
		}
		total = total.with(c.counted)
		add(kindTotal, total.date, total.lines(), &total.revision)
	}
	return writes, total, err
}

// revisionOf is what a write of a ticket expects: 0 where there is none yet.
func (d *Desk) revisionOf(number string) *uint64 {
	var revision uint64
	if was, there := d.tickets[number]; there {
		revision = was.revision
	}
	return &revision
}

// attempts is how often an act is tried again when somebody else was faster.
const attempts = 3

// act does something under mu, and again where another machine was faster.
func (d *Desk) act(do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for range attempts {
		if err := do(); !isConflict(err) {
			return err
		}
	}
	return &Error{Reason: Conflict, Text: "somebody else changed this at the same time: try again"}
}

// Run lets tickets run out, and follows what others write to the log, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.follow(ctx)
	}()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := d.Sweep(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrReadOnly) {
			d.Problems.Error("old tickets are not thrown away", "error", err)
		}
		select {
		case <-ctx.Done():
			<-ended
			return nil
		case <-tick.C:
		}
	}
}

// follow takes over what others write.
func (d *Desk) follow(ctx context.Context) {
	for ctx.Err() == nil {
		d.mu.Lock()
		after := d.revision
		d.mu.Unlock()
		for changes, err := range d.Log.Watch(ctx, Household+"/", after) {
			if err != nil {
				break
			}
			d.notice(changes)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Minute):
		}
		d.mu.Lock()
		if err := d.read(ctx); err != nil && ctx.Err() == nil {
			d.Problems.Error("tickets are not followed", "error", err)
		}
		d.mu.Unlock()
	}
}

// notice takes over what is newer than what is known.
func (d *Desk) notice(changes []store.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range changes {
		d.revision = max(d.revision, c.Revision)
		if was, there := d.tickets[c.Key.ID]; c.Key.Kind == kindTicket && there && was.revision >= c.Revision {
			continue
		}
		if c.Key.Kind == kindTotal && d.today.revision >= c.Revision {
			continue
		}
		d.take(c.Entry)
	}
}
