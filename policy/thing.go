package policy

import (
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Thing is what a device of the band things may ask for besides the allow-list of its profile. What a category blocks,
// trackers among them, stays blocked.
type Thing struct {
	Device   string
	Learning bool     // all that no category blocks
	Names    []string // these, with all beneath, which a parent confirmed
}

// Learned is what a thing was heard to ask for while it learned, and what of that a parent confirmed.
type Learned struct {
	Device string `json:"device"`
	// Since and Until are the days of learning, in unix seconds. They end by themselves: from then on the thing gets what
	// was confirmed, and before anybody has confirmed anything no more than any thing.
	Since int64  `json:"since"`
	Until int64  `json:"until"`
	By    string `json:"by,omitempty"` // who began it

	Names []Destination `json:"names"`
	More  bool          `json:"more,omitempty"` // there were more than MaxDestinations

	Confirmed   []string `json:"confirmed,omitempty"`
	ConfirmedAt int64    `json:"confirmed_at,omitempty"`
	ConfirmedBy string   `json:"confirmed_by,omitempty"`
}

// Destination is a name that a thing asked for, or where it asked for many beneath one registered domain, that domain.
type Destination struct {
	Name       string   `json:"name"`
	Categories []string `json:"categories,omitempty"`
	Count      uint64   `json:"count"`
	First      int64    `json:"first"`
	Last       int64    `json:"last"`
}

const (
	// MaxDestinations bounds what is learned of a thing. Toys and cameras talk to 5 to 50 names, televisions to 200.
	MaxDestinations = 250
	// manyBeneath is when names beneath one registered domain are taken for ever new ones of one service.
	manyBeneath = 12
	// DefaultLearning and MaxLearning are how long a thing learns.
	DefaultLearning = 7 * 24 * time.Hour
	MaxLearning     = 30 * 24 * time.Hour
)

// Thing is what of it is in force at an instant.
func (l *Learned) Thing(now int64) Thing {
	return Thing{Device: l.Device, Learning: l.Learning(now), Names: l.Confirmed}
}

// Learning says whether the thing learns at an instant.
func (l *Learned) Learning(now int64) bool { return l.Since <= now && now < l.Until }

// Waiting lists what was heard and is not confirmed.
func (l *Learned) Waiting() []string {
	var names []string
	for _, d := range l.Names {
		if !slices.ContainsFunc(l.Confirmed, func(c string) bool { return beneath(d.Name, c) }) {
			names = append(names, d.Name)
		}
	}
	return names
}

// Hear notes that the thing asked for a name of a registered domain. Names beneath a domain that it asks for in many
// names become that domain.
func (l *Learned) Hear(name, domain string, categories []string, at int64) {
	for i := range l.Names {
		if d := &l.Names[i]; beneath(name, d.Name) { // what is confirmed holds for all beneath
			d.Count++
			d.First, d.Last = min(d.First, at), max(d.Last, at)
			return
		}
	}
	if len(l.Names) >= MaxDestinations {
		l.More = true
		return
	}
	l.Names = append(l.Names, Destination{Name: name, Categories: categories, Count: 1, First: at, Last: at})
	l.collapse(domain)
}

// collapse makes one of many names beneath a domain.
func (l *Learned) collapse(domain string) {
	var sum Destination
	n := 0
	for _, d := range l.Names {
		if !beneath(d.Name, domain) {
			continue
		}
		if n++; n == 1 {
			sum.First = d.First
		}
		sum.Count += d.Count
		sum.First, sum.Last = min(sum.First, d.First), max(sum.Last, d.Last)
		for _, c := range d.Categories {
			if !slices.Contains(sum.Categories, c) {
				sum.Categories = append(sum.Categories, c)
			}
		}
	}
	if n < manyBeneath {
		return
	}
	l.Names = slices.DeleteFunc(l.Names, func(d Destination) bool { return beneath(d.Name, domain) })
	sum.Name = domain
	l.Names = append(l.Names, sum)
}

// beneath says whether a name is a domain or lies beneath it.
func beneath(name, domain string) bool {
	n := len(name) - len(domain)
	return n >= 0 && name[n:] == domain && (n == 0 || name[n-1] == '.')
}

// teach has a spec of the band things follow what its device learned.
func (s *spec) teach(t Thing) {
	s.learned = slices.Sorted(slices.Values(t.Names))
	if t.Learning {
		s.allowList, s.unknown = false, unknownAllow
	}
}

// learned compiles the names that an allow-list has besides its categories.
func (b *compiler) learned(s *spec) *ruleSet {
	if len(s.learned) == 0 || !s.allowList {
		return nil
	}
	rules := make([]ownRule, 0, len(s.learned))
	for _, name := range s.learned {
		rules = append(rules, ownRule{name: name, allow: true})
	}
	return b.rules(s.name, rules)
}

// knows says that a name was learned.
func (p *Profile) knows(h *blocklists.Hashes) bool {
	if p.learned == nil {
		return false
	}
	rule, _ := p.learned.winner(h.H[:h.N])
	return rule != nil
}

// Listed says that the profile is an allow-list: of the youngest, and of things that do not learn.
func (p *Profile) Listed() bool { return p.allowList }

// liftVPN lets through what takes a device into the network of a school or of work.
func (b *compiler) liftVPN(s *spec) {
	if c, ok := b.ground.taxonomy.Lookup("bypass.vpn"); ok {
		s.cells[c] = cellAllow
		s.list(b.ground.newNames)
	}
}
