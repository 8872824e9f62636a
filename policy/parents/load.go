package parents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// sweepEvery is how often what has ended is thrown away.
const sweepEvery = time.Minute

// forgetEvery is how often changes are looked through for what need not be remembered any more.
const forgetEvery = time.Hour

// keepTaken is how long a standing grant stays known after it was taken, so that it can be counted.
const keepTaken = 8 * 24 * time.Hour

// read fills the memory from a snapshot of the log. The caller holds mu, or nobody else knows the desk.
func (d *Desk) read(ctx context.Context) error {
	s, err := d.Log.Snapshot(ctx, "")
	if err != nil {
		return fmt.Errorf("reading what people changed: %w", err)
	}
	d.homes, d.revision, d.gone = map[string]home{}, s.Revision, map[store.Key]uint64{}
	for _, e := range s.Entries {
		if e.Key.Kind == kindAudit && d.homes[e.Key.Household] == nil {
			d.homes[e.Key.Household] = home{} // so that sweep finds what is no longer remembered of one that is gone
		}
		d.take(e)
	}
	return nil
}

// take takes one value over. What cannot be read is left out, and said: the rest of the household must not suffer.
func (d *Desk) take(e store.Entry) {
	read := readers[e.Key.Kind]
	h := d.homes[e.Key.Household]
	if read == nil || e.Revision <= h[e.Key.Kind][e.Key.ID].revision {
		return
	}
	c := change{kind: e.Key.Kind, id: e.Key.ID, revision: e.Revision}
	if e.Value != nil {
		var err error
		if c.value, err = read(e.Value); err != nil {
			d.Report.Error("a record of the store is left out: it cannot be read", "household", e.Key.Household, "kind", e.Key.Kind)
			return
		}
	}
	if h == nil {
		h = home{}
		d.homes[e.Key.Household] = h
	}
	if h[c.kind] == nil {
		h[c.kind] = map[string]record{}
	}
	if c.value == nil {
		delete(h[c.kind], c.id)
		return
	}
	h[c.kind][c.id] = record{revision: c.revision, value: c.value}
}

// state is what of the records is in force or will be.
func (h home) state(now time.Time) (s policy.State) {
	for _, g := range all[policy.Grant](h, kindGrant) {
		if runs(g.Until, now) {
			s.Grants = append(s.Grants, g)
		}
	}
	for _, p := range all[policy.Pause](h, kindPause) {
		if runs(p.Until, now) {
			s.Pauses = append(s.Pauses, p)
		}
	}
	for _, o := range all[policy.FilterOff](h, kindOff) {
		if runs(o.Until, now) {
			s.Offs = append(s.Offs, o)
		}
	}
	for _, u := range all[policy.Use](h, kindUse) {
		if runs(u.Until, now) {
			s.Uses = append(s.Uses, u)
		}
	}
	for _, p := range all[policy.Promotion](h, kindPromotion) {
		s.Promotions = append(s.Promotions, p)
	}
	for _, l := range all[policy.Learned](h, kindThing) {
		s.Things = append(s.Things, l.Thing(now.Unix()))
	}
	for _, l := range all[policy.Log](h, kindLog) {
		if runs(l.Until, now) {
			s.Logs = append(s.Logs, l)
		}
	}
	return s
}

// runs says whether something has not ended; until 0 is no end.
func runs(until int64, now time.Time) bool { return until == 0 || until > now.Unix() }

// States gives what people changed, for Compile.
func (d *Desk) States() map[string]policy.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, states := d.Now(), make(map[string]policy.State, len(d.homes))
	for id, h := range d.homes {
		states[id] = h.state(now)
	}
	return states
}

// Run throws away what has ended, and follows what others write to the log, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.follow(ctx)
	}()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			<-ended
			return nil
		case <-tick.C:
			if err := d.sweep(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrReadOnly) {
				d.Report.Error("what has ended is not thrown away", "error", err)
			}
			if err := d.endLearning(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrReadOnly) {
				d.Report.Error("that things have learned is not written down, or not in force", "error", err)
			}
		}
	}
}

