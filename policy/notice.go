package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// NoticeKind is what a notice is about. The set is closed.
type NoticeKind string

// The kinds.
const (
	// NoticeBypass: a child's device asked for several names that lead round the filter within an hour.
	NoticeBypass NoticeKind = "bypass"
	// NoticeSelfHarm: somebody of 10 to 12 looked for self-harm on different days. The name is never in it.
	NoticeSelfHarm NoticeKind = "selfharm"
	// NoticeDestination: a thing whose list is confirmed asked for a name that is not on it.
	NoticeDestination NoticeKind = "destination"
	// NoticeLearned: the days of learning of a thing are over, and what it learned waits for a parent.
	NoticeLearned NoticeKind = "learned"
)

// Notice is something that parents should know of. One about a child is seen by the child first.
type Notice struct {
	ID         string     `json:"id"`
	Kind       NoticeKind `json:"kind"`
	Member     string     `json:"member,omitempty"`
	Device     string     `json:"device,omitempty"`
	At         int64      `json:"at"`             // from when on the child can see it on their own page
	Seen       int64      `json:"seen,omitempty"` // when the child did; 0: not yet
	Name       string     `json:"name,omitempty"` // of a destination
	Categories []string   `json:"categories,omitempty"`
}

// KindNotice is the kind of the records of a store that are Notices.
const KindNotice = "notice"

const (
	// ChildFirst is how long a notice about a child is the child's alone, unless the child sees it sooner.
	ChildFirst = 24 * time.Hour
	// KeepNotices is how long notices are kept.
	KeepNotices = 7 * 24 * time.Hour
	// MaxNotices is how many are kept of a household, of all kinds.
	MaxNotices = 100
)

// Room is how many of a kind are kept of a household, so that those about things never take the place of a child's.
func (k NoticeKind) Room() int {
	switch k {
	case NoticeBypass, NoticeDestination:
		return 30
	case NoticeSelfHarm, NoticeLearned:
		return 20
	}
	return 0
}

// Over says that the notice is kept no longer.
func (n *Notice) Over(now int64) bool { return now-n.At >= int64(KeepNotices/time.Second) }

// ShownFrom is when parents see the notice, in unix seconds.
func (n *Notice) ShownFrom() int64 {
	after := n.At + int64(ChildFirst/time.Second)
	switch {
	case n.Member == "":
		return n.At
	case n.Seen != 0:
		return min(n.Seen, after)
	}
	return after
}

// Text says it in English. It accuses nobody.
func (n *Notice) Text() string {
	switch n.Kind {
	case NoticeBypass:
		return n.Device + " asked for several VPN or proxy sites within an hour. This may be a school or work program. They were blocked. If it belongs to a school or to work, write use: school or use: work at the device."
	case NoticeSelfHarm:
		return n.Member + " looked for something on several days that may mean that they are not well. The sites were blocked, and help was shown first. Talk with them, calmly and without blame; they have been told that you know."
	case NoticeDestination:
		what := "on no list"
		if len(n.Categories) > 0 {
			what = strings.Join(n.Categories, ", ")
		}
		return fmt.Sprintf("%s asked for a new destination, %s (%s). It was blocked.", n.Device, n.Name, what)
	case NoticeLearned:
		return n.Device + " has stopped learning and gets only what a parent has confirmed: hearth device sheet shows what it asked for, hearth device confirm lets it through."
	}
	return ""
}

const (
	// attemptNames is how many different sites that lead round the filter make a notice, and attemptSpan in how
	// many seconds. Programs ask for one or two by themselves (docs/privacy.md has the measurement).
	attemptNames = 5
	attemptSpan  = 3600
	// attemptRest is how long a device is left alone after a notice.
	attemptRest = 24 * 3600
	maxAttempts = 1000 // devices
)

// Attempts notices devices that ask for several names which lead round the filter. It is in memory alone.
type Attempts struct{ devices map[string]*attempt }

type attempt struct {
	asked    [attemptNames]asked
	last     int64
	reported int64
}

type asked struct {
	domain string
	at     int64
}

// Asked notes a blocked name, by its registered domain, and says whether a notice is due.
func (a *Attempts) Asked(device, domain string, at int64) bool {
	if a.devices == nil {
		a.devices = map[string]*attempt{}
	}
	d := a.devices[device]
	if d == nil {
		if len(a.devices) >= maxAttempts {
			delete(a.devices, oldest(a.devices, func(d *attempt) int64 { return d.last }))
		}
		d = new(attempt)
		a.devices[device] = d
	}
	d.last = at
	d.note(domain, at)
	if d.reported != 0 && at-d.reported < attemptRest {
		return false
	}
	for _, x := range d.asked {
		if x.domain == "" || at-x.at >= attemptSpan {
			return false
		}
	}
	d.reported = at
	return true
}

// note puts a domain in the place that it has already, or else of the one asked for least lately.
func (d *attempt) note(domain string, at int64) {
	place := 0
	for i, x := range d.asked {
		if x.domain == domain {
			place = i
			break
		}
		if x.at < d.asked[place].at {
			place = i
		}
	}
	d.asked[place] = asked{domain, at}
}

// Forget forgets HOUSEHOLD/DEVICE, or with HOUSEHOLD/ all devices of it.
func (a *Attempts) Forget(device string) { forget(a.devices, device) }

// Evades says that a decision kept somebody of up to 12 years from the site of a VPN or proxy, on a device that is theirs
// alone and belongs to no school or work. Resolvers of encrypted DNS do not count, because browsers look for them by
// themselves, nor remote control, which is mostly a helper's; canaries are answered before. Nor does a name that is not
// a site's own, which a program in the background asks for.
func (c *Client) Evades(d Decision, name, domain string) bool {
	if c.Status != Known || c.Assumed || c.Member == nil || c.Device == nil || c.Device.Use != "" || !d.Blocks() || !d.HasCategory {
		return false
	}
	g, band := c.Profile.ground, c.Profile.band
	return band.Minor() && band <= Preteen && g.taxonomy.ID(g.shown[d.Category]) == "bypass.vpn" && Site(name, domain)
}

// Site says whether a name is a site's own: what a person goes to, not what a page needs.
func Site(name, domain string) bool { return name == domain || name == "www."+domain }

// Grieves says that a decision kept somebody of 10 to 12 years from a site of self-harm, on a device that is theirs alone.
func (c *Client) Grieves(d Decision, names blocklists.Categories, name, domain string) bool {
	return c.Status == Known && !c.Assumed && c.Member != nil && c.Profile.band == Preteen && d.Blocks() && has(&names, c.Profile.ground.selfharm) && Site(name, domain)
}
