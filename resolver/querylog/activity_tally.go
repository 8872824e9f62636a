package querylog

import (
	"errors"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// Kinds of partitions, by how long they are kept. A day is dropped before its first minute is older than that.
const (
	kindMonth = "month" // sums of those up to 12
	kindWeek  = "week"  // sums of teenagers and guests; names; the days of self-harm
	kindDay   = "day"   // of things
)

// keptDays is for how many days, the present one with them, a kind is kept.
var keptDays = map[string]int{kindMonth: policy.KeepMonth, kindWeek: policy.KeepWeek, kindDay: policy.KeepDay}

// keyCare is the record with the minutes at which somebody looked for self-harm. No report shows it.
const keyCare = "care"

// maxWaiting bounds the records that wait to be written: 200 bytes each. A home has some hundred in ten seconds.
const maxWaiting = 20_000

// tally is one record that waits: a sum, or minutes of the day.
type tally struct {
	count   uint64
	minutes *[minuteWords]uint64
}

// minuteWords hold the minutes of a day. The hour that autumn shows twice has one bit for both.
const minuteWords = (24*60 + 63) / 64

// kind is where the sums of a client lie.
func (x *heard) kind() string {
	switch x.Client.SumsKept() {
	case policy.KeepDay:
		return kindDay
	case policy.KeepMonth:
		return kindMonth
	}
	return kindWeek
}

// nameKind is where names lie.
func (x *heard) nameKind() string {
	if k := x.kind(); k == kindDay {
		return k
	}
	return kindWeek
}

// count adds a query to the sums of the day, if the band has any.
func (a *Activity) count(x *heard) {
	if !x.Client.Profile.Counts() {
		return
	}
	verdict := x.verdict()
	a.sum(x, verdict)
	for _, c := range x.causes() {
		a.sum(x, verdict+" "+c)
	}
}

func (a *Activity) sum(x *heard, key string) {
	if t := a.tally(x, x.kind(), key); t != nil {
		t.count++
	}
}

// note keeps the name, with the minute.
func (a *Activity) note(x *heard) {
	if x.name == "" {
		a.lost.Add(1)
		return
	}
	cause := "-"
	if causes := x.causes(); len(causes) > 0 {
		cause = causes[0]
	}
	a.mark(x, x.nameKind(), x.verdict()+" "+cause+" "+x.name)
}

// mark sets the minute of a query in a record.
func (a *Activity) mark(x *heard, kind, key string) {
	t := a.tally(x, kind, key)
	if t == nil {
		return
	}
	if t.minutes == nil {
		t.minutes = new([minuteWords]uint64)
	}
	minute := x.at.Hour()*60 + x.at.Minute()
	t.minutes[minute/64] |= 1 << (minute % 64)
}

// tally gives the record with a key, nil where there is no room for one more.
func (a *Activity) tally(x *heard, kind, key string) *tally {
	p := store.Partition{Kind: kind, Day: store.DayOf(x.at), Household: x.Client.Household.ID, Person: x.person}
	t := a.waiting[p][key]
	if t != nil {
		return t
	}
	if a.records >= maxWaiting {
		a.lost.Add(1)
		return nil
	}
	if a.waiting[p] == nil {
		a.waiting[p] = map[string]*tally{}
	}
	t = new(tally)
	a.waiting[p][key] = t
	a.records++
	return t
}

// Flush writes what waits. What the store does not take is lost, and counted: activity is worth less than room.
func (a *Activity) Flush() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	return a.flush()
}

// flush is Flush. The caller holds writing.
func (a *Activity) flush() error {
	a.mu.Lock()
	waiting, n := a.waiting, a.records
	a.waiting, a.records = map[store.Partition]map[string]*tally{}, 0
	a.mu.Unlock()
	var failed error
	a.omitOld(waiting)
	if n > 0 {
		if _, failed = a.cfg.Store.Append(additions(waiting)...); failed != nil {
			a.unkept.Add(uint64(n)) //nolint:gosec // above 0
		}
	}
	return errors.Join(failed, a.flushFindings(), a.flushHeard(hearEvery))
}

// omitOld takes out of what waits the days that are over already.
func (a *Activity) omitOld(waiting map[store.Partition]map[string]*tally) {
	today := a.today()
	for p := range waiting {
		if p.Day < oldest(today, p.Kind) {
			delete(waiting, p)
		}
	}
}

// oldest is the oldest day that is kept of a kind.
func oldest(today time.Time, kind string) store.Day {
	return store.DayOf(today.AddDate(0, 0, 1-keptDays[kind]))
}

func additions(waiting map[store.Partition]map[string]*tally) []store.Addition {
	all := make([]store.Addition, 0, len(waiting))
	for p, records := range waiting {
		add := store.Addition{Partition: p, Records: make([]store.Record, 0, len(records))}
		for key, t := range records {
			r := store.Record{Key: key, Count: t.count}
			if t.minutes != nil {
				r.Count, r.Bits = 0, t.minutes[:]
			}
			add.Records = append(add.Records, r)
		}
		all = append(all, add)
	}
	return all
}

// retain drops the partitions whose time is over, once a day. Where households have days that begin at different hours,
// the first new day counts: nothing is kept longer anywhere.
func (a *Activity) retain() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	today := a.today()
	if store.DayOf(today) == a.dropped {
		return nil
	}
	for kind := range keptDays {
		if _, err := a.cfg.Store.Drop(kind, oldest(today, kind)); err != nil {
			return err
		}
	}
	if err := a.dropNotices(); err != nil {
		return err
	}
	a.dropped = store.DayOf(today)
	return nil
}

// today is the present moment where the day begins first.
func (a *Activity) today() time.Time {
	now := a.cfg.Now()
	first, seen := now.UTC(), map[*time.Location]bool{}
	for _, h := range a.cfg.Directory().Households() {
		if seen[h.Location] {
			continue
		}
		if at := now.In(h.Location); len(seen) == 0 || store.DayOf(at) > store.DayOf(first) {
			first = at
		}
		seen[h.Location] = true
	}
	return first
}
