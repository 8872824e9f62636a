package policy

import (
	"slices"
	"sort"
	"sync/atomic"
	"time"
)

const secondsOfWeek = 7 * minutesOfDay * 60

// schedule is a profile's windows in its household's time zone. Both
// changes of daylight saving follow one rule: an edge happens the first time
// that the clock on the wall reaches or passes it. In spring a 02:30 that does
// not exist is the moment of the jump; in autumn, of the two 02:30 the first.
type schedule struct {
	location *time.Location
	kinds    [2]timeline // by windowKind
	last     atomic.Pointer[stretch]
}

// stretch is a stretch of time in which a schedule says one thing.
type stretch struct {
	state
	from, until int64 // unix seconds
}

// timeline is when windows of one kind are open: a week that repeats, and episodes in which
// it does not hold. Times are local seconds, those of the week count from Sunday at 00:00.
type timeline struct {
	week     course
	episodes []episode // sorted, apart
}

// course is when merged windows are open, by the edges between open and shut.
type course struct {
	edges []int64
	on    bool // before the first edge
}

// episode is a stretch of days around special ones.
type episode struct {
	course
	from, to int64
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
		s.kinds[kind].week = newWeek(windows, windowKind(kind))
	}
	return s
}

// joinPlans gives the schedule in which everything is off that one of the plans has off.
func joinPlans(plans []*plan, loc *time.Location) *schedule {
	var usual []window
	for _, p := range plans {
		usual = append(usual, p.week()...)
	}
	s := newSchedule(usual, loc)
	if s == nil {
		s = &schedule{location: loc}
	}
	for kind := range s.kinds {
		s.kinds[kind].episodes = episodes(plans, windowKind(kind))
	}
	return s
}

func newWeek(windows []window, kind windowKind) course {
	var open [7 * minutesOfDay]bool
	for _, w := range windows {
		if w.kind != kind {
			continue
		}
		for m := w.from; m < w.to; m++ {
			open[m%len(open)] = true
		}
	}
	out := course{on: open[0]}
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

// episodes gives the stretches of days that the windows of special days may touch.
func episodes(plans []*plan, kind windowKind) (all []episode) {
	var days []int64
	for _, p := range plans {
		for _, s := range p.special {
			if !slices.Equal(ofKind(s.windows, kind), ofKind(p.usual[weekdayOf(s.day)], kind)) {
				days = append(days, s.day)
			}
		}
	}
	slices.Sort(days)
	for i := 0; i < len(days); {
		from, to := days[i], days[i]+longestWindow
		for ; i < len(days) && days[i] <= to; i++ {
			to = days[i] + longestWindow
		}
		all = append(all, newEpisode(plans, kind, from, to))
	}
	return all
}

func ofKind(windows []window, kind windowKind) []window {
	return slices.DeleteFunc(slices.Clone(windows), func(w window) bool { return w.kind != kind })
}

// newEpisode merges the windows of the days from one to before another.
func newEpisode(plans []*plan, kind windowKind, from, to int64) episode {
	out := episode{from: from * secondsOfDay, to: to * secondsOfDay}
	var open []span
	for day := from - longestWindow + 1; day < to; day++ {
		for _, p := range plans {
			for _, w := range ofKind(p.on(day), kind) {
				begin := int(day-from) * minutesOfDay
				open = append(open, span{begin + w.from, begin + w.to})
			}
		}
	}
	slices.SortFunc(open, func(a, b span) int { return a.from - b.from })
	for i := 0; i < len(open); {
		merged := open[i]
		for ; i < len(open) && open[i].from <= merged.to; i++ {
			merged.to = max(merged.to, open[i].to)
		}
		if merged.to > 0 {
			out.add(out.from+int64(merged.from)*60, out.from+int64(merged.to)*60)
		}
	}
	return out
}

// add adds a window behind those before; what lies outside of the episode is left out.
func (e *episode) add(from, to int64) {
	if from <= e.from {
		e.on = true
	} else if from < e.to {
		e.edges = append(e.edges, from)
	}
	if to < e.to {
		e.edges = append(e.edges, to)
	}
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

// at gives the state at what the clock has reached in z, and the unix second of the next change. Two edges that
// the clock jumps over together are no change.
func (t *timeline) at(local int64, z zone) (bool, int64) {
	on := t.open(local)
	for {
		next, ok := t.next(local)
		if !ok {
			return on, 0
		}
		unix := z.when(next)
		if local = zoneAt(unix, z.location).reached(unix); t.open(local) != on {
			return on, unix
		}
	}
}

// open says whether a window is open at a local second.
func (t *timeline) open(local int64) bool {
	if e := t.episode(local); e != nil && e.from <= local {
		return e.open(local)
	}
	return t.week.open(intoWeek(local))
}

// next gives the first local second after another at which that may change; false if it never does.
func (t *timeline) next(local int64) (int64, bool) {
	e := t.episode(local)
	if e != nil && e.from <= local {
		if edge, ok := e.next(local); ok {
			return edge, true
		}
		return e.to, true
	}
	into := intoWeek(local)
	edge, ok := t.week.next(into)
	if !ok && len(t.week.edges) > 0 {
		edge, ok = t.week.edges[0]+secondsOfWeek, true
	}
	if edge += local - into; e != nil && (!ok || e.from < edge) {
		return e.from, true
	}
	return edge, ok
}

// episode gives the first one that is not over, or nil.
func (t *timeline) episode(local int64) *episode {
	i := sort.Search(len(t.episodes), func(i int) bool { return t.episodes[i].to > local })
	if i == len(t.episodes) {
		return nil
	}
	return &t.episodes[i]
}

// open says whether a window is open at a second.
func (c *course) open(at int64) bool { return c.on != (c.after(at)%2 == 1) }

// next gives the first edge after a second; false if there is none.
func (c *course) next(at int64) (int64, bool) {
	if i := c.after(at); i < len(c.edges) {
		return c.edges[i], true
	}
	return 0, false
}

func (c *course) after(at int64) int {
	return sort.Search(len(c.edges), func(i int) bool { return c.edges[i] > at })
}

// intoWeek is how many seconds of the local week are over.
func intoWeek(local int64) int64 {
	into := (local + 4*secondsOfDay) % secondsOfWeek // 1970-01-01 was a Thursday
	if into < 0 {
		into += secondsOfWeek
	}
	return into
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
