package policy

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Minutes is what somebody used of a day: bit m%64 of word m/64 is the minute m of the local day. The hour that
// autumn shows twice has one bit for both, the one that spring leaves out stays empty. Merging is OR.
type Minutes [(minutesOfDay + 63) / 64]uint64

// MeterKey tells meters apart. Person is a member, or as Client.Person names whoever is none; Of is what a quota is
// of: "total", a category, or a service as "service.ID".
type MeterKey struct {
	Household, Person, Of string
}

// Used is what a meter has of one day.
type Used struct {
	MeterKey
	Day     Date
	Minutes Minutes
}

// Meter counts the minutes of a day in which somebody used something. It is safe for concurrent use; nobody
// waits for anybody. It keeps the present day and the one before.
type Meter struct {
	pages [2]atomic.Pointer[page] // by the number of the day
}

// page is one day of a meter.
type page struct {
	day   int64
	bits  [len(Minutes{})]atomic.Uint64
	count atomic.Int32
	dirty atomic.Bool // there is something that is not kept yet
}

// on gives the page of a day, nil if nothing was used on it.
func (m *Meter) on(day int64) *page {
	if p := m.pages[day&1].Load(); p != nil && p.day == day {
		return p
	}
	return nil
}

// turn gives the page of a day, and makes it if there is none: the one allocation of a day.
func (m *Meter) turn(day int64) *page {
	for {
		at := &m.pages[day&1]
		p := at.Load()
		if p != nil && p.day == day {
			return p
		}
		if next := (&page{day: day}); at.CompareAndSwap(p, next) {
			return next
		}
	}
}

// mark counts a minute.
func (m *Meter) mark(day, minute int64) {
	p := m.on(day)
	if p == nil {
		p = m.turn(day)
	}
	at, bit := &p.bits[minute/64], uint64(1)<<(minute%64)
	if at.Load()&bit == 0 && at.Or(bit)&bit == 0 {
		p.count.Add(1)
		p.dirty.Store(true)
	}
}

// has says whether a minute is counted. A day of which nothing is has a nil page.
func (p *page) has(minute int64) bool {
	return p != nil && p.bits[minute/64].Load()&(1<<(minute%64)) != 0
}

// used is how many minutes are counted.
func (p *page) used() int {
	if p == nil {
		return 0
	}
	return int(p.count.Load())
}

// merge adds minutes.
func (p *page) merge(minutes *Minutes) {
	for i, word := range minutes {
		fresh := word &^ p.bits[i].Or(word)
		p.count.Add(int32(bits.OnesCount64(fresh))) //nolint:gosec // at most 64
	}
}

// Usage is what all households used, by meter. It outlives the Directories that are compiled with it, so that a
// reload forgets nothing. It grows with the quotas that were ever configured.
type Usage struct {
	mu     sync.Mutex
	meters map[MeterKey]*Meter
}

// NewUsage gives one in which nothing is used.
func NewUsage() *Usage { return &Usage{meters: map[MeterKey]*Meter{}} }

// Meter gives the meter with a key.
func (u *Usage) Meter(k MeterKey) *Meter {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.meters[k]
	if m == nil {
		m = new(Meter)
		u.meters[k] = m
	}
	return m
}

// Keys lists the meters.
func (u *Usage) Keys() []MeterKey {
	u.mu.Lock()
	defer u.mu.Unlock()
	keys := make([]MeterKey, 0, len(u.meters))
	for k := range u.meters {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, MeterKey.compare)
	return keys
}

func (k MeterKey) compare(o MeterKey) int {
	return cmp.Or(strings.Compare(k.Household, o.Household), strings.Compare(k.Person, o.Person), strings.Compare(k.Of, o.Of))
}

// Merge adds what is known from elsewhere: what was kept before a restart, or what another node counted. Minutes that
// are counted already count once; a day that gave way to a later one is left out.
func (u *Usage) Merge(known ...Used) {
	for i := range known {
		m, day := u.Meter(known[i].MeterKey), known[i].Day.number()
		if p := m.pages[day&1].Load(); p == nil || p.day <= day {
			m.turn(day).merge(&known[i].Minutes)
		}
	}
}

// Flush gives save what was counted since it last succeeded, whole days each, in the order of keys. What it fails
// to keep it is given again.
func (u *Usage) Flush(save func([]Used) error) error {
	var pages []*page
	var used []Used
	for _, k := range u.Keys() {
		m := u.Meter(k)
		for i := range m.pages {
			p := m.pages[i].Load()
			if p == nil || !p.dirty.Swap(false) {
				continue
			}
			pages, used = append(pages, p), append(used, Used{k, dateOf(p.day), p.minutes()})
		}
	}
	if len(used) == 0 {
		return nil
	}
	err := save(used)
	if err != nil {
		for _, p := range pages {
			p.dirty.Store(true)
		}
	}
	return err
}

func (p *page) minutes() (out Minutes) {
	for i := range out {
		out[i] = p.bits[i].Load()
	}
	return out
}
