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
	if s.Except {
		p.ids = nil // its names are put into nothing
	}
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
		if p.byDir[name] == nil && d.Alias == "" && !d.Allow && len(p.ids) > 0 {
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

// lists gives the categories of each list that a source is in an index: one, named "", or one a wanted directory.
func (p plan) lists() map[string][]string {
	if p.byDir != nil {
		return p.byDir
	}
	return map[string][]string{"": p.ids}
}

// listOf names the list that a part of the source belongs to.
func (p plan) listOf(part string) string {
	if p.byDir != nil {
		return part
	}
	return ""
}

// of returns the categories of what a part of the source says; none where the part is not wanted.
func (p plan) of(part string) []string {
	if p.byDir != nil {
		return p.byDir[part]
	}
	return p.ids
}

// merge puts a parsed state into b, once for each part of its categories that names are taken out of by themselves. left is
// what does not fit into the index any more.
func (p plan) merge(b *blocklists.Builder, t *blocklists.Taxonomy, parsed *blocklists.Parsed, taken []blocklists.Categories) (left int, err error) {
	var rounds []map[string]blocklists.ListID
	lists := p.lists()
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		set, err := categories(t, lists[list])
		if err != nil && list != "" {
			err = fmt.Errorf("directory %s: %w", list, err)
		}
		if err != nil {
			return 0, err
		}
		for i, piece := range pieces(set, taken) {
			if i == len(rounds) {
				rounds = append(rounds, map[string]blocklists.ListID{})
			}
			rounds[i][list] = b.List(piece)
		}
	}
	for _, numbers := range rounds {
		over, err := b.Merge(parsed, func(part string) (blocklists.ListID, bool) {
			number, ok := numbers[p.listOf(part)]
			return number, ok
		})
		if left += over; err != nil {
			return left, err
		}
	}
	return left, nil
}

// pieces are what the categories of a list fall into where some of them are taken out of it: one, unless a source with
// Except speaks of some of them and not of the others.
func pieces(set blocklists.Categories, taken []blocklists.Categories) []blocklists.Categories {
	all := []blocklists.Categories{set}
	for _, from := range taken {
		for i, piece := range all {
			if rest := piece.AndNot(from); piece.Intersects(from) && !rest.IsZero() {
				all[i] = piece.AndNot(rest)
				all = append(all, rest)
			}
		}
	}
	return all
}
