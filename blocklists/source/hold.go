package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// heldCopy is a version of a list that waits for the operator. There is at most one of a source, the newest.
type heldCopy struct {
	Record kept      `json:"record"` // as it will be when it is in force
	Why    string    `json:"why"`
	Hits   []string  `json:"hits,omitempty"` // names that it newly hits, the first shownHits
	Since  time.Time `json:"since"`
}

// Hold says why a newer version of a list waits for Accept.
type Hold struct {
	Why   string    `json:"why"`
	Hits  []string  `json:"hits,omitempty"` // names that it hits and the last good version did not: the first 20
	Names int       `json:"names"`          // entries that it would have
	Since time.Time `json:"since"`          // when this version first came
}

// heldError is why a candidate is not put in force without being asked for.
type heldError struct {
	source  string
	reasons []string
	hits    []string
}

func (e *heldError) Error() string {
	return strings.Join(e.reasons, "; ") + "; if that is right, run hearth lists accept " + e.source
}

const (
	// Below these a change is that of a few rows, whatever the share of the list.
	leastShrink = 10
	leastGrowth = 100
	shownHits   = 20
)

// drift says why a list that had before names and has after ones has changed too much at once; "" where it has not.
func (g Guards) drift(before, after int) string {
	lost, won := before-after, after-before
	switch {
	case lost >= leastShrink && lost*100 > before*g.Shrink:
		return fmt.Sprintf("only %d names, the last good list has %d: %d %% less, and the limit is %d %%", after, before, lost*100/before, g.Shrink)
	case before > 0 && won >= leastGrowth && won*100 > before*g.Growth:
		return fmt.Sprintf("%d names, the last good list has %d: %d %% more, and the limit is %d %%", after, before, won*100/before, g.Growth)
	}
	return ""
}

// driftOf says why a list has changed too much at once: in what it names, whatever it repeats, or in what it lists, where
// names became exceptions; "" where it has not.
func (g Guards) driftOf(d blocklists.Diff) string {
	if why := g.drift(d.Named.Before, d.Named.After); why != "" {
		return why
	}
	if why := g.drift(d.Listed.Before, d.Listed.After); why != "" {
		return "of what is no exception " + why
	}
	return ""
}

func (l *Library) candidatePath(name string) string {
	return filepath.Join(l.folder(), fileStem(name)+".held")
}

// hold keeps a candidate beside the last good copy, whose record it returns.
func (l *Library) hold(s Source, old kept, c candidate, why *heldError) (kept, error) {
	now := &heldCopy{Record: c.record, Why: why.Error(), Hits: why.hits, Since: l.config.Now().UTC()}
	if old.Held != nil && old.Held.Record.SHA256 == c.record.SHA256 {
		now.Since = old.Held.Since
	} else {
		l.config.Log.Warn("a new version of a list is held back, the last good copy stays", "list", s.Name, "why", now.Why,
			"names", c.record.Names, "before", old.Names)
	}
	if c.temp != nil {
		if err := commit(c.temp, l.candidatePath(s.Name), 0o640); err != nil {
			return old, fmt.Errorf("keeping what is held back: %w", err)
		}
	}
	old.Held = now
	return old, nil
}

// isHeld reports whether a newer version of a source waits for Accept.
func (l *Library) isHeld(s Source, k kept) bool {
	if !s.isLegal() {
		return k.Held != nil
	}
	_, err := os.Stat(l.heldRecordPath(s.Name))
	return err == nil
}

// hold is what is shown of a record's held copy.
func (k *kept) hold() *Hold {
	if k.Held == nil {
		return nil
	}
	return &Hold{Why: k.Held.Why, Hits: k.Held.Hits, Names: k.Held.Record.Names, Since: k.Held.Since}
}

// waitingError is why content is not in force that waits for Accept.
type waitingError struct{ why string }

func (e *waitingError) Error() string { return e.why }

// notInForce says why the content with this hash was judged and not put in force.
func (k *kept) notInForce(hash string) error {
	switch {
	case k.Held != nil && k.Held.Record.SHA256 == hash:
		return &waitingError{k.Held.Why}
	case k.LastError != "":
		return errors.New(k.LastError)
	}
	return errors.New("it is being changed")
}

// dropCandidate removes what was held of a source: something newer is in force, or the origin has withdrawn it. Without a
// record it is nothing but bytes, so an error does no harm.
func (l *Library) dropCandidate(name string) { _ = os.Remove(l.candidatePath(name)) }

// Accept puts the version of a list that is held back in force, as the operator wants it; what is in an index takes
// a Compile. Errors say what is to be done: there is no such list, nothing is held, or it is not there any more.
func (l *Library) Accept(ctx context.Context, name string) (Result, error) {
	if !slices.Contains(l.names(), name) {
		return Result{}, fmt.Errorf("no list is named %q: the configured lists are %s", name, quoted(l.names()))
	}
	l.work.Lock()
	defer l.work.Unlock()
	l.readAll()
	old := l.recall(name)
	if l.hasLegal(name) {
		err := l.acceptLegal(name)
		return Result{Source: name, Status: Updated, Names: l.recall(name).Names, Before: old.Names}, err
	}
	s := l.lists.Sources[slices.IndexFunc(l.lists.Sources, func(s Source) bool { return s.Name == name })]
	switch {
	case old.Held == nil:
		return Result{}, fmt.Errorf("no version of the list %q is held back: hearth lists stats shows which are", name)
	case !old.Held.Record.sameOrigin(s):
		return Result{}, fmt.Errorf("what is held of the list %q came from elsewhere: run hearth lists update %s", name, name)
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	}
	start := time.Now()
	fresh, diff, err := l.accept(ctx, s, old)
	if err != nil {
		return Result{}, fmt.Errorf("accepting list %s: %w", name, err)
	}
	l.config.Log.Info("a list that was held back is accepted", "list", name, "names", fresh.Names, "before", old.Names)
	l.remember(fresh)
	return Result{Source: name, Status: Updated, Names: fresh.Names, Before: old.Names, Popular: fresh.Popular,
		Diff: &diff, Rejected: fresh.Rejected, Bytes: fresh.Bytes, Took: time.Since(start)}, l.writeKept(fresh)
}

// accept moves the held content to where the good one lies, and what it says with it.
func (l *Library) accept(ctx context.Context, s Source, old kept) (fresh kept, diff blocklists.Diff, err error) {
	fresh = old.Held.Record
	from := s.Path
	if from == "" {
		from = l.candidatePath(s.Name)
	}
	hash, err := digest(from)
	if err != nil || hash != fresh.SHA256 {
		return old, diff, errors.Join(errors.New("the list is no longer the one that was held back: run hearth lists update, and look at what it says"), err)
	}
	before := l.current(s.Name)
	defer before.close()
	c := candidate{record: fresh}
	c.draft, err = l.read(ctx, s, from, hash, before)
	if err != nil {
		return old, diff, err
	}
	defer c.discard()
	if s.Path == "" {
		if err := rename(from, l.listPath(s.Name)); err != nil {
			return old, diff, err
		}
	}
	fresh.count(c.draft.label.Report)
	fresh.Asked, fresh.Checked, fresh.Confirmed = old.Asked, old.Checked, old.Checked
	return fresh, c.draft.diff, l.install(s, c)
}
