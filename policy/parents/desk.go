package parents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Config is what a Desk stands on.
type Config struct {
	Log store.Log
	// Directory gives what is in force.
	Directory func() *policy.Directory
	// Written gives what the YAML in force says, and where in it a household stands, as file:line.
	Written func() (people policy.Config, place func(household string) string)
	// Renew compiles anew and puts the result in force by Install.
	Renew func(ctx context.Context) error
	// Changed is told when an act has come in force or was ended, and returns at once; nil: nobody is told.
	Changed func()
	// Renamed is told when a device has another name; nil: nobody is told.
	Renamed func(household, was, next string)
	// Erased is told when somebody erased something of a household, and returns at once; nil: nobody is told. It calls
	// nothing of the Desk.
	Erased func(household string)
	// Forget erases what others keep of somebody who is gone, with "" of a household, and says how many of which kind; nil:
	// nobody keeps anything. Who was not known as an adult is not the parent or carer who has the same name. It calls
	// nothing of the Desk.
	Forget func(ctx context.Context, household, person string, adult bool) (map[string]int, error)
	// Adult says whether a parent or carer of a household signs in by a name, or is invited to; nil: nobody does. It calls
	// nothing of the Desk.
	Adult func(ctx context.Context, household, name string) (bool, error)
	// Asked is told of a request that waits for an answer, and Answered of an answer; they return at once. nil: nobody is told.
	Asked, Answered func(Request)
	// Guessed is told of somebody who guesses PINs at a device, once in a quarter of an hour at most, and returns at once;
	// nil: nobody is told.
	Guessed func(household, device string)
	// Presence knows what has which address; nil: nothing does.
	Presence Presence
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Report gets what could not be done in the background; nil discards. It never gets a name of a person or a site.
	Report *slog.Logger
}

// Presence tells what the network knows of addresses.
type Presence interface {
	// Seen lists what was seen lately.
	Seen() []Seen
	// Find tells what has an address; false if nobody knows.
	Find(addr netip.Addr) (Seen, bool)
}

// Seen is something on the network.
type Seen struct {
	Address netip.Addr `json:"address"`
	MAC     policy.MAC `json:"mac,omitzero"`
	Name    string     `json:"name,omitempty"` // that it gives itself
}

// Desk is where parents change what holds. It is safe for concurrent use.
type Desk struct {
	Config
	codes codes
	pins  pins
	bell  bell // of changes of requests

	counts counters

	mu       sync.Mutex
	homes    map[string]home
	looked   map[string]time.Time // when an operator's look at a household was last written down
	forgot   time.Time            // when changes were last looked through
	learned  int64                // unix seconds up to which what is in force knows whose learning is over
	revision uint64               // up to which the changes of others are known
	gone     map[store.Key]uint64 // what was deleted here after that, so that no older change brings it back
}

// Open reads the log.
func Open(ctx context.Context, c Config) (*Desk, error) {
	d := &Desk{Config: c, homes: map[string]home{}, looked: map[string]time.Time{}}
	d.codes.wait, d.codes.wrong, d.pins.wrong, d.pins.right, d.pins.told = map[string][]invitation{}, tries{}, tries{}, tries{}, tries{}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Report == nil {
		d.Report = slog.New(slog.DiscardHandler)
	}
	if d.Changed == nil {
		d.Changed = func() {}
	}
	if d.Forget == nil {
		d.Forget = func(context.Context, string, string, bool) (map[string]int, error) { return nil, nil }
	}
	if d.Adult == nil {
		d.Adult = func(context.Context, string, string) (bool, error) { return false, nil }
	}
	if d.Guessed == nil {
		d.Guessed = func(_, _ string) {}
	}
	if d.Renamed == nil {
		d.Renamed = func(_, _, _ string) {}
	}
	if d.Erased == nil {
		d.Erased = func(string) {}
	}
	d.learned = d.Now().Unix()
	return d, d.read(ctx)
}

// act makes changes of what people do in one household: what edit asks for is checked against the Directory, written
// down, and in force when it returns.
func (d *Desk) act(ctx context.Context, who Who, r right, edit func(p *place) (Entry, []change, error)) (*place, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(who, r)
	if err != nil {
		return nil, err
	}
	entry, changes, err := edit(p)
	if err != nil {
		return nil, err
	}
	next := p.home.with(changes...)
	if err := p.dir.Check(p.household.ID, p.home.state(p.now), next.state(p.now)); err != nil {
		return nil, refused("", "%v", err)
	}
	if err := d.commit(ctx, p, entry, changes); err != nil {
		return nil, err
	}
	p.home = d.homes[p.household.ID]
	_ = p.dir.Apply(p.household.ID, p.home.state(p.now)) // of what is new Check has said what is wrong
	d.Changed()
	return p, nil
}

