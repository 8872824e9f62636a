package policy

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Log is a person's log of names, which a parent asked for: of blocked ones, or with Full of all but those
// that are remembered for nobody. The band says whether there may be one, and what has to come before it begins.
type Log struct {
	Member string `json:"member"`
	Full   bool   `json:"full"`
	At     int64  `json:"at"`    // when it was asked for
	Until  int64  `json:"until"` // at most MaxLog after it can begin
	By     string `json:"by,omitempty"`
	// Told is when the person was shown that there will be a log, Confirmed when they agreed; 0: not yet.
	Told      int64 `json:"told,omitempty"`
	Confirmed int64 `json:"confirmed,omitempty"`
}

const (
	// MaxLog is the longest log, and the longest time that any name is kept.
	MaxLog = 7 * 24 * time.Hour
	// LogNotice is how long those of 13 to 15 know of a log before it begins.
	LogNotice = 24 * time.Hour
)

// Check says what is wrong with a log for somebody of a band, nil if it may be.
func (l *Log) Check(b Band) error {
	length := time.Duration(l.Until-l.At) * time.Second
	if b == Teen {
		length -= LogNotice
	}
	switch {
	case !b.Minor():
		return errors.New("an adult's queries are not logged, nor can they be")
	case length <= 0 || length > MaxLog:
		return fmt.Errorf("a log is kept for at most 7 days: write for how long, such as 3d or %d d", int(MaxLog.Hours()/24))
	}
	return nil
}

// Begins is when the log is in force for somebody of a band, in unix seconds; 0: not before they have been told, or
// at 16 and 17 have agreed.
func (l *Log) Begins(b Band) int64 {
	switch {
	case !b.Minor() || b == Teen && l.Told == 0 || b == Young && l.Confirmed == 0:
		return 0
	case b == Teen:
		return max(l.At, l.Told) + int64(LogNotice/time.Second)
	case b == Young:
		return max(l.At, l.Confirmed)
	}
	return l.At
}

// InForce says whether the log of somebody of a band is kept at an instant.
func (l *Log) InForce(b Band, now int64) bool {
	begins := l.Begins(b)
	return begins != 0 && begins <= now && now < min(l.Until, begins+int64(MaxLog/time.Second))
}

// Banner says that whoever the log is of has to see on every page that there is one, or will be.
func (l *Log) Banner(now int64) bool { return now < l.Until }

// openLog is a log compiled.
type openLog struct {
	Log
	member *Member
}

// logs is where a household keeps its logs; nearly all have none.
type logs struct{ open atomic.Pointer[[]openLog] }

// keepLogs puts logs in place of those before. Those of nobody, and those that may not be, are left out.
func (h *Household) keepLogs(all []Log) {
	var open []openLog
	for _, l := range all {
		for _, m := range h.Members {
			if m.Name == l.Member && l.Check(m.Band) == nil {
				open = append(open, openLog{l, m})
			}
		}
	}
	if len(open) == 0 {
		h.open.Store(nil)
		return
	}
	h.open.Store(&open)
}

// Remembers says how much of a query of the client may be remembered: what the band of the profile allows, more where
// a log is in force for the one member whose query it is; of a device that nobody knows at most totals; and nothing of
// who belongs to no household or has not opted in. 0 allocations.
func (c *Client) Remembers(q *Question, d Decision, now time.Time) Memory {
	if c.Household == nil || c.Profile == nil || c.Status == OptedOut {
		return Forget
	}
	if open := c.Household.open.Load(); open != nil && c.Member != nil && !c.Assumed && c.logged(*open, &d, now.Unix()) {
		return c.Profile.most(&q.Match.Categories, &d)
	}
	if c.Profile.memory|c.Profile.alarms == Forget {
		return Forget
	}
	m := c.Profile.Remembers(q, d)
	if c.Status != Known || c.Assumed {
		m = min(m, Totals)
	}
	return m
}

// logged says whether a log of the client's member has the query.
func (c *Client) logged(open []openLog, d *Decision, now int64) bool {
	for i := range open {
		l := &open[i]
		if l.member == c.Member && (l.Full || d.Blocks()) && l.InForce(l.member.Band, now) {
			return true
		}
	}
	return false
}

// Logs gives the logs of the household that have not ended.
func (h *Household) Logs(now int64) []Log {
	var all []Log
	if open := h.open.Load(); open != nil {
		for _, l := range *open {
			if l.Banner(now) {
				all = append(all, l.Log)
			}
		}
	}
	return all
}

// The names under which activity lies that is nobody's alone. No member may be called so.
const (
	personDevice = "device:"
	PersonGuests = "guests:"
)

// Person is the name under which a client's activity lies: the member, else the device, else that of all guests.
func (c *Client) Person() string {
	switch {
	case c.Assumed:
		return PersonGuests
	case c.Member != nil:
		return c.Member.Name
	case c.Device != nil:
		return PersonOfDevice(c.Device.Name)
	}
	return PersonGuests
}

// PersonOfDevice is the name under which the activity of a device lies that is not one member's alone.
func PersonOfDevice(name string) string { return personDevice + name }

// nameable says whether activity and state can lie under the name of a member or device.
func nameable(name string) bool {
	return len(name) <= maxPersonName && !strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r < ' ' || r == 0x7f }) &&
		!strings.HasPrefix(name, personDevice) && name != PersonGuests
}

// maxPersonName bounds the name of a member or device in octets: with what is put before it, it is part of a key of 255.
const maxPersonName = 200

// RecordID makes the id of a record in a store of what people call somebody or something.
func RecordID(name string) string {
	id := url.PathEscape(name)
	if len(id) > maxRecordID {
		id = id[:maxRecordID]
	}
	return strings.ToValidUTF8(id, "")
}

// maxRecordID is the longest id that a store takes, in octets.
const maxRecordID = 255
