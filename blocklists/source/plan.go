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

// directories looks at what a UT1 list has; other lists have no directories.
func (s Source) directories(path string, c Config) (directories, error) {
	format := s.Format
	if format == Auto || format == "" {
		d, err := DetectPath(path, c.maxInflated())
		if err != nil {
			return nil, err
		}
		format = d.Format
	}
	if format != UT1 {
		return nil, nil
	}
	return survey(path, c.maxInflated())
}

// planFor is the plan for a list with the directories found.
func (s Source) planFor(found directories, c Config) plan {
	p := plan{options: s.options(c), ids: slices.Clone(s.Categories)}
	if s.Name == c.Popular {
		p.ids = append(p.ids, popularCategory)
	}
	if s.Format != UT1 && len(found) == 0 {
		return p
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
	return p
}

// wanted names the directories that are read, in order.
func (p plan) wanted() []string { return slices.Sorted(maps.Keys(p.byDir)) }

// popularCategory marks names as often asked for.
const popularCategory = "meta.popular"

// of returns the categories of what a part of the list says; none where the part is not wanted.
func (p plan) of(part string) []string {
	if p.byDir != nil {
		return p.byDir[part]
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
	for _, dir := range p.wanted() {
		set, err := categories(t, p.byDir[dir])
		if err != nil {
			return nil, fmt.Errorf("directory %s: %w", dir, err)
		}
		ids[dir] = b.List(set)
	}
	return func(i Item) blocklists.ListID { return ids[i.File] }, nil
}

// merge puts a parsed state into b. left is what does not fit into the index any more.
func (p plan) merge(b *blocklists.Builder, t *blocklists.Taxonomy, parsed *blocklists.Parsed) (left int, err error) {
	list, err := p.lists(b, t)
	if err != nil {
		return 0, err
	}
	return b.Merge(parsed, func(part string) (blocklists.ListID, bool) {
		return list(Item{File: part}), p.byDir == nil || p.byDir[part] != nil
	})
}