// define makes changes of who and what there is in a household: they are judged as part of the whole configuration,
// written down, and compiled.
func (d *Desk) define(ctx context.Context, who Who, edit func(p *place) (Entry, []change, error)) error {
	if err := d.redefine(ctx, who, manage, edit); err != nil {
		return err
	}
	return d.renew(ctx)
}

// renew puts in force what was written down.
func (d *Desk) renew(ctx context.Context) error {
	if err := d.Renew(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("it is written down, and comes in force once this is in order: %w", err)
	}
	return nil
}

func (d *Desk) redefine(ctx context.Context, who Who, r right, edit func(p *place) (Entry, []change, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(who, r)
	if err != nil {
		return err
	}
	entry, changes, err := edit(p)
	if err != nil {
		return err
	}
	if err := d.judge(p.household.ID, p.home.with(changes...)); err != nil {
		return err
	}
	return d.commit(ctx, p, entry, changes)
}

// judge says what is wrong with the whole configuration if one household were as it is to be.
func (d *Desk) judge(household string, next home) error {
	was, there := d.homes[household]
	d.homes[household] = next
	defer func() {
		if d.homes[household] = was; !there {
			delete(d.homes, household)
		}
	}()
	written, _ := d.Written()
	people, err := d.merged(written)
	if err != nil {
		return err
	}
	if err := people.Validate(d.Directory().Index().Taxonomy()); err != nil {
		return refused("definition", "%s", plain(err)).with(part(err))
	}
	return nil
}

// part is what of a household or a member the first error of a configuration concerns, such as schedule; "" of one that
// says no path.
func part(err error) string {
	var field interface{ Path() string }
	if !errors.As(err, &field) {
		return ""
	}
	_, path, _ := strings.Cut(field.Path(), ".")
	if of, rest, is := strings.Cut(path, "]."); is && strings.HasPrefix(of, "members[") {
		path = rest
	}
	return path[:strings.IndexAny(path+".", ".[")]
}

// plain tells errors of a configuration on one line each, without the numbers of households that nobody wrote so.
func plain(err error) string {
	lines := []string{}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if rest, found := strings.CutPrefix(line, "households["); found {
			_, rest, _ = strings.Cut(rest, "]")
			line = strings.TrimPrefix(rest, ".")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// commit writes changes and what is remembered of them in one step, then takes them over.
func (d *Desk) commit(ctx context.Context, p *place, entry Entry, changes []change) error {
	changes = append(changes, p.remembered(entry))
	err := d.put(ctx, p.household.ID, changes)
	if errors.Is(err, store.ErrFull) && d.forget(ctx, p.household.ID, p.now) == nil { // what was done must not keep anybody from doing
		err = d.put(ctx, p.household.ID, changes)
	}
	return err
}

// put writes changes of one household in one step, and takes them over.
func (d *Desk) put(ctx context.Context, household string, changes []change) error {
	return d.putAll(ctx, map[string][]change{household: changes})
}

// putAll is put for several households.
func (d *Desk) putAll(ctx context.Context, all map[string][]change) error {
	var writes []store.Write
	for household, changes := range all {
		for _, c := range changes {
			w, err := c.write(household)
			if err != nil {
				return err
			}
			writes = append(writes, w)
		}
	}
	revision, err := d.Log.Put(ctx, writes...)
	if err != nil {
		return conflicting(err)
	}
	for household, changes := range all {
		d.taken(household, changes, revision)
	}
	return nil
}

// taken takes over what was written.
func (d *Desk) taken(household string, changes []change, revision uint64) {
	kept := changes[:0:0]
	for _, c := range changes {
		if readers[c.kind] == nil {
			continue
		}
		c.revision = revision
		kept = append(kept, c)
		if c.value == nil {
			d.gone[store.Key{Household: household, Kind: c.kind, ID: c.id}] = revision
		}
	}
	d.homes[household] = d.homes[household].with(kept...)
}

// Install puts a Directory in force by calling swap, with all that people changed up to that moment. The server calls
// it for each Directory that it compiles; written is what the YAML says that it was compiled of.
func (d *Desk) Install(dir *policy.Directory, written policy.Config, swap func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	for id, h := range d.homes {
		if _, there := dir.Household(id); !there {
			continue
		}
		if err := dir.Apply(id, h.state(now)); err != nil {
			d.Report.Error("part of what people changed is not in force", "household", id, "error", "it is not understood")
		}
	}
	swap()
	ctx := context.Background() // nobody takes back what is in force
	if err := errors.Join(d.settle(ctx, written), d.grow(ctx, dir, written)); err != nil && !errors.Is(err, store.ErrReadOnly) {
		d.Report.Error("the state of households is not written down", "error", err)
	}
}
