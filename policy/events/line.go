package events

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// line is one receiver, and what it took last of each device. There is no queue: what a receiver did not take is found
// again at the next look, so that it is told what holds then, however long it was away.
type line struct {
	*Watch
	to   Receiver
	poke chan struct{}
	last map[subject]*device
	// failing says that it did not take an event of the last look; behind, that it may know of stops that are over, or have
	// forgotten some: when a look has not failed it is told all anew.
	failing, behind bool
}

// subject is a device that is told of.
type subject struct{ household, device string }

func (l *line) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-l.poke:
		}
		timer.Reset(max(l.look(ctx), least))
	}
}

// look compares every device with what was told of it, and returns when to look again.
func (l *line) look(ctx context.Context) time.Duration {
	anew := l.behind && !l.failing
	l.failing = false
	if anew && l.give(ctx, Event{Event: Reset, From: l.cfg.Now().UTC()}) {
		l.behind, l.last = false, map[subject]*device{}
	}
	d := l.cfg.View()
	l.part(ctx, d)
	var seen map[*policy.Device][]netip.Addr
	if l.cfg.Addresses != nil {
		seen = l.cfg.Addresses(d)
	}
	next := pace
	for h, one := range served(d) {
		next = min(next, l.device(ctx, h, one, union(one.Addresses, seen[one])))
	}
	if l.behind && !l.failing {
		return least
	}
	return next
}

// served gives the devices of the households that have not opted out.
func served(d *policy.Directory) iter.Seq2[*policy.Household, *policy.Device] {
	return func(yield func(*policy.Household, *policy.Device) bool) {
		for _, h := range d.Households() {
			for _, one := range h.Devices {
				if h.Enabled && !yield(h, one) {
					return
				}
			}
		}
	}
}

// part tells of stopped devices that are no more. It comes before all else: the same addresses may be stopped under
// another name.
func (l *line) part(ctx context.Context, d *policy.Directory) {
	here := make(map[subject]bool, len(l.last))
	for h, one := range served(d) {
		here[subject{h.ID, one.Name}] = true
	}
	for s, gone := range l.last {
		if here[s] {
			continue
		}
		for _, t := range gone.told {
			if t.stopped() {
				e := t.over(l.cfg.Now().In(t.stop.From.Location()), time.Time{})
				e.Addresses = l.free(s, e)
				l.give(ctx, e)
			}
		}
		delete(l.last, s) // if it was not taken, a Reset will come
	}
}

// device tells of one device, which has these addresses, and returns how long what holds for it does so.
func (l *line) device(ctx context.Context, h *policy.Household, d *policy.Device, at []netip.Addr) time.Duration {
	now, next := l.cfg.Now(), pace
	c, s := h.Client(d).Now(now), subject{h.ID, d.Name}
	last := l.last[s]
	if last == nil {
		last = &device{warned: map[string]time.Time{}}
		l.last[s] = last
	}
	whole := func(e Event) Event {
		e.Household, e.Device, e.Member = h.ID, d.Name, ""
		if c.Member != nil {
			e.Member = c.Member.Name
		}
		e.Addresses, e.From, e.Until = union(at, e.Addresses), e.From.In(h.Location), e.Until.In(h.Location)
		if e.Event == Go {
			e.Addresses = l.free(s, e)
		}
		return e
	}
	var soon [len(kinds)]*policy.Coming
	for _, coming := range h.Client(d).Coming(now) {
		soon[slices.Index(kinds[:], what(coming.Timed))] = &coming
	}
	for i, stop := range []policy.Stop{c.Stopped(now), c.StoppedTimed(now)} {
		if e, is := last.told[i].change(now, stop, at, soon[i]); is {
			e.What = kinds[i]
			if e = whole(e); l.give(ctx, e) {
				last.told[i].taken(e)
			}
		}
		if stop.Until != 0 {
			next = min(next, early(instant(stop.Until).Sub(now)))
		}
	}
	for _, q := range c.Quotas(now) {
		if e, is := last.lastMinutes(now, &q); is && l.give(ctx, whole(e)) {
			last.warned[quota(&q)] = q.Resets
		}
	}
	return next
}

// free gives the addresses of a go less those at which another device is stopped, so that it lets none but its own go on.
func (l *line) free(s subject, e Event) []netip.Addr {
	for other, d := range l.last {
		if t := &d.told[slices.Index(kinds[:], e.What)]; other != s && t.stopped() {
			e.Addresses = slices.DeleteFunc(e.Addresses, func(a netip.Addr) bool { return slices.Contains(t.stop.Addresses, a) })
		}
	}
	return e.Addresses
}

// early is when to look at what changes then: people are told ten minutes before.
func early(change time.Duration) time.Duration {
	if warn := change - policy.SoonMinutes*time.Minute; warn > 0 {
		return warn
	}
	return change
}

// give tells the receiver, and says whether it took the event.
func (l *line) give(ctx context.Context, e Event) bool {
	err := tell(ctx, l.to, e)
	switch {
	case err == nil:
		l.sent.Add(1)
		return true
	case ctx.Err() != nil:
		return false
	case !l.failing:
		l.cfg.Log.Warn("an event was not taken; what holds is told again", "by", l.to.String(), "error", err)
	}
	l.failed.Add(1)
	l.failing, l.behind = true, true
	return false
}
