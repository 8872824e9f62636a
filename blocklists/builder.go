package blocklists

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Scope says what an Entry covers.
type Scope uint8

// The scopes.
const (
	Subtree Scope = iota // the name and all beneath it
	Exact                // the name alone
	Below                // all beneath the name, not the name itself
)

// Entry is one statement of a list about a name.
type Entry struct {
	// Name is in canonical wire form and not the root.
	Name  Name
	Scope Scope
	// Exception takes what Scope covers out of the list, of this list only.
	Exception bool
	// Important wins over deeper entries that are not important.
	Important bool
	// Yield makes an Exception give way: it takes what Scope covers out of the blocks of the list that stand above its
	// name, and any block at its name or deeper wins over it (adblock's $denyallow). Only an Important one undoes
	// Important blocks.
	Yield bool
	// Cancel removes the list's entry of the same name, scope, exception, importance and yielding, wherever in the
	// list it stands (adblock's $badfilter).
	Cancel bool
}

// ListID is the number of a list inside one Builder.
type ListID uint16

// maxLists is how many lists a Builder takes.
const maxLists = 1 << 16

// BuilderConfig says how to compile an index.
type BuilderConfig struct {
	// Dir holds the temporary files, which are needed only when the entries do not fit in Memory; "" means the
	// system's folder for them.
	Dir string
	// Taxonomy numbers the categories of the lists. It must not be nil.
	Taxonomy *Taxonomy
	// Key is the secret of the hashes; the zero key means a new one.
	Key Key
	// Memory is the size in octets of the buffer in which entries are sorted; 0 means 16 MiB. Peak use is about
	// twice that, whatever the number of entries.
	Memory int
	// RemainderBits is how many bits of an entry tell names of one bucket apart: 8 to 40, 0 means 40. Less than 40
	// is for tests that have to see false positives.
	RemainderBits int
	// Built is the time that the index carries; zero means now.
	Built time.Time
}

const (
	defaultMemory = 16 << 20
	minMemory     = 4 << 10
	maxMemory     = 1 << 30
)

// Summary says what a Builder made.
type Summary struct {
	Entries   int    // entries added and merged, exceptions and cancelling ones included
	Names     int    // names in the index
	Redundant int    // names left out because they say what they would inherit anyway
	Patterns  int    // patterns in the index
	Crowded   int    // patterns left out because their lists have too many exceptions
	Networks  int    // networks in the index
	Merged    int    // names that share the place of another and got the union of both
	Sets      int    // distinct values: pairs of the name's categories and those of all beneath it
	Runs      int    // temporary files that were written
	Bytes     int64  // size of the index
	ID        string // as Index.ID
}

// Builder compiles lists into an index file in bounded memory. It is for one goroutine and one index.
type Builder struct {
	config  BuilderConfig
	lists   []Categories
	entries *sorter
	parsed  []*parsedStream
	added   int
	key     []byte // scratch of Add
	done    bool

	// What no entry can say; see index_section.go.
	outliers map[ListID]uint16 // lists that have a pattern or a network, by number
	patterns patternRows
	networks []network
}

// NewBuilder returns a Builder without lists.
func NewBuilder(config BuilderConfig) (*Builder, error) {
	if config.Taxonomy == nil {
		return nil, errors.New("a builder needs a taxonomy")
	}
	if config.Dir == "" {
		config.Dir = os.TempDir()
	}
	if config.Key == (Key{}) {
		config.Key = NewKey()
	}
	if config.Memory == 0 {
		config.Memory = defaultMemory
	}
	if config.Memory < minMemory || config.Memory > maxMemory {
		return nil, fmt.Errorf("memory of %d octets: give %d to %d", config.Memory, minMemory, maxMemory)
	}
	if config.RemainderBits == 0 {
		config.RemainderBits = remainderBits
	}
	if config.RemainderBits < minRemainderBits || config.RemainderBits > remainderBits {
		return nil, fmt.Errorf("remainder of %d bits: give %d to %d", config.RemainderBits, minRemainderBits, remainderBits)
	}
	if config.Built.IsZero() {
		config.Built = time.Now()
	}
	return &Builder{config: config, entries: newSorter(config.Dir, config.Memory), outliers: make(map[ListID]uint16)}, nil
}

// List declares a list that puts what it covers into the categories of set; meta.open is nobody's to give. Lists beyond 65536 share
// their number with others, so Add refuses all entries from then on.
func (b *Builder) List(set Categories) ListID {
	b.lists = append(b.lists, set.AndNot(b.config.Taxonomy.open()))
	return ListID(len(b.lists) - 1)
}

