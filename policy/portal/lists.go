package portal

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Bounds of what a page tells of lists: how many, and how long it looks for them.
const (
	toldLists = 3
	searchFor = time.Second
)

// addLists tells grown-ups which lists, in which version, have a name in the category by which it is blocked. One page at a
// time looks for them; another that comes meanwhile goes without, so that nobody keeps the machine busy by opening pages.
func (p *Portal) addLists(ctx context.Context, page *view) {
	if page.Listed == "" || p.listed == nil || !p.searching.TryLock() {
		return
	}
	defer p.searching.Unlock()
	ctx, done := context.WithTimeout(ctx, searchFor)
	defer done()
	found, err := p.listed(ctx, page.Explain)
	if err != nil {
		return
	}
	var lists []string
	for _, e := range tellable(found, p.Frank()).Entries {
		if e.Exception || !slices.Contains(e.Categories, page.Listed) || len(lists) == toldLists {
			continue
		}
		list := e.Source
		if e.Version != "" {
			list += " (" + e.Version + ")"
		}
		if !slices.Contains(lists, list) {
			lists = append(lists, list)
		}
	}
	if len(lists) > 0 {
		page.Facts = append(page.Facts, fact{Label: page.W.Label.List, Value: strings.Join(lists, ", "), Code: true})
	}
}
