package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

const (
	replayedNames = 100_000 // names and strangers that are told apart, of all clients together: some 20 MB
	replayedShown = 20      // names of one change, or strangers, the most frequent
	reasonsShown  = 3       // why a line cannot be read, the first
)

// replay judges a day of queries by two policies.
type replay struct {
	before    *policy.Directory // nil: nothing is filtered
	after     *policy.Directory
	day       time.Time // to which times of day belong
	given     bool      // the day was: it is the same date for everybody; else it is where the client is at home
	clients   map[string]*replayed
	strangers map[string]*stranger
	kept      int // names and strangers
	result    simulation
}

// simulation is what a day of queries comes to.
type simulation struct {
	Queries       int         `json:"queries"`
	Unreadable    int         `json:"unreadable_lines"`
	Reasons       []string    `json:"reasons"`              // why the first of them cannot be read
	Strange       int         `json:"queries_of_strangers"` // whose clients are nobody's after
	Strangers     []*stranger `json:"strangers"`            // those that were somebody's before, the most frequent
	MoreStrangers int         `json:"more_strangers"`
	Unnamed       int         `json:"queries_not_named"` // with a change beyond the names that are told apart
	Clients       []*replayed `json:"clients"`
}

// stranger is a client that is nobody's after.
type stranger struct {
	Client  string `json:"client"` // as it stands in the file, without the id of a device
	Before  string `json:"before"` // whose it was; "" if nothing was filtered
	Queries int    `json:"queries"`
}

// replayed is what it comes to for one person, device or guest.
type replayed struct {
	Who      string `json:"who"`
	Queries  int    `json:"queries"`
	Before   int    `json:"stopped_before"`
	After    int    `json:"stopped_after"`
	Observed int    `json:"observed"` // would be stopped after, if it was applied
	Silent   int    `json:"security"` // of the changes, those that are not named: security and the law
	Closed   shift  `json:"newly_stopped"`
	Opened   shift  `json:"no_longer_stopped"`
	Led      shift  `json:"led_elsewhere"` // by safe search, or by it no longer
}

// shift is what changed in one way.
type shift struct {
	Queries int        `json:"queries"`
	Count   int        `json:"names"`
	Names   []*renamed `json:"most_frequent"`
	all     map[string]*renamed
}

// renamed is a name that is answered differently.
type renamed struct {
	Name  string    `json:"name"`
	Count int       `json:"count"`
	Why   string    `json:"why"`
	First time.Time `json:"first"`
}

