package api

import (
	"context"
	"io"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/portal"
)

// Control is what the API does with the program, its lists and its cache. cmd/hearth composes it.
type Control interface {
	Operation
	Lists() Lists
	Cache() Cache
}

// Operation is what the API does with the program as a whole.
type Operation interface {
	// Status tells what runs; the API itself adds the policy and the index in force.
	Status(ctx context.Context) Status
	// Reload loads the configuration again and puts it in force, or leaves the last good one and says where the
	// new one is broken.
	Reload(ctx context.Context) (Reloaded, error)
	// State is what is kept beside the configuration.
	State() State
}

// Lists is what the API does with the block lists.
type Lists interface {
	ListSearch
	ListKeeping
}

// ListSearch tells what the lists say.
type ListSearch interface {
	Stats(ctx context.Context) ([]ListStat, error)
	// Find tells what the sources in force say of the name.
	Find(ctx context.Context, name string) (portal.ListFound, error)
	// Lint looks for entries that an operator should know of.
	Lint(ctx context.Context) (ListLint, error)
}

// ListKeeping brings newer versions of the lists in force.
type ListKeeping interface {
	// Update fetches the named sources, or all that are due, and compiles what changed.
	Update(ctx context.Context, names ...string) ([]ListUpdate, error)
	// Accept puts the version of a source that is held back in force, and compiles it in.
	Accept(ctx context.Context, name string) (ListUpdate, error)
	// Diff compares two sources, or two versions of one.
	Diff(ctx context.Context, from, to string) (ListDiff, error)
}

// Status is the answer of GET /v1/status.
type Status struct {
	Version   string      `json:"version"`
	Node      string      `json:"node,omitempty"`
	Started   time.Time   `json:"started"`
	Config    ConfigState `json:"config"`
	Listeners []string    `json:"listeners"`
	Upstreams []string    `json:"upstreams"`
	Updating  string      `json:"updating,omitempty"` // the list that is being fetched or read right now
	Policy    string      `json:"policy"`             // hash of the Directory in force
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

// ListStat is one source in the answer of GET /v1/lists. Where it comes from and what is wrong with it is told operators
// alone: an address may hold a password, and a reason may tell of what others here look up.
type ListStat struct {
	Name       string    `json:"name"`
	Categories []string  `json:"categories"`
	Names      int       `json:"names"`
	FetchedAt  time.Time `json:"fetched_at,omitzero" doc:"when the version in force came; not there: it is built in, or was never fetched"`
	Failed     bool      `json:"failed,omitempty" doc:"the last fetch did not work; what came before goes on"`
	Waits      bool      `json:"waits,omitempty" doc:"a newer version waits for the operator"`
	Stale      bool      `json:"stale,omitempty" doc:"its origin has not confirmed it for long"`

	Format   string         `json:"format,omitempty" doc:"operators alone"`
	From     string         `json:"from,omitempty" doc:"operators alone: address, path or embedded"`
	Rejected map[string]int `json:"rejected,omitempty" doc:"operators alone: lines by reason"`
	Bytes    int64          `json:"bytes,omitempty" doc:"operators alone"`
	Version  string         `json:"version,omitempty" doc:"operators alone: a short hash of the content"`
	Error    string         `json:"error,omitempty" doc:"operators alone: of the last fetch"`
	Held     *ListHold      `json:"held,omitempty" doc:"operators alone: what waits, and why"`
}

// ListHold is a newer version of a list that waits for the operator.
type ListHold struct {
	Why   string    `json:"why"`
	Hits  []string  `json:"hits,omitempty"` // names that it newly hits, the first 20
	Names int       `json:"names"`
	Since time.Time `json:"since"`
}

// ListDiff is the answer of GET /v1/lists/diff.
type ListDiff struct {
	From    string      `json:"from"`
	To      string      `json:"to"`
	Added   ListChanges `json:"added"`
	Removed ListChanges `json:"removed"`
	Moved   ListChanges `json:"moved"` // to another directory, or another statement about the same name
}

// ListUpdate is what became of one source in the answers of POST /v1/lists/update and /v1/lists/accept.
type ListUpdate struct {
	Name    string       `json:"name"`
	Outcome string       `json:"outcome"` // updated, unchanged, not due, held, refused, failed
	Names   int          `json:"names"`   // of the version in force
	Before  int          `json:"before"`
	Added   *ListChanges `json:"added,omitempty"` // updated, held: against the version that was in force
	Removed *ListChanges `json:"removed,omitempty"`
	Moved   *ListChanges `json:"moved,omitempty"` // to another directory, or another statement about the same name
	Held    *ListHold    `json:"held,omitempty"`
	Seconds float64      `json:"seconds"`
	Error   string       `json:"error,omitempty"` // held, refused, failed: why
}

// ListChanges counts the names, expressions and networks that changed in one way.
type ListChanges struct {
	Count    int      `json:"count"`
	Examples []string `json:"examples,omitempty"` // the first 20
}

// ListLint is the answer of GET /v1/lists/lint.
type ListLint struct {
	Findings  []ListFinding   `json:"findings"`
	Suspended []SuspendedHelp `json:"suspended,omitempty"` // names of the help lists that are none for now
}

// ListFinding is one thing to look at in one source.
type ListFinding struct {
	Source   string   `json:"source"`
	Kind     string   `json:"kind"`
	Count    int      `json:"count"`              // entries concerned
	Of       int      `json:"of"`                 // entries of the source that block
	Examples []string `json:"examples,omitempty"` // at most 10
	Why      string   `json:"why,omitempty"`      // unread: what is wrong
}

// SuspendedHelp is a name of the help lists that is suspended.
type SuspendedHelp struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Date   string `json:"date,omitempty"` // YYYY-MM-DD
}

// State is what is kept beside the configuration, as a whole.
type State interface {
	// Backup writes all of it as hearth restore takes it.
	Backup(w io.Writer) error
	// Export writes what is held of a household, with "" of all, as JSON for people.
	Export(ctx context.Context, w io.Writer, household string) error
	// Refused says why it cannot be changed now, nil where it can.
	Refused() error
}

// Cache is the cache of answers.
type Cache interface {
	Stats(ctx context.Context) (CacheStats, error)
	// Flush has it forget a name, with subtree also all names beneath it, and returns how many answers there were.
	// That somebody asked for help is not told.
	Flush(ctx context.Context, name blocklists.Name, subtree bool) (flushed int, err error)
}

// CacheStats is what the cache of answers holds now, and counts since the start.
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

// CacheFlushed is what the cache of answers forgot.
type CacheFlushed struct {
	Name    string `json:"name"`
	Subtree bool   `json:"subtree"`
	Flushed int    `json:"flushed"`
}
