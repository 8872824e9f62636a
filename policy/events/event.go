package events

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Kind is what happens. The set is closed.
type Kind string

// The kinds of events.
const (
	Reset Kind = "reset" // what was told before no longer counts: every stop that is in force follows
	Stop  Kind = "stop"  // names are stopped from now on
	Go    Kind = "go"    // they are not any more
	Soon  Kind = "soon"  // they will be within ten minutes
)

// Event is what is told, once for each device, as one JSON object. A Reset has Event and From alone.
type Event struct {
	Event     Kind   `json:"event"`
	What      string `json:"what,omitempty"`  // all names, or the timed ones alone: all, timed
	Why       string `json:"why,omitempty"`   // window, pause or quota; of go: of the stop that ends
	Quota     string `json:"quota,omitempty"` // with soon, whose last minutes begin: what the quota is of
	Household string `json:"household,omitempty"`
	Device    string `json:"device,omitempty"`
	Member    string `json:"member,omitempty"` // where the device is one member's, or somebody has said who uses it
	// Addresses are those that the device has at this moment, as far as they are known; of go, all those of the stop as well,
	// less those at which another device is stopped.
	Addresses []netip.Addr `json:"addresses,omitzero"`
	From      time.Time    `json:"from"`           // when it began, or for soon begins
	Until     time.Time    `json:"until,omitzero"` // when it ends by itself; not there: that is not known
}

const (
	all   = "all"
	timed = "timed"
)

// maxAddresses bounds the addresses of a stop that are remembered for its go: a device may take ever new ones.
const maxAddresses = 256

// kinds are what an event can be of, in the order of device.told.
var kinds = [...]string{all, timed}

// told is what a receiver took last about all names of a device, or about timed ones.
type told struct {
	stop Event     // the zero Event while they are not stopped; its addresses are all that were told since
	soon time.Time // of which stop it was told that it comes
}

// device is what was told of one: of all names, of timed ones, and of the last minutes of quotas, by the day's end.
type device struct {
	told   [2]told
	warned map[string]time.Time
}

func (t *told) stopped() bool { return t.stop.Event == Stop }

// change compares what holds, and the stop that comes, with what was told, and gives the event of it; false if there is none.
func (t *told) change(now time.Time, s policy.Stop, at []netip.Addr, next *policy.Coming) (Event, bool) {
	switch stopped := s.Clock != policy.NoClock; {
	case stopped && (!t.stopped() || t.stop.Why != s.Clock.String() || !t.stop.Until.Equal(instant(s.Ends)) || t.lacks(at)):
		return Event{Event: Stop, Why: s.Clock.String(), From: now, Until: instant(s.Ends)}, true
	case !stopped && t.stopped():
		return t.over(now, instant(s.Until)), true
	case next != nil && !t.soon.Equal(next.From):
		return Event{Event: Soon, Why: next.Clock.String(), From: next.From, Until: instant(next.Ends)}, true
	}
	return Event{}, false
}

// lacks says that one of these addresses was not told with the stop.
func (t *told) lacks(at []netip.Addr) bool {
	return len(union(t.stop.Addresses, at)) > len(t.stop.Addresses)
}

// over is the end of the stop that was told, with all its addresses: the device may have others by now.
func (t *told) over(now, until time.Time) Event {
	e := t.stop
	e.Event, e.From, e.Until = Go, now, until
	return e
}

// taken is called for an event that the receiver took.
func (t *told) taken(e Event) {
	switch e.Event {
	case Stop:
		if every := union(t.stop.Addresses, e.Addresses); len(every) <= maxAddresses {
			e.Addresses = every
		}
		*t = told{stop: e}
	case Soon:
		t.soon = e.From
	default:
		*t = told{}
	}
}

// lastMinutes gives the event of a quota that is nearly used up, once in a day; false if there is none.
func (l *device) lastMinutes(now time.Time, q *policy.QuotaState) (Event, bool) {
	next, comes := q.Coming(now)
	e := Event{Event: Soon, What: what(next.Timed), Why: next.Clock.String(), Quota: q.Of, From: next.From, Until: q.Resets}
	return e, comes && !l.warned[quota(q)].Equal(q.Resets)
}

// quota tells a quota from the others of its device.
func quota(q *policy.QuotaState) string { return q.Person + "/" + q.Of }

func what(isTimed bool) string {
	if isTimed {
		return timed
	}
	return all
}

// instant is a unix second, the zero Time for 0.
func instant(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}

// union gives the addresses of both, in order, never nil.
func union(a, b []netip.Addr) []netip.Addr {
	both := append(append(make([]netip.Addr, 0, len(a)+len(b)), a...), b...)
	slices.SortFunc(both, netip.Addr.Compare)
	return slices.Compact(both)
}
