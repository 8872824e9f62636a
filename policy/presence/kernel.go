package presence

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// kernel is what the system knows of its neighbours.
type kernel interface {
	// subscribe opens a feed of all changes from then on.
	subscribe() (feed, error)
	// survey gives the networks that this machine is in, and all neighbours that are known there.
	survey() (*ground, []Machine, error)
	// ask gives the machine that has an address on an interface. It is false where the kernel does not know: then it
	// has begun to look for it, and the feed will tell.
	ask(link int, a netip.Addr) (Machine, bool, error)
}

// feed tells of changes.
type feed interface {
	// next waits for some changes; those before have been taken over by then. The error is errOverflow if changes
	// were lost.
	next() ([]change, error)
	// pending says whether there are changes that have not been taken over.
	pending() bool
	close()
}

// change is something that the kernel told: a machine that is there or gone, or that the networks changed.
type change struct {
	machine Machine
	gone    bool
	ground  bool
}

var errOverflow = errors.New("the kernel had more to tell than there was room for")

// ground is the networks that this machine is in: where its neighbours are. It never changes.
type ground struct {
	feed     feed // of the kernel that told it
	links    []link
	own      map[netip.Addr]bool // addresses of this machine, which is no neighbour of itself
	outdated bool                // changes were lost, so nothing that is known may be true
}

// link is a network on an interface that has MACs.
type link struct {
	network netip.Prefix
	name    string // of the interface
	number  int
}

// near says whether an address is one of a neighbour's: of a network that this machine is in, and not its own.
func (g *ground) near(a netip.Addr) bool {
	plain := a.WithZone("")
	for i := range g.links {
		if g.links[i].network.Contains(plain) {
			return !g.own[plain]
		}
	}
	return false
}

// linksOf lists the interfaces behind which an address can be: of the longest network that holds it, and for a
// link-local one all with its zone.
func (g *ground) linksOf(a netip.Addr) (found []link) {
	if g == nil {
		return nil
	}
	longest := -1
	for _, l := range g.links {
		if zone := a.Zone(); !l.network.Contains(a.WithZone("")) || zone != "" && zone != l.name || l.network.Bits() < longest {
			continue
		}
		if l.network.Bits() > longest {
			longest, found = l.network.Bits(), nil
		}
		found = append(found, l)
	}
	return found
}

// survey subscribes and takes over all that the kernel knows.
func (t *Table) survey() error {
	f, err := t.kernel.subscribe()
	if err != nil {
		return err
	}
	g, all, err := t.kernel.survey()
	if err != nil {
		f.close()
		return err
	}
	t.replace(all)
	g.feed = f
	t.ground.Store(g)
	return nil
}

// again is how long the kernel is left alone after it failed to tell anything.
const again = time.Second

// Run follows the kernel, and asks for names, until ctx ends.
func (t *Table) Run(ctx context.Context) error {
	if t.kernel == nil {
		<-ctx.Done()
		return nil
	}
	if t.unnamed != nil {
		go t.askNames(ctx)
	}
	for ctx.Err() == nil {
		f := t.ground.Load().feed
		stop := context.AfterFunc(ctx, f.close)
		err := t.follow(f)
		stop()
		t.outdate()
		if f.close(); ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errOverflow) {
			t.counts.overflows.Add(1)
		} else {
			t.log.Warn("the kernel does not tell who has which address; it is asked at each query", "error", err)
			pause(ctx, again)
		}
		for err = t.survey(); err != nil && ctx.Err() == nil; err = t.survey() {
			pause(ctx, again)
		}
	}
	return nil
}

// follow takes over changes until there are none to be had.
func (t *Table) follow(f feed) error {
	for {
		changes, err := f.next()
		if err != nil {
			return err
		}
		if err := t.apply(changes); err != nil {
			return err
		}
	}
}

// apply takes over changes.
func (t *Table) apply(changes []change) error {
	moved := false
	for _, c := range changes {
		switch {
		case c.ground:
			moved = true
		case c.gone:
			t.remove(c.machine.Addr, c.machine.link)
			t.asks.answer(t, c.machine, false)
		default:
			t.put(c.machine, 0, true)
			t.asks.answer(t, c.machine, true)
		}
	}
	if !moved {
		return nil
	}
	g, all, err := t.kernel.survey()
	if err != nil {
		return err
	}
	t.replace(all)
	g.feed = t.ground.Load().feed
	t.ground.Store(g)
	return nil
}

// outdate has the kernel asked at each query until the next survey.
func (t *Table) outdate() {
	g := *t.ground.Load()
	g.outdated = true
	t.ground.Store(&g)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
