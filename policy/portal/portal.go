package portal

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/help"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

//go:embed places.yaml
var placeTable []byte

// Config is what a Portal stands on.
type Config struct {
	// Name is the resolver's own name, such as hearth.home.arpa; the pages stand at it, at ask.<Name> and at
	// test-<category>.<Name>.
	Name string
	// Guest is the profile of clients of no household, as on an internet provider's listener; "" shows them the
	// neutral page.
	Guest string
	// View gives the Directory in force; it is called once a request.
	View func() *policy.Directory
	// Presence knows which machine has an address; nil knows nothing.
	Presence Presence
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log gets one line for each page that could not be made; nil discards. It never gets a name or an address.
	Log *slog.Logger
	// Help gives the table of help in force, without what is suspended; it is called once a page. nil means the table
	// of the program.
	Help func() help.Table
	// Withheld is told of every decision about a name that a page is asked for, and reports whether it must look as if
	// the law blocked it, because the client has found many such names; nil never does.
	Withheld func(addr netip.Addr, q *policy.Question, d policy.Decision) bool
	// Frank reports whether it may be told which security lists have a name, and lists may be compared: where there is no legal
	// list, or to who may read the lists themselves. Else a name's absence from them would tell that a legal list blocks it. nil is never.
	Frank func() bool
	// Enrolment is how devices reach the encrypted listeners; nil where there are none.
	Enrolment *Enrolment
	// Desk is where parents change what holds; nil leaves that out.
	Desk *parents.Desk
	// Activity is what is remembered of people; nil leaves that out.
	Activity Activity
	// Remembers says whether anything is being remembered; nil: as far as there is an Activity.
	Remembers func() bool
	// Tickets takes appeals and reports; nil leaves them out.
	Tickets *tickets.Desk
	// BlockTTL is for how long a device may go by the answer that a name is blocked; nil is ten seconds.
	BlockTTL func() time.Duration
	// Port is that of the pages as a browser writes it; "" is 80.
	Port string
	// Find tells what the sources in force say of a name; nil leaves that out of explanations and pages.
	Find func(ctx context.Context, name string) (ListFound, error)
	// Console is the origin of the parents' console, such as https://hearth.home.arpa:8444; "" leads nobody there.
	Console string
}

// Presence knows which machine has an address; it adds that to f. Both are false as long as nobody knows.
type Presence interface {
	// Find does not wait.
	Find(f *policy.Facts) bool
	// Wait asks who knows, and waits for that at most until a time.
	Wait(f *policy.Facts, until time.Time) bool
}

// Portal makes the pages, and explains decisions. It is safe for concurrent use.
type Portal struct {
	own       blocklists.Name
	ask       blocklists.Name
	guest     string
	view      func() *policy.Directory
	presence  Presence
	now       func() time.Time
	log       *slog.Logger
	listed    func(context.Context, string) (ListFound, error)
	desk      *parents.Desk
	activity  Activity
	remembers func() bool
	tickets   *tickets.Desk
	blockTTL  func() time.Duration
	streams   *streams
	port      string
	console   string
	searching sync.Mutex // held while a page looks into the lists
	enrolment *Enrolment
	held      func(netip.Addr, *policy.Question, policy.Decision) bool
	frank     func() bool
	help      func() help.Table
	places    map[string][]string
	render    *renderer
	recent    recent
	decided   decisions
	seal      *seal
}

// New makes a Portal. It fails for an own name that is none, and for want of a View.
func New(c Config) (*Portal, error) {
	own, err := blocklists.ParseName(c.Name)
	if err != nil || own.Labels() == 0 {
		return nil, fmt.Errorf("the own name %q is not a host name; write one such as hearth.home.arpa", c.Name)
	}
	if c.View == nil {
		return nil, errors.New("a portal needs a View of the households")
	}
	p := &Portal{own: own, guest: c.Guest, view: c.View, presence: c.Presence, now: c.Now, log: c.Log, listed: c.Find, held: c.Withheld, frank: c.Frank, help: c.Help, enrolment: c.Enrolment, desk: c.Desk, activity: c.Activity, remembers: c.Remembers, tickets: c.Tickets, blockTTL: c.BlockTTL, port: c.Port, console: c.Console, seal: newSeal(), streams: newStreams()}
	if p.ask, err = blocklists.ParseName("ask." + own.String()); err != nil {
		return nil, fmt.Errorf("the own name %q leaves no room for ask.<name>: %w", c.Name, err)
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.remembers == nil {
		p.remembers = func() bool { return p.activity != nil }
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p, p.load()
}

// load reads the embedded tables and templates.
func (p *Portal) load() error {
	var err error
	if p.help == nil {
		table, err := help.Load()
		if err != nil {
			return err
		}
		p.help = func() help.Table { return table }
	}
	if err = yaml.UnmarshalWithOptions(placeTable, &p.places, yaml.Strict()); err != nil {
		return fmt.Errorf("reading the table of places: %w", err)
	}
	p.render, err = newRenderer()
	return err
}

// lookFor is how long a page waits to learn which machine asks for it.
const lookFor = time.Second

// identify says who has an address. While nobody knows which machine that is, it is nobody's whose machine is known by
// more than its address: else a page would show one person's things to whoever has their old address.
func (p *Portal) identify(dir *policy.Directory, addr netip.Addr) policy.Client {
	f := policy.Facts{Addr: addr}
	if p.presence != nil && dir.Recognises() && !p.presence.Wait(&f, p.now().Add(lookFor)) {
		return dir.IdentifyUnseen(addr)
	}
	return dir.IdentifyBy(&f)
}

// find adds what is known of the machine that has an address, for an explanation.
func (p *Portal) find() func(f *policy.Facts) bool {
	if p.presence == nil {
		return nil
	}
	return p.presence.Find
}

// Forget drops what is in memory of a household of which something was erased: the last blocks of its devices, and the
// reasons behind the ids of decisions.
func (p *Portal) Forget(household string) {
	p.recent.forget(household)
	p.decided.forget(household)
}

// Observe remembers a block of a client at an address for ask.<name>: in memory only, for ten minutes, at most twenty
// names a device. What is allowed, illegal or about self-harm is never remembered, nor anything of a client that is of
// no household or whose household has opted out. It is called beside the path of queries, not on it.
func (p *Portal) Observe(client policy.Client, addr netip.Addr, name blocklists.Name, d policy.Decision, now time.Time) {
	if !d.Blocks() || d.Step == policy.StepLaw {
		return
	}
	dir := p.view()
	if client.Status != policy.Known && client.Status != policy.Guest {
		return
	}
	var hashes blocklists.Hashes
	question := dir.Ask(name, &hashes)
	if discreet(dir, question.Match.Categories) {
		return
	}
	b := block{name: name.String(), action: d.Action, step: d.Step, clock: d.Clock, at: now, ad: advertises(dir, question.Match.Categories)}
	if d.HasCategory {
		if b.category = dir.Index().Taxonomy().ID(d.Category); !listable(b.category) {
			return
		}
		b.ad = b.ad || dir.Index().Taxonomy().Definition(d.Category).Group == "ads"
	}
	p.recent.add(viewer(client, addr), b)
	p.decide(client, addr, b, d)
}
