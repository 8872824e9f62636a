package policy

import (
	"slices"
	"sort"
	"sync/atomic"
	"time"
)

const secondsOfWeek = 7 * minutesOfDay * 60

// schedule is a profile's weekly windows in its household's time zone. Both
// changes of daylight saving follow one rule: an edge happens the first time
// that the clock on the wall reaches or passes it. In spring a 02:30 that does
// not exist is the moment of the jump; in autumn, of the two 02:30 the first.
type schedule struct {
	location *time.Location
	kinds    [2]week // by windowKind
	last     atomic.Pointer[stretch]
}

// stretch is a stretch of time in which a schedule says one thing.
type stretch struct {
	state
	from, until int64 // unix seconds
}

// week holds the edges of merged windows in seconds of the local week, sorted;
// off at edges[0], on at edges[1] and so on, the other way round if on.
type week struct {
	edges []int64
	on    bool // a window is open at the start of the week
}

// state is what a schedule says at one instant.
type state struct {
	on    [2]bool
	edges [2]int64 // when each kind changes next, unix seconds; 0 = never
}

func newSchedule(windows []window, loc *time.Location) *schedule {
	if len(windows) == 0 {
		return nil
	}
	s := &schedule{location: loc}
	for kind := range s.kinds {
		s.kinds[kind] = newWeek(windows, windowKind(kind))
	}
	return s
}

func newWeek(windows []window, kind windowKind) week {
	var open [7 * minutesOfDay]bool
	for _, w := range windows {
		if w.kind != kind {
			continue
		}
		for m := w.from; m < w.to; m++ {
			open[m%len(open)] = true
		}
	}
	out := week{on: open[0]}
	for m := 1; m < len(open); m++ {
		if open[m] != open[m-1] {
			out.edges = append(out.edges, int64(m)*60)
		}
	}
	if open[0] != open[len(open)-1] { // the turn of the week is an edge too
		out.edges = slices.Insert(out.edges, 0, 0)
		out.on = !out.on // before the edge at 0
	}
	return out
}

// unscheduled is what no schedule says, at every instant.
var unscheduled state

// at gives the state at an instant. It asks the calendar only when the clock has
// left the stretch of the last answer, forwards or back: at an edge, which costs
// the one allocation of a decision.
func (s *schedule) at(unix int64) *state {
	if s == nil {
		return &unscheduled
	}
	if last := s.last.Load(); last != nil && unix >= last.from && unix < last.until {
		return &last.state
	}
	next := s.stretch(unix)
	s.last.Store(next)
	return &next.state
}

// stretch asks the calendar what holds from an instant on.
func (s *schedule) stretch(unix int64) *stretch {
	out := &stretch{from: unix, until: 1<<63 - 1}
	z := zoneAt(unix, s.location)
	local := z.reached(unix)
	for kind := range s.kinds {
		out.on[kind], out.edges[kind] = s.kinds[kind].at(local, z)
		if edge := out.edges[kind]; edge != 0 {
			out.until = min(out.until, edge)
		}
	}
	return out
}

// at gives the state at a local time, and the unix second of the next change.
func (w *week) at(local int64, z zone) (bool, int64) {
	if len(w.edges) == 0 {
		return w.on, 0
	}
	into := (local + 4*86400) % secondsOfWeek // 1970-01-01 was a Thursday
	if into < 0 {
		into += secondsOfWeek
	}
	weekStart := local - into
	i := sort.Search(len(w.edges), func(i int) bool { return w.edges[i] > into })
	on := w.on != (i%2 == 1)
	edge := w.instant(i, weekStart, z)
	// Two edges that the clock jumps over together are no change.
	for n := 0; n < len(w.edges); n++ {
		after := w.instant(i+1, weekStart, z)
		if after != edge {
			break
		}
		i += 2
		edge = w.instant(i, weekStart, z)
	}
	return on, edge
}

// instant is the unix second of edge i, counted on into the weeks that follow.
func (w *week) instant(i int, weekStart int64, z zone) int64 {
	local := weekStart + int64(i/len(w.edges))*secondsOfWeek + w.edges[i%len(w.edges)]
	return z.when(local)
}

// zone is the stretch of time around an instant in which the offset is one.
type zone struct {
	location   *time.Location
	start, end int64 // unix seconds; open ends are the extremes of int64
	offset     int64 // seconds east of UTC
}

func zoneAt(unix int64, loc *time.Location) zone {
	t := time.Unix(unix, 0).In(loc)
	_, offset := t.Zone()
	z := zone{location: loc, start: -1 << 63, end: 1<<63 - 1, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		z.start = start.Unix()
	}
	if !end.IsZero() {
		z.end = end.Unix()
	}
	return z
}

// reached is the furthest local second that the clock has shown by then: while
// an hour is shown for the second time, the last second before it was put back.
func (z zone) reached(unix int64) int64 {
	const longest = 26 * 3600 // no zone was ever put back further
	local := unix + z.offset
	if z.start == -1<<63 || unix-z.start > longest {
		return local
	}
	before := zoneAt(z.start-1, z.location)
	if shown := z.start + before.offset; local < shown {
		return shown - 1
	}
	return local
}

// when is the first instant at which the clock reaches or passes a local second
// that it has not reached in z before.
func (z zone) when(local int64) int64 {
	for {
		if unix := local - z.offset; unix < z.end {
			return max(unix, z.start)
		}
		z = zoneAt(z.end, z.location)
	}
}
