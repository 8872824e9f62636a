package policy

import "time"

// Coming is a stop of time that begins soon, of which people are told ahead.
type Coming struct {
	Timed bool // of timed names alone, else of all
	From  time.Time
	Stop  // what will stop them
}

// Coming says whether the last minutes of the quota have begun. From is the earliest that it can stop: if each minute
// from now on is used.
func (q *QuotaState) Coming(now time.Time) (next Coming, comes bool) {
	from, end := now.Add(time.Duration(q.Left())*time.Minute), q.Resets.Unix()
	return Coming{q.Of != quotaTotal, from, Stop{QuotaUsed, end, end}}, q.Soon && !q.UsedUp
}

// maxEdges bounds the edges that are looked at: a person has few in ten minutes, and each minute of a quota may be one.
const maxEdges = 64

// Coming lists what does not stop the client yet and will within SoonMinutes, beside the last minutes of quotas. It is
// for clients as they were identified, before Now: who uses a shared device may change at an edge too.
func (c Client) Coming(now time.Time) (list []Coming) {
	for _, timed := range []bool{false, true} {
		if next, comes := c.coming(timed, now); comes {
			list = append(list, next)
		}
	}
	return list
}

// coming walks over the edges of the next minutes to the first at which something stops.
func (c Client) coming(timed bool, now time.Time) (next Coming, comes bool) {
	at, last := now, now.Add(SoonMinutes*time.Minute)
	for range maxEdges {
		then := c.Now(at)
		s := then.Stopped(at)
		if timed {
			s = then.StoppedTimed(at)
		}
		if s.Clock != NoClock {
			return Coming{timed, at, s}, at.After(now)
		}
		edge := time.Unix(s.Until, 0)
		if s.Until == 0 || !edge.After(at) || edge.After(last) {
			break
		}
		at = edge.In(now.Location())
	}
	return next, false
}

// OffTime is a window of a schedule.
type OffTime struct {
	Timed       bool // homework time, when timed names are off; else bedtime
	From, Until time.Time
}

// OffTimes lists the windows of the schedule that begin in a stretch of time, bedtimes first; Until is the zero Time of
// one that does not end. What is only observed stops nothing and has none.
func (p *Profile) OffTimes(from, to time.Time) (list []OffTime) {
	if p.schedule == nil || p.observe {
		return nil
	}
	for kind := range p.schedule.kinds {
		at := p.schedule.stretch(from.Unix() - 1)
		for edge := at.edges[kind]; edge != 0 && edge < to.Unix(); edge = at.edges[kind] {
			if at = p.schedule.stretch(edge); !at.on[kind] {
				continue
			}
			w := OffTime{Timed: windowKind(kind) == homework, From: time.Unix(edge, 0).In(from.Location())} //nolint:gosec // two kinds
			if end := at.edges[kind]; end != 0 {
				w.Until = time.Unix(end, 0).In(from.Location())
			}
			list = append(list, w)
		}
	}
	return list
}
