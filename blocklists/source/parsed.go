package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// A source's content is read once and kept parsed, in one of two files: the newer is the state in force, the older the
// one before. A new state takes the place of the older file, so that at every moment there is a whole one in force.

// label says of which content a parsed file was made and how.
type label struct {
	origin

	Generation  uint64      `json:"generation"` // higher is newer
	Name        string      `json:"name"`
	Content     string      `json:"content"`         // hash of the list
	Stamp       string      `json:"stamp,omitempty"` // of the list's files; "" where they had just changed
	Reading     reading     `json:"reading"`
	Directories directories `json:"directories,omitempty"` // UT1: what the list has
	Wanted      []string    `json:"wanted,omitempty"`      // UT1: the directories that were read
	Parsed      time.Time   `json:"parsed"`
	Report      Report      `json:"report"`
}

// reading is everything besides the content that decides what a list says. Which categories its parts get is none of
// it: that is asked when the index is merged.
type reading struct {
	Version        int      `json:"version"` // parserVersion
	Match          string   `json:"match"`
	PublicSuffixes bool     `json:"public_suffixes"`
	Attributes     []string `json:"attributes,omitempty"`
	MaxInflated    int64    `json:"max_inflated"`
}

// reading returns how the source is read as it is configured now.
func (s Source) reading(c Config) reading {
	o := s.options(c)
	match := o.Match
	if match == "" {
		match = MatchSubdomains
	}
	return reading{Version: parserVersion, Match: match, PublicSuffixes: o.PublicSuffixes, Attributes: o.Attributes, MaxInflated: o.MaxInflated}
}

// fits reports whether reading the content as the source is configured now would give this very state. Of a UT1 list
// only the wanted directories are read: the largest has millions of names that a household without use for them need
// not keep, and one more wanted directory is a rare reason to read the list again.
func (b *label) fits(s Source, c Config, content string) bool {
	was, is := b.Reading, s.reading(c)
	if !b.sameOrigin(s) || b.Content != content || !slices.Equal(was.Attributes, is.Attributes) {
		return false
	}
	was.Attributes, is.Attributes = nil, nil
	if was.Version != is.Version || was.Match != is.Match || was.PublicSuffixes != is.PublicSuffixes || was.MaxInflated != is.MaxInflated {
		return false
	}
	for _, wanted := range s.planFor(b.Directories, c).wanted() {
		if !slices.Contains(b.Wanted, wanted) {
			return false
		}
	}
	return true
}

// state is a parsed file of a source.
type state struct {
	label
	*blocklists.Parsed
	path string
}

// slots are the two files of a source.
func (l *Library) slots(name string) [2]string {
	stem := filepath.Join(l.folder(), fileStem(name))
	return [2]string{stem + ".a.parsed", stem + ".b.parsed"}
}

// states returns what is kept of a source, unopened, the newest first. A file that is not of this source, or not to be
// read, counts as missing.
func (l *Library) states(name string) []state {
	var all []state
	for _, path := range l.slots(name) {
		s := state{path: path}
		text, err := blocklists.ParsedLabel(path)
		if err == nil {
			err = json.Unmarshal(text, &s.label)
		}
		if err == nil && s.Name != name {
			err = errors.New("it is of another list")
		}
		if err == nil {
			all = append(all, s)
		} else if !errors.Is(err, fs.ErrNotExist) {
			l.config.Log.Warn("parsed list unreadable, it counts as missing", "list", name, "error", err)
		}
	}
	slices.SortFunc(all, func(a, b state) int { return cmp.Compare(b.Generation, a.Generation) })
	return all
}

// open verifies the file of a state and opens it. What this process has verified before it does not go through again.
func (l *Library) open(s state) (*state, error) {
	l.mu.Lock()
	sound := l.sound[s.Name]
	l.mu.Unlock()
	p, err := blocklists.OpenParsed(s.path, sound...)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(sound, p.Checksum()) {
		l.mu.Lock()
		l.sound[s.Name] = append([]uint64{p.Checksum()}, sound[:min(len(sound), maxSound-1)]...)
		l.mu.Unlock()
	}
	s.Parsed = p
	// What was read before was not verified.
	if s.label = (label{}); json.Unmarshal(p.Label(), &s.label) != nil {
		_ = p.Close()
		return nil, fmt.Errorf("%w: its label is damaged", blocklists.ErrCorrupt)
	}
	return &s, nil
}

// maxSound is of how many states of a source a process remembers that they are sound.
const maxSound = 4

// close closes the file of a state; nil is none.
func (s *state) close() {
	if s != nil {
		_ = s.Close() // nothing was written
	}
}