// follow takes over what others write.
func (d *Desk) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := d.watch(ctx)
		if errors.Is(err, store.ErrCompacted) {
			if err = d.reread(ctx); err == nil {
				continue
			}
		}
		if ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
			d.Report.Error("the store is not followed", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(sweepEvery):
		}
	}
}

// watch follows the log from where the desk is, until that fails.
func (d *Desk) watch(ctx context.Context) error {
	d.mu.Lock()
	after := d.revision
	d.mu.Unlock()
	for changes, err := range d.Log.Watch(ctx, "", after) {
		if err != nil {
			return err
		}
		d.notice(ctx, changes)
	}
	return ctx.Err()
}

// reread takes over all that the log holds, and puts it in force.
func (d *Desk) reread(ctx context.Context) error {
	d.mu.Lock()
	err := d.read(ctx)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.Renew(ctx)
}

// notice takes changes of others over, and puts them in force.
func (d *Desk) notice(ctx context.Context, changes []store.Change) {
	d.mu.Lock()
	touched, anew := map[string]bool{}, false
	for _, c := range changes {
		d.revision = max(d.revision, c.Revision)
		h := d.homes[c.Key.Household]
		known := max(h[c.Key.Kind][c.Key.ID].revision, d.gone[c.Key])
		if readers[c.Key.Kind] == nil || c.Revision <= known || c.Deleted() && !h.has(c.Key) {
			continue
		}
		if !touched[c.Key.Household] { // somebody may be reading the one that was
			touched[c.Key.Household] = true
			d.homes[c.Key.Household] = h.with()
		}
		d.take(c.Entry)
		switch c.Key.Kind {
		case kindDefinition, kindEnrolment, kindPromotion, kindThing:
			anew = true
		}
	}
	maps.DeleteFunc(d.gone, func(_ store.Key, at uint64) bool { return at <= d.revision })
	dir, now := d.Directory(), d.Now()
	for id := range touched {
		if _, there := dir.Household(id); there {
			_ = dir.Apply(id, d.homes[id].state(now)) // what others wrote they have checked
		}
	}
	d.mu.Unlock()
	if len(touched) > 0 {
		d.bell.ring()
		d.Changed()
	}
	if !anew {
		return
	}
	if err := d.Renew(ctx); err != nil && ctx.Err() == nil {
		d.Report.Error("what others changed is not in force", "error", err)
	}
}

func (h home) has(k store.Key) bool {
	_, there := h[k.Kind][k.ID]
	return there
}

// sweep throws away what has ended, a batch at a time, and what is no longer remembered.
func (d *Desk) sweep(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	audits := now.Sub(d.forgot) >= forgetEvery
	if audits {
		d.forgot = now
	}
	for id, h := range d.homes {
		if gone := h.ended(now); len(gone) > 0 {
			if err := d.put(ctx, id, gone[:min(len(gone), store.MaxBatch)]); err != nil {
				return err
			}
			d.bell.ring()
		}
		if !audits {
			continue
		}
		if err := d.forget(ctx, id, now); err != nil {
			return err
		}
	}
	return nil
}

// ended lists the changes that time makes: mostly the deletions of what has ended.
func (h home) ended(now time.Time) (gone []change) {
	drop := func(kind, id string, until int64) {
		if !runs(until, now) {
			gone = append(gone, change{kind: kind, id: id})
		}
	}
	for id, g := range all[policy.Grant](h, kindGrant) {
		if until := g.Until; until != 0 {
			if g.Why == whyStanding {
				until = max(until, g.At+int64(keepTaken/time.Second))
			}
			drop(kindGrant, id, until)
		}
	}
	for id, p := range all[policy.Pause](h, kindPause) {
		drop(kindPause, id, p.Until)
	}
	for id, o := range all[policy.FilterOff](h, kindOff) {
		drop(kindOff, id, o.Until)
	}
	for id, u := range all[policy.Use](h, kindUse) {
		drop(kindUse, id, u.Until)
	}
	for id, l := range all[policy.Log](h, kindLog) {
		drop(kindLog, id, l.Until)
	}
	return append(gone, h.dueRequests(now)...)
}
