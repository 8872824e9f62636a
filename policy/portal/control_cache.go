package portal

import (
	"context"
	"net/http"

	"github.com/hearthdns/hearth/blocklists"
)

// Cache is what the control socket can do with the cache of answers.
type Cache interface {
	Stats(ctx context.Context) (CacheStats, error)
	// Flush has it forget a name, with subtree also all names beneath it, and returns how many answers there were.
	// That somebody asked for help is not told.
	Flush(ctx context.Context, name blocklists.Name, subtree bool) (flushed int, err error)
}

// CacheStats is the answer of GET /v1/cache: counts since the start, and what is held now.
type CacheStats struct {
	Hits      uint64 `json:"hits"`
	Misses    uint64 `json:"misses"`
	Stale     uint64 `json:"stale"`    // served after they had run out
	Failures  uint64 `json:"failures"` // remembered
	Evictions uint64 `json:"evictions"`
	Entries   int64  `json:"entries"`
	Bytes     int64  `json:"bytes"`
	Limit     int64  `json:"limit_bytes"`
}

// CacheFlushed is the answer of POST /v1/cache/flush.
type CacheFlushed struct {
	Name    string `json:"name"`
	Subtree bool   `json:"subtree"`
	Flushed int    `json:"flushed"`
}

func (p *Portal) serveCache(w http.ResponseWriter, r *http.Request) {
	stats, err := p.ctl.Cache().Stats(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, stats)
}

func (p *Portal) serveFlush(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Name    string `json:"name"`
		Subtree bool   `json:"subtree"`
	}
	if !decode(w, r, &ask, `{"name": "example.com", "subtree": true}, or "." for all names`) {
		return
	}
	name, err := parseName(ask.Name)
	if err != nil || ask.Name == "" {
		fail(w, &QueryError{Field: "name", Problem: `this is not a domain name; write one such as example.com, or "." with "subtree": true for all names`})
		return
	}
	n, err := p.ctl.Cache().Flush(r.Context(), name, ask.Subtree)
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, CacheFlushed{name.String(), ask.Subtree, n})
}
