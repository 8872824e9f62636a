package querylog

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/store"
)

// ActivityConfig is what an Activity stands on.
type ActivityConfig struct {
	Store     *store.Bolt
	Directory func() *policy.Directory // in force
	Here      Presence                 // nil: nobody knows which devices are at home
	Now       func() time.Time         // nil: time.Now
	Log       *slog.Logger             // nil: nothing is logged. It gets no name of a person or a site
}

// Presence says whether a device is at home; false for known where nobody knows.
type Presence func(household, device string) (here, known bool)

// Query is one query of which something may be remembered. Its Name is the caller's again after Observe.
type Query struct {
	Time       int64 // unix seconds
	Client     policy.Client
	Decision   policy.Decision
	Categories blocklists.Categories
	Memory     policy.Memory
	Name       blocklists.Name
	Countries  []string // in which its addresses lie, of a thing that learns
}

// Activity remembers what the bands and logs allow, and no more: sums by day, few names, and signs that parents should
// know of. What it is told waits in memory and is written to the store every few seconds, one partition a person and
// day. It is a prometheus.Collector (hearth_activity_*) and safe for concurrent use.
type Activity struct {
	cfg ActivityConfig

	mu         sync.Mutex
	waiting    map[store.Partition]map[string]*tally
	records    int // that wait
	things     map[device]*hearing
	findings   []finding
	companions policy.Companions
	attempts   policy.Attempts
	sightings  policy.Sightings

	writing sync.Mutex // held while what waited is written
	dropped store.Day  // the day at which partitions were dropped last

	lost    atomic.Uint64 // records, for want of room
	unkept  atomic.Uint64 // records that the store did not take
	notices atomic.Uint64 // beyond those of a household
}

// device is one of a household.
type device struct{ household, name string }

// NewActivity returns an Activity; it writes once Run runs.
func NewActivity(cfg ActivityConfig) *Activity {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Activity{cfg: cfg, waiting: map[store.Partition]map[string]*tally{}, things: map[device]*hearing{}}
}

// Observe takes a query. It waits for nobody's disk.
func (a *Activity) Observe(q *Query) {
	h := q.Client.Household
	if q.Memory == policy.Forget || h == nil {
		return
	}
	x := &heard{Query: q, at: time.Unix(q.Time, 0).In(h.Location), person: q.Client.Person()}
	x.name, x.domain = spell(q.Name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count(x)
	if v := q.Client.Device; v != nil && q.Client.Profile.Counts() && !q.Client.Assumed {
		a.sightings.Saw(h.ID, v.Name, q.Time)
	}
	if q.Memory == policy.Names {
		a.note(x)
	}
	a.signs(x)
}

// heard is a query with what is found out of it.
type heard struct {
	*Query
	at           time.Time // in the household's zone
	person       string
	name, domain string // in text; "" where it is no name of hosts
}

// maxText bounds the names that are kept in text: with what stands before, they are part of a key of 255 octets.
const maxText = 160

// spell gives a name in text and its registered domain. A longer name than is kept is cut to that.
func spell(n blocklists.Name) (name, domain string) {
	name = n.String()
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		domain = name // a public suffix, or a single label
	}
	if len(name) > maxText {
		name = domain
	}
	if len(name) > maxText {
		return "", ""
	}
	return name, domain
}

// verdict is what became of a query, as activity tells it.
func (x *heard) verdict() string {
	switch d := &x.Decision; {
	case d.Blocks():
		return "blocked"
	case d.Action == policy.Block || d.Action == policy.Warn:
		return "observed" // it would have been
	}
	return "allowed"
}

// causes are the categories that the sums tell: of what was allowed what it is for, of what was blocked why.
func (x *heard) causes() []string {
	d, p := &x.Decision, x.Client.Profile
	if d.Action == policy.Allow {
		return p.Told(x.Categories)
	}
	if d.Clock == policy.Paused || d.Clock == policy.QuotaUsed {
		return []string{d.Clock.String()}
	}
	if d.HasCategory && d.Clock == policy.NoClock {
		var one blocklists.Categories
		one.Add(d.Category)
		return p.Told(one)
	}
	return []string{d.Step.String()}
}
