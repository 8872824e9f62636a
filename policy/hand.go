package policy

import (
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// standing gives what people changed in the household of a client, nil for nearly all.
func (c *Client) standing() *standing {
	if c.Household == nil || c.Status == OptedOut {
		return nil
	}
	return c.Household.standing.Load()
}

// Now gives the client as it is at an instant: whoever has said that they use a shared device
// is the one who does, with their profile. 0 allocations.
func (c Client) Now(now time.Time) Client {
	st := c.standing()
	if st == nil || c.Device == nil || c.Assumed {
		return c
	}
	for i := range st.acts {
		a := &st.acts[i]
		if a.kind == actUse && a.device == c.Device && now.Unix() >= a.at && now.Unix() < a.until {
			c.Member, c.Profile, c.budget = a.member, a.member.Profile, a.member.budget
		}
	}
	return c
}

// usedUntil is when Now may give somebody else for the client, in unix seconds; 0: not by itself.
func (c *Client) usedUntil(now int64) (edge int64) {
	st := c.standing()
	if st == nil || c.Device == nil {
		return 0
	}
	for i := range st.acts {
		if a := &st.acts[i]; a.kind == actUse && a.device == c.Device {
			if now < a.at {
				edge = sooner(edge, a.at)
			} else if now < a.until {
				edge = sooner(edge, a.until)
			}
		}
	}
	return edge
}

// Decide gives the verdict on a question of this client at an instant, with all that its profile, the clock,
// its quotas and people say. c is one that Now gave for that instant. 0 allocations but at an edge, as for a Profile.
func (c *Client) Decide(q *Question, now time.Time) (d Decision) {
	st := c.standing()
	if st == nil && c.budget == nil {
		return c.Profile.Decide(q, now)
	}
	c.walk(q, now, st, &d, nil)
	return d
}

// Explain is Decide with the reasons: the same walk, with a trace.
func (c *Client) Explain(q *Question, now time.Time) Trace {
	st := c.standing()
	if st == nil && c.budget == nil {
		return c.Profile.Explain(q, now)
	}
	var t Trace
	c.walk(q, now, st, &t.Decision, &t)
	return t
}

// walk goes through the order for a client: with what people did, and with what is left of quotas. It is one function,
// so that all of it stays on the stack.
func (c *Client) walk(q *Question, now time.Time, st *standing, d *Decision, t *Trace) {
	w := walk{p: c.Profile, q: q, trace: t}
	var h hand
	var s spent
	unix := now.Unix()
	if st != nil {
		h = st.of(c, q, unix)
		used := c.usedUntil(unix)
		h.edge, h.offEdge = sooner(h.edge, used), sooner(h.offEdge, used)
		w.hand = &h
	}
	if c.budget != nil {
		s = c.spend(st, unix)
		w.spent = &s
	}
	w.look(now)
	w.run()
	w.write(d)
}

// DecideChain decides again about an asked name, now that the targets of its chain are known, as
// Profile.DecideChain does, at the instant of the decision.
func (c *Client) DecideChain(asked Decision, q *Question, targets blocklists.Match, hashes []uint64, now time.Time) Decision {
	st := c.standing()
	if st == nil {
		return c.Profile.DecideChain(asked, q, targets, hashes)
	}
	whole := *q
	whole.Match.Categories = q.Match.Categories.Or(targets.Categories)
	h := st.of(c, &whole, now.Unix())
	if asked.Step > StepNeeded && asked.Action != Fixed {
		asked.Until = sooner(asked.Until, h.edge)
	}
	return c.Profile.chained(asked, q, targets, hashes, &h)
}

// hand is what the acts of a household mean for one question of one client at one instant.
type hand struct {
	paused   bool
	pauseEnd int64 // 0: none is known
	freed    int64 // when the first act is left that no pause came after, 0: none will be
	pausedAt int64
	oneEnds  int64 // when the first of the pauses does, 0: none is known
	off      bool
	time     bool                  // 5 and 6 are lifted
	secure   bool                  // 7 is
	name     *act                  // that grants the asked name
	services blocklists.Categories // lifted of step 9
	class    blocklists.Categories // and of 10
	goOn     blocklists.Categories // warnings that are passed
	offEnd   int64                 // of off
	offEdge  int64                 // the next at which off does, or who uses the device, 0: none
	edge     int64                 // the next instant at which any of this changes, 0: none
}

// of finds out what the acts mean.
func (st *standing) of(c *Client, q *Question, now int64) (h hand) {
	for i := range st.acts {
		if a := &st.acts[i]; a.kind == actPause && a.concerns(c) && a.running(now, &h) {
			h.pause(a)
		}
	}
	next := h.edge // when a pause begins
	for i := range st.acts {
		if a := &st.acts[i]; a.matters(q) && a.concerns(c) && a.running(now, &h) {
			h.take(a)
			if a.at < h.pausedAt && a.liftsPauses() {
				h.freed = sooner(h.freed, st.outlives(a, c, now))
			}
		}
	}
	if h.off {
		h.offEdge = sooner(h.offEnd, next)
	}
	h.edge = sooner(sooner(h.edge, h.pauseEnd), h.offEdge)
	return h
}

// liftsPauses says whether an act lifts the pauses before it.
func (a *act) liftsPauses() bool {
	return a.kind == actOff || a.kind == actTime || a.kind == actName && a.atBedtime
}

// outlives is when the last of the pauses that came after an act is over, 0 if the act is over by then.
func (st *standing) outlives(a *act, c *Client, now int64) (end int64) {
	for i := range st.acts {
		p := &st.acts[i]
		if p.kind != actPause || p.at <= a.at || now < p.at || p.until != 0 && now >= p.until || !p.concerns(c) {
			continue
		}
		if p.until == 0 {
			return 0
		}
		end = max(end, p.until)
	}
	if a.until != 0 && end >= a.until {
		return 0
	}
	return end
}

// matters says whether an act may change anything about a question.
func (a *act) matters(q *Question) bool {
	switch a.kind {
	case actName, actSecurity:
		return a.about(q.Hashes)
	case actClass, actContinue:
		return meet(&q.Match.Categories, &a.set)
	case actOff, actTime:
		return true
	case actPause, actUse, actBonus: // asked for elsewhere
	}
	return false
}

// running says whether an act is in force, and notes when that changes.
func (a *act) running(now int64, h *hand) bool {
	switch {
	case a.until != 0 && now >= a.until:
		return false
	case now < a.at:
		h.edge = sooner(h.edge, a.at)
		if a.kind == actOff {
			h.offEdge = sooner(h.offEdge, a.at)
		}
		return false
	}
	if a.kind != actPause && a.kind != actOff { // of those the longest counts
		h.edge = sooner(h.edge, a.until)
	}
	return true
}

// pause notes the longest of the pauses, and the latest.
func (h *hand) pause(a *act) {
	if !h.paused || a.until == 0 || h.pauseEnd != 0 && a.until > h.pauseEnd {
		h.pauseEnd = a.until
	}
	h.paused, h.pausedAt, h.oneEnds = true, max(h.pausedAt, a.at), sooner(h.oneEnds, a.until)
}

// take notes what a grant lifts. A pause that came later is not lifted by it, nor by a filter that is off.
func (h *hand) take(a *act) {
	switch a.kind {
	case actOff:
		if h.outlasts(a) {
			h.off, h.offEnd = true, max(h.offEnd, a.until)
		} else {
			h.offEdge = sooner(h.offEdge, h.oneEnds)
		}
	case actTime:
		h.lift(a)
	case actName:
		if h.name = a; a.atBedtime {
			h.lift(a)
		}
	case actSecurity:
		h.secure = true
	case actClass:
		h.services, h.class = h.services.Or(a.services), h.class.Or(a.class)
	case actContinue:
		h.goOn = h.goOn.Or(a.class)
	case actPause, actUse, actBonus:
	}
}

func (h *hand) lift(a *act) {
	if h.outlasts(a) {
		h.time, h.paused = true, false
	}
}

// outlasts says that no pause came after an act; while one does that did, the act lifts nothing.
func (h *hand) outlasts(a *act) bool {
	if a.at >= h.pausedAt {
		return true
	}
	h.edge = sooner(h.edge, h.oneEnds) // then it may be the later one
	return false
}

// sooner is the earlier of two instants, 0 being none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
