package events

import (
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Kind is what happens. The set is closed.
type Kind string

// The kinds of events.
const (
	Stop Kind = "stop" // names are stopped from now on
	Go   Kind = "go"   // they are not any more
	Soon Kind = "soon" // they will be within ten minutes
)

// Event is what is told, once for each device, as one JSON object.
type Event struct {
	Event     Kind   `json:"event"`
	What      string `json:"what"`            // all names, or the timed ones alone: all, timed
	Why       string `json:"why"`             // window, pause or quota; of go: of the stop that ends
	Quota     string `json:"quota,omitempty"` // with soon, whose last minutes begin: what the quota is of
	Household string `json:"household"`
	Device    string `json:"device"`
	Member    string `json:"member,omitempty"` // where the device is one member's, or somebody has said who uses it
	// Addresses are those that the device has at this moment, as far as they are known.
	Addresses []netip.Addr `json:"addresses"`
	From      time.Time    `json:"from"`           // when it began, or for soon begins
	Until     time.Time    `json:"until,omitzero"` // when it ends by itself; not there: that is not known
}

const (
	all   = "all"
	timed = "timed"
)

// kinds are what an event can be of, in the order of device.told.
var kinds = [...]string{all, timed}

// told is what a device was told last about all names, or about timed ones.
type told struct {
	stopped bool
	why     policy.Clock
	until   int64 // unix seconds
	soon    int64 // of which stop it was told that it comes
}

// device is what was told of one: of all names, of timed ones, and of the last minutes of quotas, by the day's end.
type device struct {
	told   [2]told
	warned map[string]time.Time
}

// change compares what holds, and the stop that comes, with what was told, and gives the event of it; false if there is none.
func (t *told) change(now time.Time, s policy.Stop, next *policy.Coming) (Event, bool) {
	stopped := s.Clock != policy.NoClock
	switch {
	case stopped && (!t.stopped || t.why != s.Clock || t.moved(now, s)):
		*t = told{stopped: true, why: s.Clock, until: s.Until}
		return Event{Event: Stop, Why: s.Clock.String(), From: now, Until: instant(s.Until)}, true
	case !stopped && t.stopped:
		why := t.why
		*t = told{}
		return Event{Event: Go, Why: why.String(), From: now, Until: instant(s.Until)}, true
	case next != nil && t.soon != next.From.Unix():
		t.soon = next.From.Unix()
		return Event{Event: Soon, Why: next.Clock.String(), From: next.From, Until: instant(next.Until)}, true
	}
	return Event{}, false
}

// moved says that the end that was told holds no longer. While minutes are left of something else, each that nobody uses
// puts off when there may be a change: that is told once the end is reached.
func (t *told) moved(now time.Time, s policy.Stop) bool {
	switch {
	case s.Until == t.until:
		return false
	case t.until == 0 || s.Clock == policy.Paused:
		return true
	}
	return s.Until != 0 && s.Until < t.until || now.Unix() >= t.until
}

// lastMinutes gives the events of quotas that are nearly used up, once each in a day.
func (l *device) lastMinutes(now time.Time, quotas []policy.QuotaState) (found []Event) {
	for _, q := range quotas {
		whose := q.Person + "/" + q.Of
		next, comes := q.Coming(now)
		if !comes || l.warned[whose].Equal(q.Resets) {
			continue
		}
		l.warned[whose] = q.Resets
		found = append(found, Event{Event: Soon, What: what(next.Timed), Why: next.Clock.String(), Quota: q.Of, From: next.From, Until: q.Resets})
	}
	return found
}

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
