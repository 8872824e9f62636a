package source

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
)

// plan is how a source's content is read: with which options, and which names get which categories.
type plan struct {
	options Options
	ids     []string            // categories of all names, unless the format has directories
	byDir   map[string][]string // UT1: categories by directory
	missing []string            // UT1: directories that a mapping names and the list does not have
}

// plan looks at the content at path. A directory of a UT1 list that the list means to allow is read only where a
// mapping names it; one that is a link stands for what it links to.
func (s Source) plan(path string, c Config) (plan, error) {
	p := plan{options: s.options(c), ids: slices.Clone(s.Categories)}
	if s.Name == c.Popular {
		p.ids = append(p.ids, popularCategory)
	}
	if s.Format != UT1 {
		return p, nil
	}
	found, err := survey(path, c.maxInflated())
	if err != nil {
		return p, err
	}
	p.byDir = make(map[string][]string)
	for _, m := range s.Map {
		name := found.resolve(m.From)
		if _, ok := found[name]; !ok {
			p.missing = append(p.missing, m.From)
		}
		p.byDir[name] = append(p.byDir[name], m.To...)
	}
	for name, d := range found {
		if p.byDir[name] == nil && d.alias == "" && !d.allow && len(p.ids) > 0 {
			p.byDir[name] = p.ids
		}
	}
	p.options.Select = func(directory string) bool { return p.byDir[directory] != nil }
	return p, nil
}

// popularCategory marks names as often asked for.
const popularCategory = "meta.popular"

// of returns the categories of an entry.
func (p plan) of(i Item) []string {
	if p.byDir != nil {
		return p.byDir[i.File]
	}
	return p.ids
}

// lists declares the lists of the plan: one, or one a directory. The result maps Item.File to its list.
func (p plan) lists(b *blocklists.Builder, t *blocklists.Taxonomy) (func(Item) blocklists.ListID, error) {
	if p.byDir == nil {
		set, err := categories(t, p.ids)
		if err != nil {
			return nil, err
		}
		id := b.List(set)
		return func(Item) blocklists.ListID { return id }, nil
	}
	ids := make(map[string]blocklists.ListID)
	for _, dir := range slices.Sorted(maps.Keys(p.byDir)) {
		set, err := categories(t, p.byDir[dir])
		if err != nil {
			return nil, fmt.Errorf("directory %s: %w", dir, err)
		}
		ids[dir] = b.List(set)
	}
	return func(i Item) blocklists.ListID { return ids[i.File] }, nil
}