// run replays lines of time, client and name.
func (r *replay) run(lines io.Reader) (*simulation, error) {
	r.clients, r.strangers = map[string]*replayed{}, map[string]*stranger{}
	in := bufio.NewScanner(lines)
	for n := 1; in.Scan(); n++ {
		text, _, _ := strings.Cut(in.Text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := r.line(strings.Fields(text)); err != nil {
			if r.result.Unreadable++; r.result.Unreadable <= reasonsShown {
				r.result.Reasons = append(r.result.Reasons, fmt.Sprintf("line %d: %v", n, err))
			}
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading queries: %w", err)
	}
	if r.result.Queries == 0 {
		if len(r.result.Reasons) > 0 {
			return nil, errors.New(r.result.Reasons[0])
		}
		return nil, errors.New("there are no queries: write lines of TIME CLIENT NAME, such as \"16:05 192.168.1.20 example.com\"")
	}
	return r.sum(), nil
}

func (r *replay) line(words []string) error {
	if len(words) != 3 {
		return fmt.Errorf("%d words: write TIME CLIENT NAME", len(words))
	}
	was, now, err := r.find(words[1])
	if err != nil {
		return err
	}
	name, err := blocklists.ParseName(words[2])
	if err != nil {
		return fmt.Errorf("%q is no name: %w", words[2], err)
	}
	at, err := r.at(words[0], now)
	if err != nil {
		return err
	}
	if r.result.Queries++; now.Profile == nil {
		r.result.Strange++
		r.meet(words[1], was)
		return nil
	}
	r.judge(was, now, name, at)
	return nil
}

// find finds a client before and after: the zero Client where it is nobody's, or nothing was filtered.
func (r *replay) find(text string) (was, now policy.Client, err error) {
	now, err = r.after.Find(text)
	if r.before == nil {
		return was, now, err
	}
	if was, _ = r.before.Find(text); was.Profile != nil { // a name that only the one before has is a stranger's
		err = nil
	}
	return was, now, err
}

// at reads a time of day in the client's zone, on the one day of the file, or RFC 3339.
func (r *replay) at(text string, c policy.Client) (time.Time, error) {
	loc := r.day.Location()
	if c.Household != nil {
		loc = c.Household.Location
	}
	day := r.day
	if !r.given {
		day = day.In(loc)
	}
	if of, err := time.Parse("15:04:05", text); err == nil {
		y, m, d := day.Date()
		return time.Date(y, m, d, of.Hour(), of.Minute(), of.Second(), 0, loc), nil
	}
	if of, err := time.Parse("15:04", text); err == nil {
		text = day.Format(time.DateOnly) + of.Format(" 15:04")
	}
	return policy.ParseAt(text, r.day, loc) //nolint:wrapcheck // it says what to write
}

// meet remembers a stranger that was served before.
func (r *replay) meet(client string, was policy.Client) {
	if r.before != nil && was.Profile == nil {
		return
	}
	if strings.HasPrefix(client, "id:") {
		client = "id:…"
	}
	s := stranger{Client: client}
	if r.before != nil {
		s.Before = whoIs(was)
	}
	key := s.Client + " " + s.Before
	one := r.strangers[key]
	if one == nil {
		if !r.room() {
			return
		}
		one = &s
		r.strangers[key] = one
	}
	one.Queries++
}

// room is whether one more can be told apart; if not, its query is counted.
func (r *replay) room() bool {
	if r.kept >= replayedNames {
		r.result.Unnamed++
		return false
	}
	r.kept++
	return true
}

// outcome is what becomes of a query.
type outcome struct {
	policy.Decision
	led string // the host to which safe search leads, "" for none
	why string // it is stopped
}

// outcomeOf decides by a policy, and counts it.
func outcomeOf(d *policy.Directory, c policy.Client, name blocklists.Name, at time.Time) (o outcome) {
	var h blocklists.Hashes
	q := d.Ask(name, &h)
	c = c.Now(at)
	x, safe := d.Safe(&c, &q, c.Decide(&q, at), at)
	c.Count(&q, x, at)
	if o.Decision = x; x.Blocks() {
		o.why = because(c.Profile, x)
	} else if safe != nil {
		o.led = safe.Target.String()
	}
	return o
}

// judge decides by both policies, and notes what differs.
func (r *replay) judge(before, after policy.Client, name blocklists.Name, at time.Time) {
	now := outcomeOf(r.after, after, name, at)
	was := outcome{Decision: policy.Decision{Action: policy.Allow, Applied: true}}
	switch {
	case r.before == nil:
	case before.Profile != nil:
		was = outcomeOf(r.before, before, name, at)
	default:
		was.Action, was.why = policy.Block, "was refused, as nobody's client"
	}
	one := r.client(after)
	one.Queries++
	if was.Blocks() {
		one.Before++
	}
	if now.Blocks() {
		one.After++
	}
	if !now.Applied && (now.Action == policy.Block || now.Action == policy.Warn) {
		one.Observed++
	}
	switch {
	case was.Blocks() == now.Blocks():
		if was.led != now.led {
			r.note(&one.Led, name, "to "+cmp.Or(now.led, "itself"), at)
		}
	case now.Silent || was.Silent:
		one.Silent++
	case now.Blocks():
		r.note(&one.Closed, name, now.why, at)
	default:
		r.note(&one.Opened, name, was.why, at)
	}
}

func (r *replay) client(c policy.Client) *replayed {
	who := whoIs(c)
	if r.clients[who] == nil {
		r.clients[who] = &replayed{Who: who}
	}
	return r.clients[who]
}

// whoIs names the person of a served client, or the device, or the household.
func whoIs(c policy.Client) string {
	switch {
	case c.Member != nil:
		return c.Household.ID + "/" + c.Member.Name
	case c.Device != nil:
		return c.Household.ID + "/" + c.Device.Name
	}
	return c.Household.ID + "/unknown devices"
}

// note remembers a change, while there is room for its name.
func (r *replay) note(s *shift, name blocklists.Name, why string, at time.Time) {
	s.Queries++
	text := name.String()
	one := s.all[text]
	if one == nil {
		if !r.room() {
			return
		}
		if s.all == nil {
			s.all = map[string]*renamed{}
		}
		one = &renamed{Name: text, Why: why, First: at}
		s.all[text] = one
	}
	one.Count++
}

// because says in a few words what stopped a name.
func because(p *policy.Profile, d policy.Decision) string {
	words := []string{d.Step.String()}
	if d.Rule != nil {
		words = append(words, d.Rule.String())
	} else if cause := p.Cause(d); cause != "" {
		words = append(words, cause)
	}
	if d.Clock == policy.QuotaUsed || d.Clock == policy.Paused {
		words = append(words, d.Clock.String())
	}
	return strings.Join(words, " ")
}

// sum brings all in order, the most frequent first, and keeps what is shown.
func (r *replay) sum() *simulation {
	s := &r.result
	s.Clients = slices.SortedFunc(maps.Values(r.clients), func(a, b *replayed) int { return strings.Compare(a.Who, b.Who) })
	for _, c := range s.Clients {
		for _, of := range []*shift{&c.Closed, &c.Opened, &c.Led} {
			of.Count = len(of.all)
			of.Names = slices.SortedFunc(maps.Values(of.all), func(a, b *renamed) int {
				return cmp.Or(b.Count-a.Count, strings.Compare(a.Name, b.Name))
			})
			of.Names = append([]*renamed{}, of.Names[:min(len(of.Names), replayedShown)]...)
		}
	}
	met := slices.SortedFunc(maps.Values(r.strangers), func(a, b *stranger) int {
		return cmp.Or(b.Queries-a.Queries, strings.Compare(a.Client, b.Client), strings.Compare(a.Before, b.Before))
	})
	s.Strangers = append([]*stranger{}, met[:min(len(met), replayedShown)]...)
	s.MoreStrangers = len(met) - len(s.Strangers)
	return s
}
