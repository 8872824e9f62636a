package source

import (
	"slices"
	"time"
)

// Stat is what is known of one list.
type Stat struct {
	Name       string               `json:"name"`             // of a built-in list: "starter:" and its category
	Origin     string               `json:"origin,omitempty"` // URL, path or name of the zone; "" = built in
	Format     Format               `json:"format"`           // as configured, or else what the content was taken for
	Categories []string             `json:"categories,omitempty"`
	Kept       bool                 `json:"kept"` // there is a good copy
	Lines      int                  `json:"lines"`
	Names      int                  `json:"names"` // entries of the good copy, repeated ones counted each time
	Rejected   map[Reason]int       `json:"rejected,omitempty"`
	Examples   map[Reason]Rejection `json:"examples,omitempty"`
	Bytes      int64                `json:"bytes"`              // of the good copy as it lies on disk
	Fetched    time.Time            `json:"fetched,omitzero"`   // when the good copy came; zero = built in or none
	Checked    time.Time            `json:"checked,omitzero"`   // when the origin was last asked
	Confirmed  time.Time            `json:"confirmed,omitzero"` // when the origin last said that the good copy is its content
	Version    string               `json:"version,omitempty"`  // short hash of the content
	Failures   int                  `json:"failures,omitempty"`
	LastError  string               `json:"last_error,omitempty"` // why the last update failed; "" = it did not
	Held       *Hold                `json:"held,omitempty"`       // a newer version that waits for Accept
	Stale      bool                 `json:"stale,omitempty"`      // not confirmed for Guards.StaleAfter refresh times
	Popular    int                  `json:"popular,omitempty"`    // popular names that the good copy hits
}

// Stats returns what is known of every list: the built-in ones, then the sources in the order of the configuration.
// Sources on a path are counted by Update and Compile; before that they are zero.
// The maps are shared and must not be changed.
func (l *Library) Stats() []Stat {
	l.mu.Lock()
	stats := slices.Clone(l.built)
	l.mu.Unlock()
	for _, s := range l.vault.all {
		k := l.recall(s.Name)
		stats = append(stats, Stat{Name: s.Name, Origin: s.URL + s.Path + s.Zone.Name, Format: k.formatOf(s),
			Categories: s.allCategories(), Kept: k.SHA256 != "",
			Lines: k.Lines, Names: k.Names, Rejected: k.Rejected, Examples: k.Examples, Bytes: k.Bytes,
			Fetched: k.Fetched, Checked: k.Checked, Confirmed: k.Confirmed, Version: shortVersion(k.SHA256),
			Failures: k.Failures, LastError: k.LastError, Held: k.hold(), Stale: l.isStale(s, k), Popular: k.Popular})
	}
	return stats
}

// formatOf is how a source is written: what the configuration says, or what its content was taken for.
func (k *kept) formatOf(s Source) Format {
	if s.Format == Auto || s.Format == "" {
		return k.ReadAs
	}
	return s.Format
}

// allCategories lists the categories of a source, those of its mappings too, each once.
func (s Source) allCategories() []string {
	var ids []string
	seen := make(map[string]bool)
	add := func(more []string) {
		for _, id := range more {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	add(s.Categories)
	for _, m := range s.Map {
		add(m.To)
	}
	return ids
}

// shortVersion is what people see of a content's hash.
func shortVersion(hash string) string {
	return hash[:min(len(hash), 8)]
}
