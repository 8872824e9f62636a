package resolver

import (
	"bytes"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/cache"
)

// Flush makes the cache forget name, with subtree also every name beneath it, in all views
// and of all types, failures included; what is being resolved is not kept either. It
// returns how many entries there were, not counting those that are confidential.
func (r *Resolver) Flush(name blocklists.Name, subtree bool) (flushed int) {
	covers := func(asked []byte) bool {
		return bytes.Equal(asked, name) || subtree && beneath(asked, name)
	}
	r.flights.Forget(func(k *cache.Key) bool { return covers(k.Name) })
	w := r.world.Load()
	private := confidential(w.Index)
	r.cfg.Cache.Flush(func(e *cache.Entry) bool {
		found := covers(e.Name())
		if found && !private.holds(e, w) {
			flushed++
		}
		return found
	})
	return flushed
}

// beneath reports whether name lies beneath zone, both in canonical wire form.
func beneath(name, zone []byte) bool {
	for len(name) > len(zone) {
		name = name[name[0]+1:]
	}
	return bytes.Equal(name, zone)
}

// secrets are the categories of names that must not be told of, nor written down.
type secrets blocklists.Categories

// confidential returns them: help, self-harm, drugs, and what legal lists hold.
func confidential(index *blocklists.Index) secrets {
	var all blocklists.Categories
	for _, id := range []string{"ok.help", "ok.help.core", "harm.selfharm", "harm.drugs", "illegal.*"} {
		if set, err := index.Taxonomy().Select(id); err == nil {
			all = all.Or(set)
		}
	}
	return secrets(all)
}

// holds reports whether the name of an entry, one that its answer leads to, or the network
// of an address in it is of such a category, by what w's index says.
func (c secrets) holds(e *cache.Entry, w *World) bool {
	f, index := refresh(e, w), w.Index
	found := f.Match.Categories.Or(f.Targets.Categories)
	key := index.Key()
	var h blocklists.Hashes
	for rest := f.Names; len(rest) > 0; { // the facts lend no ok.* of a target to the name
		name := first(rest)
		rest = rest[len(name):]
		key.Hash(name, &h)
		found = found.Or(index.Match(&h).Categories)
	}
	return found.Intersects(blocklists.Categories(c))
}
