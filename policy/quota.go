package policy

import (
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// QuotaConfig is how many minutes a day something may be used. A minute counts in which a name of it was asked for
// and answered; one that counts already may be used to its end.
type QuotaConfig struct {
	Of      string `yaml:"of"`      // a category, a service, or total
	Minutes *int   `yaml:"minutes"` // on school days; it must be written, 0 being none
	Free    *int   `yaml:"free"`    // on other days; absent: as on school days
}

// quotaTotal is what a quota is of that counts all names.
const quotaTotal = "total"

// maxQuotas bounds the quotas of a profile: each question walks over all of them.
const maxQuotas = 16

// budget is what quotas somebody has: their own, or on a shared device those of all its members. Two
// profiles that are equal in all else are one, so that a budget is the client's.
type budget struct {
	list  []allowance
	names blocklists.Categories // of all that are not the total
	total bool                  // one is
	days  *days
}

// allowance is one quota of one person.
type allowance struct {
	quota
	member *Member // nil: a device's that is nobody's, or the guests'
	meter  *Meter
}

// quota is one before it is known in which household.
type quota struct {
	of      string // as in MeterKey
	person  string // as in MeterKey
	all     bool   // it counts all names
	service bool   // it is of one service
	minutes [2]int // on free days, on school days
	names   blocklists.Categories
}

// days tells what day and minute it is in a place, and whether it is a school day.
type days struct {
	location *time.Location
	calendar *calendar
	last     atomic.Pointer[dayPart]
}

// dayPart is a part of a local day in which the clock runs on: all of it, on most days.
type dayPart struct {
	from, until int64 // unix seconds
	offset      int64 // of the clock, seconds east of UTC
	day         int64
	midnight    int64 // when the next day begins
	school      bool
}

// at gives the part of the day. It asks the calendar when it is another one than for the last answer,
// which costs an allocation.
func (y *days) at(unix int64) *dayPart {
	if last := y.last.Load(); last != nil && unix >= last.from && unix < last.until {
		return last
	}
	z := zoneAt(unix, y.location)
	day := floorDay(z.reached(unix))
	l := &dayPart{from: unix, offset: z.offset, day: day, midnight: z.when((day + 1) * secondsOfDay), school: y.calendar.school(day)}
	l.until = min(l.midnight, z.end)
	y.last.Store(l)
	return l
}

// floorDay is the day in which a local second lies.
func floorDay(local int64) int64 {
	return (local - ((local%secondsOfDay)+secondsOfDay)%secondsOfDay) / secondsOfDay
}

// minute gives the minute of the day that the clock shows, and when it began.
func (l *dayPart) minute(unix int64) (minute, began int64) {
	local := unix + l.offset
	into := (local%secondsOfDay + secondsOfDay) % secondsOfDay
	return into / 60, unix - into%60
}

// spent is what a client's quotas say about one question.
type spent struct {
	budget  *budget
	device  *Device
	bonuses []act
	now     int64

	timed   bool       // a quota is of the name
	total   bool       // there is one of the total, whatever is left of it
	allUsed *allowance // a total that is used up
	used    *allowance // one of the name that is
	allEdge int64      // when that of the total may change, 0: there is none
	edge    int64      // when that of the name may
}

// spend begins to find that out. Whoever only seems to be a device is given nothing of what people grant it.
func (c *Client) spend(st *standing, now int64) spent {
	s := spent{budget: c.budget, device: c.Device, now: now}
	if st != nil && !c.Assumed {
		s.bonuses = st.bonuses
	}
	return s
}

// of finds out about a name of these categories.
func (s *spent) of(names *blocklists.Categories) {
	b := s.budget
	l := b.days.at(s.now)
	if s.total = b.total; s.total {
		s.allUsed, s.allEdge = s.first(l, func(a *allowance) bool { return a.all })
	}
	if s.timed = meet(names, &b.names); s.timed {
		s.used, s.edge = s.first(l, func(a *allowance) bool { return meet(names, &a.names) })
	}
}

// first gives the first of some quotas that is used up, and when that may change.
func (s *spent) first(l *dayPart, is func(*allowance) bool) (used *allowance, edge int64) {
	list := s.budget.list
	for i := range list {
		a := &list[i]
		if !is(a) {
			continue
		}
		up, change := s.weigh(a, l)
		if up {
			used, edge, list = a, change, list[:i]
			break
		}
		edge = sooner(edge, change)
	}
	if used == nil {
		return nil, edge
	}
	for i := range list { // another one before it would be told of instead
		if a := &list[i]; is(a) && a.of != used.of {
			_, change := s.weigh(a, l)
			edge = sooner(edge, change)
		}
	}
	return used, edge
}

// weigh says whether a quota is used up, and when that may change. A minute that was begun within the quota may be used
// to its end. One that was counted beyond it, as what a grant answers is, opens nothing.
func (s *spent) weigh(a *allowance, l *dayPart) (up bool, change int64) {
	p := a.meter.on(l.day)
	limit, change := a.limit(s, l)
	change = sooner(change, l.midnight)
	minute, began := l.minute(s.now)
	left, running := limit-p.used(), p.has(minute)
	switch {
	case left > 0 && running: // the first minute that may not be used comes after all that are left, and this one
		return false, sooner(change, began+int64(left+1)*60)
	case left > 0:
		return false, sooner(change, began+int64(left)*60)
	case left < 0:
		return true, change
	}
	return !running, sooner(change, p.turns(minute, began, l))
}

// turns gives the next minute that is counted where the present one is not, or the other way round: behind the
// present one there are some only while the clock shows an hour again.
func (p *page) turns(minute, began int64, l *dayPart) int64 {
	if p == nil {
		return l.midnight
	}
	flip, skip := uint64(0), minute%64
	if p.has(minute) {
		flip = ^flip
	}
	for i := minute / 64; i < int64(len(p.bits)); i++ {
		if word := (p.bits[i].Load() ^ flip) >> skip << skip; word != 0 {
			return min(l.until, began+(i*64+int64(bits.TrailingZeros64(word))-minute)*60)
		}
		skip = 0
	}
	return l.until
}

// limit gives the minutes of the day, with what was added, and when more will be, or less; 0: not.
func (a *allowance) limit(s *spent, l *dayPart) (limit int, change int64) {
	limit = a.minutes[bit(l.school)]
	for i := range s.bonuses {
		x := &s.bonuses[i]
		if x.day != l.day || x.value != a.of || !x.feeds(s.device, a) {
			continue
		}
		var h hand
		if x.running(s.now, &h) {
			limit += x.minutes
		}
		change = sooner(change, h.edge)
	}
	return limit, change
}

// feeds says whether a bonus is for whose quota it is.
func (a *act) feeds(device *Device, to *allowance) bool {
	if a.device != nil {
		return a.device == device
	}
	return a.house || a.member == to.member
}

// Count notes that a reply to a question went out that d allowed: it marks the running minute in the quotas that
// the name concerns. A total counts all names but those that are always on, help, infrastructure, or the resolver's own.
// It waits for nobody, and allocates nothing but at the beginning of a day.
func (c *Client) Count(q *Question, d Decision, now time.Time) {
	if c.budget != nil && d.Step > StepAlwaysOn && !d.Blocks() {
		c.count(q, now.Unix())
	}
}

func (c *Client) count(q *Question, now int64) {
	b, p, names := c.budget, c.Profile, q.Match.Categories
	idle := meet(&names, &p.ground.idle)
	p.lift(&names, &q.Match.Categories)
	l := b.days.at(now)
	minute, _ := l.minute(now)
	for i := range b.list {
		if a := &b.list[i]; a.all && !idle || meet(&names, &a.names) {
			a.meter.mark(l.day, minute)
		}
	}
}

// QuotaState is how a quota of a client stands on the present day.
type QuotaState struct {
	Of     string    `json:"of"`             // total, a category, or a service as "service.ID"
	Person string    `json:"person"`         // whose it is, as in MeterKey
	Used   int       `json:"used"`           // minutes
	Limit  int       `json:"limit"`          // minutes, the bonus included
	Bonus  int       `json:"bonus"`          // minutes
	UsedUp bool      `json:"used_up"`        // no further minute may begin
	Resets time.Time `json:"resets"`         // when the next day begins
	Soon   bool      `json:"soon,omitempty"` // at most SoonMinutes are left: it is time for a warning
}

// SoonMinutes is how many minutes before the end of something people are warned of it.
const SoonMinutes = 10

// Left is how many minutes are left.
func (q QuotaState) Left() int { return max(0, q.Limit-q.Used) }

// Quotas says how much of each quota of a client is used; on a shared device those of all its members. c is one that
// Now gave for that instant.
func (c *Client) Quotas(now time.Time) []QuotaState {
	if c.budget == nil {
		return nil
	}
	out := make([]QuotaState, 0, len(c.budget.list))
	l := c.budget.days.at(now.Unix())
	for i := range c.budget.list {
		a := &c.budget.list[i]
		s := c.spend(c.standing(), now.Unix())
		limit, _ := a.limit(&s, l)
		q := QuotaState{
			Of: a.of, Person: a.person, Used: a.meter.on(l.day).used(), Limit: limit, Bonus: limit - a.minutes[bit(l.school)],
			Resets: time.Unix(l.midnight, 0).In(now.Location()),
		}
		q.UsedUp, _ = s.weigh(a, l)
		q.Soon = q.Left() <= SoonMinutes && limit > 0
		out = append(out, q)
	}
	return out
}

// QuotasOf lists what there are quotas of: of a member, of a device, or with neither of anybody in the household.
func (h *Household) QuotasOf(m *Member, v *Device) (all []string) {
	add := func(b *budget) {
		for i := 0; b != nil && i < len(b.list); i++ {
			all = append(all, b.list[i].of)
		}
	}
	house := m == nil && v == nil
	for _, one := range h.Members {
		if house || one == m {
			add(one.budget)
		}
	}
	for _, one := range h.Devices {
		if house || one == v {
			add(h.device(one).budget)
		}
	}
	if house {
		add(h.budget)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Allowances says what quotas a client has, such as "fun.video: 60 minutes, 120 without school"; those of a
// shared device with whose they are.
func (c *Client) Allowances() (all []string) {
	if c.budget == nil {
		return nil
	}
	for _, a := range c.budget.list {
		text := fmt.Sprintf("%s: %d minutes", a.of, a.minutes[1])
		if a.minutes[0] != a.minutes[1] {
			text += fmt.Sprintf(", %d without school", a.minutes[0])
		}
		if a.person != c.Person() {
			text = a.person + ", " + text
		}
		all = append(all, text)
	}
	return all
}

// MaxTTL is that of the profile; who has a quota gets no long-lived replies either, nor who uses for a while what is
// a child's as well.
func (c *Client) MaxTTL() (allowed, timed uint32) {
	if c.budget != nil || c.Device != nil && c.Device.Profile.Managed() {
		return managedTTL, timedTTL
	}
	return c.Profile.MaxTTL()
}