// Add puts an entry into list l. Order does not matter.
func (b *Builder) Add(l ListID, e Entry) error {
	if err := b.checkList(l); err != nil {
		return fmt.Errorf("adding an entry: %w", err)
	}
	if err := e.check(); err != nil {
		return fmt.Errorf("adding an entry: %w", err)
	}
	b.key = appendReversed(b.key[:0], e.Name)
	if err := b.entries.add(b.key, uint64(l)<<8|uint64(e.statement())); err != nil {
		return fmt.Errorf("adding an entry: %w", err)
	}
	b.added++
	return nil
}

// Except takes name and all beneath it out of every list declared so far that has a category of from, whatever the list
// says of it; of what lies beneath, an important entry of the list alone stands against it.
func (b *Builder) Except(name Name, from Categories) error {
	for l, set := range b.lists {
		if !set.Intersects(from) {
			continue
		}
		if err := b.Add(ListID(l), Entry{Name: name, Exception: true, Important: true}); err != nil {
			return err
		}
	}
	return nil
}

// checkList reports why nothing can be added to list l.
func (b *Builder) checkList(l ListID) error {
	switch {
	case b.done:
		return errors.New("the builder is closed")
	case len(b.lists) > maxLists:
		return fmt.Errorf("%d lists, at most %d fit", len(b.lists), maxLists)
	case int(l) >= len(b.lists):
		return fmt.Errorf("no list %d was declared", l)
	}
	return nil
}

// check reports what no list can say.
func (e Entry) check() error {
	switch {
	case e.Scope > Below:
		return fmt.Errorf("no scope %d", e.Scope)
	case e.Yield && !e.Exception:
		return errors.New("only an exception can yield")
	case len(e.Name) == 1:
		return errors.New("the root cannot be listed")
	}
	return e.Name.check()
}

// Build merges all entries and writes the index to w from its first octet to its last. It closes the
// Builder, whatever comes of it.
func (b *Builder) Build(ctx context.Context, w io.Writer) (Summary, error) {
	if b.done {
		return Summary{}, errors.New("building index: the builder is closed")
	}
	defer func() { _ = b.Close() }() // only temporary files
	streams, err := b.streams()
	if err != nil {
		return Summary{}, fmt.Errorf("merging entries: %w", err)
	}
	hashed := newHashSorter(b.config.Dir, 2*b.config.Memory-b.entries.used(), b.added+b.merged())
	defer hashed.close()
	exempt := b.exemptions()
	inherit := newInheritance(b.lists, b.config, exempt, hashed)
	if err := merge(ctx, streams, inherit.add); err != nil {
		return Summary{}, fmt.Errorf("merging entries: %w", err)
	}
	if err := inherit.finish(); err != nil {
		return Summary{}, fmt.Errorf("merging entries: %w", err)
	}
	b.entries.close()
	out := newIndexWriter(w, b.config, inherit.values, inherit.names)
	defer out.close()
	out.section = b.section(exempt)
	if err := hashed.each(ctx, out.add); err != nil {
		return Summary{}, fmt.Errorf("writing index: %w", err)
	}
	f, err := out.finish()
	if err != nil {
		return Summary{}, fmt.Errorf("writing index: %w", err)
	}
	return Summary{
		Entries: b.added + b.merged(), Names: int(f.entries), Redundant: inherit.redundant, Merged: out.merged,
		Patterns: len(b.patterns.rows), Crowded: exempt.left, Networks: len(b.networks),
		Sets: int(f.values), Runs: b.entries.spilled + hashed.spilled, Bytes: f.size(), ID: f.id(),
	}, nil
}

// Close removes the temporary files. A closed Builder refuses all work; closing it again is harmless.
func (b *Builder) Close() error {
	b.done = true
	b.entries.close()
	return nil
}

// appendReversed appends the labels of a name from the root on, each behind its length octet. Compared octet by
// octet, such keys put a name directly before all that is beneath it, and a name is beneath another exactly
// if the other's key is a prefix of its own.
func appendReversed(key []byte, name Name) []byte {
	var starts [maxLabels]uint8
	for n := labelStarts(name, &starts); n > 0; n-- {
		at := int(starts[n-1])
		key = append(key, name[at:at+1+int(name[at])]...)
	}
	return key
}
