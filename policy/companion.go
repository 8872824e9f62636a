package policy

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Companion is a name that a page of an allow-list seems to need and the list does not have.
type Companion struct {
	Page       string    `json:"page"` // registered domain of what was allowed
	Name       string    `json:"name"`
	Categories []string  `json:"categories,omitempty"`
	Count      int       `json:"count"` // how often it was asked for soon after the page
	Last       time.Time `json:"last"`
}

const (
	// soonAfter is how many seconds after a page what it needs is asked for: a slow tablet takes three.
	soonAfter = 5
	// Bounds of what is remembered, in memory alone: 200 people with 40 pages of 25 names take 20 MB at the very most.
	maxReaders    = 200
	maxPages      = 40
	maxCompanions = 25
)

// MaxReaders is for how many people and things companions are looked for at once.
const MaxReaders = maxReaders

// Companions finds what pages on allow-lists need: names that a device was refused soon after a page that it got. Nothing
// of it is written down.
type Companions struct{ readers map[string]*reader }

// reader is a person with an allow-list, or a thing.
type reader struct {
	last  map[string]visit // by device
	pages map[string]*gap
	used  int64
}

type visit struct {
	page string
	at   int64
}

type gap struct {
	missing map[string]*Companion
	used    int64
}

// Allowed notes that a device of somebody got a page, whose registered domain is given.
func (c *Companions) Allowed(who, device, domain string, at int64) {
	if c.readers == nil {
		c.readers = map[string]*reader{}
	}
	r := c.readers[who]
	if r == nil {
		if len(c.readers) >= maxReaders {
			delete(c.readers, oldest(c.readers, func(r *reader) int64 { return r.used }))
		}
		r = &reader{last: map[string]visit{}, pages: map[string]*gap{}}
		c.readers[who] = r
	}
	if _, known := r.last[device]; !known && len(r.last) >= maxPages {
		delete(r.last, oldest(r.last, func(v visit) int64 { return v.at }))
	}
	r.last[device], r.used = visit{domain, at}, at
}

// Blocked notes that the device was refused a name which only the allow-list keeps from it.
func (c *Companions) Blocked(who, device, name string, categories []string, at int64) {
	r := c.readers[who]
	if r == nil {
		return
	}
	v, known := r.last[device]
	if !known || at < v.at || at-v.at > soonAfter {
		return
	}
	p := r.pages[v.page]
	if p == nil {
		if len(r.pages) >= maxPages {
			delete(r.pages, oldest(r.pages, func(p *gap) int64 { return p.used }))
		}
		p = &gap{missing: map[string]*Companion{}}
		r.pages[v.page] = p
	}
	p.used = at
	m := p.missing[name]
	if m == nil {
		if len(p.missing) >= maxCompanions {
			delete(p.missing, oldest(p.missing, func(m *Companion) int64 { return int64(m.Count) }))
		}
		m = &Companion{Page: v.page, Name: name, Categories: categories}
		p.missing[name] = m
	}
	m.Count++
	m.Last = time.Unix(at, 0)
}

// List gives what was found for somebody: by page, what is missing most first.
func (c *Companions) List(who string) []Companion {
	found := []Companion{}
	r := c.readers[who]
	if r == nil {
		return found
	}
	for _, p := range r.pages {
		for _, m := range p.missing {
			found = append(found, *m)
		}
	}
	slices.SortFunc(found, func(a, b Companion) int {
		return cmp.Or(cmp.Compare(a.Page, b.Page), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// Forget forgets HOUSEHOLD/PERSON, or with HOUSEHOLD/ all people of it.
func (c *Companions) Forget(who string) { forget(c.readers, who) }

// oldest gives the key whose value was used least lately; of several the first by name.
func oldest[V any](all map[string]V, used func(V) int64) string {
	return slices.MinFunc(slices.Collect(maps.Keys(all)), func(a, b string) int {
		return cmp.Or(cmp.Compare(used(all[a]), used(all[b])), cmp.Compare(a, b))
	})
}

// Stops says that a category of the profile keeps names of these categories back, whatever an allow-list says.
func (p *Profile) Stops(names blocklists.Categories) bool {
	stopped := p.cells.block.Or(p.cells.warn).Or(p.security).Or(p.services.block)
	return meet(&names, &stopped)
}
