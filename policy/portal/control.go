package portal

import (
	"context"
	"time"
)

// Control is what the control socket can do beside explaining a decision. cmd/hearth composes it.
type Control interface {
	// Status tells what runs; the portal itself adds the policy and the index in force.
	Status(ctx context.Context) Status
	// Reload loads the configuration again and puts it in force, or leaves the last good one and says where the
	// new one is broken.
	Reload(ctx context.Context) (Reloaded, error)
	Lists() Lists
}

// Lists is what the control socket can do with the block lists.
type Lists interface {
	Stats(ctx context.Context) ([]ListStat, error)
	// Find lists the entries of the kept sources that cover the name.
	Find(ctx context.Context, name string) ([]ListEntry, error)
	// Update fetches the named sources, or all that are due, and compiles what changed.
	Update(ctx context.Context, names ...string) ([]ListUpdate, error)
}

// Status is the answer of GET /v1/status.
type Status struct {
	Version   string      `json:"version"`
	Node      string      `json:"node,omitempty"`
	Started   time.Time   `json:"started"`
	Config    ConfigState `json:"config"`
	Listeners []string    `json:"listeners"`
	Upstreams []string    `json:"upstreams"`
	Policy    string      `json:"policy"` // hash of the Directory in force
	Index     IndexState  `json:"index"`
	Warnings  []string    `json:"warnings,omitempty"`
}

// ConfigState is which configuration is in force, and whether a newer one was refused.
type ConfigState struct {
	Path     string    `json:"path,omitempty"`
	Hash     string    `json:"hash"`
	LoadedAt time.Time `json:"loaded_at"`
	Refused  string    `json:"refused,omitempty"` // why the last reload was not put in force
}

// IndexState is which index of names is in force.
type IndexState struct {
	ID    string    `json:"id"`
	Names int       `json:"names"`
	Bytes int64     `json:"bytes"`
	Built time.Time `json:"built"`
}

// Reloaded is the answer of POST /v1/reload.
type Reloaded struct {
	Before  string   `json:"before"` // hash of the configuration
	After   string   `json:"after"`
	Changed []string `json:"changed"` // what changed, a line each
}

// ListStat is one source in the answer of GET /v1/lists.
type ListStat struct {
	Name       string         `json:"name"`
	Format     string         `json:"format"`
	From       string         `json:"from"` // address, path or "embedded"
	Categories []string       `json:"categories"`
	Names      int            `json:"names"`
	Rejected   map[string]int `json:"rejected,omitempty"` // lines by reason
	Bytes      int64          `json:"bytes"`
	Version    string         `json:"version,omitempty"` // short hash of the content
	FetchedAt  time.Time      `json:"fetched_at,omitzero"`
	Error      string         `json:"error,omitempty"` // of the last fetch
}

// ListEntry is one entry of a source that covers a name.
type ListEntry struct {
	Source     string   `json:"source"`
	Format     string   `json:"format"`
	Categories []string `json:"categories"`
	Entry      string   `json:"entry"`
	Line       int      `json:"line"`
	Exception  bool     `json:"exception,omitempty"`
}

// ListUpdate is what became of one source in the answer of POST /v1/lists/update.
type ListUpdate struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // changed, unchanged, kept (the new one was refused), failed
	Names   int    `json:"names"`
	Error   string `json:"error,omitempty"`
}
