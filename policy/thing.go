package policy

import (
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Thing is what a device of the band things may ask for besides the allow-list of its profile, and what of that it may
// not. What a category blocks, trackers among them, stays blocked. Of two names that cover a third the longer counts.
type Thing struct {
	Device   string
	Learning bool     // all that no category blocks
	Taught   bool     // a parent has confirmed what it may ask for
	Names    []string // that, with all beneath
	Declined []string // what a parent has declined, with all beneath: also while it learns, and of categories on the allow-list
}

// Learned is when a thing learns what it needs, and what a parent confirmed of it.
type Learned struct {
	Device string `json:"device"`
	// Since and Until are the days of learning, in unix seconds. They end by themselves: from then on the thing gets what
	// was confirmed, and before anybody has confirmed anything no more than any thing.
	Since int64  `json:"since"`
	Until int64  `json:"until"`
	By    string `json:"by,omitempty"`    // who began it
	Ended bool   `json:"ended,omitempty"` // that the days are over was noticed

	Confirmed   []string `json:"confirmed,omitempty"`
	ConfirmedAt int64    `json:"confirmed_at,omitempty"`
	ConfirmedBy string   `json:"confirmed_by,omitempty"`
	Declined    []string `json:"declined,omitempty"` // what it asked for and a parent declined, with all beneath
}

// Heard is what a thing asked for while it learned.
type Heard struct {
	Device string        `json:"device"`
	Names  []Destination `json:"names"`
	More   bool          `json:"more,omitempty"` // there were more than MaxDestinations
}

// Destination is a name that a thing asked for, or where it asked for many beneath one registered domain, that domain.
type Destination struct {
	Name       string   `json:"name"`
	Categories []string `json:"categories,omitempty"`
	Countries  []string `json:"countries,omitempty"` // of its addresses, at most MaxCountries
	Count      uint64   `json:"count"`
	First      int64    `json:"first"`
	Last       int64    `json:"last"`
}

const (
	// MaxDestinations bounds what is learned of a thing. Toys and cameras talk to 5 to 50 names, televisions to 200.
	MaxDestinations = 200
	// MaxCountries bounds the countries that are noted of a name: a network of caches is in all of them.
	MaxCountries = 3
	// manyBeneath is when names beneath one registered domain are taken for ever new ones of one service.
	manyBeneath = 12
	// MaxLearning is the longest that a thing learns.
	MaxLearning = 30 * 24 * time.Hour
)

// Thing is what of it is in force at an instant.
func (l *Learned) Thing(now int64) Thing {
	return Thing{Device: l.Device, Learning: l.Learning(now), Taught: l.ConfirmedAt != 0, Names: l.Confirmed, Declined: l.Declined}
}

// Learning says whether the thing learns at an instant.
func (l *Learned) Learning(now int64) bool { return l.Since <= now && now < l.Until && !l.Ended }

// Says tells what a parent said of a name, or of the longest name that it lies beneath.
func (l *Learned) Says(name string) (confirmed, declined bool) {
	t := l.Thing(0)
	return t.Says(name)
}

// Says is Learned.Says.
func (t *Thing) Says(name string) (confirmed, declined bool) {
	longest := func(of []string) (n int) {
		for _, c := range of {
			if beneath(name, c) {
				n = max(n, len(c))
			}
		}
		return n
	}
	yes, no := longest(t.Names), longest(t.Declined)
	return yes > no, no > 0 && no >= yes
}

// KindHeard is the kind of the records of a store that are Heard, by RecordID of the device.
const KindHeard = "heard"

// Hear notes that the thing asked for a name of a registered domain. Names beneath a domain that it asks for in many
// names become that domain.
func (h *Heard) Hear(asked Destination, domain string) {
	for i := range h.Names {
		if d := &h.Names[i]; beneath(asked.Name, d.Name) { // what is confirmed holds for all beneath
			d.Add(asked)
			return
		}
	}
	if len(h.Names) >= MaxDestinations {
		h.More = true
		return
	}
	h.Names = append(h.Names, asked)
	h.collapse(domain)
}

// Add merges what was asked for at other times.
func (d *Destination) Add(o Destination) {
	if d.Count == 0 {
		d.First = o.First
	}
	d.Count += o.Count
	d.First, d.Last = min(d.First, o.First), max(d.Last, o.Last)
	d.Categories = united(d.Categories, o.Categories)
	d.Countries = united(d.Countries, o.Countries)
	d.Countries = d.Countries[:min(len(d.Countries), MaxCountries)]
}

// united adds to one list what is new in another.
func united(to, more []string) []string {
	for _, s := range more {
		if !slices.Contains(to, s) {
			to = append(to, s)
		}
	}
	return to
}

// collapse makes one of many names beneath a domain.
func (h *Heard) collapse(domain string) {
	sum, n := Destination{Name: domain}, 0
	for _, d := range h.Names {
		if beneath(d.Name, domain) {
			sum.Add(d)
			n++
		}
	}
	if n < manyBeneath {
		return
	}
	h.Names = slices.DeleteFunc(h.Names, func(d Destination) bool { return beneath(d.Name, domain) })
	h.Names = append(h.Names, sum)
}

// beneath says whether a name is a domain or lies beneath it.
func beneath(name, domain string) bool {
	n := len(name) - len(domain)
	return n >= 0 && name[n:] == domain && (n == 0 || name[n-1] == '.')
}

// thing is what a device learned; nil: nothing.
func (b *compiler) thing(household, device string) *Thing {
	for i := range b.config.States[household].Things {
		if t := &b.config.States[household].Things[i]; t.Device == device {
			return t
		}
	}
	return nil
}

// teach has a spec of the band things follow what its device learned.
func (s *spec) teach(t *Thing) {
	for _, name := range t.Names {
		s.learned = append(s.learned, ownRule{name: name, allow: true})
	}
	for _, name := range t.Declined {
		s.learned = append(s.learned, ownRule{name: name})
	}
	s.learned = sortRules(s.learned)
	if t.Learning {
		s.allowList, s.unknown = false, unknownAllow
	}
}

// declined are the names that a thing may not ask for.
func (s *spec) declined() (rules []ownRule) {
	for _, r := range s.learned {
		if !r.allow {
			rules = append(rules, r)
		}
	}
	return rules
}

// learned compiles what a parent said of the names that a thing asked for.
func (b *compiler) learned(s *spec) *ruleSet {
	if len(s.learned) == 0 {
		return nil
	}
	return b.rules(s.name, s.learned)
}

// said is what a parent said of a name that a thing learned.
func (p *Profile) said(h *blocklists.Hashes) (confirmed, declined bool) {
	if p.learned == nil {
		return false, false
	}
	rule, _ := p.learned.winner(h.H[:h.N])
	return rule != nil && rule.Allow, rule != nil && !rule.Allow
}

// ListedCategories are the ids of what an allow-list lets through unless a parent declines it: for things without having
// learned it.
func (p *Profile) ListedCategories() (ids []string) {
	for c := range p.listed.All() {
		if p.allowList && !p.ground.taxonomy.Definition(c).Service {
			ids = append(ids, p.ground.taxonomy.ID(c))
		}
	}
	return ids
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
