package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

const (
	replayedNames = 100_000 // that are told apart, of all clients together: some 20 MB
	replayedShown = 20      // names of one change, the most frequent
	reasonsShown  = 3       // why a line cannot be read, the first
)

// replay judges a day of queries by two policies.
type replay struct {
	before  *policy.Directory // nil: nothing is filtered
	after   *policy.Directory
	day     time.Time // to which times of day belong
	clients map[string]*replayed
	names   int
	result  simulation
}

// simulation is what a day of queries comes to.
type simulation struct {
	Queries    int         `json:"queries"`
	Unreadable int         `json:"unreadable_lines"`
	Reasons    []string    `json:"reasons"`              // why the first of them cannot be read
	Strangers  int         `json:"queries_of_strangers"` // which would be refused
	Unnamed    int         `json:"changes_not_named"`    // beyond the names that are kept
	Clients    []*replayed `json:"clients"`
}

// replayed is what it comes to for one person, device or guest.
type replayed struct {
	Who      string     `json:"who"`
	Queries  int        `json:"queries"`
	Before   int        `json:"stopped_before"`
	After    int        `json:"stopped_after"`
	Observed int        `json:"observed"` // would be stopped after, if it was applied
	Silent   int        `json:"security"` // of the changes, those that are not named: security and the law
	Closed   []*renamed `json:"newly_stopped"`
	Opened   []*renamed `json:"no_longer_stopped"`
	changes  map[change]*renamed
}

// change is what is told apart.
type change struct {
	name   string
	opened bool
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
	for _, c := range r.clients {
		c.sort()
		r.result.Clients = append(r.result.Clients, c)
	}
	slices.SortFunc(r.result.Clients, func(a, b *replayed) int { return strings.Compare(a.Who, b.Who) })
	return &r.result, nil
}

func (r *replay) line(words []string) error {
	if len(words) != 3 {
		return fmt.Errorf("%d words: write TIME CLIENT NAME", len(words))
	}
	client, err := r.after.Find(words[1])
	if err != nil {
		return fmt.Errorf("%w", err)
	}
	name, err := blocklists.ParseName(words[2])
	if err != nil {
		return fmt.Errorf("%q is no name: %w", words[2], err)
	}
	at, err := r.at(words[0], client)
	if err != nil {
		return err
	}
	if r.result.Queries++; client.Profile == nil {
		r.result.Strangers++
		return nil
	}
	r.judge(words[1], client.Now(at), name, at)
	return nil
}

// at reads a time of day in the client's zone, or RFC 3339.
func (r *replay) at(text string, c policy.Client) (time.Time, error) {
	loc := r.day.Location()
	if c.Household != nil {
		loc = c.Household.Location
	}
	if of, err := time.Parse("15:04:05", text); err == nil {
		y, m, d := r.day.Date()
		return time.Date(y, m, d, of.Hour(), of.Minute(), of.Second(), 0, loc), nil
	}
	return policy.ParseAt(text, r.day, loc) //nolint:wrapcheck // it says what to write
}

// judge decides by both policies, and notes what differs.
func (r *replay) judge(client string, c policy.Client, name blocklists.Name, at time.Time) {
	var h blocklists.Hashes
	q := r.after.Ask(name, &h)
	now := c.Decide(&q, at)
	c.Count(&q, now, at)
	was := policy.Decision{Action: policy.Allow, Applied: true}
	old, wasHome := c, false
	if r.before != nil {
		was.Action, was.Applied = policy.Block, true // a stranger was refused
		if found, err := r.before.Find(client); err == nil && found.Profile != nil {
			old, wasHome = found.Now(at), true
			before := r.before.Ask(name, &h)
			was = old.Decide(&before, at)
			old.Count(&before, was, at)
		}
	}
	one := r.client(c)
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
	case now.Silent || was.Silent:
		one.Silent++
	case now.Blocks():
		r.note(one, change{name.String(), false}, c.Profile, now, at)
	case wasHome:
		r.note(one, change{name.String(), true}, old.Profile, was, at)
	default:
		r.note(one, change{name.String(), true}, nil, was, at)
	}
}

func (r *replay) client(c policy.Client) *replayed {
	who := c.Household.ID + "/unknown devices"
	switch {
	case c.Member != nil:
		who = c.Household.ID + "/" + c.Member.Name
	case c.Device != nil:
		who = c.Household.ID + "/" + c.Device.Name
	}
	if r.clients[who] == nil {
		r.clients[who] = &replayed{Who: who, changes: map[change]*renamed{}}
	}
	return r.clients[who]
}

// note remembers a change, while there is room for its name.
func (r *replay) note(c *replayed, k change, p *policy.Profile, d policy.Decision, at time.Time) {
	one := c.changes[k]
	if one == nil {
		if r.names++; r.names > replayedNames {
			r.result.Unnamed++
			return
		}
		why := "was refused, as nobody's client"
		if p != nil {
			why = because(p, d)
		}
		one = &renamed{Name: k.name, Why: why, First: at}
		c.changes[k] = one
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

// sort brings the names in order, the most frequent first, and keeps those that are shown.
func (c *replayed) sort() {
	for k, one := range c.changes {
		if k.opened {
			c.Opened = append(c.Opened, one)
		} else {
			c.Closed = append(c.Closed, one)
		}
	}
	for _, list := range []*[]*renamed{&c.Closed, &c.Opened} {
		slices.SortFunc(*list, func(a, b *renamed) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
		})
		*list = append([]*renamed{}, (*list)[:min(len(*list), replayedShown)]...)
	}
}