// current opens the state of a source that is in force; nil where there is none. Where the newest file is damaged, it
// is the one before.
func (l *Library) current(name string) *state {
	for _, kept := range l.states(name) {
		s, err := l.open(kept)
		if err == nil {
			return s
		}
		l.config.Log.Warn("parsed list refused", "list", name, "error", err)
	}
	return nil
}

// draft is a new state of a source that is not in force yet.
type draft struct {
	label label
	diff  blocklists.Diff // against the state in force; where there is none, all is new
	temp  *os.File
	path  string // of the slot that it is for
}

// keep puts the draft in force and opens it.
func (l *Library) keep(d *draft) (*state, error) {
	if err := commit(d.temp, d.path, 0o640); err != nil {
		return nil, err
	}
	return l.open(state{label: d.label, path: d.path})
}

// discard removes the draft, unless it is in force.
func (d *draft) discard() { discard(d.temp) }

// read parses the content of a source at path, whose hash is known, beside the state in force, which may be nil. An
// error that is no *endError is the list's fault. No source is read in part.
func (l *Library) read(ctx context.Context, s Source, path, content string, before *state) (d *draft, err error) {
	found, err := s.directories(path, l.lists)
	if err != nil {
		return nil, err
	}
	stamp, err := l.stampOf(s, path)
	if err != nil {
		return nil, err
	}
	plan := s.planFor(found, l.lists)
	w := blocklists.NewParsedWriter(l.config.Dir)
	defer w.Close()
	report, err := ParsePath(path, s.Format, plan.options, collector(ctx, w))
	if err == nil {
		err = usable(s, report)
	}
	if err != nil {
		return nil, err
	}
	d = &draft{label: label{Generation: 1, Name: s.Name, origin: s.origin(),
		Content: content, Stamp: stamp, Reading: s.reading(l.lists), Directories: found, Wanted: plan.wanted(), Parsed: l.config.Now().UTC(), Report: report}}
	return d, l.write(ctx, w, d, before)
}

// write writes the draft's file.
func (l *Library) write(ctx context.Context, w *blocklists.ParsedWriter, d *draft, before *state) error {
	slots := l.slots(d.label.Name)
	d.path = slots[0]
	var previous *blocklists.Parsed
	if before != nil {
		d.label.Generation = before.Generation + 1
		if before.path == slots[0] {
			d.path = slots[1]
		}
		if before.URL == d.label.URL && before.Path == d.label.Path && before.Zone == d.label.Zone {
			previous = before.Parsed
		}
	}
	text, err := json.Marshal(d.label)
	if err != nil {
		return &endError{err}
	}
	if d.temp, err = createTemp(d.path); err != nil {
		return &endError{err}
	}
	d.diff, err = w.Finish(ctx, d.temp, previous, blocklists.DayOf(l.config.Now()), text)
	if err == nil {
		return nil
	}
	d.discard()
	if errors.Is(err, blocklists.ErrParsedLimit) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return &endError{err}
}

// collector returns an emit that puts what a list says into w.
func collector(ctx context.Context, w *blocklists.ParsedWriter) func(Item) error {
	n := 0
	return func(i Item) error {
		if n++; n&4095 == 0 && ctx.Err() != nil {
			return &endError{context.Cause(ctx)}
		}
		err := i.keep(w)
		if err == nil || errors.Is(err, blocklists.ErrParsedLimit) || errors.Is(err, blocklists.ErrPatternLimit) {
			return err
		}
		return &endError{err}
	}
}

// stampOf is the stamp by which unchanged content is known without reading it; "" where a change might not show in it:
// files of others that have changed within the last two seconds, the coarsest time that file systems keep.
func (l *Library) stampOf(s Source, path string) (string, error) {
	now, err := stat(path)
	if s.Path != "" && time.Since(now.changed) < 2*time.Second {
		return "", err
	}
	return now.stamp, err
}

// parsedName is what parsed files are called, and those of no other kind.
var parsedName = regexp.MustCompile(`^[0-9a-f]{32}\.[ab]\.parsed$`)

// forget removes the parsed files of sources that are not configured any more.
func (l *Library) forget() {
	wanted := make(map[string]bool)
	for _, s := range l.lists.Sources {
		for _, path := range l.slots(s.Name) {
			wanted[filepath.Base(path)] = true
		}
	}
	entries, err := os.ReadDir(l.folder())
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(l.folder(), e.Name())
		if wanted[e.Name()] || !parsedName.MatchString(e.Name()) {
			continue
		}
		if _, err := blocklists.ParsedLabel(path); err == nil {
			_ = os.Remove(path) // only tidiness
		}
	}
}
